"""Which layers are the first ones, and which metrics a target must have for layers that are quantized already."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.integer_layer import module
from support.onnx_models import model, node, save

from pqc.dialects.onnx import ConvOp
from pqc.dialects.registry import make_context
from pqc.errors import ModelError
from pqc.frontend import import_model
from pqc.numerics.arrays import AnyArray
from pqc.passes.attributes import config_of, set_target
from pqc.passes.select_pq import SelectPqPass
from pqc.planning.target import load_target


def test_the_target_must_have_the_metrics_that_are_there() -> None:
    made = module(np.zeros(2, np.int32), 1.0, overrides=['encode.metrics=["l1"]'])
    with pytest.raises(ModelError, match=r"^node 'layer7': metric 'l2': the target's encode unit has l1; choose"):
        SelectPqPass(metric="l1").apply(make_context(), made)


def test_a_metric_that_no_layer_will_have_does_not_matter() -> None:
    made = module(np.zeros(2, np.int32), 1.0, overrides=['encode.metrics=["l2"]'])
    before = made.clone()
    SelectPqPass(metric="l1").apply(make_context(), made)
    assert made.is_structurally_equivalent(before)


@pytest.mark.parametrize(
    ("kind", "lists"),
    [
        ("Pad", [[0, 0, 1, 1, 0, 0, 1, 1]]),
        ("Slice", [[0, 1], [6, 5], [2, 3]]),
    ],
)
def test_an_input_that_is_padded_or_cut_is_an_input_still(kind: str, lists: list[list[int]], tmp_path: Path) -> None:
    constants: dict[str, AnyArray] = {"w": np.ones((4, 4, 1, 1), np.float32)}
    constants |= {f"list{index}": np.array(values, np.int64) for index, values in enumerate(lists)}
    moved = node(kind, ["x", *(f"list{index}" for index in range(len(lists)))], ["m"])
    layers = [node("Conv", ["m", "w"], ["a"], name="stem"), node("Conv", ["a", "w"], ["y"], name="body")]
    module = import_model(save(model([moved, *layers], constants), tmp_path)).module
    set_target(module, load_target("pqa"))
    SelectPqPass().apply(make_context(), module)
    assert [config_of(op) is not None for op in module.walk() if isinstance(op, ConvOp)] == [False, True]
