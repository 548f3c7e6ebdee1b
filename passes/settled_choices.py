"""What is chosen for every node of a network, as a file of choices says it."""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from pqc.dialects.location import node_name
from pqc.dialects.onnx import ConvOp, GemmOp
from pqc.dialects.pq_types import ConfigAttr
from pqc.numerics.encode import Metric
from pqc.passes.attributes import Grids, config_of, main_of
from pqc.passes.calibrate_ranges import returned_groups
from pqc.passes.value_names import values_by_name
from pqc.passes.value_ranges import group_values
from pqc.planning.layer_choices import LayerChoice, LayerChoices, pattern_of
from pqc.planning.target_keys import MetricName

METRIC_NAMES: dict[Metric, MetricName] = {Metric.L2: "l2", Metric.L1: "l1", Metric.LINF: "linf"}
"""How files spell the metrics."""


def settled_choices(module: ModuleOp, narrower: Mapping[SSAValue, int] | None = None) -> LayerChoices:
    """What is chosen for every node, so that the same choices give the same network.

    Groups of values, by what stands for them, that are to have ``narrower`` activations have these bits.
    """
    block, grids = main_of(module).body.block, Grids(module)
    groups = group_values(block)
    wide = returned_groups(block, groups)
    layers = {node_name(op): op for op in block.ops if isinstance(op, ConvOp | GemmOp)}

    def bits_of(value: SSAValue) -> int | None:
        root = groups.root(value)
        return None if root in wide else (narrower or {}).get(root, grids[value].integers.bits)

    found: list[LayerChoice] = []
    for name, value in values_by_name(module).items():
        layer, bits = layers.get(name), bits_of(value)
        if layer is not None:
            found.append(_layer_choice(name, config_of(layer), bits))
        elif bits is not None:
            found.append(LayerChoice(pattern_of(name), activation_bits=bits))
    return tuple(found)


def _layer_choice(name: str, config: ConfigAttr | None, activation_bits: int | None) -> LayerChoice:
    """All that is chosen for one layer."""
    if config is None:
        return LayerChoice(pattern_of(name), pq=False, activation_bits=activation_bits)
    return LayerChoice(
        pattern_of(name),
        pq=True,
        prototypes=config.prototypes.data,
        length=config.length.data,
        grouping=config.grouped.value,
        codebooks=config.sharing.value,
        metric=METRIC_NAMES[config.distance],
        prototype_bits=config.prototype_bits.data,
        table_bits=config.table_bits.data,
        activation_bits=activation_bits,
    )
