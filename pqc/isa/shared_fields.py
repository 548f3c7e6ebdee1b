"""Fields that several instructions have: their widths and what they mean."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pqc.isa.fields import Address, Bits, Memory
from pqc.isa.storage import Storage

ActivationSource: TypeAlias = Annotated[int, Address(28, "first byte of the input tile", memory=Memory.ACTIVATION)]
ActivationTarget: TypeAlias = Annotated[
    int, Address(28, "first byte of the result", memory=Memory.ACTIVATION, written=True)
]
AccumulatorTarget: TypeAlias = Annotated[
    int, Address(28, "first byte of the accumulators", memory=Memory.ACCUMULATOR, written=True)
]
BiasSource: TypeAlias = Annotated[
    int, Address(28, "first byte of the bias, four bytes an output; read only if first", memory=Memory.TABLE)
]
First: TypeAlias = Annotated[int, Bits(1, "1: start from the bias; 0: add to what the accumulators hold")]

SourceStorage: TypeAlias = Annotated[Storage, Bits(2, "element type of the input")]
TargetStorage: TypeAlias = Annotated[Storage, Bits(2, "element type of the result")]
CodeStorage: TypeAlias = Annotated[
    Storage, Bits(2, "type of a code in the buffer: u8 up to 256 prototypes, u16 above; used only with the buffer")
]

Channels: TypeAlias = Annotated[int, Bits(16, "channels of the input tile")]
Height: TypeAlias = Annotated[int, Bits(16, "rows of the input tile")]
Width: TypeAlias = Annotated[int, Bits(16, "columns of the input tile")]
PlaneStride: TypeAlias = Annotated[int, Bits(28, "bytes from plane to plane of the input tile")]
RowStride: TypeAlias = Annotated[int, Bits(28, "bytes from row to row of the input tile")]
ColumnStride: TypeAlias = Annotated[int, Bits(28, "bytes from element to element of a row of the input tile")]
TargetPlaneStride: TypeAlias = Annotated[int, Bits(28, "bytes from plane to plane of the result")]
TargetRowStride: TypeAlias = Annotated[int, Bits(28, "bytes from row to row of the result")]
Planes: TypeAlias = Annotated[int, Bits(16, "planes of the tile")]
Rows: TypeAlias = Annotated[int, Bits(16, "rows of a plane")]
Columns: TypeAlias = Annotated[int, Bits(32, "elements of a row")]

KernelHeight: TypeAlias = Annotated[int, Bits(8, "window rows")]
KernelWidth: TypeAlias = Annotated[int, Bits(8, "window columns")]
StrideHeight: TypeAlias = Annotated[int, Bits(8, "rows from window to window")]
StrideWidth: TypeAlias = Annotated[int, Bits(8, "columns from window to window")]
DilationHeight: TypeAlias = Annotated[int, Bits(8, "rows from tap to tap")]
DilationWidth: TypeAlias = Annotated[int, Bits(8, "columns from tap to tap")]
PadTop: TypeAlias = Annotated[int, Bits(8, "rows of padding above the tile")]
PadLeft: TypeAlias = Annotated[int, Bits(8, "columns of padding left of the tile")]
OutputRows: TypeAlias = Annotated[int, Bits(16, "output rows")]
OutputColumns: TypeAlias = Annotated[int, Bits(16, "output columns")]

Subspaces: TypeAlias = Annotated[int, Bits(16, "subspaces")]
Prototypes: TypeAlias = Annotated[int, Bits(16, "prototypes in each codebook")]

ClipLow: TypeAlias = Annotated[int, Bits(17, "lower bound of the result", signed=True)]
ClipHigh: TypeAlias = Annotated[int, Bits(17, "upper bound of the result", signed=True)]
Multiplier: TypeAlias = Annotated[int, Bits(32, "multiplier", signed=True)]
Shift: TypeAlias = Annotated[int, Bits(6, "right shift, bits")]
