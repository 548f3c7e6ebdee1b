"""Writing a ``pqa.program`` operation by operation: regions, transfers and instructions of one ONNX node at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

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
from pqc.numerics.shapes import carried
from pqc.numerics.window import Window
from pqc.planning.target import Target
from pqc.planning.tiling import MapTile, MoveBlock, Span
from pqc.planning.transfer import Map, Transfer, block, dense_strides, linear, strided


@dataclass(frozen=True)
class Tensor:
    """A tensor: its region, how one frame lies there, and whether it lies in the activation buffer or in DRAM.

    The frames of a batch follow each other.
    """

    region: SSAValue
    map: Map
    storage: Storage
    on_chip: bool

    @property
    def moved_bytes(self) -> int:
        """Bytes of one element that pass through the activation buffer; 0: it lies there anyway."""
        return 0 if self.on_chip else self.map.element_bytes

    def reshaped(self, lies: Map) -> Tensor:
        """The same bytes in another shape."""
        return replace(self, map=lies)


@dataclass(frozen=True)
class View:
    """A block [planes, rows, columns] in the activation buffer: its region, its first byte there, its strides."""

    region: SSAValue
    offset: int
    plane_stride: int
    row_stride: int

    def fields(self, address: str, prefix: str) -> dict[str, int]:
        """The fields of an instruction whose address field is ``address`` and whose strides start with ``prefix``."""
        return {
            f"{address}_offset": self.offset,
            f"{prefix}plane_stride": self.plane_stride,
            f"{prefix}row_stride": self.row_stride,
        }


def map_of(kind: QuantizedType) -> Map:
    """How one frame of a quantized tensor lies in memory; features are planes of one element.

    What has other dimensions is only moved as a whole, in the shape in which it would be computed with.
    """
    _, *frame = carried(kind.get_shape())
    planes, rows, columns = (*frame, 1, 1)[:3]
    return Map(planes, rows, columns, kind.element.storage_bytes)


def slab_of(tile: MapTile, channels: Span) -> MoveBlock:
    """What a tile's windows see of some channels."""
    return MoveBlock(channels, tile.source_rows, tile.source_columns)


def result_of(tile: MapTile, outputs: Span) -> MoveBlock:
    """What a tile makes of some outputs."""
    return MoveBlock(outputs, tile.rows, tile.columns)


def window_fields(storage: Storage, window: Window, tile: MapTile, channels: Span) -> dict[str, int]:
    """The fields that say which window slides over which slab."""
    return {
        "storage": storage,
        "channels": channels.size,
        "height": tile.source_rows.size,
        "width": tile.source_columns.size,
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


class ProgramBuilder:
    """Appends operations to a program; all carry the location of the node being lowered.

    ``room`` is what the tensors on chip leave of the activation buffer while that node runs, ``spare`` what loads need
    not run ahead into of the table buffer.
    """

    def __init__(self, block: Block, target: Target, batch: int, spare: int) -> None:
        self.target = target
        self.batch = batch
        self.spare = spare
        self.room = target.buffer_bytes(Memory.ACTIVATION)
        self.location: LocationAttr = UnknownLoc()
        self._block = block
        self._constants: dict[BlobAttr, SSAValue] = {}

    def append(self, op: Operation) -> None:
        """Add an operation."""
        op.location = self.location
        self._block.add_op(op)

    def unit(self, kind: type[UnitOp], regions: Mapping[str, SSAValue], fields: Mapping[str, int]) -> None:
        """Add an instruction."""
        op = kind(regions, fields)
        hint(op.token, f"{op.unit.name.lower()}.done")
        self.append(op)

    def tensor(self, label: str, kind: TensorKind, quantized: QuantizedType) -> Tensor:
        """A new tensor in DRAM."""
        lies = map_of(quantized)
        op = TensorOp(label, kind, quantized, lies.size * self.batch)
        hint(op.region, label)
        self.append(op)
        return Tensor(op.region, lies, Storage.of(quantized.element), on_chip=False)

    def resident(self, label: str, quantized: QuantizedType, *, persistent: bool = False) -> Tensor:
        """A new tensor in the activation buffer; a persistent one shares its place with nothing else."""
        lies = map_of(quantized)
        region = self.allocate(Memory.ACTIVATION, lies.size * self.batch, label, persistent=persistent)
        return Tensor(region, lies, Storage.of(quantized.element), on_chip=True)

    def constant(self, label: str, data: AnyArray) -> SSAValue:
        """Bytes in the program file; the same bytes under one label are kept once."""
        blob = BlobAttr.of(label, np.frombuffer(data.tobytes(), np.uint8))
        if blob not in self._constants:
            op = ConstantOp(blob)
            hint(op.region, f"{label}.data")
            self.append(op)
            self._constants[blob] = op.region
        return self._constants[blob]

    def allocate(self, memory: Memory, size: int, name: str, *, persistent: bool = False) -> SSAValue:
        """A new piece of an on-chip buffer, called ``name`` in the text."""
        op = AllocateOp(memory, size, persistent=persistent)
        hint(op.region, name)
        self.append(op)
        return op.region

    def load(self, source: SSAValue, buffer: SSAValue, transfer: Transfer, entry_bits: int) -> None:
        """Copy from DRAM to a buffer."""
        self.unit(LoadOp, {"dram": source, "address": buffer}, transfer.fields() | {"entry_bits": entry_bits})

    def store(self, buffer: SSAValue, destination: SSAValue, transfer: Transfer) -> None:
        """Copy from the activation buffer to DRAM."""
        self.unit(StoreOp, {"dram": destination, "address": buffer}, transfer.fields())

    def load_constant(self, label: str, data: AnyArray, memory: Memory, entry_bits: int) -> SSAValue:
        """A constant, copied to an on-chip buffer."""
        source, buffer = self.constant(label, data), self.allocate(memory, data.nbytes, label)
        self.load(source, buffer, linear(data.nbytes), entry_bits)
        return buffer

    def temporary(self, part: MoveBlock, element_bytes: int, name: str) -> View:
        """New bytes of the activation buffer for a block without gaps."""
        region = self.allocate(Memory.ACTIVATION, part.elements * element_bytes, name)
        plane, row, _ = dense_strides(part.counts, element_bytes)
        return View(region, 0, plane, row)

    def source(self, tensor: Tensor, frame: int, part: MoveBlock, name: str = "slab") -> View:
        """A block of a tensor that an instruction can read: where it lies on chip, or loaded there."""
        if tensor.on_chip:
            return self._inside(tensor, frame, part)
        view = self.temporary(part, tensor.map.element_bytes, name)
        transfer = block(tensor.map, part.planes, part.rows, part.columns)
        transfer = replace(transfer, dram_offset=transfer.dram_offset + frame * tensor.map.size)
        self.load(tensor.region, view.region, transfer, tensor.map.element_bytes * 8)
        return view

    def result(self, tensor: Tensor, frame: int, part: MoveBlock) -> View:
        """Where an instruction writes a block of a tensor; :meth:`finish` has to follow."""
        if tensor.on_chip:
            return self._inside(tensor, frame, part)
        return self.temporary(part, tensor.map.element_bytes, "result")

    def finish(self, view: View, tensor: Tensor, frame: int, part: MoveBlock) -> None:
        """Bring what was written to :meth:`result` to its place."""
        if tensor.on_chip:
            return
        transfer = block(tensor.map, part.planes, part.rows, part.columns)
        transfer = replace(transfer, dram_offset=transfer.dram_offset + frame * tensor.map.size)
        self.store(view.region, tensor.region, transfer)

    def stage(self, source: Tensor, resident: Tensor, part: MoveBlock, frame: int) -> None:
        """Load a block of a tensor in DRAM to its place on chip."""
        lies = source.map
        offset = frame * lies.size + part.offset(lies.strides)
        transfer = strided(part.counts, lies.element_bytes, lies.strides, lies.strides, offset, offset)
        self.load(source.region, resident.region, transfer, lies.element_bytes * 8)

    def _inside(self, tensor: Tensor, frame: int, part: MoveBlock) -> View:
        plane, row, _ = tensor.map.strides
        return View(tensor.region, frame * tensor.map.size + part.offset(tensor.map.strides), plane, row)
