"""Cutting a layer for the conventional unit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache

from pqc.errors import ModelError
from pqc.numerics.packing import packed_bytes
from pqc.planning.search import Cut, Problem, check_kernel, parameter_bytes, pieces, table_bytes
from pqc.planning.target_keys import Target
from pqc.planning.tiles import LayerShape, MapTile, Span, map_tiles, spans

ACCUMULATOR_BYTES = 4


@dataclass(frozen=True)
class OutputBlock:
    """Outputs that one convolve instruction computes from ``groups`` groups of channels.

    ``channel_blocks`` are the input channels of each instruction; several of them accumulate.
    """

    outputs: Span
    groups: int
    channel_blocks: tuple[Span, ...]


@dataclass(frozen=True)
class ConvolutionPlan:
    """For each output block, for each map tile, for each of the block's channel blocks: load, convolve."""

    output_blocks: tuple[OutputBlock, ...]
    tiles: tuple[MapTile, ...]


@lru_cache(maxsize=1024)
def plan_convolution(shape: LayerShape, groups: int, weight_bits: int, target: Target) -> ConvolutionPlan:
    """Cut a layer for the conventional unit; a matrix product is a convolution of a map of one position.

    Blocks hold whole groups where one group fits; otherwise every group is cut like a dense layer of its own.

    Raises:
        DoesNotFitError: not even one output of one position from one input channel fits.
        ModelError: the target has no conventional unit, or a size beyond what an instruction holds.
    """
    if not target.conventional.present:
        raise ModelError(f"target {target.name} has no conventional unit (its lanes are 0): allowed are PQ layers")
    check_kernel(shape)
    whole = _groups_problem(shape, groups, weight_bits, target)
    if groups > 1 and whole.fits(whole.cut(1, 1), 1, 1, 1):
        choice = whole.solve()
        channels = shape.channels // groups
        outputs = shape.outputs // groups
        blocks = tuple(
            OutputBlock(_scaled(span, outputs), span.size, (_scaled(span, channels),))
            for span in spans(groups, choice.cut.outputs // outputs)
        )
        return ConvolutionPlan(blocks, map_tiles(shape, choice.rows, choice.columns))
    group = replace(shape, channels=shape.channels // groups, outputs=shape.outputs // groups)
    choice = _dense_problem(group, weight_bits, target).solve()
    blocks = tuple(
        OutputBlock(
            _moved(span, index * group.outputs),
            1,
            tuple(_moved(channels, index * group.channels) for channels in spans(group.channels, choice.cut.inputs)),
        )
        for index in range(groups)
        for span in spans(group.outputs, choice.cut.outputs)
    )
    return ConvolutionPlan(blocks, map_tiles(shape, choice.rows, choice.columns))


def _moved(span: Span, by: int) -> Span:
    return Span(span.start + by, span.stop + by)


def _scaled(span: Span, by: int) -> Span:
    return Span(span.start * by, span.stop * by)


def _groups_problem(shape: LayerShape, groups: int, weight_bits: int, target: Target) -> Problem:
    """Cut in blocks of whole groups; nothing accumulates over blocks of inputs."""
    outputs, channels = shape.outputs // groups, shape.channels // groups
    taps = shape.window.kernel[0] * shape.window.kernel[1]
    unit = target.conventional
    weights = packed_bytes(shape.outputs * channels * taps, weight_bits)

    @cache
    def cut(count: int, _: int) -> Cut:
        return Cut(
            outputs=count * outputs,
            channels=count * channels,
            inputs=count * channels,
            codebook_bytes=0,
            table_bytes=table_bytes(count * outputs * channels * taps, weight_bits, count * outputs),
            resident_bytes=parameter_bytes(shape.outputs) + weights,
            tile_bytes=0,
            slab_channels=shape.channels,
            column_cycles=groups * -(-outputs // unit.output_lanes) * -(-channels // unit.input_lanes) * taps,
            steps=-(-groups // count),
        )

    return Problem(shape, target, ACCUMULATOR_BYTES, groups, 1, cut)


def _dense_problem(shape: LayerShape, weight_bits: int, target: Target) -> Problem:
    """Cut in blocks of outputs and of input channels that accumulate."""
    taps = shape.window.kernel[0] * shape.window.kernel[1]
    unit = target.conventional
    weights = packed_bytes(shape.outputs * shape.channels * taps, weight_bits)

    @cache
    def cut(outputs: int, channels: int) -> Cut:
        output_blocks, input_blocks = -(-shape.outputs // outputs), -(-shape.channels // channels)
        output_steps = sum(-(-o // unit.output_lanes) * count for o, count in pieces(shape.outputs, outputs))
        input_steps = sum(-(-c // unit.input_lanes) * count for c, count in pieces(shape.channels, channels))
        resident = input_blocks == 1
        return Cut(
            outputs=outputs,
            channels=channels,
            inputs=channels,
            codebook_bytes=0,
            table_bytes=table_bytes(outputs * channels * taps, weight_bits, outputs),
            resident_bytes=parameter_bytes(shape.outputs) + (weights if resident else 0),
            tile_bytes=0 if resident else weights,
            slab_channels=shape.channels * output_blocks,
            column_cycles=output_steps * input_steps * taps,
            steps=output_blocks * input_blocks,
        )

    return Problem(shape, target, ACCUMULATOR_BYTES, shape.outputs, shape.channels, cut)
