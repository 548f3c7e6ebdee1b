"""The units' queues, the tokens between them and the code FIFO: which orders are legal and what is ordered before what.

Each unit executes its instructions in program order. A token from unit a to unit b is a count: the k-th instruction
of b that waits for a starts after the k-th instruction of a that signals b is done. The k-th lookup from the code
FIFO takes the codes of the k-th encode to it; codes that go through the activation buffer are ordered by tokens alone.

A program is executed again and again. Its instructions are numbered through all executions as *steps*: step
e * len(instructions) + i is instruction i of execution e. ``credits`` are the tokens that are there at the start.

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
from pqc.isa.records import Credits

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
    """The state of all queues while a program is executed some times in a row, step by step.

    ``rendezvous``: the code FIFO holds nothing (see above); otherwise it holds any number of codes.
    """

    instructions: Sequence[Instruction]
    credits: Credits = ()
    executions: int = 1
    rendezvous: bool = False
    tokens: dict[tuple[Unit, Unit], int] = field(init=False)
    codes: int = 0
    unfinished_encode: int | None = None
    waiting: dict[Unit, deque[int]] = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = {(a, b): 0 for a in UNITS for b in UNITS}
        self.tokens |= {(a, b): count for a, b, count in self.credits}
        self.waiting = {unit: deque() for unit in UNITS}
        for step in range(self.executions * len(self.instructions)):
            self.waiting[self.instruction(step).unit].append(step)

    def instruction(self, step: int) -> Instruction:
        """The instruction of a step."""
        return self.instructions[step % len(self.instructions)]

    def obstacle(self, step: int) -> str | None:
        """What the step at the head of its queue waits for, in words; None: it can start."""
        instruction = self.instruction(step)
        for source in members(instruction.wait):
            if not self.tokens[source, instruction.unit]:
                return f"waits for a token from {source.name.lower()}"
        if takes_from_fifo(instruction) and not self.codes:
            return "waits for codes"
        if instruction.unit is Unit.ENCODE and self.unfinished_encode is not None:
            return f"waits for the lookup that takes the codes of instruction {self.unfinished_encode}"
        return None

    def ready(self) -> list[int]:
        """The steps that can start now, in program order."""
        heads = (queue[0] for queue in self.waiting.values() if queue)
        return sorted(step for step in heads if self.obstacle(step) is None)

    def step(self, step: int) -> None:
        """Execute the step at the head of its queue; it must be able to start."""
        instruction = self.instruction(step)
        self.waiting[instruction.unit].popleft()
        for source in members(instruction.wait):
            self.tokens[source, instruction.unit] -= 1
        if sends_to_fifo(instruction):
            self.codes += 1
            if self.rendezvous:
                self.unfinished_encode = step
                return
        if takes_from_fifo(instruction):
            self.codes -= 1
            if self.unfinished_encode is not None:
                self._signal(self.instruction(self.unfinished_encode))
                self.unfinished_encode = None
        self._signal(instruction)

    def _signal(self, instruction: Instruction) -> None:
        for destination in members(instruction.signal):
            self.tokens[instruction.unit, destination] += 1

    def blocked(self) -> list[tuple[int, str]]:
        """The heads of the queues that are not empty, each with what it waits for."""
        heads = sorted(queue[0] for queue in self.waiting.values() if queue)
        return [(step, self.obstacle(step) or "can start") for step in heads]


def execute_queues(queues: Queues, choose: Callable[[list[int]], int]) -> list[int]:
    """Execute until nothing can start, taking ``choose(ready)`` each time; the steps in that order."""
    order: list[int] = []
    while ready := queues.ready():
        step = choose(ready)
        queues.step(step)
        order.append(step)
    return order


def first(ready: list[int]) -> int:
    """The choice that follows program order wherever program order is legal."""
    return ready[0]


def program_order(instructions: Sequence[Instruction], nodes: Sequence[str], credits: Credits = ()) -> list[int]:
    """The legal order of one execution next to program order, of a program that never deadlocks.

    One execution is enough to know it of any number: it starts with the credits and ends with as many, and whatever
    the order, the queues of all executions end where one execution after the other ends.

    Raises:
        ProgramError: a deadlock, naming the head of every queue that is stuck; or tokens that an execution takes and
            does not give back, or the other way round.
    """
    queues = Queues(instructions, credits, rendezvous=True)
    execute_queues(queues, first)
    if stuck := queues.blocked():
        heads = "; ".join(f"{describe(index, instructions[index], nodes[index])} {why}" for index, why in stuck)
        raise ProgramError(f"deadlock: {heads}")
    at_start = {(source, destination): count for source, destination, count in credits}
    for (source, destination), left in queues.tokens.items():
        _check_balance(instructions, nodes, (source, destination), at_start.get((source, destination), 0), left)
    return execute_queues(Queues(instructions, credits), first)


def _check_balance(
    instructions: Sequence[Instruction], nodes: Sequence[str], pair: tuple[Unit, Unit], credit: int, left: int
) -> None:
    """Check that an execution leaves as many tokens as it finds, and takes all that it finds."""
    source, destination = pair
    sends = [i for i, x in enumerate(instructions) if x.unit is source and x.signal >> destination & 1]
    takes = [i for i, x in enumerate(instructions) if x.unit is destination and x.wait >> source & 1]
    if left > credit:
        name = describe(sends[-1], instructions[sends[-1]], nodes[sends[-1]])
        raise ProgramError(f"{name}: its token to {destination.name.lower()} is never taken")
    if left < credit:
        name = describe(takes[-1], instructions[takes[-1]], nodes[takes[-1]])
        raise ProgramError(
            f"{name}: takes a token from {source.name.lower()} that no instruction gives back to the next execution"
        )
    if credit > len(takes):
        raise ProgramError(
            f"{credit} tokens from {source.name.lower()} to {destination.name.lower()} are there at the start, "
            f"of which an execution takes {len(takes)}"
        )


def executions_of(instructions: Sequence[Instruction], order: Sequence[int]) -> int:
    """How many executions an order of steps covers.

    Raises:
        ProgramError: it does not name each step of a whole number of them once.
    """
    executions = max(1, len(order) // max(1, len(instructions)))
    steps = executions * len(instructions)
    if sorted(order) != list(range(steps)):
        times = f" of {executions} executions" if executions > 1 else ""
        raise ProgramError(f"the order given does not name each of the {steps} instructions{times} once")
    return executions


def check_order(instructions: Sequence[Instruction], order: Sequence[int], credits: Credits = ()) -> int:
    """Check that ``order`` takes each step of some executions once, each when it can start; how many executions.

    Raises:
        ProgramError: naming the first step that cannot start there.
    """
    executions = executions_of(instructions, order)
    queues = Queues(instructions, credits, executions)
    for step in order:
        instruction = queues.instruction(step)
        execution, index = divmod(step, len(instructions))
        name = f"instruction {index} ({instruction.mnemonic})" + (f" of execution {execution}" if execution else "")
        if queues.waiting[instruction.unit][0] != step:
            raise ProgramError(f"{name} stands before an earlier one of its unit")
        if (why := queues.obstacle(step)) is not None:
            raise ProgramError(f"{name} still {why} in the order given")
        queues.step(step)
    return executions


@dataclass(frozen=True)
class Clocks:
    """What is done before each step starts.

    ``start`` [steps, units]: how many steps of each unit's queue are done when the step starts;
    ``position`` [steps]: its own place in its unit's queue, from 1.
    """

    start: npt.NDArray[np.int32]
    position: npt.NDArray[np.int32]


def clocks(instructions: Sequence[Instruction], order: Sequence[int], credits: Credits = ()) -> Clocks:
    """Vector clocks of some executions, from any legal ``order`` of their steps (every legal order gives the same).

    A lookup follows its encode column by column: when it starts, all is done that was done when the encode started;
    when it is done, so is the encode.
    """
    start = np.zeros((len(order), len(UNITS)), np.int32)
    end = np.zeros((len(order), len(UNITS)), np.int32)
    position = np.zeros(len(order), np.int32)
    last: dict[Unit, int] = {}
    # what a credit stands for was done before the start: nothing that is counted here
    sent: dict[tuple[Unit, Unit], deque[int | None]] = {(a, b): deque() for a in UNITS for b in UNITS}
    for source, destination, count in credits:
        sent[source, destination].extend([None] * count)
    encodes: deque[int] = deque()
    for step in order:
        instruction = instructions[step % len(instructions)]
        unit, begin = instruction.unit, start[step]
        if unit in last:
            np.maximum(begin, end[last[unit]], out=begin)
            position[step] = position[last[unit]]
        position[step] += 1
        for source in members(instruction.wait):
            if (sender := sent[source, unit].popleft()) is not None:
                np.maximum(begin, end[sender], out=begin)
        end[step] = begin
        if sends_to_fifo(instruction):
            encodes.append(step)
        if takes_from_fifo(instruction):
            encode = encodes.popleft()
            np.maximum(begin, start[encode], out=begin)
            np.maximum(begin, end[encode], out=end[step])
        end[step, unit] = position[step]
        for destination in members(instruction.signal):
            sent[unit, destination].append(step)
        last[unit] = step
    return Clocks(start, position)
