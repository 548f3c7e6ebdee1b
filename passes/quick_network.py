"""A network that is fitted quickly, and what its outputs become with one thing in it in fewer bits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from math import prod
from typing import TypeAlias

import numpy as np
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Operation, SSAValue

from pqc.codebook.fit_options import FitOptions
from pqc.dialects.location import node_name
from pqc.dialects.onnx import shape_of
from pqc.dialects.pq import ConvolutionOp
from pqc.errors import InternalError
from pqc.interpreter.reference import execute, run_block
from pqc.numerics.arrays import AnyArray
from pqc.numerics.element import Element, dequantize
from pqc.passes.attributes import calibration_of, main_of, set_calibration
from pqc.passes.constants import constant_array
from pqc.passes.fitter import Fitter
from pqc.passes.value_names import values_by_name
from pqc.planning.bit_budget import Narrowed
from pqc.workers import worker_threads

FIT_FRAMES = 256
"""Frames that the quick fit sees, at most."""

FRAMES = 64
"""Frames on which outputs are compared, at most."""

ELEMENTS = 1 << 26
"""Elements of all tensors of these frames together, at most, which bounds the memory: 256 MiB."""

QUICK = FitOptions(kmeans_samples=2048, kmeans_iterations=8, tuning_steps=0, refit_positions=16384, bound_rounds=1)
"""Fitting that is good enough to tell sensitive layers from others."""


Results: TypeAlias = Callable[[Operation, Sequence[AnyArray]], tuple[AnyArray, ...]]
"""What an operation gives, from its operands."""


class QuickNetwork:
    """The network fitted quickly, executed with one change at a time."""

    def __init__(self, module: ModuleOp, seed: int, narrow: Collection[Narrowed]) -> None:
        """Fit a copy of ``module``, which has grids and configurations, and what is to be ``narrow`` in fewer bits."""
        exact = main_of(module).body.block
        copy = module.clone()
        set_calibration(copy, [array[:FIT_FRAMES] for array in calibration_of(module)])
        fitter = Fitter(copy, replace(QUICK, seed=seed), 8, narrow=narrow)
        with worker_threads():
            fitter.run(calibration_of(copy))
        self._narrower = fitter.narrower
        fitter.replace()
        self._named = values_by_name(copy)
        self._block = main_of(copy).body.block
        self._layers = {node_name(op): op for op in self._block.ops if isinstance(op, ConvolutionOp)}
        frames = [array[: self._frames()] for array in calibration_of(module)]
        self._values: dict[SSAValue, AnyArray] = dict(zip(self._block.args, frames, strict=True))
        self._outputs = self._run(self._values, set(self._block.args), execute)
        self._wanted = np.concatenate([_flat(one) for one in run_block(exact, frames)], axis=1)
        self._spread = float(np.square(self._wanted - self._wanted.mean(axis=0)).sum())

    def change_with_layer(self, node: str, what: Narrowed, bits: int) -> float:
        """How much the outputs change with fewer bits of a layer's table or prototypes: squared, by their variance."""
        outputs = self._with_layer(node, what, bits)
        return self._distance(outputs, self._outputs)

    def harm_with_layer(self, node: str, what: Narrowed, bits: int) -> float:
        """How much further the outputs are from the float network's then, in the same measure; 0 if they are nearer."""
        outputs = self._with_layer(node, what, bits)
        return max(0.0, self._distance(outputs, self._wanted) - self._distance(self._outputs, self._wanted))

    def change_with_grid(self, names: Collection[str], element: Element, scale: float) -> float:
        """How much the outputs change if the values of these ``names`` lie on another grid, in the same measure."""
        values = {self._named[name] for name in names}

        def onto(value: SSAValue, array: AnyArray) -> AnyArray:
            return dequantize(element.quantize(array, scale), scale) if value in values else array

        def results(op: Operation, operands: Sequence[AnyArray]) -> tuple[AnyArray, ...]:
            return tuple(onto(*one) for one in zip(op.results, execute(op, operands), strict=True))

        start = {value: onto(value, array) for value, array in self._values.items()}
        return self._distance(self._run(start, set(values), results), self._outputs)

    def _with_layer(self, node: str, what: Narrowed, bits: int) -> AnyArray:
        """The outputs with fewer bits of a layer's table or prototypes."""
        op, fitted = self._layers[node], self._narrower[node, what][bits]
        other = op.clone()
        config = op.config.with_bits(**{what.value: bits})
        other.properties |= {"config": config, "shift": IntegerAttr(fitted.shift, i64)}

        def results(one: Operation, operands: Sequence[AnyArray]) -> tuple[AnyArray, ...]:
            if one is not op:
                return execute(one, operands)
            learned = fitted.codebook, fitted.table, fitted.bias, fitted.step
            return execute(other, [operands[0], *learned, *operands[5:]])

        outputs = self._run(dict(self._values), {op.result}, results)
        other.erase()
        return outputs

    def _distance(self, outputs: AnyArray, others: AnyArray) -> float:
        difference = float(np.square(outputs - others, dtype=np.float64).sum())
        return difference / self._spread if self._spread > 0 else 0.0

    def _run(self, values: dict[SSAValue, AnyArray], changed: set[SSAValue], results: Results) -> AnyArray:
        """All outputs side by side, [frames, elements]; only what is ``changed`` and follows from it is computed."""
        for op in self._block.ops:
            if isinstance(op, ReturnOp):
                return np.concatenate([_flat(values[value]) for value in op.operands], axis=1)
            if not changed.intersection((*op.operands, *op.results)):
                continue
            operands = [values[value] if value in values else constant_array(value) for value in op.operands]
            values.update(zip(op.results, results(op, operands), strict=True))
            changed.update(op.results)
        raise InternalError("the function does not return")

    def _frames(self) -> int:
        values = [value for op in self._block.ops if op.operands for value in op.results]
        return max(1, min(FRAMES, ELEMENTS // sum(prod(shape_of(value)[1:]) for value in values)))


def _flat(array: AnyArray) -> AnyArray:
    return array.reshape(len(array), -1)
