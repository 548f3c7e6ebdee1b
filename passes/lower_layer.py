"""Lowering of the layers that accumulate: on encode and lookup, or on the conventional unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from xdsl.ir import SSAValue

from pqc.dialects.pq import EncodeOp, LookupOp
from pqc.dialects.pqa import ConvolveOp, RequantizeOp
from pqc.dialects.pqa import EncodeOp as EncodeTileOp
from pqc.dialects.pqa import LookupOp as LookupTileOp
from pqc.dialects.qnn import Conv2dOp, GemmOp
from pqc.dialects.qnn import RequantizeOp as QuantizedResultOp
from pqc.errors import InternalError
from pqc.isa.access import WIDE_ACCUMULATOR_BYTES, accumulator_bytes
from pqc.isa.fields import Memory
from pqc.isa.parameters import pack_parameters
from pqc.numerics.arrays import IntArray
from pqc.numerics.packing import pack
from pqc.numerics.window import Window
from pqc.passes.constants import constant_array
from pqc.passes.program_builder import ProgramBuilder, Tensor, dense_strides_of, slab_bytes, window_fields
from pqc.planning.tiling import (
    LayerShape,
    MapTile,
    OutputBlock,
    PqShape,
    Span,
    SubspaceBlock,
    plan_convolution,
    plan_lookup,
)
from pqc.planning.transfer import block


@dataclass(frozen=True)
class Layer:
    """A layer with what follows its accumulators: where it reads and writes, and its parameters per output."""

    source: Tensor
    result: Tensor
    residual: Tensor | None
    window: Window
    bias: IntArray
    multiplier: IntArray
    shift: IntArray
    residual_multiplier: IntArray | None
    low: int
    high: int

    @property
    def shape(self) -> LayerShape:
        """The geometry that tiling looks at."""
        source, result = self.source.map, self.result.map
        return LayerShape(
            source.planes,
            source.rows,
            source.columns,
            self.window,
            result.rows,
            result.columns,
            result.planes,
            source.element_bytes,
            result.element_bytes,
            0 if self.residual is None else self.residual.map.element_bytes,
        )


def lower_accumulating_layer(
    builder: ProgramBuilder, op: QuantizedResultOp, tensors: Mapping[SSAValue, Tensor]
) -> None:
    """Lower a requantization together with the operation that fills its accumulators."""
    producer = op.accumulator.owner
    encode = producer.codes.owner if isinstance(producer, LookupOp) else None
    reader = encode if isinstance(encode, EncodeOp) else producer
    if not isinstance(reader, EncodeOp | Conv2dOp | GemmOp) or not isinstance(producer, LookupOp | Conv2dOp | GemmOp):
        raise InternalError("accumulators that come from no lookup, convolution or matrix product")
    residual = op.residual
    layer = Layer(
        source=tensors[reader.x],
        result=tensors[op.result],
        residual=None if residual is None else tensors[residual],
        window=Window((1, 1)) if isinstance(reader, GemmOp) else reader.window.data,
        bias=constant_array(producer.bias),
        multiplier=constant_array(op.multiplier),
        shift=constant_array(op.shift),
        residual_multiplier=None if residual is None else constant_array(op.residual_multiplier),
        low=op.bounds.low,
        high=op.bounds.high,
    )
    if isinstance(producer, LookupOp) and isinstance(encode, EncodeOp):
        _LookupLowering(builder, layer, encode, producer).run()
    elif isinstance(producer, Conv2dOp | GemmOp):
        _ConvolutionLowering(builder, layer, producer).run()


class _Lowering:
    """What both kinds of layers share: the slab of a tile, and the way out of the accumulators."""

    def __init__(self, builder: ProgramBuilder, layer: Layer, accumulator_size: int) -> None:
        self.builder = builder
        self.layer = layer
        self.accumulator_size = accumulator_size

    def load_parameters(self, outputs: Span) -> tuple[SSAValue, SSAValue]:
        """Bias and requantization parameters of a block of outputs, in the table buffer."""
        layer, part = self.layer, slice(outputs.start, outputs.stop)
        residual = None if layer.residual_multiplier is None else layer.residual_multiplier[part]
        records = pack_parameters(layer.multiplier[part], layer.shift[part], residual)
        bias = self.builder.load_constant("bias", layer.bias[part].astype("<i4"), Memory.TABLE, 32)
        parameters = np.frombuffer(records, np.uint8)
        return bias, self.builder.load_constant("parameters", parameters, Memory.TABLE, 32)

    def load_slab(self, tile: MapTile, channels: Span) -> SSAValue:
        """The part of the input that a tile's windows see in some channels."""
        lies = self.layer.source.map
        transfer = block(lies, channels, tile.source_rows, tile.source_columns)
        return self.builder.load_activations(self.layer.source, transfer, slab_bytes(self.layer.source, tile, channels))

    def accumulators(self, outputs: Span, tile: MapTile) -> SSAValue:
        """Accumulators for a tile."""
        size = outputs.size * tile.positions * self.accumulator_size
        return self.builder.allocate(Memory.ACCUMULATOR, size, "sums")

    def finish(self, sums: SSAValue, parameters: SSAValue, outputs: Span, tile: MapTile, wide: bool) -> None:
        """Requantize a tile's accumulators and store the result."""
        layer, regions = self.layer, {"accumulator": sums, "parameters": parameters}
        fields = {
            "wide": int(wide),
            "outputs": outputs.size,
            "rows": tile.rows.size,
            "columns": tile.columns.size,
            "destination_storage": layer.result.storage,
            **dense_strides_of("destination", tile, layer.result.map.element_bytes),
            "low": layer.low,
            "high": layer.high,
        }
        if layer.residual is not None:
            lies = layer.residual.map
            transfer = block(lies, outputs, tile.rows, tile.columns)
            size = outputs.size * tile.positions * lies.element_bytes
            regions["residual"] = self.builder.load_activations(layer.residual, transfer, size, "residual")
            fields |= {"has_residual": 1, "residual_storage": layer.residual.storage}
            fields |= dense_strides_of("residual", tile, lies.element_bytes)
        lies = layer.result.map
        result = self.builder.allocate(Memory.ACTIVATION, outputs.size * tile.positions * lies.element_bytes, "result")
        self.builder.unit(RequantizeOp, regions | {"destination": result}, fields)
        self.builder.store(result, layer.result, block(lies, outputs, tile.rows, tile.columns))


class _LookupLowering(_Lowering):
    """A product-quantized layer: codes go from encode to lookup through the FIFO."""

    def __init__(self, builder: ProgramBuilder, layer: Layer, encode: EncodeOp, lookup: LookupOp) -> None:
        super().__init__(builder, layer, accumulator_bytes(lookup.accumulator_bits))
        self.encode = encode
        self.codebook, self.table = constant_array(encode.codebook), constant_array(lookup.table)
        subspaces, prototypes, length = self.codebook.shape
        self.pq = PqShape(subspaces, prototypes, length, encode.prototype_bits.value.data, lookup.table_bits.value.data)

    def run(self) -> None:
        """Blocks of outputs, map tiles, blocks of subspaces, from the outermost loop inwards."""
        plan = plan_lookup(self.layer.shape, self.pq, self.builder.target)
        for outputs in plan.output_blocks:
            bias, parameters = self.load_parameters(outputs)
            resident = None
            if len(plan.subspace_blocks) == 1:
                resident = self._load_tables(plan.subspace_blocks[0].subspaces, outputs)
            for tile in plan.tiles:
                sums = self.accumulators(outputs, tile)
                for index, part in enumerate(plan.subspace_blocks):
                    tables = resident or self._load_tables(part.subspaces, outputs)
                    self._match_and_look_up(tile, part, outputs, tables, bias, sums, first=index == 0)
                self.finish(sums, parameters, outputs, tile, wide=False)

    def _load_tables(self, subspaces: Span, outputs: Span) -> tuple[SSAValue, SSAValue]:
        part = slice(subspaces.start, subspaces.stop)
        codebook = pack(self.codebook[part], self.pq.prototype_bits)
        table = pack(self.table[part, :, outputs.start : outputs.stop], self.pq.table_bits)
        return (
            self.builder.load_constant("codebook", codebook, Memory.CODEBOOK, self.pq.prototype_bits),
            self.builder.load_constant("table", table, Memory.TABLE, self.pq.table_bits),
        )

    def _match_and_look_up(
        self,
        tile: MapTile,
        part: SubspaceBlock,
        outputs: Span,
        tables: tuple[SSAValue, SSAValue],
        bias: SSAValue,
        sums: SSAValue,
        *,
        first: bool,
    ) -> None:
        slab = self.load_slab(tile, part.channels)
        codebook, table = tables
        fields = window_fields(self.layer.source, self.layer.window, tile, part.channels) | {
            "first_element": part.first_element,
            "subspaces": part.subspaces.size,
            "prototypes": self.pq.prototypes,
            "length": self.pq.length,
            "prototype_bits": self.pq.prototype_bits,
            "prototype_signed": int(self.encode.prototype_element.signed),
            "shift": self.encode.shift.value.data,
            "metric": self.encode.distance,
        }
        self.builder.unit(EncodeTileOp, {"source": slab, "codebook": codebook}, fields)
        regions = {"table": table, **({"bias": bias} if first else {}), "accumulator": sums}
        fields = {
            "subspaces": part.subspaces.size,
            "prototypes": self.pq.prototypes,
            "outputs": outputs.size,
            "output_rows": tile.rows.size,
            "output_columns": tile.columns.size,
            "table_bits": self.pq.table_bits,
            "first": int(first),
        }
        self.builder.unit(LookupTileOp, regions, fields)


class _ConvolutionLowering(_Lowering):
    """A conventional layer; a matrix product is a convolution of a map of one position."""

    def __init__(self, builder: ProgramBuilder, layer: Layer, op: Conv2dOp | GemmOp) -> None:
        super().__init__(builder, layer, WIDE_ACCUMULATOR_BYTES)
        weight = constant_array(op.weight)
        self.weight = weight.reshape(*weight.shape[:2], *layer.window.kernel)
        self.groups = op.groups.value.data if isinstance(op, Conv2dOp) else 1
        self.bits = op.weight_bits.value.data

    def run(self) -> None:
        """Blocks of outputs, map tiles, blocks of channels, from the outermost loop inwards."""
        plan = plan_convolution(self.layer.shape, self.groups, self.bits, self.builder.target)
        for part in plan.output_blocks:
            bias, parameters = self.load_parameters(part.outputs)
            resident = None
            if len(part.channel_blocks) == 1:
                resident = self._load_weights(part, part.channel_blocks[0])
            for tile in plan.tiles:
                sums = self.accumulators(part.outputs, tile)
                for index, channels in enumerate(part.channel_blocks):
                    weights = resident or self._load_weights(part, channels)
                    slab = self.load_slab(tile, channels)
                    first = index == 0
                    regions = {"source": slab, "weights": weights, **({"bias": bias} if first else {})}
                    fields = window_fields(self.layer.source, self.layer.window, tile, channels) | {
                        "groups": part.groups,
                        "outputs": part.outputs.size,
                        "weight_bits": self.bits,
                        "first": int(first),
                    }
                    self.builder.unit(ConvolveOp, regions | {"accumulator": sums}, fields)
                self.finish(sums, parameters, part.outputs, tile, wide=True)

    def _load_weights(self, part: OutputBlock, channels: Span) -> SSAValue:
        """Weights [outputs of the block][channels per group][rows][columns], packed."""
        weight = self.weight[part.outputs.start : part.outputs.stop]
        if part.groups == 1:
            depth = self.weight.shape[1]
            first = part.outputs.start // (self.weight.shape[0] // self.groups) * depth
            weight = weight[:, channels.start - first : channels.stop - first]
        return self.builder.load_constant("weights", pack(weight, self.bits), Memory.TABLE, self.bits)
