"""The instructions of the vector unit, from activations or accumulators to activations; a part of the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pqc.isa import shared_fields as shared
from pqc.isa.fields import Address, Bits, Instruction, Memory, Unit
from pqc.isa.storage import Storage
from pqc.numerics.pooling import PoolMode


@dataclass(frozen=True)
class Requantize(Instruction, opcode=0x30, mnemonic="requantize", unit=Unit.VECTOR):
    """Turn accumulators, plus a residual if there is one, into activations: multiply, shift, round half up, saturate.

    Parameters are eight bytes an output: residual multiplier (s32), multiplier (u16), shift (u8), zero (u8).
    """

    accumulator: Annotated[int, Address(28, "first byte of the accumulators", memory=Memory.ACCUMULATOR)]
    wide: Annotated[int, Bits(1, "1: 32-bit accumulators of the conventional unit; 0: the lookup unit's")]
    outputs: Annotated[int, Bits(16, "outputs")]
    rows: shared.OutputRows
    columns: shared.OutputColumns
    parameters: Annotated[int, Address(28, "first byte of the parameters", memory=Memory.TABLE)]
    residual: Annotated[int, Address(28, "residual; read only if has_residual", memory=Memory.ACTIVATION)]
    has_residual: Annotated[int, Bits(1, "1: add the residual")]
    residual_storage: Annotated[Storage, Bits(2, "element type of the residual")]
    residual_plane_stride: Annotated[int, Bits(28, "bytes from plane to plane of the residual")]
    residual_row_stride: Annotated[int, Bits(28, "bytes from row to row of the residual")]
    destination: shared.ActivationTarget
    destination_storage: shared.TargetStorage
    destination_plane_stride: shared.TargetPlaneStride
    destination_row_stride: shared.TargetRowStride
    low: shared.ClipLow
    high: shared.ClipHigh


@dataclass(frozen=True)
class Add(Instruction, opcode=0x31, mnemonic="add", unit=Unit.VECTOR):
    """Add two activation tiles on a common grid: multiply each, add, shift, round half up, saturate."""

    left: Annotated[int, Address(28, "first byte of the left operand", memory=Memory.ACTIVATION)]
    left_storage: Annotated[Storage, Bits(2, "element type of the left operand")]
    left_plane_stride: Annotated[int, Bits(28, "bytes from plane to plane of the left operand")]
    left_row_stride: Annotated[int, Bits(28, "bytes from row to row of the left operand")]
    right: Annotated[int, Address(28, "first byte of the right operand", memory=Memory.ACTIVATION)]
    right_storage: Annotated[Storage, Bits(2, "element type of the right operand")]
    right_plane_stride: Annotated[int, Bits(28, "bytes from plane to plane of the right operand")]
    right_row_stride: Annotated[int, Bits(28, "bytes from row to row of the right operand")]
    destination: shared.ActivationTarget
    destination_storage: shared.TargetStorage
    destination_plane_stride: shared.TargetPlaneStride
    destination_row_stride: shared.TargetRowStride
    planes: shared.Planes
    rows: shared.Rows
    columns: shared.Columns
    left_multiplier: shared.Multiplier
    right_multiplier: shared.Multiplier
    shift: shared.Shift
    low: shared.ClipLow
    high: shared.ClipHigh


@dataclass(frozen=True)
class Rescale(Instruction, opcode=0x32, mnemonic="rescale", unit=Unit.VECTOR):
    """Bring an activation tile onto another grid or inside other bounds: multiply, shift, round half up, saturate.

    The strides of the input are free: they may skip elements, exchange axes or repeat an element.
    """

    source: shared.ActivationSource
    storage: shared.SourceStorage
    plane_stride: shared.PlaneStride
    row_stride: shared.RowStride
    column_stride: shared.ColumnStride
    destination: shared.ActivationTarget
    destination_storage: shared.TargetStorage
    destination_plane_stride: shared.TargetPlaneStride
    destination_row_stride: shared.TargetRowStride
    planes: shared.Planes
    rows: shared.Rows
    columns: shared.Columns
    multiplier: shared.Multiplier
    shift: shared.Shift
    low: shared.ClipLow
    high: shared.ClipHigh


@dataclass(frozen=True)
class Pool(Instruction, opcode=0x33, mnemonic="pool", unit=Unit.VECTOR):
    """Pool each channel of a tile; the mean is sum * multiplier / (count * 2^shift), rounded half up and saturated.

    Taps outside the input tile never win a maximum; they count in a mean only in the mode that says so.
    """

    source: shared.ActivationSource
    storage: shared.SourceStorage
    channels: shared.Channels
    height: shared.Height
    width: shared.Width
    plane_stride: shared.PlaneStride
    row_stride: shared.RowStride
    kernel_height: Annotated[int, Bits(16, "window rows")]
    kernel_width: Annotated[int, Bits(16, "window columns")]
    stride_height: shared.StrideHeight
    stride_width: shared.StrideWidth
    dilation_height: shared.DilationHeight
    dilation_width: shared.DilationWidth
    pad_top: shared.PadTop
    pad_left: shared.PadLeft
    output_rows: shared.OutputRows
    output_columns: shared.OutputColumns
    mode: Annotated[PoolMode, Bits(2, "maximum or mean")]
    destination: shared.ActivationTarget
    destination_storage: shared.TargetStorage
    destination_plane_stride: shared.TargetPlaneStride
    destination_row_stride: shared.TargetRowStride
    multiplier: shared.Multiplier
    shift: shared.Shift
    low: shared.ClipLow
    high: shared.ClipHigh


@dataclass(frozen=True)
class Fill(Instruction, opcode=0x34, mnemonic="fill", unit=Unit.VECTOR):
    """Write one value to every element of a tile."""

    destination: shared.ActivationTarget
    destination_storage: shared.TargetStorage
    destination_plane_stride: shared.TargetPlaneStride
    destination_row_stride: shared.TargetRowStride
    planes: shared.Planes
    rows: shared.Rows
    columns: shared.Columns
    fill_value: Annotated[int, Bits(17, "the value", signed=True)]


@dataclass(frozen=True)
class Map(Instruction, opcode=0x35, mnemonic="map", unit=Unit.VECTOR):
    """Replace each element of an activation tile by the entry of a table at index element - ``first``.

    So one instruction computes any function of one number. The strides of the input are free, as those of a rescale.
    All planes have one table, or each has its own: then they follow each other, packed as one. An element that has no
    entry stops the machine.
    """

    source: shared.ActivationSource
    storage: shared.SourceStorage
    plane_stride: shared.PlaneStride
    row_stride: shared.RowStride
    column_stride: shared.ColumnStride
    table: Annotated[int, Address(28, "packed table [1 or planes][entries]", memory=Memory.TABLE)]
    entry_bits: Annotated[int, Bits(5, "bits of an entry, which is signed if the result is")]
    first: Annotated[int, Bits(17, "the element whose entry is the first one", signed=True)]
    entries: Annotated[int, Bits(17, "entries of a plane's table")]
    table_per_plane: Annotated[int, Bits(1, "1: each plane has its own table; 0: all have the same")]
    destination: shared.ActivationTarget
    destination_storage: shared.TargetStorage
    destination_plane_stride: shared.TargetPlaneStride
    destination_row_stride: shared.TargetRowStride
    planes: shared.Planes
    rows: shared.Rows
    columns: shared.Columns


@dataclass(frozen=True)
class Multiply(Instruction, opcode=0x36, mnemonic="multiply", unit=Unit.VECTOR):
    """Multiply two activation tiles element by element, and the product by a number; shift, round half up, saturate.

    The strides of both operands are free: with a stride of 0 one value serves a whole row, column or plane. No product
    leaves 64 bits, whatever the operands hold.
    """

    left: Annotated[int, Address(28, "first byte of the left operand", memory=Memory.ACTIVATION)]
    left_storage: Annotated[Storage, Bits(2, "element type of the left operand")]
    left_plane_stride: Annotated[int, Bits(28, "bytes from plane to plane of the left operand")]
    left_row_stride: Annotated[int, Bits(28, "bytes from row to row of the left operand")]
    left_column_stride: Annotated[int, Bits(28, "bytes from element to element of a row of the left operand")]
    right: Annotated[int, Address(28, "first byte of the right operand", memory=Memory.ACTIVATION)]
    right_storage: Annotated[Storage, Bits(2, "element type of the right operand")]
    right_plane_stride: Annotated[int, Bits(28, "bytes from plane to plane of the right operand")]
    right_row_stride: Annotated[int, Bits(28, "bytes from row to row of the right operand")]
    right_column_stride: Annotated[int, Bits(28, "bytes from element to element of a row of the right operand")]
    destination: shared.ActivationTarget
    destination_storage: shared.TargetStorage
    destination_plane_stride: shared.TargetPlaneStride
    destination_row_stride: shared.TargetRowStride
    planes: shared.Planes
    rows: shared.Rows
    columns: shared.Columns
    multiplier: shared.Multiplier
    shift: shared.Shift
    low: shared.ClipLow
    high: shared.ClipHigh
