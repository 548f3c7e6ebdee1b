"""The two executions that fitting runs side by side, and the layers it fits on the way.

The float network says what each layer should give; the integer network, as it will run on the machine, says what each
layer will see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

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
from pqc.dialects.pq_types import ConfigAttr
from pqc.errors import InternalError
from pqc.interpreter.reference import last_uses
from pqc.numerics.arrays import AnyArray, FloatArray
from pqc.numerics.element import Element
from pqc.passes.attributes import ERROR, GRID, Grids, config_of, main_of, target_of
from pqc.passes.constants import constant_array
from pqc.passes.frames_at_once import execute_frames, sums_before_bounds
from pqc.passes.progress import report_progress
from pqc.passes.quantizer import Quantizer

Replacement = tuple[ConvOp, list[Operation]]


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
                self._keep(op.results[0], execute_frames([op], self._known(op)), self._simulate(op))
            for value in freed.get(op, ()):
                self.exact.pop(value, None)
                self.integers.pop(value, None)
        report_progress("fitting", fitted, len(chosen))

    def _known(self, op: Operation) -> dict[SSAValue, AnyArray]:
        """What the float network computed for the operands of ``op``."""
        return {value: self.exact[value] for value in op.operands if value in self.exact}

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
        result = execute_frames(made, known)
        for new in reversed(made):
            new.erase()
        return result

    def _fit(self, op: ConvOp) -> None:
        sums = sums_before_bounds(op, self._known(op))
        made = self._layer(op, sums)
        convolution = made[-1]
        integers = self._simulate(convolution)
        low, high = op.bounds
        exact = np.clip(sums, low, high, out=sums) if op.bounds != (None, None) else sums
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
        """What the layer sees, and what it should give together with its residual."""
        frames, outputs = sums.shape[:2]
        low, high = op.bounds
        data = LayerData(
            activations=self.integers[op.x],
            scale=self.grids[op.x].scale.data,
            window=op.window,
            weight=constant_array(op.weight).reshape(outputs, -1),
            target=sums.reshape(frames, outputs, -1),
            low=-np.inf if low is None else low,
            high=np.inf if high is None else high,
        )
        if op.residual is None:
            return data
        shortcut = self.integers[op.residual].reshape(frames, outputs, -1)
        return replace(data, shortcut=shortcut, shortcut_scale=self.grids[op.residual].scale.data)

    def replace(self) -> None:
        """Put the fitted layers into the network."""
        for op, made in self.replacements:
            Rewriter.insert_op(made, InsertPoint.before(op))
            op.result.replace_all_uses_with(made[-1].results[0])
            op.detach()
            op.erase()
