"""Cutting a layer for the conventional unit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache

from pqc.errors import ModelError
from pqc.numerics.packing import packed_bytes
from pqc.planning.cut import Choice, Cut, parameter_bytes, pieces
from pqc.planning.nest import Nest
from pqc.planning.problem import Problem, check_kernel
from pqc.planning.search import solve
from pqc.planning.target_keys import ConventionalUnit, Target
from pqc.planning.tiles import LayerShape, MapTile, Span, aligned, map_tiles, spans
from pqc.problems import refusal

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
    """A nest over blocks of outputs, map tiles and blocks of channels; all blocks of outputs have equally many."""

    nest: Nest
    output_blocks: tuple[OutputBlock, ...]
    tiles: tuple[MapTile, ...]


@lru_cache(maxsize=1024)
def search_convolution(
    shape: LayerShape, groups: int, weight_bits: int, target: Target, room: int, frames: int
) -> Nest:
    """The cheapest nest of a layer on the conventional unit; a matrix product is a convolution of one position.

    Blocks hold whole groups where one group fits; otherwise every group is cut like a dense layer of its own.
    ``room`` is what the activation buffer has left.

    Raises:
        DoesNotFitError: not even one output of one position from one input channel fits.
        ModelError: the target has no conventional unit, or a size beyond what an instruction holds.
    """
    if not target.conventional.present:
        found = f"target {target.name} has no conventional unit (its lanes are 0)"
        raise refusal(found, "a PQ layer", "product-quantize it with --include, or choose a target with such a unit")
    check_kernel(shape)
    whole = _groups_problem(shape, groups, weight_bits, target, room, frames)
    if groups > 1 and whole.fits(Choice(whole.cut(1, 1), 1, 1, 1, resident=False, keep_codes=False)):
        return solve(whole).nest
    group = replace(shape, channels=shape.channels // groups, outputs=shape.outputs // groups)
    return solve(_dense_problem(group, weight_bits, target, room, frames)).nest


def check_convolution(
    nest: Nest, shape: LayerShape, groups: int, weight_bits: int, target: Target, room: int, frames: int
) -> None:
    """Check a nest that was given.

    Raises:
        DoesNotFitError: it needs more than a buffer has.
        ModelError: a block or tile is larger than the layer, or codes are to be kept.
    """
    if nest.keep_codes:
        raise ModelError("schedule: keep_codes = true, allowed is false: a conventional layer has no codes")
    channels, outputs = shape.channels // groups, shape.outputs // groups
    if _has_whole_groups(nest, shape, groups):
        count = nest.outputs // outputs
        if count > groups:
            raise ModelError(f"schedule: outputs = {nest.outputs}, allowed are 1 to {shape.outputs}")
        _groups_problem(shape, groups, weight_bits, target, room, frames).check(nest, (count, 1))
        return
    group = replace(shape, channels=channels, outputs=outputs)
    _dense_problem(group, weight_bits, target, room, frames).check(nest)


def _has_whole_groups(nest: Nest, shape: LayerShape, groups: int) -> bool:
    """Whether a nest's blocks are whole groups of channels."""
    channels, outputs = shape.channels // groups, shape.outputs // groups
    return groups > 1 and nest.outputs % outputs == 0 and nest.inputs == nest.outputs // outputs * channels


def plan_convolution(shape: LayerShape, groups: int, nest: Nest) -> ConvolutionPlan:
    """The blocks and tiles of a nest.

    Raises:
        ModelError: some windows lie wholly behind the map.
    """
    channels, outputs = shape.channels // groups, shape.outputs // groups
    tiles = map_tiles(shape, nest.rows, nest.columns)
    if _has_whole_groups(nest, shape, groups):
        blocks = tuple(
            OutputBlock(_scaled(span, outputs), span.size, (_scaled(span, channels),))
            for span in spans(groups, nest.outputs // outputs)
        )
        return ConvolutionPlan(nest, blocks, tiles)
    blocks = tuple(
        OutputBlock(
            _moved(span, index * outputs),
            1,
            tuple(_moved(part, index * channels) for part in spans(channels, nest.inputs)),
        )
        for index in range(groups)
        for span in spans(outputs, nest.outputs)
    )
    return ConvolutionPlan(nest, blocks, tiles)


def _moved(span: Span, by: int) -> Span:
    return Span(span.start + by, span.stop + by)


def _scaled(span: Span, by: int) -> Span:
    return Span(span.start * by, span.stop * by)


def _groups_problem(
    shape: LayerShape, groups: int, weight_bits: int, target: Target, room: int, frames: int
) -> Problem:
    """Cut in blocks of whole groups; nothing accumulates over blocks of inputs."""
    outputs, channels = shape.outputs // groups, shape.channels // groups
    taps = shape.window.kernel[0] * shape.window.kernel[1]
    unit = target.conventional

    @cache
    def cut(count: int, _: int) -> Cut:
        weights = aligned(packed_bytes(count * outputs * channels * taps, weight_bits))
        return Cut(
            outputs=count * outputs,
            channels=count * channels,
            inputs=count * channels,
            output_blocks=-(-groups // count),
            input_blocks=1,
            codebook_bytes=0,
            table_bytes=weights,
            all_codebook_bytes=0,
            all_table_bytes=weights,
            parameter_bytes=aligned(parameter_bytes(count * outputs)),
            codebook_traffic=0,
            table_traffic=packed_bytes(shape.outputs * channels * taps, weight_bits) + parameter_bytes(shape.outputs),
            # every block loads its own channels alone: as often as there are blocks, those of one block
            slab_channels=-(-shape.channels * count // groups),
            column_cycles=sum(
                pass_cycles(n, channels, outputs, unit) * taps * many for n, many in pieces(groups, count)
            ),
        )

    together = max(1, min(unit.input_lanes // channels, unit.output_lanes // outputs))
    return Problem(shape, target, room, ACCUMULATOR_BYTES, groups, 1, together, 1, cut, frames)


def _dense_problem(shape: LayerShape, weight_bits: int, target: Target, room: int, frames: int) -> Problem:
    """Cut in blocks of outputs and of input channels that accumulate."""
    taps = shape.window.kernel[0] * shape.window.kernel[1]
    unit = target.conventional

    @cache
    def cut(outputs: int, channels: int) -> Cut:
        output_steps = sum(-(-o // unit.output_lanes) * count for o, count in pieces(shape.outputs, outputs))
        input_steps = sum(-(-c // unit.input_lanes) * count for c, count in pieces(shape.channels, channels))
        weights = [packed_bytes(outputs * span.size * taps, weight_bits) for span in spans(shape.channels, channels)]
        return Cut(
            outputs=outputs,
            channels=channels,
            inputs=channels,
            output_blocks=-(-shape.outputs // outputs),
            input_blocks=len(weights),
            codebook_bytes=0,
            table_bytes=aligned(max(weights)),
            all_codebook_bytes=0,
            all_table_bytes=sum(map(aligned, weights)),
            parameter_bytes=aligned(parameter_bytes(outputs)),
            codebook_traffic=0,
            table_traffic=packed_bytes(shape.outputs * shape.channels * taps, weight_bits)
            + parameter_bytes(shape.outputs),
            slab_channels=shape.channels,
            column_cycles=output_steps * input_steps * taps,
        )

    outer, inner = unit.output_lanes, unit.input_lanes
    return Problem(shape, target, room, ACCUMULATOR_BYTES, shape.outputs, shape.channels, outer, inner, cut, frames)


def pass_cycles(groups: int, inputs: int, outputs: int, unit: ConventionalUnit) -> int:
    """Cycles of one tap of one position: narrow groups share the lanes, as many as find a lane each."""
    together = max(1, min(unit.input_lanes // inputs, unit.output_lanes // outputs))
    return -(-groups // together) * -(-inputs // unit.input_lanes) * -(-outputs // unit.output_lanes)
