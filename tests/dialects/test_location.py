"""The name of an ONNX node travels as the location."""

from __future__ import annotations

import numpy as np
import pytest
from xdsl.dialects.builtin import ArrayAttr, FusedLoc, LocationAttr, NoneAttr, UnknownLoc

from pqc.dialects.blob import ConstantOp
from pqc.dialects.location import fuse_locations, hint, node_location, node_name


def at(location: LocationAttr) -> ConstantOp:
    op = ConstantOp("w", np.zeros(1, np.int8))
    op.location = location
    return op


def test_names_of_operations() -> None:
    assert node_name(at(node_location("/layer1/conv"))) == "/layer1/conv"
    assert node_name(at(UnknownLoc())) == ""
    assert node_name(at(FusedLoc(ArrayAttr([]), NoneAttr()))) == ""


def test_of_several_the_first_counts() -> None:
    conv, add, relu = (at(node_location(name)) for name in ("conv", "add", "relu"))
    once = at(fuse_locations(conv, add))
    twice = at(fuse_locations(once, relu))
    assert str(twice.location) == 'loc(fused["conv", "add", "relu"])'
    assert node_name(twice) == "conv"
    assert node_name(at(fuse_locations(at(UnknownLoc()), conv))) == ""


@pytest.mark.parametrize(
    ("name", "spelled"),
    [("conv1", "conv1"), ("/layer1/conv", "__layer1_conv"), ("1st", "_1st"), ("", "_"), ("größe %", "gr__e__")],
)
def test_values_are_named_after_nodes(name: str, spelled: str) -> None:
    op = ConstantOp("w", np.zeros(1, np.int8))
    hint(op.result, name)
    assert op.result.name_hint == spelled


@pytest.mark.parametrize("name", ["7", "_7", "1_2", "é1", "conv_1"])
def test_a_value_named_after_a_number_can_be_copied(name: str) -> None:
    op = ConstantOp("w", np.zeros(1, np.int8))
    hint(op.result, name)
    assert op.clone().clone().result.name_hint
