"""What the paper's model says of a network that is not compiled yet: no calibration, no fitting, no tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pqc.dialects.location import node_name
from pqc.dialects.onnx import ConvOp, GemmOp, shape_of
from pqc.dialects.pq_types import ConfigAttr
from pqc.dialects.registry import make_context
from pqc.frontend import import_model
from pqc.numerics.grouping import Grouping
from pqc.passes.attributes import config_of, main_of, set_target
from pqc.passes.options import PqOptions, configured_passes
from pqc.passes.pipeline import pipeline_names, run_pipeline
from pqc.passes.select_pq import SelectPqPass
from pqc.planning.paper_model import (
    CLOCK_FACTORS,
    AreaRule,
    Lanes,
    PaperCycles,
    PqLayer,
    area,
    conventional_cycles,
    lower_bound,
    paper_sum,
    performance_per_area,
    pq_cycles,
    pq_layer,
)
from pqc.planning.target import Target


@dataclass(frozen=True)
class EstimatedLayer:
    """A layer that would be product-quantized: its geometry, and its cycles for one frame.

    ``size`` and ``result`` are rows and columns of input and output; ``conventional`` are the cycles on the paper's
    conventional accelerator.
    """

    node: str
    channels: int
    size: tuple[int, int]
    result: tuple[int, int]
    kernel: tuple[int, int]
    stride: int
    grouping: Grouping
    quantized: PqLayer
    cycles: PaperCycles
    conventional: PaperCycles

    def as_json(self) -> dict[str, Any]:
        """The figures by name, as plain JSON values."""
        layer = self.quantized
        return {
            "node": self.node,
            "channels": self.channels,
            "height": self.size[0],
            "width": self.size[1],
            "kernel": list(self.kernel),
            "stride": self.stride,
            "grouping": self.grouping.value,
            **asdict(layer),
            "table_entries": layer.table_entries,
            "codebook_entries": layer.codebook_entries,
            "init": self.cycles.init,
            "calc": self.cycles.calc,
            "cycles": self.cycles.cycles,
            "bound": self.cycles.bound,
            "dla_cycles": self.conventional.cycles,
        }


@dataclass(frozen=True)
class Estimate:
    """The product-quantized layers of a network on a target; ``others`` names the layers that stay conventional."""

    model: Path
    target: Target
    options: PqOptions
    layers: tuple[EstimatedLayer, ...]
    others: tuple[str, ...]

    @property
    def cycles(self) -> list[PaperCycles]:
        """The cycles of each layer."""
        return [layer.cycles for layer in self.layers]

    @property
    def conventional(self) -> int:
        """Cycles of the same layers on the paper's conventional accelerator."""
        return paper_sum(layer.conventional for layer in self.layers)

    def areas(self) -> dict[str, dict[str, Any]]:
        """By area rule: the area of the target's PQ units in CLBs, and performance per area.

        ``trimmed`` is the target without the prototype and length lanes that idle on this network, as the paper's
        sweep has it. Performance per area is None where no layer is product-quantized.
        """
        lanes = Lanes.of(self.target)
        designs = {"target": lanes, "trimmed": self._trimmed(lanes)}
        return {
            rule.value: {name: self._figures(area(design, rule)) for name, design in designs.items()}
            for rule in AreaRule
        }

    def _trimmed(self, lanes: Lanes) -> Lanes:
        if not self.layers:
            return lanes
        prototypes = max(layer.quantized.prototypes for layer in self.layers)
        return lanes.trimmed(prototypes, max(layer.quantized.length for layer in self.layers))

    def _figures(self, clb: float) -> dict[str, float | None]:
        cycles = {"perf_per_area": paper_sum(self.cycles), "perf_per_area_at_lower_bound": lower_bound(self.cycles)}
        gains = {
            name: performance_per_area(total, clb, self.conventional) if self.layers else None
            for name, total in cycles.items()
        }
        return {"clb": clb, **gains}

    def as_json(self) -> dict[str, Any]:
        """The figures by name, as plain JSON values."""
        return {
            "model": str(self.model),
            "target": self.target.as_dict(),
            "fingerprint": self.target.fingerprint(),
            "options": self.options.as_json(),
            "bits_per_cycle": self.target.bits_per_cycle,
            "layers": [layer.as_json() for layer in self.layers],
            "conventional_layers": list(self.others),
            "cycles": {
                "paper_model_pq": paper_sum(self.cycles),
                "lower_bound_pq": lower_bound(self.cycles),
                "init": sum(layer.init for layer in self.cycles),
                "calc": sum(layer.calc for layer in self.cycles),
                "dla": self.conventional,
            },
            "table_bits": sum(layer.quantized.table_entries * layer.quantized.table_bits for layer in self.layers),
            "codebook_bits": sum(
                layer.quantized.codebook_entries * layer.quantized.prototype_bits for layer in self.layers
            ),
            "areas": self.areas(),
            "clock_factors": dict(CLOCK_FACTORS),
        }


def estimate_model(model: Path, target: Target, options: PqOptions) -> Estimate:
    """Import a model, choose its product-quantized layers as the compiler does, and apply the paper's model to them.

    Raises:
        ModelError: the model or the options are at fault.
    """
    module = import_model(model).module
    set_target(module, target)
    chosen = pipeline_names().index(SelectPqPass.name)
    run_pipeline(make_context(), module, configured_passes(options)[: chosen + 1])
    layers = [op for op in main_of(module).body.block.ops if isinstance(op, ConvOp | GemmOp)]
    estimated: list[EstimatedLayer] = []
    others: list[str] = []
    for layer in layers:
        config = config_of(layer)
        if isinstance(layer, ConvOp) and config is not None:
            estimated.append(_estimated(layer, config, target, options))
        else:
            others.append(node_name(layer))
    return Estimate(model, target, options, tuple(estimated), tuple(others))


def _estimated(layer: ConvOp, config: ConfigAttr, target: Target, options: PqOptions) -> EstimatedLayer:
    outputs, channels, *_ = shape_of(layer.weight)
    size, result, window = _map(shape_of(layer.x)), _map(shape_of(layer.result)), layer.window
    quantized = pq_layer(
        channels=channels,
        outputs=outputs,
        size=size,
        kernel=window.kernel,
        result=result,
        prototypes=config.prototypes.data,
        length=config.length.data,
        # Prototypes are never finer than the activations that they stand for.
        prototype_bits=min(config.prototype_bits.data, options.activation_bits),
        table_bits=config.table_bits.data,
        grouping=config.grouped,
        codebooks=config.sharing,
    )
    stride, bits = window.strides[0], target.bits_per_cycle
    return EstimatedLayer(
        node=node_name(layer),
        channels=channels,
        size=size,
        result=result,
        kernel=window.kernel,
        stride=stride,
        grouping=config.grouped,
        quantized=quantized,
        cycles=pq_cycles(quantized, Lanes.of(target), bits),
        conventional=conventional_cycles(channels, outputs, *size, window.kernel, stride, bits),
    )


def _map(shape: Sequence[int]) -> tuple[int, int]:
    """Rows and columns of a shape [frames, channels, rows, columns]."""
    return shape[2], shape[3]
