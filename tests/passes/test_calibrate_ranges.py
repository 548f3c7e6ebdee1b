"""Grids from calibration frames: how wide, on what values, and which tensors share one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Operation, Region, SSAValue

from pqc.dialects.blob import ConstantOp
from pqc.dialects.onnx import (
    AddOp,
    ConcatOp,
    ConvOp,
    FunctionOp,
    MaxPoolOp,
    PadOp,
    PointwiseOp,
    ReluOp,
    ReshapeOp,
    SliceOp,
    TransposeOp,
    YieldOp,
    tensor,
)
from pqc.dialects.pq_types import ConfigAttr, GridAttr
from pqc.dialects.registry import make_context
from pqc.errors import ModelError
from pqc.numerics.arrays import AnyArray
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric
from pqc.numerics.window import Window
from pqc.passes import value_ranges
from pqc.passes.attributes import CONFIG, GRID, Grids, set_calibration, set_target
from pqc.passes.calibrate_ranges import CalibrateRangesPass
from pqc.planning.target import load_target

U8, S8, U16, S16 = Element(8, False), Element(8, True), Element(16, False), Element(16, True)
IMAGE = (-1, 1, 2, 2)


@dataclass(frozen=True)
class Graph:
    """A function under construction, of images of one channel."""

    block: Block

    @staticmethod
    def of(inputs: int = 1) -> Graph:
        return Graph(Block(arg_types=[tensor(IMAGE)] * inputs))

    def add(self, op: Operation) -> SSAValue:
        self.block.add_op(op)
        return op.results[0]

    def calibrated(self, results: Sequence[SSAValue], frames: Sequence[AnyArray], target: str = "pqa") -> Grids:
        """The grids on images that hold one of the values of ``frames`` in all places, frame by frame."""
        kinds = [value.type for value in self.block.args], [value.type for value in results]
        self.block.add_op(ReturnOp(*results))
        module = ModuleOp([FuncOp("main", kinds, Region(self.block))])
        set_target(module, load_target(target))
        images = [np.broadcast_to(values[:, None, None, None], (len(values), 1, 2, 2)) for values in frames]
        set_calibration(module, [np.ascontiguousarray(image, np.float32) for image in images])
        CalibrateRangesPass().apply(make_context(), module)
        return Grids(module)


def found(grid: GridAttr) -> tuple[Element, float]:
    return grid.integers, grid.scale.data


def values(*numbers: float) -> AnyArray:
    return np.array(numbers, np.float32)


def test_the_largest_value_decides_and_the_sign() -> None:
    graph = Graph.of()
    (x,) = graph.block.args
    positive = graph.add(ReluOp(x))
    total = graph.add(AddOp(positive, x))
    grids = graph.calibrated([graph.add(ReluOp(total))], [values(-2.54, 1.0, 0.5)])
    assert found(grids[x]) == (S8, pytest.approx(2.54 / 127))
    assert found(grids[positive]) == (U8, pytest.approx(1.0 / 255))
    assert found(grids[total]) == (S8, pytest.approx(2.54 / 127))


def test_a_lopsided_input_is_wider_and_no_other_tensor() -> None:
    graph = Graph.of(2)
    lopsided, even = graph.block.args
    total = graph.add(AddOp(lopsided, even))
    grids = graph.calibrated([graph.add(ReluOp(total))], [values(-20.47, 1.0), values(0.5, -0.5)])
    assert found(grids[lopsided]) == (Element(12, True), pytest.approx(20.47 / 2047))
    assert found(grids[even]) == (S8, pytest.approx(0.5 / 127))
    assert found(grids[total])[0] == S8


@pytest.mark.parametrize(("target", "bits"), [("pqa", 12), ("tiny", 8)])
def test_an_input_gets_no_more_bits_than_a_table_of_its_function_has_room_for(target: str, bits: int) -> None:
    graph = Graph.of()
    (x,) = graph.block.args
    inner = Block(arg_types=[x.type])
    function = FunctionOp(inner.args[0], "sigmoid")
    inner.add_ops([function, YieldOp(function.result)])
    grids = graph.calibrated([graph.add(PointwiseOp(x, Region(inner)))], [values(-20.0, 1.0)], target)
    assert found(grids[x])[0] == Element(bits, True)


@pytest.mark.parametrize("elements", [1, 3 * 4, 1 << 20])
def test_all_frames_are_looked_at(elements: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(value_ranges, "ELEMENTS_AT_ONCE", elements)
    graph = Graph.of()
    many = np.zeros(200, np.float32)
    many[[10, 190]] = -1, 3
    grids = graph.calibrated([graph.add(ReluOp(graph.block.args[0]))], [many])
    assert found(grids[graph.block.args[0]]) == (S8, pytest.approx(3 / 127))


def test_what_is_always_zero_has_the_scale_one() -> None:
    graph = Graph.of()
    zero = graph.add(ReluOp(graph.block.args[0]))
    grids = graph.calibrated([graph.add(ReluOp(zero))], [values(-1)])
    assert found(grids[zero]) == (U8, 1.0)


def test_outputs_are_wide_unless_something_else_reads_them() -> None:
    graph = Graph.of(2)
    x, y = graph.block.args
    read = graph.add(ReluOp(x))
    last = graph.add(AddOp(read, y))
    grids = graph.calibrated([read, last], [values(1, 1), values(-1, 1)])
    assert found(grids[read]) == (U8, pytest.approx(1 / 255))
    assert found(grids[last]) == (U16, pytest.approx(2 / 65535))


def test_shifting_targets_have_powers_of_two() -> None:
    graph = Graph.of()
    (x,) = graph.block.args
    result = graph.add(ReluOp(x))
    grids = graph.calibrated([result], [values(-1, 1.5)], "pqa-shift")
    assert found(grids[x]) == (S8, 2.0**-6)
    assert found(grids[result]) == (U16, 2.0**-15)


@pytest.mark.parametrize(
    ("table_bits", "target", "scale"),
    [(8, "pqa", 1 / 65535), (2, "pqa", 5 / 16384), (8, "pqa-shift", 2**-15), (2, "pqa-shift", 2**-10)],
)
def test_a_result_is_no_finer_than_multipliers_bring_sums_onto(table_bits: int, target: str, scale: float) -> None:
    graph = Graph.of()
    weight = graph.add(ConstantOp("weight", np.full((1, 1, 1, 1), 5, np.float32)))
    bias = graph.add(ConstantOp("bias", np.zeros(1, np.float32)))
    layer = ConvOp(graph.block.args[0], weight, bias, low=0.0, high=1.0)
    layer.attributes[CONFIG] = ConfigAttr.of(4, 1, 8, table_bits, Metric.L2)
    grids = graph.calibrated([graph.add(layer)], [values(0.0, 1.0)], target)
    assert found(grids[layer.result]) == (U16, pytest.approx(scale))


def test_what_only_passes_data_on_shares_a_grid() -> None:
    graph = Graph.of(2)
    x, y = graph.block.args
    same = [graph.add(op) for op in (PadOp(x, (0, 1, 1), (0, 1, 1)), MaxPoolOp(x, Window((2, 2))))]
    same.append(graph.add(SliceOp(x, (0, 0, 1), (1, 1, 1), (1, 2, 1))))
    same.append(graph.add(TransposeOp(x, (0, 1, 3, 2))))
    same.append(graph.add(ReshapeOp(same[-1], (-1, 4))))
    both = graph.add(ConcatOp([x, y], 1))
    ends = [graph.add(ReluOp(value)) for value in (*same, both)]
    grids = graph.calibrated(ends, [values(2), values(-5)])
    for value in (x, y, both, *same):
        assert found(grids[value]) == (S8, pytest.approx(5 / 127))


def test_the_return_of_a_view_widens_the_whole_group() -> None:
    graph = Graph.of()
    (x,) = graph.block.args
    positive = graph.add(ReluOp(x))
    flat = graph.add(ReshapeOp(positive, (-1, 4)))
    grids = graph.calibrated([flat], [values(1)])
    assert found(grids[positive]) == found(grids[flat]) == (U16, pytest.approx(1 / 65535))
    assert grids.type_of(flat).get_shape()[1:] == (4,)


def test_a_value_without_a_grid_is_named_by_its_type() -> None:
    graph = Graph.of()
    constant = ConstantOp("w", np.zeros(3, np.float32))
    graph.block.add_op(constant)
    grids = graph.calibrated([graph.add(ReluOp(graph.block.args[0]))], [values(1)])
    assert GRID not in constant.attributes
    with pytest.raises(ModelError, match=re.escape("a value of tensor<3xf32> has no 'pq.grid'")):
        grids[constant.result]
