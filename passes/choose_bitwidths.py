"""Settle how many bits every tensor, codebook and table has, and leave on the module what was chosen for each node.

%y = onnx.conv ... {pq.config = #pq.config<..., bits = [8, 8], l2>, pq.grid = #pq.grid<ui8, 0.021>} loc("a")
->  builtin.module attributes {pqc.choices = [{activation_bits = 8, nodes = "a", pq = true, ...}]}

The choices are what ``pqc compile --save-pq-config`` writes.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from pqc.dialects.location import node_name
from pqc.dialects.onnx import ConvOp
from pqc.errors import ModelError
from pqc.passes.attributes import CONFIG, config_of, main_of, set_choices
from pqc.passes.bit_sensitivity import BitSensitivity
from pqc.passes.calibrate_ranges import CalibrateRangesPass
from pqc.passes.settled_choices import settled_choices
from pqc.passes.value_names import values_by_name
from pqc.passes.value_ranges import group_values
from pqc.planning.bit_budget import Narrowable, Narrowed, within_error, within_size


@dataclass(frozen=True)
class ChooseBitwidthsPass(ModulePass):
    """Settle the bits of every tensor, codebook and table, within a budget where there is one.

    ``narrow`` says what may get fewer bits than was asked for: tables, prototypes and activations. ``size_budget`` is
    the size of all of it together in KiB, activations of one frame, all bits side by side; ``error_budget`` what it may
    add to the error of the network's outputs, squared and relative to their variance.
    """

    name = "choose-bitwidths"
    size_budget: float | None = None
    error_budget: float | None = None
    narrow: tuple[str, ...] = (Narrowed.TABLES.value,)
    seed: int = 0

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Choose, and leave on the module what was chosen.

        Raises:
            ModelError: there are two budgets, or nothing is within the budget.
        """
        if self.size_budget is not None and self.error_budget is not None:
            raise ModelError("a budget for the size and one for the error: one of both must be left free")
        layers = {node_name(one): one for one in op.walk() if isinstance(one, ConvOp) and config_of(one) is not None}
        narrow = frozenset(Narrowed(name) for name in self.narrow)
        if (self.size_budget or self.error_budget) and (layers or Narrowed.ACTIVATIONS in narrow):
            things = BitSensitivity(op, self.seed, narrow).things()
            self._narrow(ctx, op, layers, [*zip(things, self._within(things), strict=True)])
        set_choices(op, settled_choices(op))

    def _within(self, things: list[Narrowable]) -> list[int]:
        """The bits of each of ``things``."""
        if self.size_budget is not None:
            return within_size(things, 1024 * self.size_budget)
        return within_error(things, self.error_budget or 0)

    @staticmethod
    def _narrow(
        context: Context, module: ModuleOp, layers: dict[str, ConvOp], chosen: list[tuple[Narrowable, int]]
    ) -> None:
        """Give tables, prototypes and activations their bits; grids of fewer bits are measured again."""
        values, groups = values_by_name(module), group_values(main_of(module).body.block)
        activations: dict[SSAValue, int] = {}
        for thing, bits in chosen:
            if thing.what is Narrowed.ACTIVATIONS:
                activations[groups.root(values[thing.node])] = bits
            elif (config := config_of(layers[thing.node])) is not None:
                layers[thing.node].attributes[CONFIG] = config.with_bits(**{thing.what.value: bits})
        if activations:
            set_choices(module, settled_choices(module, activations))
            CalibrateRangesPass().apply(context, module)
