"""Which codes the calibration frames meet."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from pqc.dialects.pq import EncodeOp, LookupOp
from pqc.interpreter.reference import quantize_inputs, run_reference
from pqc.numerics.arrays import AnyArray
from pqc.passes.attributes import calibration_of
from pqc.passes.constants import constant_array
from pqc.workers import in_parallel, worker_threads

Met: TypeAlias = dict[Operation, npt.NDArray[np.bool_]]

FRAMES_AT_ONCE = 16
"""Frames that are executed together: all tensors of the network that are still read are held for them."""


def codes_met(module: ModuleOp) -> Met:
    """For each lookup the codes of its groups on the calibration frames, [groups, prototypes], padding included.

    Raises:
        ModelError: there are no calibration frames on the module.
    """
    frames = calibration_of(module)
    inputs = quantize_inputs(module, frames)

    def part(start: int) -> Met:
        found: Met = {}

        def observe(op: Operation, results: tuple[AnyArray, ...]) -> None:
            if isinstance(op, EncodeOp):
                found.update({use.operation: _seen(op, use.operation, results[0]) for use in op.codes.uses})

        run_reference(module, [array[start : start + FRAMES_AT_ONCE] for array in inputs], observe)
        return found

    with worker_threads():
        parts = in_parallel(part, range(0, len(inputs[0]), FRAMES_AT_ONCE))
    return {op: np.logical_or.reduce([some[op] for some in parts]) for op in parts[0]}


def _seen(encode: EncodeOp, user: Operation, codes: AnyArray) -> npt.NDArray[np.bool_]:
    """The codes of some frames, [groups, prototypes]; a window that leaves the map sees the padding's, too."""
    kind = encode.codes.type
    groups = kind.get_shape()[1]
    seen = np.zeros((groups, kind.prototypes.data), np.bool_)
    by_group = codes.transpose(1, 0, 2, 3).reshape(groups, -1)
    seen[np.arange(groups)[:, None], by_group] = True
    if isinstance(user, LookupOp) and user.window is not None and any(user.window.data.pads):
        seen[np.arange(groups), constant_array(user.padding)] = True
    return seen
