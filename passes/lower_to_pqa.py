"""From integers to memories and units: every tensor a region of DRAM, every layer tiles that fit the buffers.

    %c = pq.encode %x, %codebook ...     ->  %slab = pqa.allocate : !pqa.region<activation, 16384>
    %a = pq.lookup %c, %table, %bias          pqa.load dram = %x, address = %slab <...>
    %y = qnn.requantize %a, ...               pqa.encode source = %slab, codebook = %codebook <...>
                                              pqa.lookup table = %table, bias = %bias, accumulator = %sums <...>
                                              pqa.requantize accumulator = %sums, ... destination = %result <...>
                                              pqa.store dram = %y, address = %result <...>

Operations stand in an order in which they may execute one after the other; what may overlap is found out later, when
regions have addresses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass

from pqc.dialects import qnn, qnn_move
from pqc.dialects.blob import ConstantOp
from pqc.dialects.location import node_name
from pqc.dialects.pq import EncodeOp, LookupOp
from pqc.dialects.pqa_memory import ProgramOp, TensorKind
from pqc.dialects.qnn import quantized
from pqc.errors import InternalError, ModelError
from pqc.interpreter.reference import names_of
from pqc.passes.attributes import main_of, target_of
from pqc.passes.layer_facts import record_layers
from pqc.passes.lower_layer import lower_accumulating_layer
from pqc.passes.lower_vector import (
    Tensors,
    copy,
    lower_add,
    lower_concat,
    lower_pad,
    lower_pool,
    lower_rescale,
    lower_slice,
    lower_transpose,
)
from pqc.passes.program_builder import ProgramBuilder, Tensor, map_of
from pqc.planning.target import Target

LOWERED_WITH_RESULT = (EncodeOp, LookupOp, qnn.Conv2dOp, qnn.GemmOp, ConstantOp, ReturnOp)
"""Operations that are lowered by the requantization behind them, or need no work of their own."""

_RULES: dict[type[Operation], Callable[[ProgramBuilder, Any, Tensors], None]] = {
    qnn.RequantizeOp: lower_accumulating_layer,
    qnn.AddOp: lower_add,
    qnn.RescaleOp: lower_rescale,
    qnn.MaxPoolOp: lower_pool,
    qnn.AveragePoolOp: lower_pool,
    qnn_move.SliceOp: lower_slice,
    qnn_move.TransposeOp: lower_transpose,
    qnn_move.PadOp: lower_pad,
    qnn_move.ConcatOp: lower_concat,
}


class FunctionLowering:
    """Lowers one function into one program."""

    def __init__(self, function: FuncOp, target: Target, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> None:
        self.source = function.body.block
        self.block = Block()
        self.builder = ProgramBuilder(self.block, target)
        self.tensors: dict[SSAValue, Tensor] = {}
        self.input_names, self.output_names = inputs, outputs

    def run(self) -> Block:
        """The program's body; inputs and outputs stand first, in their order."""
        for name, argument in zip(self.input_names, self.source.args, strict=True):
            self.tensors[argument] = self.builder.tensor(name, TensorKind.INPUT, quantized(argument))
        copies = self._define_outputs()
        for op in self.source.ops:
            self.builder.location = op.location
            if not isinstance(op, LOWERED_WITH_RESULT):
                self._lower(op)
        for value, output in copies:
            copy(self.builder, self.tensors[value], output)
        return self.block

    def _define_outputs(self) -> list[tuple[SSAValue, Tensor]]:
        """Define the output tensors; returned values that are copied there in the end.

        Those are values that have another place already: inputs, reshapes, and what is returned a second time.
        """
        last = self.source.last_op
        if not isinstance(last, ReturnOp):
            raise InternalError("the function does not return")
        copies: list[tuple[SSAValue, Tensor]] = []
        for value, name in zip(last.operands, self.output_names, strict=True):
            output = self.builder.tensor(name, TensorKind.OUTPUT, quantized(value))
            if value in self.tensors or isinstance(value.owner, qnn_move.ReshapeOp):
                copies.append((value, output))
            else:
                self.tensors[value] = output
        return copies

    def _lower(self, op: Operation) -> None:
        result = op.results[0]
        if isinstance(op, qnn_move.ReshapeOp):
            source = self.tensors[op.x]
            self.tensors[result] = Tensor(source.region, map_of(quantized(result)), source.storage)
            return
        if result not in self.tensors:
            self.tensors[result] = self.builder.tensor(node_name(op), TensorKind.INTERMEDIATE, quantized(result))
        rule = _RULES.get(type(op))
        if rule is None:
            raise InternalError(f"no rule lowers {op.name} to pqa")
        try:
            rule(self.builder, op, self.tensors)
        except ModelError as error:
            raise ModelError(f"node {node_name(op)!r}: {error}") from error


@dataclass(frozen=True)
class LowerToPqaPass(ModulePass):
    """Cut every layer into tiles that fit the target's buffers, as instructions over regions of memory."""

    name = "lower-to-pqa"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Replace the function by a program.

        Raises:
            ModelError: a layer's smallest tile does not fit, or the target lacks a unit; names the node.
        """
        function, target = main_of(op), target_of(op)
        record_layers(op)
        lowering = FunctionLowering(function, target, names_of(op, "pqc.inputs"), names_of(op, "pqc.outputs"))
        program = ProgramOp(target.name, target.accumulator_bits, Region(lowering.run()))
        function.detach()
        op.body.block.add_op(program)
        function.erase()
