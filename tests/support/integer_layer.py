"""A network of one ``pq.convolution`` of integers, small enough to add up by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import DYNAMIC_INDEX, ArrayAttr, ModuleOp, TensorType, f32
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Region

from pqc.dialects.blob import ConstantOp
from pqc.dialects.location import node_location
from pqc.dialects.pq import ConvolutionOp
from pqc.dialects.pq_types import ConfigAttr, GridAttr
from pqc.numerics.arrays import IntArray
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric
from pqc.numerics.window import Window
from pqc.passes.attributes import GRID, INPUT_GRIDS, set_target
from pqc.planning.target import load_target

TABLE = np.array([[[-4, 100], [3, -1]], [[0, -100], [2, 5]]], np.int8)
"""[subspaces, prototypes, outputs]; the largest sums are 4 + 2 and 100 + 100."""


def module(bias: IntArray, step: float, target: str = "pqa", overrides: Sequence[str] = ()) -> ModuleOp:
    """One layer of two subspaces, whose input and result lie on grids of 1/4."""
    kind = TensorType(f32, (DYNAMIC_INDEX, 2, 3, 3))
    block = Block(arg_types=[kind])
    constants = [
        ConstantOp("codebook", np.array([[[0], [9]], [[1], [5]]], np.uint8)),
        ConstantOp("table", TABLE),
        ConstantOp("bias", bias),
        ConstantOp("step", np.full(2, step, np.float32)),
    ]
    codebook, table, offset, unit = (op.result for op in constants)
    grid = GridAttr.of(Element(8, False), 0.25)
    layer = ConvolutionOp(
        block.args[0],
        codebook,
        table,
        offset,
        None,
        window=Window((1, 1)),
        config=ConfigAttr.of(2, 1, 8, 8, Metric.L2),
        grid=grid,
        shift=0,
        low=None,
        high=None,
        result_type=kind,
        step=unit,
    )
    layer.location = node_location("layer7")
    layer.attributes[GRID] = GridAttr.of(Element(16, True), 0.25)
    block.add_ops([*constants, layer, ReturnOp(layer.result)])
    made = ModuleOp([FuncOp("main", ([kind], [kind]), Region(block))])
    made.attributes[INPUT_GRIDS] = ArrayAttr([grid])
    set_target(made, load_target(target, overrides))
    return made
