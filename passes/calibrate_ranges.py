"""Give every tensor its grid: run the float network on the calibration frames and see which values occur.

    %y = onnx.conv %x, %w, %b  ->  %y = onnx.conv %x, %w, %b {pq.grid = #pq.grid<ui8, 0.021>}

Tensors that only pass data on share one grid; what the network returns gets ``output_bits``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ArrayAttr, ModuleOp
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass

from pqc.dialects.onnx import ConcatOp, MaxPoolOp, PadOp, ReshapeOp, SliceOp, TransposeOp
from pqc.dialects.pq_types import GridAttr
from pqc.interpreter.reference import run_block
from pqc.numerics.arrays import AnyArray
from pqc.numerics.quantization import choose_grid
from pqc.passes.attributes import GRID, INPUT_GRIDS, calibration_of, main_of, target_of

FRAMES_AT_ONCE = 64
"""Frames executed together, which bounds the memory."""

PASSING_ON = (ReshapeOp, TransposeOp, SliceOp, PadOp, MaxPoolOp)
"""Operations whose result holds values of their operand alone (or zeros)."""


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
    """The smallest and largest value seen in each group."""

    def __init__(self, groups: Groups) -> None:
        self._groups = groups
        self._seen: dict[SSAValue, tuple[float, float]] = {}

    def see(self, value: SSAValue, array: AnyArray) -> None:
        """Account for the values of one tensor."""
        root = self._groups.root(value)
        low, high = self._seen.get(root, (0.0, 0.0))
        self._seen[root] = (min(low, float(array.min())), max(high, float(array.max())))

    def __getitem__(self, value: SSAValue) -> tuple[float, float]:
        """(low, high) of the group of ``value``; both include zero."""
        return self._seen[self._groups.root(value)]


def measure(block: Block, frames: list[AnyArray], groups: Groups) -> Ranges:
    """Run the float network on all ``frames`` and record the range of every group."""
    ranges = Ranges(groups)

    def observe(op: Operation, results: tuple[AnyArray, ...]) -> None:
        for value, array in zip(op.results, results, strict=True):
            ranges.see(value, array)

    for first in range(0, frames[0].shape[0], FRAMES_AT_ONCE):
        part = [array[first : first + FRAMES_AT_ONCE] for array in frames]
        for argument, array in zip(block.args, part, strict=True):
            ranges.see(argument, array)
        run_block(block, part, observe)
    return ranges


def returned_groups(block: Block, groups: Groups) -> set[SSAValue]:
    """Groups that nothing but the caller reads, apart from what passes data on."""
    result = block.last_op
    assert isinstance(result, ReturnOp)
    returned = {groups.root(value) for value in result.operands}
    for op in block.ops:
        if not isinstance(op, (ReturnOp, ConcatOp, *PASSING_ON)):
            returned -= {groups.root(value) for value in op.operands}
    return returned


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

        def grid(value: SSAValue) -> GridAttr:
            bits = self.output_bits if groups.root(value) in wide else self.activation_bits
            element, scale = choose_grid(*ranges[value], bits, power_of_two)
            return GridAttr.of(element, scale)

        op.attributes[INPUT_GRIDS] = ArrayAttr(grid(argument) for argument in block.args)
        for layer in block.ops:
            if not isinstance(layer, ReturnOp) and layer.operands:
                layer.attributes[GRID] = grid(layer.results[0])
