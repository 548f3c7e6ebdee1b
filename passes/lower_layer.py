"""Lowering of the layers that accumulate: what they share."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.ir import SSAValue

from pqc.dialects.pqa import RequantizeOp
from pqc.isa.fields import Memory
from pqc.isa.parameters import PARAMETER_BYTES, pack_parameters
from pqc.numerics.arrays import IntArray
from pqc.numerics.window import Window
from pqc.passes.program_builder import ProgramBuilder, Tensor, result_of
from pqc.planning.tiling import LayerShape, MapTile, Nest, Span, Step, walk


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
            self.source.moved_bytes,
            self.result.moved_bytes,
            0 if self.residual is None else self.residual.moved_bytes,
        )


class LayerLowering(abc.ABC):
    """One layer: tables are loaded where they are first needed, and forgotten where the nest needs them no more."""

    def __init__(self, builder: ProgramBuilder, layer: Layer, accumulator_size: int, *, wide: bool) -> None:
        self.builder = builder
        self.layer = layer
        self.wide = wide
        self._accumulator_size = accumulator_size
        self._parameters: dict[tuple[Span, int], SSAValue] = {}
        self._sums: dict[tuple[int, Span, int, MapTile], SSAValue] = {}

    def run_nest(self, nest: Nest, outputs: Sequence[Span], input_blocks: int, tiles: Sequence[MapTile]) -> None:
        """Lower every step of the nest."""
        for step in walk(nest, outputs, input_blocks, tiles, self.builder.batch):
            self.accumulate(nest, step)
            if step.last:
                self.finish(nest, step)

    @abc.abstractmethod
    def accumulate(self, nest: Nest, step: Step) -> None:
        """Add one step's products to its accumulators."""

    def extra_parameters(self) -> bytes:
        """What lies behind the parameters and the bias."""
        return b""

    def turn(self, nest: Nest, step: Step) -> int:
        """The pass that what is loaded for a step is loaded for; the same for all of them if it stays."""
        return 0 if nest.resident else step.turn

    def parameters(self, nest: Nest, step: Step) -> SSAValue:
        """Requantization parameters of a block of outputs and then its bias, in the table buffer."""
        key = step.outputs, self.turn(nest, step) if nest.keep_codes else 0
        if key not in self._parameters:
            layer, part = self.layer, slice(step.outputs.start, step.outputs.stop)
            residual = None if layer.residual_multiplier is None else layer.residual_multiplier[part]
            records = pack_parameters(layer.multiplier[part], layer.shift[part], residual)
            data = np.frombuffer(records + layer.bias[part].astype("<i4").tobytes() + self.extra_parameters(), np.uint8)
            self._parameters[key] = self.builder.load_constant("parameters", data, Memory.TABLE, 32)
        return self._parameters[key]

    def bias(self, nest: Nest, step: Step) -> tuple[dict[str, SSAValue], dict[str, int]]:
        """Region and fields of the bias, for the step that starts from it."""
        if not step.first:
            return {}, {"first": 0}
        offset = step.outputs.size * PARAMETER_BYTES
        return {"bias": self.parameters(nest, step)}, {"first": 1, "bias_offset": offset}

    def sums(self, step: Step) -> SSAValue:
        """Accumulators of a tile."""
        key = step.turn, step.outputs, step.frame, step.tile
        if key not in self._sums:
            size = step.outputs.size * step.tile.positions * self._accumulator_size
            self._sums[key] = self.builder.allocate(Memory.ACCUMULATOR, size, "sums")
        return self._sums[key]

    def finish(self, nest: Nest, step: Step) -> None:
        """Requantize a tile's accumulators and bring the result to its place."""
        layer, builder = self.layer, self.builder
        part = result_of(step.tile, step.outputs)
        regions = {"accumulator": self.sums(step), "parameters": self.parameters(nest, step)}
        fields = {
            "wide": int(self.wide),
            "outputs": step.outputs.size,
            "rows": step.tile.rows.size,
            "columns": step.tile.columns.size,
            "destination_storage": layer.result.storage,
            "low": layer.low,
            "high": layer.high,
        }
        if layer.residual is not None:
            residual = builder.source(layer.residual, step.frame, part, "residual")
            regions["residual"] = residual.region
            fields |= {"has_residual": 1, "residual_storage": layer.residual.storage}
            fields |= residual.fields("residual", "residual_")
        result = builder.result(layer.result, step.frame, part)
        fields |= result.fields("destination", "destination_")
        builder.unit(RequantizeOp, regions | {"destination": result.region}, fields)
        builder.finish(result, layer.result, step.frame, part)
