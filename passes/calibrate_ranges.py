"""Give every tensor its grid: run the float network on the calibration frames and see which values occur.

    %y = onnx.conv %x, %w, %b  ->  %y = onnx.conv %x, %w, %b {pq.grid = #pq.grid<ui8, 0.021>}

Tensors that only pass data on share one grid; what the network returns gets ``output_bits``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from threading import Lock

from xdsl.context import Context
from xdsl.dialects.builtin import ArrayAttr, ModuleOp
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass

from pqc.dialects.onnx import (
    AddOp,
    AveragePoolOp,
    ClipOp,
    ConcatOp,
    GlobalAveragePoolOp,
    MaxPoolOp,
    PadOp,
    ReluOp,
    ReshapeOp,
    SliceOp,
    TransposeOp,
    shape_of,
)
from pqc.dialects.pq_types import GridAttr
from pqc.interpreter.reference import run_block
from pqc.numerics.arrays import AnyArray
from pqc.numerics.element import Element
from pqc.numerics.fixed_point import power_of_two_at_least
from pqc.numerics.quantization import choose_grid
from pqc.numerics.requantize import MULTIPLIER_BITS
from pqc.passes.attributes import GRID, INPUT_GRIDS, calibration_of, main_of, target_of
from pqc.workers import in_parallel, worker_threads

FRAMES_AT_ONCE = 64
"""Frames executed together, at most."""

ELEMENTS_AT_ONCE = 1 << 26
"""Elements of the largest tensor of these frames, at most, which bounds the memory: 256 MiB each."""

PASSING_ON = (ReshapeOp, TransposeOp, SliceOp, PadOp, MaxPoolOp)
"""Operations whose result holds values of their operand alone (or zeros)."""

ELEMENTWISE = (AddOp, AveragePoolOp, ClipOp, GlobalAveragePoolOp, ReluOp)
"""Operations that bring operands onto the result's grid by a multiplier."""

LARGEST_RATIO = 1 << (MULTIPLIER_BITS - 1)
"""The most that an operand's scale may be, in units of the result's."""


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

    def see(self, value: SSAValue, array: AnyArray) -> None:
        """Account for the values of one tensor."""
        root = self._groups.root(value)
        least, most = float(array.min()), float(array.max())
        with self._lock:
            low, high = self._seen.get(root, (0.0, 0.0))
            self._seen[root] = (min(low, least), max(high, most))

    def __getitem__(self, value: SSAValue) -> tuple[float, float]:
        """(low, high) of the group of ``value``; both include zero."""
        return self._seen[self._groups.root(value)]


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
        run_block(block, part, observe)

    with worker_threads():
        in_parallel(run, range(0, frames[0].shape[0], step))
    return ranges


def returned_groups(block: Block, groups: Groups) -> set[SSAValue]:
    """Groups that nothing but the caller reads, apart from what passes data on."""
    returned = {groups.root(value) for op in block.ops if isinstance(op, ReturnOp) for value in op.operands}
    for op in block.ops:
        if not isinstance(op, (ReturnOp, ConcatOp, *PASSING_ON)):
            returned -= {groups.root(value) for value in op.operands}
    return returned


def raise_fine_scales(block: Block, groups: Groups, scales: dict[SSAValue, float], power_of_two: bool) -> None:
    """Make no result's scale finer than elementwise multipliers reach from its operands' scales."""
    for op in block.ops:
        if not isinstance(op, ELEMENTWISE):
            continue
        root = groups.root(op.results[0])
        least = max(scales[groups.root(value)] for value in op.operands) / LARGEST_RATIO
        if scales[root] < least:
            scales[root] = power_of_two_at_least(least) if power_of_two else least


@dataclass(frozen=True)
class CalibrateRangesPass(ModulePass):
    """Give every tensor its grid from the values that occur on the calibration frames."""

    name = "calibrate-ranges"
    activation_bits: int = 8
    output_bits: int = 16

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Run the network and attach the grids."""
        block = main_of(op).body.block
        power_of_two = target_of(op).requantize == "shift"
        groups = group_values(block)
        ranges = measure(block, calibration_of(op), groups)
        wide = returned_groups(block, groups)
        layers = [layer for layer in block.ops if not isinstance(layer, ReturnOp) and layer.operands]
        values = [*block.args, *(layer.results[0] for layer in layers)]
        chosen: dict[SSAValue, tuple[Element, float]] = {}
        for root in (groups.root(value) for value in values):
            bits = self.output_bits if root in wide else self.activation_bits
            chosen[root] = choose_grid(*ranges[root], bits, power_of_two)
        scales = {root: scale for root, (_, scale) in chosen.items()}
        raise_fine_scales(block, groups, scales, power_of_two)

        def grid(value: SSAValue) -> GridAttr:
            root = groups.root(value)
            return GridAttr.of(chosen[root][0], scales[root])

        op.attributes[INPUT_GRIDS] = ArrayAttr(grid(argument) for argument in block.args)
        for layer in layers:
            layer.attributes[GRID] = grid(layer.results[0])
