"""Lowering of the layers of the conventional unit."""

from __future__ import annotations

from xdsl.ir import SSAValue

from pqc.dialects.pqa import ConvolveOp
from pqc.dialects.qnn import Conv2dOp, GemmOp
from pqc.isa.access import WIDE_ACCUMULATOR_BYTES
from pqc.isa.fields import Memory
from pqc.numerics.packing import pack
from pqc.passes.constants import constant_array
from pqc.passes.lower_layer import Layer, LayerLowering
from pqc.passes.program_builder import ProgramBuilder, slab_of, window_fields
from pqc.planning.tiling import Nest, OutputBlock, Span, Step, check_convolution, plan_convolution, search_convolution


class ConvolutionLowering(LayerLowering):
    """A conventional layer; a matrix product is a convolution of a map of one position."""

    def __init__(self, builder: ProgramBuilder, layer: Layer, op: Conv2dOp | GemmOp) -> None:
        super().__init__(builder, layer, WIDE_ACCUMULATOR_BYTES, wide=True)
        weight = constant_array(op.weight)
        self.weight = weight.reshape(*weight.shape[:2], *layer.window.kernel)
        self.groups = op.groups.value.data if isinstance(op, Conv2dOp) else 1
        self.bits = op.weight_bits.value.data
        self._blocks: dict[Span, OutputBlock] = {}
        self._weights: dict[tuple[Span, int, int], SSAValue] = {}

    def search(self) -> Nest:
        """The cheapest nest."""
        builder = self.builder
        return search_convolution(self.layer.shape, self.groups, self.bits, builder.target, builder.room, builder.batch)

    def check(self, nest: Nest) -> None:
        """Check a nest that was given."""
        builder = self.builder
        check_convolution(nest, self.layer.shape, self.groups, self.bits, builder.target, builder.room, builder.batch)

    def run(self, nest: Nest) -> None:
        """Lower the layer."""
        plan = plan_convolution(self.layer.shape, self.groups, nest)
        self._blocks = {block.outputs: block for block in plan.output_blocks}
        blocks = len(plan.output_blocks[0].channel_blocks)
        self.run_nest(nest, list(self._blocks), blocks, plan.tiles)

    def accumulate(self, nest: Nest, step: Step) -> None:
        """Convolve one tile with one block of weights."""
        block = self._blocks[step.outputs]
        channels = block.channel_blocks[step.input_block]
        weights = self._load_weights(nest, step, block, channels)
        bias, start = self.bias(nest, step)
        slab = self.builder.source(self.layer.source, step.frame, slab_of(step.tile, channels))
        fields = window_fields(self.layer.source.storage, self.layer.window, step.tile, channels)
        fields |= slab.fields("source", "") | start
        fields |= {"groups": block.groups, "outputs": block.outputs.size, "weight_bits": self.bits}
        regions = {"source": slab.region, "weights": weights, **bias, "accumulator": self.sums(step)}
        self.builder.unit(ConvolveOp, regions, fields)

    def _load_weights(self, nest: Nest, step: Step, block: OutputBlock, channels: Span) -> SSAValue:
        """Weights [outputs of the block][channels per group][rows][columns], packed."""
        key = block.outputs, step.input_block, self.turn(nest, step)
        if key not in self._weights:
            weight = self.weight[block.outputs.start : block.outputs.stop]
            if block.groups == 1:
                depth = self.weight.shape[1]
                first = block.outputs.start // (self.weight.shape[0] // self.groups) * depth
                weight = weight[:, channels.start - first : channels.stop - first]
            data = pack(weight, self.bits)
            self._weights[key] = self.builder.load_constant("weights", data, Memory.TABLE, self.bits)
        return self._weights[key]
