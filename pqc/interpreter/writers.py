"""Replays an order of steps on memories that hold, in place of values, who wrote each byte.

A legal order gives the results of program order if each step reads bytes that the same steps wrote. Comparing values
alone would miss what equal data hides: a table that is loaded again over itself, a byte that is zero in both tiles.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pqc.errors import ProgramError
from pqc.interpreter.queues import describe
from pqc.isa.access import Access, accesses
from pqc.isa.fields import Memory
from pqc.isa.program import Program
from pqc.planning.target import Target

Writers = npt.NDArray[np.int32]
"""For each byte who wrote it, seen from execution e: the k-th step behind the start of e is k + 1, earlier are less."""


@dataclass(frozen=True)
class _Read:
    """What instruction ``index`` reads by its ``number``-th access; behind the last one, what the host reads."""

    execution: int
    index: int
    number: int
    access: Access
    writers: Writers


class WriterCheck:
    """A program, and for each of its reads a digest of who wrote the bytes in program order."""

    def __init__(self, program: Program, target: Target, order: Sequence[int]) -> None:
        """``order`` is the order of one execution that others are compared with."""
        self._program = program
        self._target = target
        self._order = order
        self._constants = len(program.constants)
        self._touched = [accesses(instruction, target.accumulator_bits) for instruction in program.instructions]
        self._expected = {(read.index, read.number): _digest(read.writers) for read in self._reads(order, 1)}

    def check(self, order: Sequence[int], executions: int) -> None:
        """Check a legal order of the steps of some executions.

        Raises:
            ProgramError: naming the first read that finds a byte of another writer than in program order.
        """
        for read in self._reads(order, executions):
            if _digest(read.writers) != self._expected[read.index, read.number]:
                raise self._complaint(read)

    def _reads(self, order: Sequence[int], executions: int) -> Iterator[_Read]:
        """All reads in the order of their steps, in the end those of the outputs."""
        count = len(self._program.instructions)
        buffers = [memory for memory in Memory if memory is not Memory.DRAM]
        shared = {memory: np.zeros(self._target.buffer_bytes(memory), np.int32) for memory in buffers}
        size = self._program.dram_bytes - self._constants
        own = [np.full(size, execution * count, np.int32) for execution in range(executions)]

        def writers(execution: int, access: Access) -> Writers:
            if access.memory is not Memory.DRAM:
                return access.view(shared[access.memory])
            return replace(access, address=access.address - self._constants).view(own[execution])

        for step in order:
            execution, index = divmod(step, count)
            for number, access in self._variable(index):
                if not access.written:
                    yield _Read(execution, index, number, access, writers(execution, access) - execution * count)
            for _, access in self._variable(index):
                if access.written:
                    writers(execution, access)[...] = step + 1
        for execution in range(executions):
            for number, tensor in enumerate(self._program.outputs):
                size = self._program.batch * tensor.bytes
                access = Access(
                    Memory.DRAM, tensor.address, size, (1, 1, 1), (0, 0, 0), written=False, field=tensor.name
                )
                yield _Read(execution, count, number, access, writers(execution, access) - execution * count)

    def _variable(self, index: int) -> list[tuple[int, Access]]:
        """The accesses of an instruction with their numbers, without those to constants, which nobody writes."""
        touched = enumerate(self._touched[index])
        return [(n, x) for n, x in touched if x.memory is not Memory.DRAM or x.address >= self._constants]

    def _complaint(self, found: _Read) -> ProgramError:
        key = found.index, found.number
        expected = next(read for read in self._reads(self._order, 1) if (read.index, read.number) == key)
        place = int(np.flatnonzero(found.writers.reshape(-1) != expected.writers.reshape(-1))[0])
        byte = f"{found.access.memory.name.lower()} byte {found.access.addresses()[place]}"
        wrote = self._writer(found, int(found.writers.reshape(-1)[place]))
        # program order was replayed as execution 0, whose memories nobody has written before
        number = int(expected.writers.reshape(-1)[place])
        meant = self._name(found.execution, number - 1) if number else "nobody"
        reader = f'output "{found.access.field}"'
        if found.index < len(self._program.instructions):
            reader = f"{self._name(found.execution, found.index)} reads"
        return ProgramError(f"{reader}: {byte} is of {wrote} in the order given, of {meant} in program order")

    def _writer(self, read: _Read, number: int) -> str:
        """Who wrote a byte of ``read``."""
        if read.access.memory is Memory.DRAM and number == 0:
            return "nobody"
        count = len(self._program.instructions)
        execution, index = divmod(read.execution * count + number - 1, count)
        return "nobody" if execution < 0 else self._name(execution, index)

    def _name(self, execution: int, index: int) -> str:
        name = describe(index, self._program.instructions[index], self._program.nodes[index])
        return f"{name} of execution {execution}" if execution else name


def _digest(writers: Writers) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(writers).data, digest_size=16).digest()
