"""Which tensors share a grid, and which values occur in them on the calibration frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite, prod
from threading import Lock

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue

from pqc.cache import current_cache, key_of
from pqc.dialects.blob import ConstantOp
from pqc.dialects.location import node_name
from pqc.dialects.onnx import ConcatOp, MaxPoolOp, PadOp, ReshapeOp, SliceOp, TransposeOp, shape_of
from pqc.dialects.pq import OnGridOp
from pqc.errors import ModelError
from pqc.interpreter.reference import run_block
from pqc.numerics.arrays import AnyArray, FloatArray
from pqc.passes.attributes import CONFIG, calibration_of, main_of
from pqc.passes.history import History
from pqc.workers import in_parallel, worker_threads

FRAMES_AT_ONCE = 64
"""Frames executed together, at most."""

ELEMENTS_AT_ONCE = 1 << 24
"""Elements of the largest tensor of these frames, at most, which bounds the memory: 64 MiB each."""

LARGEST = 1e15
"""The largest value that there may be: 10^8 squares of it are what a float32 holds."""

PASSING_ON = (ReshapeOp, TransposeOp, SliceOp, PadOp, MaxPoolOp, OnGridOp)
"""Operations whose result holds values of their operand alone (or zeros), as far as integers are concerned."""


class Groups:
    """Values that must share a grid: a union-find forest."""

    def __init__(self) -> None:
        self._parent: dict[SSAValue, SSAValue] = {}

    def root(self, value: SSAValue) -> SSAValue:
        """The value that stands for the group."""
        while (parent := self._parent.get(value, value)) is not value:
            value = parent
        return value

    def join(self, values: Iterable[SSAValue]) -> None:
        """Put all ``values`` into one group."""
        first, *others = (self.root(value) for value in values)
        for other in others:
            if other is not first:
                self._parent[other] = first


def group_values(block: Block) -> Groups:
    """Which values of a function share a grid."""
    groups = Groups()
    for op in block.ops:
        if isinstance(op, PASSING_ON):
            groups.join((op.x, op.result))
        elif isinstance(op, ConcatOp):
            groups.join((*op.parts, op.result))
    return groups


class Ranges:
    """The smallest and largest value seen in each group, by any number of threads."""

    def __init__(self, groups: Groups) -> None:
        self._groups = groups
        self._lock = Lock()
        self._seen: dict[SSAValue, tuple[float, float]] = {}

    @staticmethod
    def of(groups: Groups, values: Sequence[SSAValue], low: FloatArray, high: FloatArray) -> Ranges:
        """The ranges of ``values``, as they were measured before."""
        ranges = Ranges(groups)
        for value, *seen in zip(values, low.tolist(), high.tolist(), strict=True):
            ranges.see(value, np.array(seen))
        return ranges

    def see(self, value: SSAValue, array: AnyArray) -> None:
        """Account for the values of one tensor.

        Raises:
            ModelError: one is not finite, or so large that nothing can be fitted to it.
        """
        root = self._groups.root(value)
        least, most = float(array.min()), float(array.max())
        if not (isfinite(least) and isfinite(most)):
            raise ModelError(f"{_what(value)} is not finite: float32 overflows")
        if max(-least, most) > LARGEST:
            found = f"{_what(value)} reaches {max(-least, most):.3g}"
            raise ModelError(f"{found}, allowed is {LARGEST:g}, beyond which sums of squares overflow float32")
        with self._lock:
            low, high = self._seen.get(root, (0.0, 0.0))
            self._seen[root] = (min(low, least), max(high, most))

    def __getitem__(self, value: SSAValue) -> tuple[float, float]:
        """(low, high) of the group of ``value``; both include zero."""
        return self._seen[self._groups.root(value)]


def _what(value: SSAValue) -> str:
    if not isinstance(value.owner, Operation):
        return "an input"
    name = node_name(value.owner)
    return f"constant {name!r}" if isinstance(value.owner, ConstantOp) else f"node {name!r}: its result on the frames"


def measure(block: Block, frames: list[AnyArray], groups: Groups) -> Ranges:
    """Run the float network on all ``frames`` and record the range of every group."""
    ranges = Ranges(groups)

    def observe(op: Operation, results: tuple[AnyArray, ...]) -> None:
        for value, array in zip(op.results, results, strict=True):
            ranges.see(value, array)

    tensors = [*block.args, *(value for op in block.ops for value in op.results)]
    step = max(1, min(FRAMES_AT_ONCE, ELEMENTS_AT_ONCE // max(prod(shape_of(value)[1:]) for value in tensors)))

    def run(first: int) -> None:
        part = [array[first : first + step] for array in frames]
        for argument, array in zip(block.args, part, strict=True):
            ranges.see(argument, array)
        with np.errstate(over="ignore", invalid="ignore"):
            run_block(block, part, observe)

    with worker_threads():
        in_parallel(run, range(0, frames[0].shape[0], step))
    return ranges


def known_ranges(module: ModuleOp, groups: Groups) -> Ranges:
    """The ranges on the module's calibration frames: from the cache where an earlier compilation measured them."""
    block, cache = main_of(module).body.block, current_cache()
    if cache is None:
        return measure(block, calibration_of(module), groups)
    values = [*block.args, *(value for op in block.ops if not isinstance(op, ConstantOp) for value in op.results)]
    key = key_of(["ranges", History(module, (), (CONFIG,)).whole])
    kept = cache.get(key)
    if kept is not None:
        return Ranges.of(groups, values, kept["low"], kept["high"])
    ranges = measure(block, calibration_of(module), groups)
    low, high = zip(*(ranges[value] for value in values), strict=True)
    cache.put(key, {"low": np.array(low), "high": np.array(high)})
    return ranges
