"""Grids that the network itself gives, so that nothing has to be measured.

``pq.on_grid`` says the grid of its values, and a ``pq.convolution`` that of its input, on which its prototypes lie.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.dialects.func import ReturnOp
from xdsl.ir import Block, SSAValue

from pqc.dialects.blob import ConstantOp
from pqc.dialects.location import node_name
from pqc.dialects.pq import ConvolutionOp, OnGridOp
from pqc.dialects.pq_types import GridAttr
from pqc.errors import ModelError
from pqc.numerics.fixed_point import is_power_of_two
from pqc.passes.value_ranges import Groups


@dataclass(frozen=True)
class GivenGrid:
    """The grid of a group of values, and the first node that says so."""

    grid: GridAttr
    node: str


def spell_grid(grid: GridAttr) -> str:
    """``ui8 times 0.25``."""
    return f"{grid.integers} times {grid.scale.data!r}"


def given_grids(block: Block, groups: Groups) -> dict[SSAValue, GivenGrid]:
    """The given grids by the value that stands for a group.

    Raises:
        ModelError: two nodes give the values of one group different grids.
    """
    given: dict[SSAValue, GivenGrid] = {}
    for op in block.ops:
        if not isinstance(op, OnGridOp | ConvolutionOp):
            continue
        found = GivenGrid(op.grid, node_name(op))
        first = given.setdefault(groups.root(op.x), found)
        if first.grid != found.grid:
            raise ModelError(
                f"node {first.node!r} puts its values on the grid {spell_grid(first.grid)}, node {found.node!r} puts "
                f"the same values on {spell_grid(found.grid)}; they must agree"
            )
    return given


def check_powers_of_two(given: dict[SSAValue, GivenGrid]) -> None:
    """Check the given grids for a target that only shifts.

    Raises:
        ModelError: the scale of one is no power of two.
    """
    for one in given.values():
        if not is_power_of_two(one.grid.scale.data):
            raise ModelError(
                f"node {one.node!r} gives the grid {spell_grid(one.grid)}; a target that only shifts needs scales that "
                "are powers of two"
            )


def check_chosen_bits(said: Mapping[SSAValue, int], given: Mapping[SSAValue, GivenGrid]) -> None:
    """Check what is chosen for groups of values, in bits, against the grids that are given: these are not chosen again.

    Raises:
        ModelError: a choice asks for other bits than the network gives.
    """
    for root, bits in said.items():
        if root in given and given[root].grid.integers.bits != bits:
            raise ModelError(
                f"node {given[root].node!r} gives the grid {spell_grid(given[root].grid)}; activation_bits = {bits} "
                "cannot be chosen for its values"
            )


def gridded_values(block: Block) -> list[SSAValue]:
    """All values of a function that need a grid: its arguments, and the results of everything but constants."""
    made = [op.results[0] for op in block.ops if not isinstance(op, ConstantOp | ReturnOp)]
    return [*block.args, *made]


def are_all_given(block: Block, groups: Groups) -> bool:
    """Whether the network gives the grids of all of its values.

    Raises:
        ModelError: see :func:`given_grids`.
    """
    given = given_grids(block, groups)
    return all(groups.root(value) in given for value in gridded_values(block))
