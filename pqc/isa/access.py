"""Which bytes an instruction reads and writes: strided patterns that follow from its fields alone, never from data.

The hazard checker trusts these patterns, and so does the pass that inserts the tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pqc.isa.fields import Instruction, Memory
from pqc.isa.instructions import Add, Convolve, Encode, Fill, Load, Lookup, Pool, Requantize, Rescale, Storage, Store
from pqc.isa.parameters import PARAMETER_BYTES
from pqc.numerics.packing import packed_bytes

BIAS_BYTES = 4
"""Bytes of one bias."""

WIDE_ACCUMULATOR_BYTES = 4
"""Bytes of one accumulator of the conventional unit."""


def accumulator_bytes(accumulator_bits: int) -> int:
    """Bytes that one accumulator of the lookup unit takes in memory: one, two or four."""
    return 1 if accumulator_bits <= 8 else 2 if accumulator_bits <= 16 else 4


@dataclass(frozen=True)
class Access:
    """Runs of ``run`` contiguous bytes, ``counts`` of them with ``strides`` in three nested levels, outermost first."""

    memory: Memory
    address: int
    run: int
    counts: tuple[int, int, int]
    strides: tuple[int, int, int]
    written: bool
    field: str

    @property
    def size(self) -> int:
        """Bytes touched, those touched twice counted twice."""
        return self.counts[0] * self.counts[1] * self.counts[2] * self.run

    @property
    def end(self) -> int:
        """One past the last byte touched; the address itself if none is."""
        if self.size == 0:
            return self.address
        steps = zip(self.counts, self.strides, strict=True)
        return self.address + self.run + sum((count - 1) * stride for count, stride in steps)

    @property
    def overlaps_itself(self) -> bool:
        """Whether a byte is touched twice."""
        if self.size > self.end - self.address:
            return True
        covered = self.run
        for stride, count in sorted(zip(self.strides, self.counts, strict=True)):
            if count > 1 and stride < covered:
                return np.unique(self.addresses()).size < self.size
            covered += (count - 1) * stride
        return False

    @property
    def _is_dense(self) -> bool:
        """Whether the runs follow each other without gaps, in their order."""
        dense = self.run
        for stride, count in zip(reversed(self.strides), reversed(self.counts), strict=True):
            if count > 1 and stride != dense:
                return False
            dense *= count
        return self.size > 0

    def view(self, memory: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The elements of the 1-D array ``memory`` (one a byte) that are touched, as a view [*counts, run].

        Raises:
            IndexError: the access ends behind the array.
        """
        if self.end > memory.shape[0]:
            raise IndexError(f"{self.field}: bytes [{self.address}, {self.end}) of {memory.shape[0]}")
        if self._is_dense:
            return memory[self.address : self.end].reshape(1, 1, 1, -1)
        step = memory.strides[0]
        strides = (*(stride * step for stride in self.strides), step)
        return np.lib.stride_tricks.as_strided(memory[self.address :], (*self.counts, self.run), strides)

    def addresses(self) -> npt.NDArray[np.int64]:
        """Every byte address touched, run after run."""
        total = np.arange(self.run, dtype=np.int64) + self.address
        for count, stride in zip(reversed(self.counts), reversed(self.strides), strict=True):
            total = (np.arange(count, dtype=np.int64)[:, None] * stride + total.reshape(1, -1)).reshape(-1)
        return total


def accesses(instruction: Instruction, accumulator_bits: int) -> tuple[Access, ...]:
    """Everything ``instruction`` touches on a target with lookup accumulators of ``accumulator_bits`` bits.

    Raises:
        TypeError: an instruction type that has no rule here.
    """
    match instruction:
        case Load():
            return _transfer(instruction, instruction.buffer, loads=True)
        case Store():
            return _transfer(instruction, Memory.ACTIVATION, loads=False)
        case Encode():
            return _encode(instruction)
        case Lookup():
            return _lookup(instruction, accumulator_bytes(accumulator_bits))
        case Convolve():
            return _convolve(instruction)
        case Requantize():
            return _requantize(instruction, accumulator_bytes(accumulator_bits))
        case Add():
            return _add(instruction)
        case Rescale():
            return _rescale(instruction)
        case Pool():
            return _pool(instruction)
        case Fill():
            return (_result(instruction, instruction.count),)
        case _:
            raise TypeError(f"{instruction.mnemonic}: no rule says what it accesses")


def _block(memory: Memory, address: int, size: int, field: str, *, written: bool = False) -> Access:
    return Access(memory, address, size, (1, 1, 1), (0, 0, 0), written, field)


def _elements(storage: Storage, address: int, count: int, field: str, *, written: bool = False) -> Access:
    return _block(Memory.ACTIVATION, address, count * storage.element.storage_bytes, field, written=written)


def _result(i: Requantize | Add | Rescale | Pool | Fill, count: int) -> Access:
    return _elements(i.destination_storage, i.destination, count, "destination", written=True)


def _transfer(instruction: Load | Store, buffer: Memory, *, loads: bool) -> tuple[Access, ...]:
    counts = (instruction.planes, instruction.rows, instruction.items)
    outside = (instruction.dram_plane_stride, instruction.dram_row_stride, instruction.dram_item_stride)
    inside = (instruction.plane_stride, instruction.row_stride, instruction.item_stride)
    run = instruction.item_bytes
    dram = Access(Memory.DRAM, instruction.dram, run, counts, outside, not loads, "dram")
    local = Access(buffer, instruction.address, run, counts, inside, loads, "address")
    return (dram, local) if loads else (local, dram)


def _tile(i: Encode | Convolve | Pool) -> Access:
    return _elements(i.storage, i.source, i.channels * i.height * i.width, "source")


def _encode(i: Encode) -> tuple[Access, ...]:
    size = packed_bytes(i.subspaces * i.prototypes * i.length, i.prototype_bits)
    return (_tile(i), _block(Memory.CODEBOOK, i.codebook, size, "codebook"))


def _accumulate(i: Lookup | Convolve, elements: int, width: int) -> tuple[Access, ...]:
    written = _block(Memory.ACCUMULATOR, i.accumulator, elements * width, "accumulator", written=True)
    if i.first:
        return (_block(Memory.TABLE, i.bias, i.outputs * BIAS_BYTES, "bias"), written)
    return (_block(Memory.ACCUMULATOR, i.accumulator, elements * width, "accumulator"), written)


def _lookup(i: Lookup, accumulator: int) -> tuple[Access, ...]:
    table = packed_bytes(i.subspaces * i.prototypes * i.outputs, i.table_bits)
    accumulators = _accumulate(i, i.outputs * i.columns, accumulator)
    return (_block(Memory.TABLE, i.table, table, "table"), *accumulators)


def _convolve(i: Convolve) -> tuple[Access, ...]:
    taps = i.kernel_height * i.kernel_width
    weights = packed_bytes(i.outputs * (i.channels // max(i.groups, 1)) * taps, i.weight_bits)
    accumulators = _accumulate(i, i.outputs * i.output_rows * i.output_columns, WIDE_ACCUMULATOR_BYTES)
    return (_tile(i), _block(Memory.TABLE, i.weights, weights, "weights"), *accumulators)


def _requantize(i: Requantize, accumulator: int) -> tuple[Access, ...]:
    count = i.outputs * i.columns
    width = WIDE_ACCUMULATOR_BYTES if i.wide else accumulator
    residual = (_elements(i.residual_storage, i.residual, count, "residual"),) if i.has_residual else ()
    return (
        _block(Memory.ACCUMULATOR, i.accumulator, count * width, "accumulator"),
        _block(Memory.TABLE, i.parameters, i.outputs * PARAMETER_BYTES, "parameters"),
        *residual,
        _result(i, count),
    )


def _add(i: Add) -> tuple[Access, ...]:
    return (
        _elements(i.left_storage, i.left, i.count, "left"),
        _elements(i.right_storage, i.right, i.count, "right"),
        _result(i, i.count),
    )


def _rescale(i: Rescale) -> tuple[Access, ...]:
    return (
        _elements(i.storage, i.source, i.count, "source"),
        _result(i, i.count),
    )


def _pool(i: Pool) -> tuple[Access, ...]:
    count = i.channels * i.output_rows * i.output_columns
    return (_tile(i), _result(i, count))
