"""Grids that the network gives: which are taken, which contradict each other, and which a target cannot have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Operation, Region, SSAValue

from pqc.dialects.location import node_location
from pqc.dialects.onnx import AddOp, ConcatOp, ReluOp, ReshapeOp, tensor
from pqc.dialects.pq import OnGridOp
from pqc.dialects.pq_types import GridAttr
from pqc.dialects.registry import make_context
from pqc.errors import ModelError
from pqc.numerics.element import Element
from pqc.passes.attributes import Grids, set_calibration, set_choices, set_target
from pqc.passes.calibrate_ranges import CalibrateRangesPass
from pqc.passes.given_grids import are_all_given
from pqc.passes.value_ranges import group_values
from pqc.planning.layer_choices import LayerChoice
from pqc.planning.target import load_target

U8, S16 = Element(8, False), Element(16, True)
IMAGE = (-1, 1, 2, 2)


class Graph:
    """A function under construction, of images of one channel."""

    def __init__(self, inputs: int = 1) -> None:
        self.block = Block(arg_types=[tensor(IMAGE)] * inputs)
        self.inputs: Sequence[SSAValue] = self.block.args

    def add(self, op: Operation, name: str = "") -> SSAValue:
        op.location = node_location(name)
        self.block.add_op(op)
        return op.results[0]

    def on(self, x: SSAValue, scale: float, name: str, element: Element = U8) -> SSAValue:
        return self.add(OnGridOp(x, GridAttr.of(element, scale)), name)

    def module(self, result: SSAValue, target: str = "pqa") -> ModuleOp:
        kinds = [value.type for value in self.inputs], [result.type]
        self.block.add_op(ReturnOp(result))
        module = ModuleOp([FuncOp("main", kinds, Region(self.block))])
        set_target(module, load_target(target))
        return module


def calibrate(module: ModuleOp) -> Grids:
    CalibrateRangesPass().apply(make_context(), module)
    return Grids(module)


def refused(module: ModuleOp, message: str) -> None:
    with pytest.raises(ModelError, match=f"^{message}$"):
        calibrate(module)


def test_a_group_has_the_grid_that_one_of_its_values_gets() -> None:
    graph = Graph(2)
    left, right = graph.inputs
    seen = graph.on(graph.add(ReshapeOp(left, (-1, 4))), 0.5, "grid")
    back = graph.add(ReshapeOp(seen, IMAGE))
    joined = graph.add(ConcatOp([back, right], 1))
    module = graph.module(joined)
    assert are_all_given(graph.block, group_values(graph.block))
    grids = calibrate(module)
    assert {str(grids[value]) for value in (left, right, seen, joined)} == {"#pq.grid<ui8, 0.5>"}


def test_what_gets_no_grid_is_measured() -> None:
    graph = Graph()
    first = graph.on(graph.inputs[0], 0.5, "grid")
    total = graph.add(AddOp(first, first))
    module = graph.module(total)
    assert not are_all_given(graph.block, group_values(graph.block))
    set_calibration(module, [np.full((3, 1, 2, 2), 7.1, np.float32)])
    grids = calibrate(module)
    assert grids[graph.inputs[0]].scale.data == 0.5
    assert grids[total].integers == Element(16, False)
    assert grids[total].scale.data == pytest.approx(14 / 65535)


def test_two_grids_for_the_same_values_are_refused() -> None:
    graph = Graph()
    first = graph.on(graph.inputs[0], 0.5, "here")
    module = graph.module(graph.on(first, 0.5, "there", S16))
    refused(
        module,
        "node 'here' puts its values on the grid ui8 times 0.5, node 'there' puts the same values on si16 times 0.5; "
        "they must agree",
    )


def test_a_grid_that_an_operation_cannot_reach_is_refused() -> None:
    graph = Graph()
    coarse = graph.on(graph.inputs[0], 2.0, "coarse")
    fine = graph.on(graph.add(ReluOp(coarse), "relu"), 2.0**-14, "fine")
    refused(
        graph.module(fine),
        "node 'relu': the scale of its result is 6.103515625e-05, an operand's is 2.0; it may be 16384 times as much "
        "at most",
    )


def test_a_target_that_only_shifts_needs_powers_of_two() -> None:
    graph = Graph()
    module = graph.module(graph.on(graph.inputs[0], 0.75, "grid"), "pqa-shift")
    refused(
        module,
        "node 'grid' gives the grid ui8 times 0.75; a target that only shifts needs scales that are powers of two",
    )


def test_bits_that_are_given_are_not_chosen_again() -> None:
    graph = Graph()
    module = graph.module(graph.on(graph.add(ReluOp(graph.inputs[0]), "relu"), 0.5, "grid"))
    set_choices(module, (LayerChoice("relu", activation_bits=6),))
    refused(module, "node 'grid' gives the grid ui8 times 0.5; activation_bits = 6 cannot be chosen for its values")


def test_the_bits_that_are_given_may_be_said_again() -> None:
    graph = Graph()
    on_grid = graph.on(graph.inputs[0], 0.5, "grid")
    module = graph.module(on_grid)
    set_choices(module, (LayerChoice("grid", activation_bits=8),))
    assert calibrate(module)[on_grid].integers == U8
