"""The graph of a network: an operation a vertex, constants left out."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Region

from pqc.dialects.blob import ConstantOp
from pqc.dialects.location import node_location
from pqc.dialects.onnx import AddOp, ReluOp, tensor
from pqc.dialects.pqa_memory import ProgramOp
from pqc.passes.node_graph import NodeGraph, Vertex, node_graph

SHAPE = (-1, 2, 3, 3)


def network() -> ModuleOp:
    """relu(x) + a constant, added to relu(x)."""
    block = Block(arg_types=[tensor(SHAPE)])
    constant = ConstantOp("bias", np.ones(2, np.float32))
    relu = ReluOp(block.args[0])
    moved = AddOp(relu.result, constant.result)
    total = AddOp(relu.result, moved.result)
    for op, name in ((relu, "relu"), (moved, "moved"), (total, "total")):
        op.location = node_location(name)
    block.add_ops([constant, relu, moved, total, ReturnOp(total.result)])
    module = ModuleOp([FuncOp("main", ([tensor(SHAPE)], [tensor(SHAPE)]), Region(block))])
    module.attributes |= {
        "pqc.inputs": ArrayAttr([StringAttr("image")]),
        "pqc.outputs": ArrayAttr([StringAttr("classes")]),
    }
    return module


def test_vertices_and_edges() -> None:
    text = "tensor<?x2x3x3xf32>"
    assert node_graph(network()) == NodeGraph(
        (
            Vertex("image", "input", text),
            Vertex("relu", "onnx.relu", text),
            Vertex("moved", "onnx.add", text),
            Vertex("total", "onnx.add", text),
            Vertex("classes", "output", text),
        ),
        ((0, 1), (1, 2), (1, 3), (2, 3), (3, 4)),
    )


def test_a_program_has_no_graph() -> None:
    assert node_graph(ModuleOp([ProgramOp("pqa", 16, Region(Block()))])) is None
