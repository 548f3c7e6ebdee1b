"""Writing a ``pqa.program`` operation by operation: regions, transfers and instructions of one ONNX node at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import LocationAttr, UnknownLoc
from xdsl.ir import Block, Operation, SSAValue

from pqc.dialects.blob import BlobAttr
from pqc.dialects.location import hint
from pqc.dialects.pq_types import QuantizedType
from pqc.dialects.pqa import LoadOp, StoreOp, UnitOp
from pqc.dialects.pqa_memory import AllocateOp, ConstantOp, TensorKind, TensorOp
from pqc.isa.fields import Memory
from pqc.isa.instructions import Storage
from pqc.numerics.arrays import AnyArray
from pqc.numerics.window import Window
from pqc.planning.target import Target
from pqc.planning.tiling import MapTile, Span
from pqc.planning.transfer import Map, Transfer, linear


@dataclass(frozen=True)
class Tensor:
    """A tensor in DRAM: its region and how it lies there."""

    region: SSAValue
    map: Map
    storage: Storage


def map_of(kind: QuantizedType) -> Map:
    """How one frame of a quantized tensor lies in DRAM; features are planes of one element."""
    shape = kind.get_shape()[1:]
    planes, rows, columns = shape if len(shape) == 3 else (shape[0], 1, 1)
    return Map(planes, rows, columns, kind.element.storage_bytes)


def slab_bytes(source: Tensor, tile: MapTile, channels: Span) -> int:
    """Bytes of the part of ``source`` that a tile's windows see in some channels."""
    return channels.size * tile.source_rows.size * tile.source_columns.size * source.map.element_bytes


def window_fields(source: Tensor, window: Window, tile: MapTile, channels: Span) -> dict[str, int]:
    """The fields that say which window slides over which slab."""
    return {
        "storage": source.storage,
        "channels": channels.size,
        "height": tile.source_rows.size,
        "width": tile.source_columns.size,
        "plane_stride": tile.source_rows.size * tile.source_columns.size * source.map.element_bytes,
        "row_stride": tile.source_columns.size * source.map.element_bytes,
        "kernel_height": window.kernel[0],
        "kernel_width": window.kernel[1],
        "stride_height": window.strides[0],
        "stride_width": window.strides[1],
        "dilation_height": window.dilations[0],
        "dilation_width": window.dilations[1],
        "pad_top": tile.pad_top,
        "pad_left": tile.pad_left,
        "output_rows": tile.rows.size,
        "output_columns": tile.columns.size,
    }


def dense_strides_of(prefix: str, tile: MapTile, element_bytes: int) -> dict[str, int]:
    """The strides of a tile's output positions that lie without gaps."""
    return {
        f"{prefix}_plane_stride": tile.positions * element_bytes,
        f"{prefix}_row_stride": tile.columns.size * element_bytes,
    }


class ProgramBuilder:
    """Appends operations to a program; all carry the location of the node being lowered."""

    def __init__(self, block: Block, target: Target) -> None:
        self.target = target
        self.location: LocationAttr = UnknownLoc()
        self._block = block
        self._constants: dict[BlobAttr, SSAValue] = {}

    def append(self, op: Operation) -> Operation:
        """Add an operation at the end."""
        op.location = self.location
        self._block.add_op(op)
        return op

    def unit(self, kind: type[UnitOp], regions: Mapping[str, SSAValue], fields: Mapping[str, int]) -> None:
        """Add an instruction."""
        op = kind(regions, fields)
        hint(op.token, f"{op.unit.name.lower()}.done")
        self.append(op)

    def tensor(self, label: str, kind: TensorKind, quantized: QuantizedType) -> Tensor:
        """A new tensor in DRAM."""
        lies = map_of(quantized)
        op = TensorOp(label, kind, quantized, lies.size)
        hint(op.region, label)
        self.append(op)
        return Tensor(op.region, lies, Storage.of(quantized.element))

    def constant(self, label: str, data: AnyArray) -> SSAValue:
        """Bytes in the program file; the same bytes under one label are kept once."""
        blob = BlobAttr.of(label, np.frombuffer(data.tobytes(), np.uint8))
        if blob not in self._constants:
            op = ConstantOp(blob)
            hint(op.region, f"{label}.data")
            self.append(op)
            self._constants[blob] = op.region
        return self._constants[blob]

    def allocate(self, memory: Memory, size: int, name: str) -> SSAValue:
        """A new piece of an on-chip buffer, called ``name`` in the text."""
        op = AllocateOp(memory, size)
        hint(op.region, name)
        self.append(op)
        return op.region

    def load(self, source: SSAValue, buffer: SSAValue, transfer: Transfer, entry_bits: int) -> None:
        """Copy from DRAM to a buffer."""
        self.unit(LoadOp, {"dram": source, "address": buffer}, transfer.fields() | {"entry_bits": entry_bits})

    def load_constant(self, label: str, data: AnyArray, memory: Memory, entry_bits: int) -> SSAValue:
        """A constant, copied to an on-chip buffer."""
        source, buffer = self.constant(label, data), self.allocate(memory, data.nbytes, label)
        self.load(source, buffer, linear(data.nbytes), entry_bits)
        return buffer

    def load_activations(self, tensor: Tensor, transfer: Transfer, size: int, name: str = "slab") -> SSAValue:
        """A part of a tensor, copied to ``size`` new bytes of the activation buffer."""
        buffer = self.allocate(Memory.ACTIVATION, size, name)
        self.load(tensor.region, buffer, transfer, tensor.map.element_bytes * 8)
        return buffer

    def store(self, buffer: SSAValue, tensor: Tensor, transfer: Transfer) -> None:
        """Copy from the activation buffer to DRAM."""
        self.unit(StoreOp, {"dram": tensor.region, "address": buffer}, transfer.fields())
