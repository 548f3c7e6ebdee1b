"""Random small networks of `pq.convolution` on grids of powers of two, in which every number is exact in float32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from hypothesis import strategies as st
from xdsl.dialects.builtin import ArrayAttr, FloatAttr, ModuleOp, StringAttr, f64
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Operation, Region, SSAValue

from pqc.dialects.blob import ConstantOp
from pqc.dialects.location import node_location
from pqc.dialects.onnx import ConvOp, MaxPoolOp, shape_of, tensor
from pqc.dialects.pq import ConvolutionOp, OnGridOp
from pqc.dialects.pq_types import ConfigAttr, GridAttr
from pqc.numerics import shapes
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric
from pqc.numerics.grouping import Codebooks, Cut, Grouping
from pqc.numerics.shapes import ShapeError
from pqc.numerics.window import Window
from pqc.passes.attributes import set_target
from pqc.passes.text import module_text
from pqc.planning.target import load_target

Draw: TypeAlias = st.DrawFn

FINEST = -6
"""The exponent of the finest scale of a tensor; steps of sums are finer, or the same."""


@dataclass(frozen=True)
class Value:
    """A value on a grid."""

    value: SSAValue
    element: Element
    exponent: int

    @property
    def shape(self) -> tuple[int, ...]:
        return shape_of(self.value)


class Network:
    """A function being written, and the values that it has on grids."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.random = np.random.default_rng(draw(st.integers(0, 1000)))
        self.block = Block(arg_types=[tensor((-1, *(draw(st.integers(1, most)) for most in (6, 7, 7))))])
        self.values: list[Value] = []
        self.on_grid(self.block.args[0], "entry", self.element(draw(st.booleans())))

    def element(self, signed: bool) -> Element:
        return Element(self.draw(st.integers(2, 8)), signed)

    def add(self, op: Operation, name: str) -> SSAValue:
        op.location = node_location(name)
        self.block.add_op(op)
        return op.results[0]

    def on_grid(self, x: SSAValue, name: str, element: Element) -> None:
        exponent = self.draw(st.integers(FINEST, 1))
        result = self.add(OnGridOp(x, GridAttr.of(element, 2.0**exponent)), name)
        self.values.append(Value(result, element, exponent))

    def window(self, x: Value) -> Window | None:
        draw, two = self.draw, st.integers(1, 2)
        kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
        pads = draw(st.tuples(*[st.integers(0, 2)] * 4))
        window = Window(kernel, draw(st.tuples(two, two)), pads, draw(st.tuples(two, two)))
        try:
            shapes.convolution(x.shape, (1, x.shape[1], *kernel), (1,), window, 1)
        except ShapeError:
            return None
        return window

    def integers(self, element: Element, *shape: int) -> np.ndarray:
        return self.random.integers(element.minimum, element.maximum, shape, endpoint=True).astype(element.storage)

    def convolution(self, name: str) -> None:
        """A convolution by product quantization, with a residual and bounds or without."""
        draw, x = self.draw, self.values[-1]
        window = self.window(x)
        if window is None:
            return
        grouping, bits = draw(st.sampled_from(Grouping)), draw(st.integers(2, 8))
        length = draw(st.integers(1, 9))
        cut = Cut.of(grouping, x.shape[1], window, length)
        prototypes, outputs = draw(st.integers(2, 6)), draw(st.integers(1, 5))
        grid = Element(min(bits, x.element.bits), x.element.signed)
        sharing = Codebooks.SHARED if cut.groups > 1 and draw(st.booleans()) else Codebooks.SEPARATE
        codebook = self.integers(grid, cut.groups if sharing is Codebooks.SEPARATE else 1, prototypes, length)
        if draw(st.booleans()):
            codebook[:, -1] = codebook[:, 0]
        entries = Element(draw(st.integers(2, 12)), signed=True)
        table = self.integers(entries, cut.subspaces, prototypes, outputs) >> max(0, entries.bits - 8)
        result = tensor((-1, outputs, *window.output_size(*x.shape[2:])))
        shortcuts = [value.value for value in self.values if value.value.type == result]
        residual = draw(st.sampled_from(shortcuts)) if shortcuts and draw(st.booleans()) else None
        low, high = draw(st.sampled_from([(None, None), (0.0, None), (0.0, 1.5), (-0.75, None)]))
        constants = [
            ConstantOp("codebook", codebook),
            ConstantOp("table", table.astype(entries.storage)),
            ConstantOp("bias", self.random.integers(-200, 200, outputs).astype(np.int32)),
            ConstantOp("step", np.exp2(FINEST - self.random.integers(0, 3, outputs)).astype(np.float32)),
        ]
        self.block.add_ops(constants)
        codebook_value, table_value, bias_value, step_value = (constant.result for constant in constants)
        op = ConvolutionOp(
            x.value,
            codebook_value,
            table_value,
            bias_value,
            residual,
            window=window,
            config=ConfigAttr.of(
                *(prototypes, length, grid.bits, entries.bits, draw(st.sampled_from(Metric)), grouping, sharing)
            ),
            grid=GridAttr.of(x.element, 2.0**x.exponent),
            shift=x.element.bits - grid.bits,
            low=None if low is None else FloatAttr(low, f64),
            high=None if high is None else FloatAttr(high, f64),
            result_type=result,
            step=step_value,
        )
        self.on_grid(self.add(op, name), f"{name} on its grid", self.element(low != 0.0))

    def conventional(self, name: str) -> None:
        """A convolution whose weights lie on a grid of powers of two."""
        x = self.values[-1]
        window = self.window(x)
        if window is None:
            return
        outputs = self.draw(st.integers(1, 4))
        weight = self.random.integers(-15, 15, (outputs, x.shape[1], *window.kernel), endpoint=True) * 2.0**-4
        bias = self.random.integers(-50, 50, outputs) * 2.0 ** (x.exponent - 4)
        constants = [ConstantOp(f"{name}.{what}", array) for what, array in (("weight", weight), ("bias", bias))]
        self.block.add_ops(constants)
        geometry = {"strides": window.strides, "pads": window.pads, "dilations": window.dilations}
        op = ConvOp(x.value, *(constant.result for constant in constants), **geometry)
        self.on_grid(self.add(op, name), f"{name} on its grid", self.element(signed=True))

    def pooling(self, name: str) -> None:
        """The largest of two neighbours."""
        x = self.values[-1]
        if x.shape[3] > 1:
            pooled = self.add(MaxPoolOp(x.value, Window((1, 2))), name)
            self.values.append(Value(pooled, x.element, x.exponent))

    def module(self, target: str) -> ModuleOp:
        last = self.values[-1].value
        self.block.add_op(ReturnOp(last))
        kinds = [value.type for value in self.block.args], [last.type]
        names = {"pqc.inputs": ArrayAttr([StringAttr("x")]), "pqc.outputs": ArrayAttr([StringAttr("y")])}
        module = ModuleOp([FuncOp("main", kinds, Region(self.block))], names)
        set_target(module, load_target(target, ['encode.metrics=["l2", "l1", "linf"]']))
        module.verify()
        return module


class Written:
    """A module, shown as its text: the one that hypothesis would show is megabytes long."""

    def __init__(self, module: ModuleOp) -> None:
        self.module = module

    def __repr__(self) -> str:
        """The text, without the target."""
        return module_text(self.module).partition("func.func")[2]


@st.composite
def pq_modules(draw: Draw, target: str = "pqa-shift") -> Written:
    """A network of up to four layers at the float level, all of whose grids are given."""
    network = Network(draw)
    for index in range(draw(st.integers(1, 4))):
        step = draw(st.sampled_from([network.convolution] * 4 + [network.conventional, network.pooling]))
        step(f"layer{index}")
    return Written(network.module(target))
