"""The two executions that fitting runs side by side, and the layers it fits on the way.

The float network says what each layer should give; the integer network, as it will run on the machine, says what each
layer will see.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from xdsl.dialects.builtin import FloatAttr, ModuleOp, f64
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from pqc.codebook.layer import FitOptions, LayerData, LayerShape, fit_layer
from pqc.codebook.metrics import normalized_map_error
from pqc.dialects.blob import ConstantOp, constant_of
from pqc.dialects.location import hint, node_name
from pqc.dialects.onnx import ConvOp
from pqc.dialects.pq import ConvolutionOp
from pqc.dialects.pq_types import ConfigAttr, QuantizedType
from pqc.errors import InternalError
from pqc.interpreter.reference import execute, last_uses
from pqc.numerics.arrays import AnyArray, FloatArray
from pqc.numerics.element import Element, dequantize
from pqc.passes.attributes import ERROR, GRID, Grids, config_of, main_of, target_of
from pqc.passes.constants import constant_array
from pqc.passes.progress import report_progress
from pqc.passes.quantizer import Quantizer

FRAMES_AT_ONCE = 64
"""Frames executed together on the integer side, at most."""

ELEMENTS_AT_ONCE = 1 << 22
"""Elements of the largest tensor of these frames, at most, which bounds the memory: integers are computed in int64."""

Replacement = tuple[ConvOp, list[Operation]]


def execute_all(ops: Sequence[Operation], values: dict[SSAValue, AnyArray]) -> AnyArray:
    """Execute ``ops`` on the given operand values, a few frames at a time; the last result for all frames."""
    frames = max(array.shape[0] for array in values.values())
    sizes = [prod(array.shape[1:]) for array in values.values()]
    kind = ops[-1].results[0].type
    if isinstance(kind, QuantizedType):
        sizes.append(prod(kind.get_shape()[1:]))
    step = max(1, min(FRAMES_AT_ONCE, ELEMENTS_AT_ONCE // max(sizes)))
    parts: list[AnyArray] = []
    for first in range(0, frames, step):
        local = {value: array[first : first + step] for value, array in values.items()}
        for op in ops:
            local.update(zip(op.results, execute(op, [local[value] for value in op.operands]), strict=True))
        parts.append(local[ops[-1].results[0]])
    return np.concatenate(parts)


def sums_before_bounds(op: ConvOp, operands: Sequence[AnyArray]) -> FloatArray:
    """What the float network has before bounds are applied: [frames, outputs, rows, columns]."""
    unbounded = op.clone()
    for name in ("low", "high"):
        unbounded.properties.pop(name, None)
    sums = execute(unbounded, operands)[0]
    unbounded.erase()
    return sums


class Fitter:
    """Both executions, and the layers fitted so far."""

    def __init__(self, module: ModuleOp, options: FitOptions, weight_bits: int) -> None:
        self.block = main_of(module).body.block
        self.grids = Grids(module)
        self.target = target_of(module)
        self.quantizer = Quantizer(self.grids, self.target, weight_bits)
        self.options = options
        self.exact: dict[SSAValue, AnyArray] = {}
        self.integers: dict[SSAValue, AnyArray] = {}
        self.scratch = Block()
        self.stand_ins: dict[SSAValue, SSAValue] = {}
        self.replacements: list[Replacement] = []

    def run(self, frames: Sequence[AnyArray]) -> None:
        """Walk through the network once, fitting on the way."""
        for argument, array in zip(self.block.args, frames, strict=True):
            self._keep(argument, array, self.grids[argument].integers.quantize(array, self.grids[argument].scale.data))
        layers = [op for op in self.block.ops if not isinstance(op, ConstantOp | ReturnOp)]
        chosen = [op for op in layers if config_of(op) is not None]
        freed, fitted = last_uses(self.block), 0
        for op in layers:
            if isinstance(op, ConvOp) and op in chosen:
                report_progress(f"fitting {node_name(op)}", fitted, len(chosen))
                self._fit(op)
                fitted += 1
            else:
                exact = execute(op, [self._exact(value) for value in op.operands])[0]
                self._keep(op.results[0], exact, self._simulate(op))
            for value in freed.get(op, ()):
                self.exact.pop(value, None)
                self.integers.pop(value, None)
        report_progress("fitting", fitted, len(chosen))

    def _exact(self, value: SSAValue) -> AnyArray:
        constant = constant_of(value)
        return self.exact[value] if constant is None else constant

    def _keep(self, value: SSAValue, exact: AnyArray, integers: AnyArray) -> None:
        self.exact[value], self.integers[value] = exact, integers

    def _stand_in(self, value: SSAValue) -> SSAValue:
        """A value of the integer type of ``value``, for operations that are executed and thrown away."""
        if constant_of(value) is not None:
            return value
        if value not in self.stand_ins:
            kind: Attribute = self.grids.type_of(value)
            self.stand_ins[value] = self.scratch.insert_arg(kind, len(self.scratch.args))
        return self.stand_ins[value]

    def _simulate(self, op: Operation) -> AnyArray:
        """What the integer network computes for ``op``."""
        made = self.quantizer.convert(op, [self._stand_in(value) for value in op.operands])
        known = {self._stand_in(value): self.integers[value] for value in op.operands if value in self.integers}
        result = execute_all(made, known)
        for new in reversed(made):
            new.erase()
        return result

    def _fit(self, op: ConvOp) -> None:
        sums = sums_before_bounds(op, [self._exact(value) for value in op.operands])
        made = self._layer(op, sums)
        convolution = made[-1]
        integers = self._simulate(convolution)
        low, high = op.bounds
        exact = np.clip(sums, low, high) if op.bounds != (None, None) else sums
        self._keep(op.result, exact, integers)
        frames, outputs = exact.shape[:2]
        error = normalized_map_error(
            integers.reshape(frames, outputs, -1),
            self.grids[op.result].scale.data,
            exact.reshape(frames, outputs, -1),
        )
        convolution.attributes[ERROR] = FloatAttr(error, f64)
        self.replacements.append((op, made))

    def _shape(self, op: ConvOp) -> LayerShape:
        """What the codebook and the table of a chosen layer will look like."""
        config, grid = config_of(op), self.grids[op.x]
        if config is None:
            raise InternalError(f"node {node_name(op)!r} has no configuration")
        return LayerShape(
            prototypes=config.prototypes.data,
            length=config.length.data,
            codebook=Element(min(config.prototype_bits.data, grid.integers.bits), grid.integers.signed),
            shift=max(0, grid.integers.bits - config.prototype_bits.data),
            metric=config.distance,
            table_bits=config.table_bits.data,
            accumulator_bits=self.target.accumulator_bits,
            power_of_two_of=self.quantizer.power_of_two_of(op),
            grouping=config.grouped,
        )

    def _layer(self, op: ConvOp, sums: FloatArray) -> list[Operation]:
        """The fitted operation that takes the place of ``op``, with its constants in front."""
        shape = self._shape(op)
        fitted = fit_layer(self._data(op, sums), shape, self.options, len(self.replacements))
        codebook = ConstantOp("codebook", fitted.codebook)
        table, bias = ConstantOp("table", fitted.table), ConstantOp("bias", fitted.bias)
        convolution = ConvolutionOp(
            op.x,
            codebook.result,
            table.result,
            bias.result,
            op.residual,
            window=op.window,
            config=ConfigAttr.of(
                shape.prototypes,
                shape.length,
                shape.codebook.bits,
                shape.table_bits,
                shape.metric,
                shape.grouping,
            ),
            grid=self.grids[op.x],
            shift=shape.shift,
            low=op.low,
            high=op.high,
            result_type=op.result.type,
        )
        convolution.attributes[GRID] = op.attributes[GRID]
        made: list[Operation] = [codebook, table, bias, convolution]
        for new in made:
            new.location = op.location
            if isinstance(new, ConstantOp):
                hint(new.result, new.label)
        convolution.result.name_hint = op.result.name_hint
        return made

    def _data(self, op: ConvOp, sums: FloatArray) -> LayerData:
        """What the layer sees, and what it should give so that the sum with its residual is the float network's."""
        frames, outputs = sums.shape[:2]
        residual: FloatArray | None = None
        if op.residual is not None:
            actual = dequantize(self.integers[op.residual], self.grids[op.residual].scale.data)
            residual = actual.reshape(frames, outputs, -1)

        def behind(bound: float | None, without: float) -> FloatArray | float:
            """Where a bound on the sum cuts off the layer's own part of it."""
            if bound is None:
                return without
            return bound if residual is None else bound - residual

        target, (low, high) = sums.reshape(frames, outputs, -1), op.bounds
        return LayerData(
            activations=self.integers[op.x],
            scale=self.grids[op.x].scale.data,
            window=op.window,
            weight=constant_array(op.weight).reshape(outputs, -1),
            target=target if residual is None else target - residual,
            floor=behind(low, -np.inf),
            ceiling=behind(high, np.inf),
        )

    def replace(self) -> None:
        """Put the fitted layers into the network."""
        for op, made in self.replacements:
            Rewriter.insert_op(made, InsertPoint.before(op))
            op.result.replace_all_uses_with(made[-1].results[0])
            op.detach()
            op.erase()
