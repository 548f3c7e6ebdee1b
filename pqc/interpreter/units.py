"""What each instruction does to bytes, through :mod:`pqc.numerics` alone.

The machine and the reference interpreter of the ``pqa`` dialect both execute their instructions here.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pqc.errors import ProgramError
from pqc.isa.access import Access, accesses, accumulator_bytes
from pqc.isa.code_map import code_window, groups_read, reads_padding, subspaces_read
from pqc.isa.fields import Instruction
from pqc.isa.instructions import Add, Convolve, Encode, Fill, Load, Lookup, Pool, Requantize, Rescale, Store
from pqc.isa.parameters import PARAMETER_BYTES, unpack_parameters
from pqc.isa.tiles import Tile, code_map, code_tile, left_tile, residual_tile, result_tile, right_tile, source_tile
from pqc.numerics.arrays import AnyArray, IntArray
from pqc.numerics.code_window import windowed_codes
from pqc.numerics.convolution import convolve
from pqc.numerics.element import Element
from pqc.numerics.encode import nearest_prototype, onto_grid, subvectors
from pqc.numerics.lookup import lookup
from pqc.numerics.packing import unpack
from pqc.numerics.pooling import PoolMode, average_pool, max_pool
from pqc.numerics.requantize import Clip, add, requantize, rescale
from pqc.numerics.window import Window

Bytes = npt.NDArray[np.uint8]
Fifo = deque[IntArray]
"""Codes on their way from the encode unit to the lookup unit, [frames, subspaces, columns] each."""

CONVENTIONAL_BITS = 32
"""Accumulator bits of the conventional unit."""


class Operands(Protocol):
    """Where an instruction's addresses point to."""

    def bytes(self, field: str) -> Bytes:
        """The bytes [frames or 1, n] from the address in ``field`` to the end of its memory; a writable view.

        A leading dimension of 1 stands for bytes that are the same for all frames.
        """
        ...


def execute(instruction: Instruction, memory: Operands, fifo: Fifo, accumulator_bits: int) -> None:
    """Execute one instruction for all frames.

    Raises:
        ProgramError: an operand ends behind its memory, or a lookup finds no codes, or codes of no prototype.
        TypeError: an instruction type that has no meaning here.
    """
    match instruction:
        case Load() | Store():
            _transfer(instruction, memory)
        case Encode():
            _encode(instruction, memory, fifo)
        case Lookup():
            _lookup(instruction, memory, fifo, accumulator_bits)
        case Convolve():
            _convolve(instruction, memory)
        case Requantize():
            _requantize(instruction, memory, accumulator_bits)
        case Add():
            _add(instruction, memory)
        case Rescale():
            _rescale(instruction, memory)
        case Pool():
            _pool(instruction, memory)
        case Fill():
            _fill(instruction, memory)
        case _:
            raise TypeError(f"{instruction.mnemonic}: no meaning is defined")


def _elements(memory: Operands, field: str, dtype: npt.DTypeLike, *shape: int) -> AnyArray:
    """A view [frames or 1, *shape] of elements of ``dtype``."""
    kind = np.dtype(dtype)
    size = int(np.prod(shape)) * kind.itemsize
    data = memory.bytes(field)
    if size > data.shape[1]:
        raise ProgramError(f"{field}: {size} bytes do not fit the {data.shape[1]} that are left of its memory")
    return data[:, :size].view(kind).reshape(data.shape[0], *shape)


def _view(memory: Operands, tile: Tile) -> IntArray:
    """A view [frames, planes, rows, columns] of a tile's elements."""
    kind, data = tile.storage.element.storage, memory.bytes(tile.field)
    if tile.end > data.shape[1]:
        raise ProgramError(f"{tile.field}: {tile.end} bytes do not fit the {data.shape[1]} that are left of its memory")
    first: IntArray = data[:, tile.offset : tile.offset + kind.itemsize].view(kind)
    shape, strides = (data.shape[0], *tile.counts), (data.strides[0], *tile.strides)
    return np.lib.stride_tricks.as_strided(first, shape, strides)


def _packed(memory: Operands, field: str, bits: int, *shape: int, signed: bool = True) -> IntArray:
    """Bit-packed constants, unpacked: [*shape] int32."""
    return unpack(memory.bytes(field)[0], int(np.prod(shape)), bits, signed).reshape(shape)


def _window(i: Encode | Convolve | Pool) -> Window:
    return Window(
        (i.kernel_height, i.kernel_width),
        (i.stride_height, i.stride_width),
        (i.pad_top, i.pad_left, 0, 0),
        (i.dilation_height, i.dilation_width),
    )


def _clip(i: Requantize | Add | Rescale | Pool) -> Clip:
    return Clip(i.destination_storage.element, i.low, i.high)


def _accumulator_type(accumulator_bits: int) -> str:
    return f"<i{accumulator_bytes(accumulator_bits)}"


def _runs(memory: Operands, access: Access) -> AnyArray:
    """A view [frames or 1, planes, rows, items, item bytes] of what a transfer touches."""
    data = memory.bytes(access.field)
    end = access.end - access.address
    if end > data.shape[1]:
        raise ProgramError(f"{access.field}: {end} bytes do not fit the {data.shape[1]} that are left of its memory")
    shape = (data.shape[0], *access.counts, access.run)
    return np.lib.stride_tricks.as_strided(data, shape, (data.strides[0], *access.strides, 1))


def _transfer(i: Load | Store, memory: Operands) -> None:
    source, destination = accesses(i, CONVENTIONAL_BITS)
    _runs(memory, destination)[...] = _runs(memory, source)


def _encode(i: Encode, memory: Operands, fifo: Fifo) -> None:
    element = Element(i.prototype_bits, bool(i.prototype_signed))
    output = (i.output_rows, i.output_columns)
    codebook = _packed(memory, "codebook", i.prototype_bits, i.subspaces, i.prototypes, i.length, signed=element.signed)
    x = onto_grid(_view(memory, source_tile(i)), i.shift, element)
    vectors = subvectors(x, _window(i), i.length, i.subspaces, i.first_element, output)
    codes = nearest_prototype(vectors, codebook, i.metric)
    if i.to_buffer:
        _put(memory, code_tile(i), codes)
    else:
        fifo.append(codes)


def _put(memory: Operands, tile: Tile, values: IntArray) -> None:
    """Write ``values`` [frames, planes, positions] or [frames, planes, rows, columns] to a tile."""
    _view(memory, tile)[...] = values.reshape(-1, *tile.counts)


def _start(i: Lookup | Convolve, memory: Operands, accumulators: IntArray) -> IntArray:
    """What an accumulation starts from, broadcastable to [frames, outputs, columns]."""
    return _elements(memory, "bias", "<i4", i.outputs, 1) if i.first else accumulators


def _lookup(i: Lookup, memory: Operands, fifo: Fifo, accumulator_bits: int) -> None:
    codes = _mapped_codes(i, memory) if i.from_buffer else _sent_codes(fifo)
    table = _packed(memory, "table", i.table_bits, i.subspaces, i.prototypes, i.outputs)
    kind, columns = _accumulator_type(accumulator_bits), i.output_rows * i.output_columns
    accumulators = _elements(memory, "accumulator", kind, i.outputs, columns)
    accumulators[...] = lookup(codes, table, _start(i, memory, accumulators), accumulator_bits)


def _sent_codes(fifo: Fifo) -> IntArray:
    if not fifo:
        raise ProgramError("the code FIFO is empty")
    return fifo.popleft()


def _mapped_codes(i: Lookup, memory: Operands) -> IntArray:
    """What the windows see of a map of codes, [frames, subspaces, columns].

    Nothing but this check keeps other bytes of the activation buffer from being taken for codes.
    """
    kind, groups = i.code_storage.element.storage, groups_read(i)
    padding: IntArray = np.zeros(len(groups), kind)
    if reads_padding(i):
        padding = _elements(memory, "padding", kind, groups.stop)[0, groups.start :]
    output = (i.output_rows, i.output_columns)
    codes = windowed_codes(_view(memory, code_map(i)), code_window(i), padding, output, subspaces_read(i))
    if (largest := int(codes.max())) >= i.prototypes:
        raise ProgramError(f"reads code {largest}, its table has {i.prototypes} prototypes")
    return codes


def _convolve(i: Convolve, memory: Operands) -> None:
    shape = (i.outputs, i.channels // i.groups, i.kernel_height, i.kernel_width)
    weight = _packed(memory, "weights", i.weight_bits, *shape)
    output = (i.output_rows, i.output_columns)
    accumulators = _elements(memory, "accumulator", "<i4", i.outputs, output[0] * output[1])
    start = _start(i, memory, accumulators)
    accumulators[...] = convolve(
        _view(memory, source_tile(i)), weight, _window(i), i.groups, start, CONVENTIONAL_BITS, output
    )


def _requantize(i: Requantize, memory: Operands, accumulator_bits: int) -> None:
    kind = "<i4" if i.wide else _accumulator_type(accumulator_bits)
    shape = (i.outputs, i.rows * i.columns)
    records = memory.bytes("parameters")[0, : i.outputs * PARAMETER_BYTES]
    multiplier, shift, residual_multiplier = unpack_parameters(records)
    residual = _view(memory, residual_tile(i)).reshape(-1, *shape) if i.has_residual else None
    accumulators = _elements(memory, "accumulator", kind, *shape)
    values = requantize(accumulators, multiplier, shift, _clip(i), residual, residual_multiplier)
    _put(memory, result_tile(i), values)


def _add(i: Add, memory: Operands) -> None:
    left, right = _view(memory, left_tile(i)), _view(memory, right_tile(i))
    _put(memory, result_tile(i), add(left, right, (i.left_multiplier, i.right_multiplier), i.shift, _clip(i)))


def _rescale(i: Rescale, memory: Operands) -> None:
    _put(memory, result_tile(i), rescale(_view(memory, source_tile(i)), i.multiplier, i.shift, _clip(i)))


def _pool(i: Pool, memory: Operands) -> None:
    output, window, clip = (i.output_rows, i.output_columns), _window(i), _clip(i)
    source = _view(memory, source_tile(i))
    if i.mode is PoolMode.MAX:
        values = clip.apply(max_pool(source, window, output).astype(np.int32))
    else:
        values = average_pool(source, window, i.mode, i.multiplier, i.shift, clip, output)
    _put(memory, result_tile(i), values)


def _fill(i: Fill, memory: Operands) -> None:
    _view(memory, result_tile(i))[...] = i.fill_value
