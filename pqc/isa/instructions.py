"""The instruction table: the only place that says which instructions there are and which fields they have.

Instructions work on tiles: loops over columns, subspace groups and outputs are inside. All addresses count bytes.
Activations lie as [planes][rows][columns] with a stride in bytes for planes and rows, so that a tile may be part of a
larger map; accumulators as [outputs][rows][columns], row-major and without gaps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pqc.isa import shared_fields as shared
from pqc.isa.fields import Address, Bits, Instruction, Memory, Unit
from pqc.isa.storage import Storage
from pqc.isa.vector_instructions import Add, Fill, Map, Multiply, Pool, Requantize, Rescale
from pqc.numerics.encode import Metric

__all__ = [
    "ISA_VERSION",
    "Add",
    "Convolve",
    "Encode",
    "Fill",
    "Instruction",
    "Load",
    "Lookup",
    "Map",
    "Multiply",
    "Pool",
    "Requantize",
    "Rescale",
    "Storage",
    "Store",
]

ISA_VERSION = 3
"""Raised whenever a word's meaning changes."""


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
    """For each output position and subspace of a tile pick the nearest prototype and send its code on.

    Taps outside the input tile read zero. The elements of a window are taken in (channel, row, column) order, from
    ``first_element`` on; what lies behind the last one is zero. Ties go to the lowest index. Codes leave output
    position by output position, the subspaces of one position together: to the code FIFO, or to the activation
    buffer as a map of [subspaces][output rows][output columns]. Where ``spanned`` is not 0 some subspaces are left
    out: of so many that follow each other, those are encoded whose bit in ``kept`` is 1, ``subspaces`` in all.
    """

    source: shared.ActivationSource
    storage: shared.SourceStorage
    channels: shared.Channels
    height: shared.Height
    width: shared.Width
    plane_stride: shared.PlaneStride
    row_stride: shared.RowStride
    kernel_height: shared.KernelHeight
    kernel_width: shared.KernelWidth
    stride_height: shared.StrideHeight
    stride_width: shared.StrideWidth
    dilation_height: shared.DilationHeight
    dilation_width: shared.DilationWidth
    pad_top: shared.PadTop
    pad_left: shared.PadLeft
    output_rows: shared.OutputRows
    output_columns: shared.OutputColumns
    codebook: Annotated[int, Address(28, "packed codebook [subspaces][prototypes][length]", memory=Memory.CODEBOOK)]
    first_element: Annotated[int, Bits(16, "index of the first window element")]
    subspaces: shared.Subspaces
    prototypes: shared.Prototypes
    length: Annotated[int, Bits(16, "elements of a subvector")]
    prototype_bits: Annotated[int, Bits(5, "bits of a prototype element")]
    prototype_signed: Annotated[int, Bits(1, "1: prototype elements are signed")]
    shift: Annotated[int, Bits(5, "right shift that brings the input onto the codebook's grid")]
    metric: Annotated[Metric, Bits(2, "distance")]
    to_buffer: Annotated[int, Bits(1, "0: codes go to the FIFO; 1: to the activation buffer")]
    destination: Annotated[int, Address(28, "codes; written only if to_buffer", memory=Memory.ACTIVATION, written=True)]
    code_storage: shared.CodeStorage
    code_plane_stride: Annotated[int, Bits(28, "bytes from subspace to subspace of the codes")]
    code_row_stride: Annotated[int, Bits(28, "bytes from row to row of the codes")]
    shared_codebook: Annotated[int, Bits(1, "1: one codebook [prototypes][length], which all subspaces share")]
    spanned: Annotated[int, Bits(16, "subspaces that have a bit in kept; 0: none has, and all are encoded")]
    kept: Annotated[int, Address(28, "a bit a subspace, lowest first; read only if spanned", memory=Memory.CODEBOOK)]


@dataclass(frozen=True)
class Lookup(Instruction, opcode=0x11, mnemonic="lookup", unit=Unit.LOOKUP):
    """Take codes from the FIFO or from a map in the activation buffer and accumulate their table entries.

    From the FIFO come the codes of one encode instruction. Over a map of codes [groups][height][width] a window slides
    as in a convolution; its subspaces are numbered (kernel row * kernel_width + kernel column) * groups + group, and
    the instruction takes ``subspaces`` of them from ``first_subspace`` on. A tap outside the map reads the group's
    padding code. A code that is no prototype's stops the machine. Sums are in two's complement; accumulators are the
    target's ``accumulator_bits`` wide and stored in whole bytes.
    """

    table: Annotated[int, Address(28, "packed table [subspaces][prototypes][outputs]", memory=Memory.TABLE)]
    bias: shared.BiasSource
    accumulator: shared.AccumulatorTarget
    subspaces: shared.Subspaces
    prototypes: shared.Prototypes
    outputs: Annotated[int, Bits(16, "outputs")]
    output_rows: shared.OutputRows
    output_columns: shared.OutputColumns
    table_bits: Annotated[int, Bits(5, "bits of a signed table entry")]
    first: shared.First
    from_buffer: Annotated[int, Bits(1, "0: codes come from the FIFO, the rest has no meaning; 1: from a map of codes")]
    codes: Annotated[int, Address(28, "first byte of the map; read only if from_buffer", memory=Memory.ACTIVATION)]
    code_storage: shared.CodeStorage
    groups: Annotated[int, Bits(16, "planes of the map: subspaces of one tap")]
    height: Annotated[int, Bits(16, "rows of the map")]
    width: Annotated[int, Bits(16, "columns of the map")]
    plane_stride: Annotated[int, Bits(28, "bytes from group to group of the map")]
    row_stride: Annotated[int, Bits(28, "bytes from row to row of the map")]
    kernel_height: shared.KernelHeight
    kernel_width: shared.KernelWidth
    stride_height: shared.StrideHeight
    stride_width: shared.StrideWidth
    dilation_height: shared.DilationHeight
    dilation_width: shared.DilationWidth
    pad_top: shared.PadTop
    pad_left: shared.PadLeft
    padding: Annotated[int, Address(28, "a code a group; read only if a tap lies outside", memory=Memory.TABLE)]
    first_subspace: Annotated[int, Bits(16, "number of the first subspace")]


@dataclass(frozen=True)
class Convolve(Instruction, opcode=0x20, mnemonic="convolve", unit=Unit.CONVENTIONAL):
    """Convolve a tile with signed weights, in 32-bit accumulators; taps outside the input tile read zero."""

    source: shared.ActivationSource
    storage: shared.SourceStorage
    channels: shared.Channels
    height: shared.Height
    width: shared.Width
    plane_stride: shared.PlaneStride
    row_stride: shared.RowStride
    kernel_height: shared.KernelHeight
    kernel_width: shared.KernelWidth
    stride_height: shared.StrideHeight
    stride_width: shared.StrideWidth
    dilation_height: shared.DilationHeight
    dilation_width: shared.DilationWidth
    pad_top: shared.PadTop
    pad_left: shared.PadLeft
    output_rows: shared.OutputRows
    output_columns: shared.OutputColumns
    groups: Annotated[int, Bits(16, "groups of channels")]
    outputs: Annotated[int, Bits(16, "output channels")]
    weights: Annotated[int, Address(28, "packed [outputs][channels/groups][rows][columns]", memory=Memory.TABLE)]
    weight_bits: Annotated[int, Bits(5, "bits of a weight")]
    bias: shared.BiasSource
    accumulator: shared.AccumulatorTarget
    first: shared.First
