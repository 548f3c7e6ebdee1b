"""The static check of a whole program, without data: what the machine would otherwise have to trap while it runs.

All control is known before the first input arrives, so one pass over the instructions decides everything: ranges,
bytes read that nobody wrote, constants overwritten, codes without a lookup, tokens, deadlock, and races.

Two accesses to the same byte, one of them a write, race unless the first instruction is done before the second one
starts in *every* order the units may take. A shadow of each memory keeps, per byte and unit, the last access; vector
clocks (:mod:`pqc.interpreter.queues`) say what is done when an instruction starts.

A program is executed again and again, and two executions decide for any number of them:

* On-chip memories are shared, and each execution touches the same bytes. What an instruction conflicts with, last of
  each unit, is in its own execution or the one before; what came earlier is ordered behind the same unit's queue.
* No token and no code goes to an earlier execution. So whether two instructions of neighbouring executions are ordered
  depends on the tokens of these two executions alone, and those are the same for every pair of neighbours.
* A byte that the first execution has written before it reads it, each execution writes before it reads it. So the
  executions depend on nothing but their own inputs, and what nobody writes shows in the first one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pqc.errors import ProgramError
from pqc.interpreter.queues import Clocks, clocks, describe, program_order
from pqc.interpreter.sanity import complaints
from pqc.isa.access import Access, accesses
from pqc.isa.fields import EncodingError, Instruction, Memory
from pqc.isa.fifo import sends_to_fifo, takes_from_fifo
from pqc.isa.instructions import Load
from pqc.isa.legality import clash
from pqc.isa.program import Program
from pqc.isa.records import Tensor
from pqc.isa.shadow import Rival, Shadow
from pqc.planning.target import Target


def check_program(program: Program, target: Target) -> list[int]:
    """Check everything; the legal execution order next to program order.

    Raises:
        ProgramError: one sentence that names the instruction, its mnemonic and its node.
    """
    try:
        program.check()
    except EncodingError as error:
        raise ProgramError(f"the program contradicts itself: {error}") from None
    checker = _Checker(program, target)
    checker.check_instructions()
    checker.check_codes()
    order = program_order(program.instructions, program.nodes, program.credits)
    checker.check_written(order)
    checker.check_races(order)
    return order


class _Checker:
    """One program under check."""

    def __init__(self, program: Program, target: Target) -> None:
        self.program = program
        self.target = target
        self.constants = len(program.constants)
        self.touched: list[tuple[Access, ...]] = []
        sizes = {memory: target.buffer_bytes(memory) for memory in Memory if memory is not Memory.DRAM}
        self.shadows = {memory: Shadow(0, size) for memory, size in sizes.items()}
        self.shadows[Memory.DRAM] = Shadow(self.constants, program.dram_bytes - self.constants)
        self.written = {memory: np.zeros(shadow.size, np.bool_) for memory, shadow in self.shadows.items()}

    def fail(self, index: int, what: str) -> ProgramError:
        return ProgramError(f"{self.name(index)}: {what}")

    def name(self, index: int) -> str:
        return describe(index, self.program.instructions[index], self.program.nodes[index])

    def check_instructions(self) -> None:
        """Each instruction by itself: its fields, and where its accesses end."""
        for index, instruction in enumerate(self.program.instructions):
            for complaint in complaints(instruction, self.target):
                raise self.fail(index, complaint)
            touched = accesses(instruction, self.target.accumulator_bits)
            self.touched.append(touched)
            for access in touched:
                self._check_range(index, access)
            self._check_in_place(index, instruction, touched)
            if isinstance(instruction, Load) and instruction.buffer in (Memory.CODEBOOK, Memory.TABLE):
                self._check_constant_source(index, instruction, touched[0])

    def _check_range(self, index: int, access: Access) -> None:
        where = f"{access.memory.name.lower()} bytes [{access.address}, {access.end})"
        verb = "writes" if access.written else "reads"
        limit = self.shadows[access.memory].end
        if access.end > limit:
            raise self.fail(index, f"{access.field}: {verb} {where}, the memory has {limit}")
        if access.memory is Memory.DRAM and access.address < self.constants:
            if access.written:
                raise self.fail(index, f"writes {where}, of which [0, {self.constants}) are constants")
            if access.end > self.constants:
                raise self.fail(index, f"reads {where}, across the end of the constants at {self.constants}")
        if access.written and access.overlaps_itself:
            raise self.fail(index, f"{access.field}: writes some of the {where} twice")

    def _check_in_place(self, index: int, instruction: Instruction, touched: Sequence[Access]) -> None:
        """Element by element an instruction may overwrite what it reads; shifted against it, it may not."""
        written = touched[-1]
        for read in touched[:-1]:
            if clash(instruction, read, written):
                where = f"[{read.address}, {read.end}) and writes [{written.address}, {written.end})"
                raise self.fail(index, f"reads {written.memory.name.lower()} bytes {where}, which overlap")

    def _check_constant_source(self, index: int, instruction: Load, source: Access) -> None:
        if source.end > self.constants:
            where = f"[{source.address}, {source.end})"
            buffer = instruction.buffer.name.lower()
            raise self.fail(index, f"fills the {buffer} buffer from dram bytes {where}, which are no constants")

    def check_codes(self) -> None:
        """Every encode to the FIFO has its lookup, and they agree."""
        every = list(enumerate(self.program.instructions))
        encodes = [(index, one) for index, one in every if sends_to_fifo(one)]
        lookups = [(index, one) for index, one in every if takes_from_fifo(one)]
        for (sender, encode), (index, lookup) in zip(encodes, lookups, strict=False):
            for name in ("output_rows", "output_columns", "subspaces", "prototypes"):
                taken, sent = getattr(lookup, name), getattr(encode, name)
                if taken != sent:
                    raise self.fail(index, f"{name} = {taken}, the codes come from {self.name(sender)} with {sent}")
        if len(encodes) > len(lookups):
            raise self.fail(encodes[len(lookups)][0], "no lookup takes its codes")
        if len(lookups) > len(encodes):
            raise self.fail(lookups[len(encodes)][0], "no encode sends its codes")

    def check_written(self, order: Sequence[int]) -> None:
        """In the first execution: bytes that are read and nobody wrote, outputs that are not complete."""
        for tensor in self.program.inputs:
            self._mark(self._tensor_access(tensor))
        for index in order:
            for access in self._variable(index):
                if access.written:
                    self._mark(access)
                elif not (written := self._view(access)).all():
                    raise self.fail(index, f"reads {_extent(access, ~written)} that nothing wrote")
        for tensor in self.program.outputs:
            missing = ~self._view(self._tensor_access(tensor))
            if missing.any():
                raise ProgramError(
                    f'output "{tensor.name}": {missing.sum()} of its {missing.size} bytes are not written'
                )

    def _view(self, access: Access) -> npt.NDArray[np.bool_]:
        """For each byte of ``access`` whether it has been written."""
        return self.shadows[access.memory].view(access, self.written[access.memory])

    def _mark(self, access: Access) -> None:
        self._view(access)[...] = True

    def _variable(self, index: int) -> list[Access]:
        """What an instruction touches, apart from constants."""
        touched = self.touched[index]
        return [access for access in touched if access.memory is not Memory.DRAM or access.address >= self.constants]

    def _tensor_access(self, tensor: Tensor) -> Access:
        size = self.program.batch * tensor.bytes
        return Access(Memory.DRAM, tensor.address, size, (1, 1, 1), (0, 0, 0), written=False, field=tensor.name)

    def check_races(self, order: Sequence[int]) -> None:
        """In the second execution: accesses that no token orders, of itself and of the first."""
        count = len(order)
        ordered = clocks(self.program.instructions, [*order, *(count + index for index in order)], self.program.credits)
        for execution in range(2):
            self.shadows[Memory.DRAM].forget()
            for index in order:
                for access in self._variable(index):
                    if execution:
                        self._check_access(index, access, ordered)
                    unit = self.program.instructions[index].unit
                    position = int(ordered.position[execution * count + index])
                    self.shadows[access.memory].record(access, unit, position)

    def _check_access(self, index: int, access: Access, ordered: Clocks) -> None:
        """Check an access of the second execution."""
        done = ordered.start[len(self.program.instructions) + index]
        shadow = self.shadows[access.memory]
        for rival in shadow.rivals(access, self.program.instructions[index].unit):
            if rival.stamp > done[rival.unit]:
                late = shadow.stamps(access, rival) > done[rival.unit]
                raise self._race(index, access, rival, late)

    def _race(self, index: int, access: Access, rival: Rival, late: npt.NDArray[np.bool_]) -> ProgramError:
        unit = self.program.instructions[index].unit
        queue = [i for i, instruction in enumerate(self.program.instructions) if instruction.unit is rival.unit]
        execution, position = divmod(rival.stamp - 1, len(queue))
        other = self.name(queue[position]) + ("" if execution else " of the execution before")
        verb, did = ("writes" if access.written else "reads"), ("writes" if rival.wrote else "reads")
        units = f"{rival.unit.name.lower()} to {unit.name.lower()}"
        return self.fail(
            index, f"{verb} {_extent(access, late)} that {other} {did}, and no token from {units} orders the two"
        )


def _extent(access: Access, affected: npt.NDArray[np.bool_]) -> str:
    """The range from the first to the last affected byte, in words."""
    touched = access.addresses()[affected.reshape(-1)]
    return f"{access.memory.name.lower()} bytes [{touched.min()}, {touched.max() + 1})"
