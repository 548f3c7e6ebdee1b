"""What narrower tables do to the outputs of a network, measured layer by layer on a quick fit."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import ReturnOp
from xdsl.ir import SSAValue

from pqc.codebook.fit_options import FitOptions
from pqc.codebook.table import QuantizedTable
from pqc.dialects.location import node_name
from pqc.dialects.onnx import shape_of
from pqc.dialects.pq import ConvolutionOp
from pqc.errors import InternalError
from pqc.interpreter.reference import execute, run_block
from pqc.numerics.arrays import AnyArray
from pqc.passes.attributes import calibration_of, main_of, set_calibration
from pqc.passes.constants import constant_array
from pqc.passes.fitter import Fitter
from pqc.passes.progress import report_progress
from pqc.workers import worker_threads

FIT_FRAMES = 256
"""Frames that the quick fit sees, at most."""

FRAMES = 64
"""Frames on which outputs are compared, at most."""

ELEMENTS = 1 << 26
"""Elements of all tensors of these frames together, at most, which bounds the memory: 256 MiB."""

QUICK = FitOptions(kmeans_samples=2048, kmeans_iterations=8, tuning_steps=0, refit_positions=16384, bound_rounds=1)
"""Fitting that is good enough to tell sensitive layers from others."""


class BitSensitivity:
    """The network, fitted quickly, and what its outputs are with the table of one layer in fewer bits."""

    def __init__(self, module: ModuleOp, seed: int) -> None:
        """Fit a copy of ``module``, which has grids and configurations."""
        exact = main_of(module).body.block
        copy = module.clone()
        set_calibration(copy, [array[:FIT_FRAMES] for array in calibration_of(module)])
        fitter = Fitter(copy, replace(QUICK, seed=seed), 8, narrower_tables=True)
        with worker_threads():
            fitter.run(calibration_of(copy))
        self._tables = fitter.narrower
        fitter.replace()
        self._block = main_of(copy).body.block
        frames = [array[: self._frames()] for array in calibration_of(module)]
        self._values: dict[SSAValue, AnyArray] = dict(zip(self._block.args, frames, strict=True))
        self._outputs = self._run(self._values, None, None)
        wanted = np.concatenate([self._flat(one) for one in run_block(exact, frames)], axis=1)
        self._spread = float(np.square(wanted - wanted.mean(axis=0)).sum())
        self.layers = [op for op in self._block.ops if isinstance(op, ConvolutionOp) and node_name(op) in self._tables]

    def errors(self) -> dict[str, dict[int, float]]:
        """By node and bits: the squared change of all outputs, relative to the float network's variance."""
        found: dict[str, dict[int, float]] = {}
        for number, op in enumerate(self.layers):
            report_progress(f"measuring {node_name(op)}", number, len(self.layers))
            narrower = {bits: self._error(op, table) for bits, table in sorted(self._tables[node_name(op)].items())}
            found[node_name(op)] = {**narrower, op.config.table_bits.data: 0.0}
        report_progress("measuring", len(self.layers), len(self.layers))
        return found

    def _error(self, op: ConvolutionOp, table: QuantizedTable) -> float:
        changed = self._run(dict(self._values), op, table)
        difference = float(np.square(changed - self._outputs, dtype=np.float64).sum())
        return difference / self._spread if self._spread > 0 else 0.0

    def _run(
        self, values: dict[SSAValue, AnyArray], changed: ConvolutionOp | None, table: QuantizedTable | None
    ) -> AnyArray:
        """All outputs side by side, [frames, elements]; only what follows from what ``changed`` gives is computed."""
        fresh: set[SSAValue] = set(self._block.args) if changed is None else set()
        for op in self._block.ops:
            if isinstance(op, ReturnOp):
                return np.concatenate([self._flat(values[value]) for value in op.operands], axis=1)
            if op is not changed and op.operands and not fresh.intersection(op.operands):
                continue
            operands = [values[value] if value in values else constant_array(value) for value in op.operands]
            if op is changed and table is not None:
                operands = _with_table(operands, table)
            values.update(zip(op.results, execute(op, operands), strict=True))
            fresh.update(op.results)
        raise InternalError("the function does not return")

    def _frames(self) -> int:
        values = [value for op in self._block.ops if op.operands for value in op.results]
        return max(1, min(FRAMES, ELEMENTS // sum(prod(shape_of(value)[1:]) for value in values)))

    @staticmethod
    def _flat(array: AnyArray) -> AnyArray:
        return array.reshape(len(array), -1)


def _with_table(operands: list[AnyArray], table: QuantizedTable) -> list[AnyArray]:
    """The operands of a fitted layer with another table, bias and step."""
    return [*operands[:2], table.table, table.bias, table.scale.astype(np.float32), *operands[5:]]
