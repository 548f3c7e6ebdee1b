"""What fewer bits of tables, prototypes and activations do to the outputs of a network, measured one by one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from pqc.dialects.location import node_name
from pqc.dialects.onnx import ConvOp, shape_of
from pqc.dialects.pq_types import ConfigAttr
from pqc.numerics.element import Element
from pqc.numerics.fixed_point import power_of_two_at_least
from pqc.numerics.grouping import Codebooks, Cut
from pqc.passes.activation_scales import WIDE, ActivationScales, is_passed_on
from pqc.passes.attributes import Grids, calibration_of, config_of, main_of, target_of
from pqc.passes.calibrate_ranges import returned_groups
from pqc.passes.given_grids import given_grids
from pqc.passes.progress import report_progress
from pqc.passes.quick_network import QuickNetwork
from pqc.passes.value_names import values_by_name
from pqc.passes.value_ranges import group_values
from pqc.planning.bit_budget import Narrowable, Narrowed, Width

FEWEST = 2
"""Bits that anything has at least."""


@dataclass(frozen=True)
class _Candidate:
    """Something that may be narrowed."""

    what: Narrowed
    node: str
    elements: int
    bits: int
    """What is asked for."""
    error: Callable[[int], float]
    """What fewer bits cost."""

    def measured(self) -> Narrowable:
        """With what each width costs: what is asked for nothing, and fewer bits no less than more."""
        widths = [Width(self.bits, self.elements * self.bits / 8, 0.0)]
        for bits in reversed(range(FEWEST, self.bits)):
            widths.append(Width(bits, self.elements * bits / 8, max(widths[-1].error, self.error(bits))))
        return Narrowable(self.what, self.node, tuple(widths))


class BitSensitivity:
    """What there is to be narrowed in a network that has grids and configurations, and what it costs."""

    def __init__(self, module: ModuleOp, seed: int, narrow: Collection[Narrowed]) -> None:
        """Fit a copy of ``module`` quickly."""
        self._module, self._narrow = module, narrow
        self._network = QuickNetwork(module, seed, narrow)
        ops = main_of(module).body.block.ops
        self._layers = [(op, config) for op in ops if isinstance(op, ConvOp) and (config := config_of(op)) is not None]

    def things(self) -> list[Narrowable]:
        """Everything that may have fewer bits, with what each width costs."""
        makers = {
            Narrowed.TABLES: self._tables,
            Narrowed.PROTOTYPES: self._prototypes,
            Narrowed.ACTIVATIONS: self._activations,
        }
        candidates = [one for what, make in makers.items() if what in self._narrow for one in make()]
        found: list[Narrowable] = []
        for number, one in enumerate(candidates):
            report_progress(f"measuring {one.what} of {one.node}", number, len(candidates))
            found.append(one.measured())
        report_progress("measuring", len(candidates), len(candidates))
        return found

    def _tables(self) -> Iterator[_Candidate]:
        for op, config in self._layers:
            entries = _cut(op, config).subspaces * config.prototypes.data * shape_of(op.weight)[0]
            error = partial(self._network.change_with_layer, node_name(op), Narrowed.TABLES)
            yield _Candidate(Narrowed.TABLES, node_name(op), entries, config.table_bits.data, error)

    def _prototypes(self) -> Iterator[_Candidate]:
        """Of other prototypes the outputs are different ones, not worse ones: what counts is how far off they are."""
        for op, config in self._layers:
            books = 1 if config.sharing is Codebooks.SHARED else _cut(op, config).groups
            bits = min(config.prototype_bits.data, Grids(self._module)[op.x].integers.bits)
            elements = books * config.prototypes.data * config.length.data
            error = partial(self._network.harm_with_layer, node_name(op), Narrowed.PROTOTYPES)
            yield _Candidate(Narrowed.PROTOTYPES, node_name(op), elements, bits, error)

    def _activations(self) -> Iterator[_Candidate]:
        """All groups of values that the network does not return, and of whose grid the model says nothing."""
        block, grids = main_of(self._module).body.block, Grids(self._module)
        power_of_two = target_of(self._module).requantize == "shift"
        groups = group_values(block)
        fixed = returned_groups(block, groups) | set(given_grids(block, groups))
        scales = ActivationScales(block, groups, calibration_of(self._module), power_of_two)
        members: dict[SSAValue, dict[str, SSAValue]] = {}
        for name, value in values_by_name(self._module).items():
            members.setdefault(groups.root(value), {})[name] = value
        for root, named in members.items():
            if root in fixed:
                continue
            made = [value for value in named.values() if not is_passed_on(value)]
            elements = sum(prod(shape_of(value)[1:]) for value in made)
            known = grids[root].integers, grids[root].scale.data
            costs = _ActivationCosts(self._network, tuple(named), root, known, scales, power_of_two)
            yield _Candidate(Narrowed.ACTIVATIONS, next(iter(named)), elements, known[0].bits, costs.error)


@dataclass(frozen=True)
class _ActivationCosts:
    """What a group of values costs with fewer bits."""

    network: QuickNetwork
    names: Sequence[str]
    root: SSAValue
    known: tuple[Element, float]
    scales: ActivationScales
    power_of_two: bool

    def error(self, bits: int) -> float:
        """With the scale that costs least."""
        wide, scale = self.known
        element = Element(bits, wide.signed)
        reach = scale * wide.maximum / element.maximum
        reach = power_of_two_at_least(reach) if self.power_of_two else reach
        if bits < WIDE:
            reach = self.scales.scale(self.root, element, reach)
        return self.network.change_with_grid(self.names, element, reach)


def _cut(op: ConvOp, config: ConfigAttr) -> Cut:
    _, channels, *_ = shape_of(op.weight)
    return Cut.of(config.grouped, channels, op.window, config.length.data)
