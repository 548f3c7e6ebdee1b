"""Which instructions must wait for which, from the bytes they touch.

A program is executed again and again. On-chip memories are the same for all executions, so an instruction may have to
wait for one of the execution before; DRAM behind the constants belongs to one execution, and nobody writes constants.

Every execution touches the same bytes. So whoever touched a byte last did so in this execution or in the one before,
and what an instruction knows to be done in either follows from the tokens of those two alone: the waits of the second
execution are those of every later one, and the first one only lacks those for the execution before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pqc.errors import ModelError
from pqc.isa.access import Access, accesses
from pqc.isa.fields import Instruction, Memory, Unit
from pqc.isa.fifo import sends_to_fifo, takes_from_fifo
from pqc.isa.shadow import Shadow

NOBODY = -1


@dataclass(frozen=True)
class Wait:
    """A token from instruction ``source``, of ``distance`` executions before: 0 is the same one, 1 the one before."""

    distance: int
    source: int


def stream_waits(instructions: Sequence[Instruction], accumulator_bits: int) -> list[list[Wait]]:
    """For each instruction the tokens it must wait for, in the order in which they are sent.

    Queues keep their own order and a lookup follows its encode through the FIFO, so neither needs a token; nor does
    what another wait implies. The tokens between two units arrive in the order in which they are taken.

    Args:
        instructions: one execution in program order, every encode in front of its lookup, and as many of one as of
            the other.
        accumulator_bits: width of the lookup unit's accumulators.

    Raises:
        ModelError: a lookup takes codes from the FIFO that no encode in front of it sends.
    """
    _require_codes(instructions)
    walk = _Walk(instructions, accumulator_bits)
    walk.execute()
    return [[walk.wait(source) for source in sources] for sources in walk.execute()]


def _require_codes(instructions: Sequence[Instruction]) -> None:
    waiting = 0
    for index, instruction in enumerate(instructions):
        waiting += sends_to_fifo(instruction) - takes_from_fifo(instruction)
        if waiting < 0:
            raise ModelError(f"instruction {index} takes codes from the FIFO that no encode in front of it sends")


class _Walk:
    """The executions one after the other, each in program order; steps are numbered through all of them."""

    def __init__(self, instructions: Sequence[Instruction], accumulator_bits: int) -> None:
        self._instructions = instructions
        self._accesses = [accesses(instruction, accumulator_bits) for instruction in instructions]
        self._shadows = _shadows(access for touched in self._accesses for access in touched)
        self._known: list[list[int]] = []
        self._last_on_unit = [NOBODY] * len(Unit)
        self._encodes: list[int] = []
        self._known_before_encode: list[list[int]] = []
        self._lookups = 0

    def execute(self) -> list[list[int]]:
        """Execute once more: for each instruction the steps it waits for, ascending."""
        if Memory.DRAM in self._shadows:
            self._shadows[Memory.DRAM].forget()
        return [self._step(index) for index in range(len(self._instructions))]

    def wait(self, step: int) -> Wait:
        """``step`` as the execution under way, or the one just executed, sees it."""
        current = (len(self._known) - 1) // len(self._instructions)
        execution, index = divmod(step, len(self._instructions))
        return Wait(current - execution, index)

    def _unit(self, step: int) -> Unit:
        return self._instructions[step % len(self._instructions)].unit

    def _step(self, index: int) -> list[int]:
        step, instruction = len(self._known), self._instructions[index]
        before = self._touch(step, self._accesses[index])
        known = self._implied(instruction)
        waits: list[int] = []
        for one in sorted(before, reverse=True):
            if known[self._unit(one)] < one:
                waits.append(one)
                known = _merge(known, self._known[one])
        if sends_to_fifo(instruction):
            self._encodes.append(step)
            self._known_before_encode.append(list(known))
        known[instruction.unit] = step
        self._known.append(self._known_behind(instruction, known))
        self._last_on_unit[instruction.unit] = step
        return waits[::-1]

    def _touch(self, step: int, touched: Sequence[Access]) -> set[int]:
        """Record the accesses of a step; the latest step of each other unit with which they conflict."""
        unit = self._unit(step)
        inside = [access for access in touched if self._may_conflict(access)]
        rivals = [rival for access in inside for rival in self._shadows[access.memory].rivals(access, unit)]
        for access in inside:
            self._shadows[access.memory].record(access, unit, step + 1)
        return {rival.stamp - 1 for rival in rivals}

    def _may_conflict(self, access: Access) -> bool:
        shadow = self._shadows.get(access.memory)
        return shadow is not None and shadow.base <= access.address and access.end <= shadow.end

    def _implied(self, instruction: Instruction) -> list[int]:
        """For each unit the last step known to be done before this one starts, without any token."""
        previous = self._last_on_unit[instruction.unit]
        known = [NOBODY] * len(Unit) if previous == NOBODY else list(self._known[previous])
        if takes_from_fifo(instruction):
            # a lookup starts while its encode is still at work: what came before the encode is done, the encode is not
            known = _merge(known, self._known_before_encode[self._lookups])
            self._lookups += 1
        return known

    def _known_behind(self, instruction: Instruction, known: list[int]) -> list[int]:
        """The same once it is done: a lookup that has taken all codes has outlived its encode."""
        if not takes_from_fifo(instruction):
            return known
        behind = list(known)
        behind[Unit.ENCODE] = max(known[Unit.ENCODE], self._encodes[self._lookups - 1])
        return behind


def _shadows(touched: Iterable[Access]) -> dict[Memory, Shadow]:
    """For each memory that is written a shadow of all accesses to where it is written: elsewhere nothing conflicts."""
    every: dict[Memory, list[Access]] = {}
    for access in touched:
        if access.size:
            every.setdefault(access.memory, []).append(access)
    shadows: dict[Memory, Shadow] = {}
    for memory, found in every.items():
        written = [access for access in found if access.written]
        if not written:
            continue
        low, high = min(access.address for access in written), max(access.end for access in written)
        near = [access for access in found if access.end > low and access.address < high]
        base = min(access.address for access in near)
        shadows[memory] = Shadow(base, max(access.end for access in near) - base)
    return shadows


def _merge(first: Sequence[int], second: Sequence[int]) -> list[int]:
    return [max(a, b) for a, b in zip(first, second, strict=True)]
