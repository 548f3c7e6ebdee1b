"""Settle how many bits every tensor and table has, and leave on the module what was chosen for each node.

%y = onnx.conv ... {pq.config = #pq.config<..., bits = [8, 8], l2>, pq.grid = #pq.grid<ui8, 0.021>} loc("a")
->  builtin.module attributes {pqc.choices = [{activation_bits = 8, nodes = "a", pq = true, ...}]}

The choices are what ``pqc compile --save-pq-config`` writes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from pqc.dialects.location import node_name
from pqc.dialects.onnx import ConvOp, GemmOp, shape_of
from pqc.dialects.pq_types import ConfigAttr
from pqc.errors import ModelError
from pqc.numerics.encode import Metric
from pqc.numerics.grouping import Cut
from pqc.passes.attributes import CONFIG, Grids, config_of, main_of, set_choices
from pqc.passes.bit_sensitivity import BitSensitivity
from pqc.passes.calibrate_ranges import returned_groups
from pqc.passes.value_names import values_by_name
from pqc.passes.value_ranges import group_values
from pqc.planning.knapsack import least_within
from pqc.planning.layer_choices import LayerChoice, LayerChoices, pattern_of
from pqc.planning.target_keys import MetricName

METRIC_NAMES: dict[Metric, MetricName] = {Metric.L2: "l2", Metric.L1: "l1", Metric.LINF: "linf"}
"""How files spell the metrics."""


def settled_choices(module: ModuleOp) -> LayerChoices:
    """What is chosen for every node, so that the same choices give the same network."""
    block, grids = main_of(module).body.block, Grids(module)
    groups = group_values(block)
    wide = returned_groups(block, groups)
    layers = {node_name(op): op for op in block.ops if isinstance(op, ConvOp | GemmOp)}

    def bits_of(value: SSAValue) -> int | None:
        return None if groups.root(value) in wide else grids[value].integers.bits

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


Costs: TypeAlias = Mapping[str, Mapping[int, float]]
"""By node and bits of its table."""


def _by_layer(costs: Costs) -> list[list[float]]:
    return [list(one.values()) for one in costs.values()]


def table_sizes(layer: ConvOp, config: ConfigAttr, widths: Iterable[int]) -> dict[int, float]:
    """The bytes of a layer's table, by bits."""
    outputs, channels, *_ = shape_of(layer.weight)
    entries = Cut.of(config.grouped, channels, layer.window, config.length.data).subspaces * config.prototypes.data
    return {bits: math.ceil(entries * outputs * bits / 8) for bits in widths}


def with_table_bits(config: ConfigAttr, bits: int) -> ConfigAttr:
    """The same configuration with another width of the table."""
    sizes = config.prototypes.data, config.length.data, config.prototype_bits.data
    return ConfigAttr.of(*sizes, bits, config.distance, config.grouped, config.sharing)


@dataclass(frozen=True)
class ChooseBitwidthsPass(ModulePass):
    """Settle the bits of every tensor and table, those of tables within a budget where there is one.

    ``table_budget`` is the size of all tables together in KiB, ``error_budget`` what narrower tables may add to the
    error of the network's outputs, squared and relative to their variance. Tables get at most the bits that their
    layers ask for.
    """

    name = "choose-bitwidths"
    table_budget: float | None = None
    error_budget: float | None = None
    seed: int = 0

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Choose, and leave on the module what was chosen.

        Raises:
            ModelError: there are two budgets, or nothing is within the budget.
        """
        if self.table_budget is not None and self.error_budget is not None:
            raise ModelError("a budget for the size of tables and one for their error: one of both must be left free")
        convolutions = [layer for layer in op.walk() if isinstance(layer, ConvOp)]
        layers = {
            node_name(layer): (layer, config) for layer in convolutions if (config := config_of(layer)) is not None
        }
        if layers and (self.table_budget is not None or self.error_budget is not None):
            errors = BitSensitivity(op, self.seed).errors()
            sizes = {name: table_sizes(*chosen, errors[name]) for name, chosen in layers.items()}
            for name, bits in self._within(sizes, errors).items():
                layer, config = layers[name]
                layer.attributes[CONFIG] = with_table_bits(config, bits)
        set_choices(op, settled_choices(op))

    def _within(self, sizes: Costs, errors: Costs) -> dict[str, int]:
        """The bits of each layer's table."""
        by_size = self.table_budget is not None
        budget = 1024 * (self.table_budget or 0) if by_size else self.error_budget or 0
        limited, wanted = (sizes, errors) if by_size else (errors, sizes)
        picked = least_within(_by_layer(wanted), _by_layer(limited), budget)
        if picked is None:
            least = sum(min(one.values()) for one in sizes.values()) / 1024
            raise ModelError(
                f"a table budget of {budget / 1024:g} KiB: tables of 2 bits everywhere take {least:.1f} KiB"
            )
        return {name: list(sizes[name])[index] for name, index in zip(sizes, picked, strict=True)}
