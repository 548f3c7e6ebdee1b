"""Give every tensor its grid: run the float network on the calibration frames and see which values occur.

    %y = onnx.conv %x, %w, %b  ->  %y = onnx.conv %x, %w, %b {pq.grid = #pq.grid<ui8, 0.021>}

Tensors that only pass data on share one grid; what the network returns gets ``output_bits``, other tensors
``activation_bits`` or what the choices on the module say of their node, and a lopsided input four more, as far as the
tables of its functions fit the target. A grid just holds what occurs; one of few bits cuts off what costs less than
rounding all else more coarsely (:mod:`pqc.passes.activation_scales`), and none is finer than multipliers can bring
sums and operands onto (:mod:`pqc.passes.fine_scales`). Grids that the network gives stay as they are, and where it
gives all of them nothing is run.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ArrayAttr, ModuleOp
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Block, SSAValue
from xdsl.passes import ModulePass

from pqc.dialects.blob import ConstantOp
from pqc.dialects.onnx import (
    ConcatOp,
    PointwiseOp,
)
from pqc.dialects.pq_types import GridAttr
from pqc.isa.fields import Memory
from pqc.numerics.element import Element
from pqc.numerics.quantization import MOST_BITS, choose_grid, input_bits
from pqc.passes.activation_scales import WIDE, ActivationScales, least_error_grids
from pqc.passes.attributes import GRID, INPUT_GRIDS, calibration_of, choices_of, main_of, target_of
from pqc.passes.fine_scales import raise_fine_scales
from pqc.passes.given_grids import check_chosen_bits, check_powers_of_two, given_grids, gridded_values
from pqc.passes.value_names import values_by_name
from pqc.passes.value_ranges import PASSING_ON, Groups, group_values, known_ranges
from pqc.planning.layer_choices import chosen
from pqc.planning.vector_plan import most_index_bits


def returned_groups(block: Block, groups: Groups) -> set[SSAValue]:
    """Groups that nothing but the caller reads, apart from what passes data on."""
    returned = {groups.root(value) for op in block.ops if isinstance(op, ReturnOp) for value in op.operands}
    for op in block.ops:
        if not isinstance(op, (ReturnOp, ConcatOp, *PASSING_ON)):
            returned -= {groups.root(value) for value in op.operands}
    return returned


def chosen_bits(module: ModuleOp, groups: Groups) -> dict[SSAValue, int]:
    """The widths that choices on the module ask for, by group: of several the largest."""
    bits: dict[SSAValue, int] = {}
    for name, value in values_by_name(module).items():
        said: int | None = chosen(choices_of(module), name).get("activation_bits")
        if said is not None:
            root = groups.root(value)
            bits[root] = max(said, bits.get(root, 0))
    return bits


def _read_by_functions(block: Block, groups: Groups) -> set[SSAValue]:
    """Groups whose elements choose the entries of some function's table."""
    return {groups.root(op.x) for op in block.ops if isinstance(op, PointwiseOp)}


@dataclass(frozen=True)
class CalibrateRangesPass(ModulePass):
    """Give every tensor its grid from the values that occur on the calibration frames.

    With ``least_error`` scales of few bits are those that change the network's outputs least; without it all of them
    hold all that occurs.
    """

    name = "calibrate-ranges"
    activation_bits: int = 8
    output_bits: int = 16
    least_error: bool = True

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Run the network where it does not give all grids, and attach them.

        Raises:
            ModelError: given grids contradict each other or what is chosen, or are none that the target can compute
                with.
        """
        block = main_of(op).body.block
        groups = group_values(block)
        given = given_grids(block, groups)
        check_chosen_bits(chosen_bits(op, groups), given)
        if target_of(op).requantize == "shift":
            check_powers_of_two(given)
        values = gridded_values(block)
        roots = [groups.root(value) for value in values]
        chosen = {root: (one.grid.integers, one.grid.scale.data) for root, one in given.items()}
        if any(root not in given for root in roots):
            chosen = self._measured(op, groups, roots) | chosen
        raise_fine_scales(block, groups, chosen, target_of(op), given)

        def grid(value: SSAValue) -> GridAttr:
            return GridAttr.of(*chosen[groups.root(value)])

        op.attributes[INPUT_GRIDS] = ArrayAttr(grid(argument) for argument in block.args)
        for layer in block.ops:
            if not isinstance(layer, ConstantOp | ReturnOp):
                layer.attributes[GRID] = grid(layer.results[0])

    def _measured(
        self, module: ModuleOp, groups: Groups, roots: list[SSAValue]
    ) -> dict[SSAValue, tuple[Element, float]]:
        """The grids for what occurs on the calibration frames."""
        ranges = known_ranges(module, groups)
        block, power_of_two = main_of(module).body.block, target_of(module).requantize == "shift"
        wide, said = returned_groups(block, groups), chosen_bits(module, groups)
        bits = {root: self.output_bits if root in wide else said.get(root, self.activation_bits) for root in roots}
        # A table's entries may be as wide as an activation: the result can be of the same group, or get more bits yet.
        held = most_index_bits(MOST_BITS, target_of(module).buffer_bytes(Memory.TABLE))
        tabled = _read_by_functions(block, groups)
        for root in {groups.root(argument) for argument in block.args} - wide - set(said):
            bits[root] = input_bits(*ranges[root], bits[root], held if root in tabled else MOST_BITS)
        grids = {root: choose_grid(*ranges[root], bits[root], power_of_two) for root in roots}
        if not self.least_error or min(bits.values()) >= WIDE:
            return grids
        return least_error_grids(ActivationScales(block, groups, calibration_of(module), power_of_two), grids)
