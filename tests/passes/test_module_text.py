"""Modules as text: locations that many operations share are printed once, and read back."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import LocationAttr, ModuleOp
from xdsl.parser import Parser

from pqc.dialects.blob import ConstantOp
from pqc.dialects.location import fuse_locations, node_location
from pqc.dialects.registry import make_context
from pqc.passes.text import module_text


def located(*names: str) -> ConstantOp:
    """An operation that comes from these nodes."""
    op = ConstantOp("w", np.zeros(1, np.int8))
    locations: list[LocationAttr] = [node_location(name) for name in names]
    op.location = locations[0]
    for location in locations[1:]:
        other = ConstantOp("w", np.zeros(1, np.int8))
        other.location = location
        op.location = fuse_locations(op, other)
    return op


def test_a_location_of_several_nodes_is_printed_once() -> None:
    text = module_text(ModuleOp([located("layer1.conv", "layer1.relu"), located("layer1.conv", "layer1.relu")]))
    assert text.startswith('#layer1_conv = loc(fused["layer1.conv", "layer1.relu"])\n')
    assert text.count("layer1.relu") == 1
    assert text.count("loc(#layer1_conv)") == 2


def test_a_location_of_one_node_stays_where_it_is() -> None:
    text = module_text(ModuleOp([located("conv")]))
    assert "#conv" not in text
    assert 'loc("conv")' in text


def test_names_that_are_spelled_alike_stay_apart() -> None:
    names = [("a.b", "relu"), ("a_b", "relu"), ("a/b", "clip"), ("1st", "relu"), ("", "relu")]
    module = ModuleOp([located(*some) for some in names])
    text = module_text(module)
    assert [line.split(" = ")[0] for line in text.splitlines()[: len(names)]] == [
        *("#a_b", "#a_b_1", "#a_b_2", "#at_1st", "#at_")
    ]
    read = Parser(make_context(), text).parse_module()
    assert [op.location for op in read.walk()] == [op.location for op in module.walk()]
    assert module_text(read) == text
