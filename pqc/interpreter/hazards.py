"""The static check of a whole program, without data: what the machine would otherwise have to trap while it runs.

All control is known before the first input arrives, so one pass over the instructions decides everything: ranges,
bytes read that nobody wrote, constants overwritten, codes without a lookup, tokens, deadlock, and races.

Two accesses to the same byte, one of them a write, race unless the first instruction is done before the second one
starts in *every* order the units may take. A shadow of each memory keeps, per byte and unit, the last access; vector
clocks (:mod:`pqc.interpreter.queues`) say what is done when an instruction starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from pqc.errors import ProgramError
from pqc.interpreter.queues import UNITS, Clocks, clocks, describe, program_order
from pqc.interpreter.sanity import complaints
from pqc.isa.access import Access, accesses
from pqc.isa.fields import EncodingError, Instruction, Memory, Unit
from pqc.isa.fifo import sends_to_fifo, takes_from_fifo
from pqc.isa.instructions import Load
from pqc.isa.legality import clash
from pqc.isa.program import Program
from pqc.isa.records import Tensor
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
    order = program_order(program.instructions, program.nodes)
    checker.check_accesses(order)
    return order


@dataclass
class _Shadow:
    """What happened to each byte of a memory; ``base`` is the address of the first byte kept here.

    ``readers`` and ``writers``: per unit, the queue position of its last access, 0 before the first.
    """

    base: int
    size: int
    written: npt.NDArray[np.bool_] = field(init=False)
    readers: dict[Unit, npt.NDArray[np.int32]] = field(default_factory=dict[Unit, npt.NDArray[np.int32]])
    writers: dict[Unit, npt.NDArray[np.int32]] = field(default_factory=dict[Unit, npt.NDArray[np.int32]])

    def __post_init__(self) -> None:
        self.written = np.zeros(self.size, np.bool_)

    def record(self, access: Access, unit: Unit, position: int) -> None:
        last = self.writers if access.written else self.readers
        if unit not in last:
            last[unit] = np.zeros(self.size, np.int32)
        access.view(last[unit])[...] = position
        if access.written:
            access.view(self.written)[...] = True


def _moved(access: Access, base: int) -> Access:
    return replace(access, address=access.address - base)


class _Checker:
    """One program under check."""

    def __init__(self, program: Program, target: Target) -> None:
        self.program = program
        self.target = target
        self.constants = len(program.constants)
        self.queues: dict[Unit, list[int]] = {unit: [] for unit in UNITS}
        for index, instruction in enumerate(program.instructions):
            self.queues[instruction.unit].append(index)
        sizes = {memory: target.buffer_bytes(memory) for memory in Memory if memory is not Memory.DRAM}
        self.shadows = {memory: _Shadow(0, size) for memory, size in sizes.items()}
        self.shadows[Memory.DRAM] = _Shadow(self.constants, program.dram_bytes - self.constants)

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
            for access in touched:
                self._check_range(index, access)
            self._check_in_place(index, instruction, touched)
            if isinstance(instruction, Load) and instruction.buffer in (Memory.CODEBOOK, Memory.TABLE):
                self._check_constant_source(index, instruction, touched[0])

    def _check_range(self, index: int, access: Access) -> None:
        where = f"{access.memory.name.lower()} bytes [{access.address}, {access.end})"
        verb = "writes" if access.written else "reads"
        limit = self.shadows[access.memory].base + self.shadows[access.memory].size
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

    def check_accesses(self, order: Sequence[int]) -> None:
        """Everything between instructions: bytes that nobody wrote, races, outputs that are not complete."""
        for tensor in self.program.inputs:
            _tensor_access(tensor, self.constants).view(self.shadows[Memory.DRAM].written)[...] = True
        ordered = clocks(self.program.instructions, order)
        for index in order:
            for access in accesses(self.program.instructions[index], self.target.accumulator_bits):
                if access.memory is not Memory.DRAM or access.address >= self.constants:
                    self._check_access(index, access, ordered)
        for tensor in self.program.outputs:
            missing = ~_tensor_access(tensor, self.constants).view(self.shadows[Memory.DRAM].written)
            if missing.any():
                raise ProgramError(
                    f'output "{tensor.name}": {missing.sum()} of its {missing.size} bytes are not written'
                )

    def _check_access(self, index: int, access: Access, ordered: Clocks) -> None:
        unit, shadow = self.program.instructions[index].unit, self.shadows[access.memory]
        moved = _moved(access, shadow.base)
        if not access.written and not (written := moved.view(shadow.written)).all():
            raise self.fail(index, f"reads {_extent(access, ~written)} that nothing wrote")
        done = ordered.start[index]
        for earlier in (shadow.readers, shadow.writers) if access.written else (shadow.writers,):
            for other, last in earlier.items():
                if other is not unit and int(moved.view(last).max()) > done[other]:
                    raise self._race(
                        index, access, moved.view(last), other, int(done[other]), earlier is shadow.writers
                    )
        shadow.record(moved, unit, int(ordered.position[index]))

    def _race(
        self, index: int, access: Access, last: npt.NDArray[np.int32], other: Unit, done: int, wrote: bool
    ) -> ProgramError:
        rival = self.queues[other][int(last.max()) - 1]
        verb = "writes" if access.written else "reads"
        where = _extent(access, last > done)
        did = "writes" if wrote else "reads"
        units = f"{other.name.lower()} to {self.program.instructions[index].unit.name.lower()}"
        return self.fail(
            index, f"{verb} {where} that {self.name(rival)} {did}, and no token from {units} orders the two"
        )


def _tensor_access(tensor: Tensor, base: int) -> Access:
    address = tensor.address - base
    return Access(Memory.DRAM, address, tensor.bytes, (1, 1, 1), (0, 0, 0), written=False, field=tensor.name)


def _extent(access: Access, affected: npt.NDArray[np.bool_]) -> str:
    """The range from the first to the last affected byte, in words."""
    touched = access.addresses()[affected.reshape(-1)]
    return f"{access.memory.name.lower()} bytes [{touched.min()}, {touched.max() + 1})"
