"""The instruction table: the only place that says which instructions there are and which fields they have.

Instructions work on tiles: loops over columns, subspace groups and outputs are inside. All addresses count bytes.
Activations lie as [channels][rows][columns], accumulators as [outputs][columns of the tile], row-major, no gaps.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, TypeAlias

from pqc.isa.fields import Address, Bits, Instruction, Memory, Unit
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric
from pqc.numerics.pooling import PoolMode

ISA_VERSION = 1
"""Raised whenever a word's meaning changes."""


class Storage(IntEnum):
    """How an activation element is stored."""

    U8 = 0
    """One byte, unsigned."""
    S8 = 1
    """One byte, two's complement."""
    U16 = 2
    """Two bytes, little-endian, unsigned."""
    S16 = 3
    """Two bytes, little-endian, two's complement."""

    @classmethod
    def of(cls, element: Element) -> Storage:
        """The storage of ``element``: one byte up to 8 bits, two above."""
        return cls((element.storage_bytes - 1) * 2 + int(element.signed))

    @property
    def element(self) -> Element:
        """The widest element stored this way."""
        return Element(8 if self < Storage.U16 else 16, bool(self & 1))


ActivationSource: TypeAlias = Annotated[int, Address(28, "first byte of the input tile", memory=Memory.ACTIVATION)]
ActivationTarget: TypeAlias = Annotated[
    int, Address(28, "first byte of the result", memory=Memory.ACTIVATION, written=True)
]
AccumulatorTarget: TypeAlias = Annotated[
    int, Address(28, "first byte of the accumulators", memory=Memory.ACCUMULATOR, written=True)
]
ClipLow: TypeAlias = Annotated[int, Bits(17, "lower bound of the result", signed=True)]
ClipHigh: TypeAlias = Annotated[int, Bits(17, "upper bound of the result", signed=True)]
Multiplier: TypeAlias = Annotated[int, Bits(32, "multiplier", signed=True)]
Shift: TypeAlias = Annotated[int, Bits(6, "right shift, bits")]
SourceStorage: TypeAlias = Annotated[Storage, Bits(2, "element type of the input")]
TargetStorage: TypeAlias = Annotated[Storage, Bits(2, "element type of the result")]
BiasSource: TypeAlias = Annotated[
    int, Address(28, "first byte of the bias, four bytes an output; read only if first", memory=Memory.TABLE)
]
First: TypeAlias = Annotated[int, Bits(1, "1: start from the bias; 0: add to what the accumulators hold")]


@dataclass(frozen=True)
class Load(Instruction, opcode=0x01, mnemonic="load", unit=Unit.LOAD):
    """Copy planes x rows x items runs of ``item_bytes`` bytes each from DRAM to a buffer, with a stride per level."""

    dram: Annotated[int, Address(40, "first byte in DRAM", memory=Memory.DRAM)]
    buffer: Annotated[Memory, Bits(3, "destination memory, not dram")]
    address: Annotated[int, Address(28, "first byte in the buffer", written=True)]
    item_bytes: Annotated[int, Bits(28, "bytes of one contiguous run")]
    items: Annotated[int, Bits(16, "runs a row")]
    rows: Annotated[int, Bits(16, "rows a plane")]
    planes: Annotated[int, Bits(16, "planes")]
    dram_item_stride: Annotated[int, Bits(32, "bytes from run to run in DRAM")]
    dram_row_stride: Annotated[int, Bits(32, "bytes from row to row in DRAM")]
    dram_plane_stride: Annotated[int, Bits(32, "bytes from plane to plane in DRAM")]
    item_stride: Annotated[int, Bits(28, "bytes from run to run in the buffer")]
    row_stride: Annotated[int, Bits(28, "bytes from row to row in the buffer")]
    plane_stride: Annotated[int, Bits(28, "bytes from plane to plane in the buffer")]
    entry_bits: Annotated[int, Bits(6, "bits of one entry, for the count of buffer write ports")]


@dataclass(frozen=True)
class Store(Instruction, opcode=0x02, mnemonic="store", unit=Unit.STORE):
    """Copy planes x rows x items runs of ``item_bytes`` bytes each from the activation buffer to DRAM."""

    dram: Annotated[int, Address(40, "first byte in DRAM", memory=Memory.DRAM, written=True)]
    address: Annotated[int, Address(28, "first byte in the activation buffer", memory=Memory.ACTIVATION)]
    item_bytes: Annotated[int, Bits(28, "bytes of one contiguous run")]
    items: Annotated[int, Bits(16, "runs a row")]
    rows: Annotated[int, Bits(16, "rows a plane")]
    planes: Annotated[int, Bits(16, "planes")]
    dram_item_stride: Annotated[int, Bits(32, "bytes from run to run in DRAM")]
    dram_row_stride: Annotated[int, Bits(32, "bytes from row to row in DRAM")]
    dram_plane_stride: Annotated[int, Bits(32, "bytes from plane to plane in DRAM")]
    item_stride: Annotated[int, Bits(28, "bytes from run to run in the buffer")]
    row_stride: Annotated[int, Bits(28, "bytes from row to row in the buffer")]
    plane_stride: Annotated[int, Bits(28, "bytes from plane to plane in the buffer")]


@dataclass(frozen=True)
class Encode(Instruction, opcode=0x10, mnemonic="encode", unit=Unit.ENCODE):
    """For each output position and subspace of a tile pick the nearest prototype and send its code to the code FIFO.

    Taps outside the input tile read zero. The elements of a window are taken in (channel, row, column) order, from
    ``first_element`` on; what lies behind the last one is zero. Ties go to the lowest index. Codes leave output
    position by output position, the subspaces of one position together.
    """

    source: ActivationSource
    storage: SourceStorage
    channels: Annotated[int, Bits(16, "channels of the input tile")]
    height: Annotated[int, Bits(16, "rows of the input tile")]
    width: Annotated[int, Bits(16, "columns of the input tile")]
    kernel_height: Annotated[int, Bits(8, "window rows")]
    kernel_width: Annotated[int, Bits(8, "window columns")]
    stride_height: Annotated[int, Bits(8, "rows from window to window")]
    stride_width: Annotated[int, Bits(8, "columns from window to window")]
    dilation_height: Annotated[int, Bits(8, "rows from tap to tap")]
    dilation_width: Annotated[int, Bits(8, "columns from tap to tap")]
    pad_top: Annotated[int, Bits(8, "rows of padding above the tile")]
    pad_left: Annotated[int, Bits(8, "columns of padding left of the tile")]
    output_rows: Annotated[int, Bits(16, "output rows")]
    output_columns: Annotated[int, Bits(16, "output columns")]
    codebook: Annotated[
        int, Address(28, "first byte of the packed codebook [subspaces][prototypes][length]", memory=Memory.CODEBOOK)
    ]
    first_element: Annotated[int, Bits(16, "index of the first window element")]
    subspaces: Annotated[int, Bits(16, "subspaces")]
    prototypes: Annotated[int, Bits(16, "prototypes in each codebook")]
    length: Annotated[int, Bits(16, "elements of a subvector")]
    prototype_bits: Annotated[int, Bits(5, "bits of a prototype element")]
    prototype_signed: Annotated[int, Bits(1, "1: prototype elements are signed")]
    shift: Annotated[int, Bits(5, "right shift that brings the input onto the codebook's grid")]
    metric: Annotated[Metric, Bits(2, "distance")]


@dataclass(frozen=True)
class Lookup(Instruction, opcode=0x11, mnemonic="lookup", unit=Unit.LOOKUP):
    """Take one encode instruction's codes from the FIFO and accumulate their table entries, in two's complement.

    Accumulators are the target's ``accumulator_bits`` wide and stored in whole bytes.
    """

    table: Annotated[
        int, Address(28, "first byte of the packed table [subspaces][prototypes][outputs]", memory=Memory.TABLE)
    ]
    bias: BiasSource
    accumulator: AccumulatorTarget
    subspaces: Annotated[int, Bits(16, "subspaces")]
    prototypes: Annotated[int, Bits(16, "prototypes in each codebook")]
    outputs: Annotated[int, Bits(16, "outputs")]
    columns: Annotated[int, Bits(32, "output positions")]
    table_bits: Annotated[int, Bits(5, "bits of a signed table entry")]
    first: First


@dataclass(frozen=True)
class Convolve(Instruction, opcode=0x20, mnemonic="convolve", unit=Unit.CONVENTIONAL):
    """Convolve a tile with signed weights, in 32-bit accumulators; taps outside the input tile read zero."""

    source: ActivationSource
    storage: SourceStorage
    channels: Annotated[int, Bits(16, "channels of the input tile")]
    height: Annotated[int, Bits(16, "rows of the input tile")]
    width: Annotated[int, Bits(16, "columns of the input tile")]
    kernel_height: Annotated[int, Bits(8, "window rows")]
    kernel_width: Annotated[int, Bits(8, "window columns")]
    stride_height: Annotated[int, Bits(8, "rows from window to window")]
    stride_width: Annotated[int, Bits(8, "columns from window to window")]
    dilation_height: Annotated[int, Bits(8, "rows from tap to tap")]
    dilation_width: Annotated[int, Bits(8, "columns from tap to tap")]
    pad_top: Annotated[int, Bits(8, "rows of padding above the tile")]
    pad_left: Annotated[int, Bits(8, "columns of padding left of the tile")]
    output_rows: Annotated[int, Bits(16, "output rows")]
    output_columns: Annotated[int, Bits(16, "output columns")]
    groups: Annotated[int, Bits(16, "groups of channels")]
    outputs: Annotated[int, Bits(16, "output channels")]
    weights: Annotated[
        int,
        Address(28, "first byte of the packed weights [outputs][channels/groups][rows][columns]", memory=Memory.TABLE),
    ]
    weight_bits: Annotated[int, Bits(5, "bits of a weight")]
    bias: BiasSource
    accumulator: AccumulatorTarget
    first: First


@dataclass(frozen=True)
class Requantize(Instruction, opcode=0x30, mnemonic="requantize", unit=Unit.VECTOR):
    """Turn accumulators, plus a residual if there is one, into activations: multiply, shift, round half up, saturate.

    Parameters are eight bytes an output: residual multiplier (s32), multiplier (u16), shift (u8), zero (u8).
    """

    accumulator: Annotated[int, Address(28, "first byte of the accumulators", memory=Memory.ACCUMULATOR)]
    wide: Annotated[int, Bits(1, "1: 32-bit accumulators of the conventional unit; 0: the lookup unit's")]
    outputs: Annotated[int, Bits(16, "outputs")]
    columns: Annotated[int, Bits(32, "output positions")]
    parameters: Annotated[int, Address(28, "first byte of the parameters", memory=Memory.TABLE)]
    residual: Annotated[
        int, Address(28, "first byte of the residual; read only if has_residual", memory=Memory.ACTIVATION)
    ]
    has_residual: Annotated[int, Bits(1, "1: add the residual")]
    residual_storage: Annotated[Storage, Bits(2, "element type of the residual")]
    destination: ActivationTarget
    destination_storage: TargetStorage
    low: ClipLow
    high: ClipHigh


@dataclass(frozen=True)
class Add(Instruction, opcode=0x31, mnemonic="add", unit=Unit.VECTOR):
    """Add two activation tiles on a common grid: multiply each, add, shift, round half up, saturate."""

    left: Annotated[int, Address(28, "first byte of the left operand", memory=Memory.ACTIVATION)]
    left_storage: Annotated[Storage, Bits(2, "element type of the left operand")]
    right: Annotated[int, Address(28, "first byte of the right operand", memory=Memory.ACTIVATION)]
    right_storage: Annotated[Storage, Bits(2, "element type of the right operand")]
    destination: ActivationTarget
    destination_storage: TargetStorage
    count: Annotated[int, Bits(32, "elements")]
    left_multiplier: Multiplier
    right_multiplier: Multiplier
    shift: Shift
    low: ClipLow
    high: ClipHigh


@dataclass(frozen=True)
class Rescale(Instruction, opcode=0x32, mnemonic="rescale", unit=Unit.VECTOR):
    """Bring an activation tile onto another grid or inside other bounds: multiply, shift, round half up, saturate."""

    source: ActivationSource
    storage: SourceStorage
    destination: ActivationTarget
    destination_storage: TargetStorage
    count: Annotated[int, Bits(32, "elements")]
    multiplier: Multiplier
    shift: Shift
    low: ClipLow
    high: ClipHigh


@dataclass(frozen=True)
class Pool(Instruction, opcode=0x33, mnemonic="pool", unit=Unit.VECTOR):
    """Pool each channel of a tile; the mean is sum * multiplier / (count * 2^shift), rounded half up and saturated.

    Taps outside the input tile never win a maximum; they count in a mean only in the mode that says so.
    """

    source: ActivationSource
    storage: SourceStorage
    channels: Annotated[int, Bits(16, "channels of the input tile")]
    height: Annotated[int, Bits(16, "rows of the input tile")]
    width: Annotated[int, Bits(16, "columns of the input tile")]
    kernel_height: Annotated[int, Bits(16, "window rows")]
    kernel_width: Annotated[int, Bits(16, "window columns")]
    stride_height: Annotated[int, Bits(8, "rows from window to window")]
    stride_width: Annotated[int, Bits(8, "columns from window to window")]
    dilation_height: Annotated[int, Bits(8, "rows from tap to tap")]
    dilation_width: Annotated[int, Bits(8, "columns from tap to tap")]
    pad_top: Annotated[int, Bits(8, "rows of padding above the tile")]
    pad_left: Annotated[int, Bits(8, "columns of padding left of the tile")]
    output_rows: Annotated[int, Bits(16, "output rows")]
    output_columns: Annotated[int, Bits(16, "output columns")]
    mode: Annotated[PoolMode, Bits(2, "maximum or mean")]
    destination: ActivationTarget
    destination_storage: TargetStorage
    multiplier: Multiplier
    shift: Shift
    low: ClipLow
    high: ClipHigh


@dataclass(frozen=True)
class Fill(Instruction, opcode=0x34, mnemonic="fill", unit=Unit.VECTOR):
    """Write one value to ``count`` consecutive elements."""

    destination: ActivationTarget
    destination_storage: TargetStorage
    count: Annotated[int, Bits(32, "elements")]
    fill_value: Annotated[int, Bits(17, "the value", signed=True)]
