"""The units' queues, the tokens between them and the code FIFO: which orders are legal and what is ordered before what.

Each unit executes its instructions in program order. A token from unit a to unit b is a count: the k-th instruction
of b that waits for a starts after the k-th instruction of a that signals b is done. The k-th lookup from the code
FIFO takes the codes of the k-th encode to it; codes that go through the activation buffer are ordered by tokens alone.

The depth of the code FIFO is no part of a program, so each question is asked for the depth that makes it hardest:
a legal order lets encodes run ahead without limit, while a program may only count as free of deadlock if it also ends
on a FIFO that holds nothing, where an encode can finish only once its lookup has started.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pqc.errors import ProgramError
from pqc.isa.fields import Instruction, Unit
from pqc.isa.fifo import sends_to_fifo, takes_from_fifo

UNITS = tuple(Unit)
"""All units, in the order of their numbers."""


def describe(index: int, instruction: Instruction, node: str) -> str:
    """How messages name an instruction."""
    return f'instruction {index} ({instruction.mnemonic}, node "{node}")'


def members(mask: int) -> tuple[Unit, ...]:
    """The units whose bits are set in ``mask``."""
    return tuple(unit for unit in UNITS if mask >> unit & 1)


@dataclass
class Queues:
    """The state of all queues while a program executes, instruction by instruction.

    ``rendezvous``: the code FIFO holds nothing (see above); otherwise it holds any number of codes.
    """

    instructions: Sequence[Instruction]
    rendezvous: bool = False
    tokens: dict[tuple[Unit, Unit], int] = field(default_factory=lambda: {(a, b): 0 for a in UNITS for b in UNITS})
    codes: int = 0
    unfinished_encode: int | None = None
    waiting: dict[Unit, deque[int]] = field(init=False)

    def __post_init__(self) -> None:
        self.waiting = {unit: deque() for unit in UNITS}
        for index, instruction in enumerate(self.instructions):
            self.waiting[instruction.unit].append(index)

    def obstacle(self, index: int) -> str | None:
        """What the instruction at the head of its queue waits for, in words; None: it can start."""
        instruction = self.instructions[index]
        for source in members(instruction.wait):
            if not self.tokens[source, instruction.unit]:
                return f"waits for a token from {source.name.lower()}"
        if takes_from_fifo(instruction) and not self.codes:
            return "waits for codes"
        if instruction.unit is Unit.ENCODE and self.unfinished_encode is not None:
            return f"waits for the lookup that takes the codes of instruction {self.unfinished_encode}"
        return None

    def ready(self) -> list[int]:
        """The instructions that can start now, in program order."""
        heads = (queue[0] for queue in self.waiting.values() if queue)
        return sorted(index for index in heads if self.obstacle(index) is None)

    def step(self, index: int) -> None:
        """Execute the instruction at the head of its queue; it must be able to start."""
        instruction = self.instructions[index]
        self.waiting[instruction.unit].popleft()
        for source in members(instruction.wait):
            self.tokens[source, instruction.unit] -= 1
        if sends_to_fifo(instruction):
            self.codes += 1
            if self.rendezvous:
                self.unfinished_encode = index
                return
        if takes_from_fifo(instruction):
            self.codes -= 1
            if self.unfinished_encode is not None:
                self._signal(self.instructions[self.unfinished_encode])
                self.unfinished_encode = None
        self._signal(instruction)

    def _signal(self, instruction: Instruction) -> None:
        for destination in members(instruction.signal):
            self.tokens[instruction.unit, destination] += 1

    def blocked(self) -> list[tuple[int, str]]:
        """The heads of the queues that are not empty, each with what it waits for."""
        heads = sorted(queue[0] for queue in self.waiting.values() if queue)
        return [(index, self.obstacle(index) or "can start") for index in heads]


def execute_queues(queues: Queues, choose: Callable[[list[int]], int]) -> list[int]:
    """Execute until nothing can start, taking ``choose(ready)`` each time; the instructions in that order."""
    order: list[int] = []
    while ready := queues.ready():
        index = choose(ready)
        queues.step(index)
        order.append(index)
    return order


def first(ready: list[int]) -> int:
    """The choice that follows program order wherever program order is legal."""
    return ready[0]


def program_order(instructions: Sequence[Instruction], nodes: Sequence[str]) -> list[int]:
    """The legal order next to program order, of a program that cannot deadlock and uses up all its tokens.

    Raises:
        ProgramError: a deadlock, naming the head of every queue that is stuck; or a token that nobody takes.
    """
    queues = Queues(instructions, rendezvous=True)
    execute_queues(queues, first)
    if stuck := queues.blocked():
        heads = "; ".join(f"{describe(index, instructions[index], nodes[index])} {why}" for index, why in stuck)
        raise ProgramError(f"deadlock: {heads}")
    for (source, destination), left in queues.tokens.items():
        if left:
            index = max(i for i, x in enumerate(instructions) if x.unit is source and x.signal >> destination & 1)
            name = describe(index, instructions[index], nodes[index])
            raise ProgramError(f"{name}: its token to {destination.name.lower()} is never taken")
    return execute_queues(Queues(instructions), first)


def check_order(instructions: Sequence[Instruction], order: Sequence[int]) -> None:
    """Check that ``order`` executes every instruction once, each when it can start.

    Raises:
        ProgramError: naming the first instruction that cannot start there.
    """
    if sorted(order) != list(range(len(instructions))):
        raise ProgramError(f"the order given does not name each of the {len(instructions)} instructions once")
    queues = Queues(instructions)
    for index in order:
        instruction = instructions[index]
        if queues.waiting[instruction.unit][0] != index:
            raise ProgramError(f"instruction {index} ({instruction.mnemonic}) stands before an earlier one of its unit")
        if (why := queues.obstacle(index)) is not None:
            raise ProgramError(f"instruction {index} ({instruction.mnemonic}) still {why} in the order given")
        queues.step(index)


@dataclass(frozen=True)
class Clocks:
    """What is done before each instruction starts.

    ``start`` [instructions, units]: how many instructions of each unit's queue are done when the instruction starts;
    ``position`` [instructions]: its own place in its unit's queue, from 1.
    """

    start: npt.NDArray[np.int32]
    position: npt.NDArray[np.int32]


def clocks(instructions: Sequence[Instruction], order: Sequence[int]) -> Clocks:
    """Vector clocks of a program, from any legal ``order`` of it (every legal order gives the same).

    A lookup follows its encode column by column: when it starts, all is done that was done when the encode started;
    when it is done, so is the encode.
    """
    count, units = len(instructions), len(UNITS)
    start = np.zeros((count, units), np.int32)
    end = np.zeros((count, units), np.int32)
    position = np.zeros(count, np.int32)
    last: dict[Unit, int] = {}
    sent: dict[tuple[Unit, Unit], deque[int]] = {(a, b): deque() for a in UNITS for b in UNITS}
    encodes: deque[int] = deque()
    for index in order:
        unit = instructions[index].unit
        begin = start[index]
        if unit in last:
            np.maximum(begin, end[last[unit]], out=begin)
            position[index] = position[last[unit]]
        position[index] += 1
        for source in members(instructions[index].wait):
            np.maximum(begin, end[sent[source, unit].popleft()], out=begin)
        end[index] = begin
        if sends_to_fifo(instructions[index]):
            encodes.append(index)
        if takes_from_fifo(instructions[index]):
            encode = encodes.popleft()
            np.maximum(begin, start[encode], out=begin)
            np.maximum(begin, end[encode], out=end[index])
        end[index, unit] = position[index]
        for destination in members(instructions[index].signal):
            sent[unit, destination].append(index)
        last[unit] = index
    return Clocks(start, position)
