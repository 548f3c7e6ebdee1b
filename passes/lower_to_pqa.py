"""From integers to memories and units: every tensor a region, every layer tiles that fit the buffers.

    %c = pq.encode %x, %codebook ...     ->  pqa.load dram = %codebook.data, address = %codebook <...>
    %a = pq.lookup %c, %table, %bias          pqa.encode source = %x, codebook = %codebook <...>
    %y = qnn.requantize %a, ...               pqa.lookup table = %table, bias = %parameters, accumulator = %sums <...>
                                              pqa.requantize accumulator = %sums, ... destination = %y <...>

Tensors that find room stay in the activation buffer; the others lie in DRAM and pass through it tile by tile.
Operations stand in an order in which they may execute one after the other; what may overlap is found out later, when
regions have addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from pqc.isa.fields import Memory
from pqc.passes.allocate_memory import finds_place
from pqc.passes.attributes import main_of, schedule_of, set_schedule, target_of
from pqc.passes.layer_facts import paper_cycles, record_layers
from pqc.passes.layers import layer_lowering
from pqc.passes.lower_move import copy, lower_concat, lower_pad, lower_slice, lower_transpose
from pqc.passes.lower_pointwise import lower_map, lower_multiply
from pqc.passes.lower_vector import Tensors, lower_add, lower_pool, lower_rescale
from pqc.passes.program_builder import ProgramBuilder, Tensor, map_of
from pqc.passes.tensor_lives import residents_of, tensor_labels
from pqc.planning.lookahead import spare_bytes
from pqc.planning.nest import Nest
from pqc.planning.residency import Residency, choose_residents
from pqc.planning.schedule import Schedule
from pqc.planning.target import Target
from pqc.planning.tiling import DoesNotFitError
from pqc.planning.vector_plan import plan_move
from pqc.problems import NodeProblem, of_target, problem_of

LOWERED_WITH_RESULT = (EncodeOp, LookupOp, qnn.Conv2dOp, qnn.GemmOp, ConstantOp, ReturnOp)
"""Operations that are lowered by the requantization behind them, or need no work of their own."""

SHARES = (1.0, 0.75, 0.5, 0.25, 0.0)
"""Parts of the activation buffer that tensors may stay in: less is tried if what passes through finds no place."""

_RULES: dict[type[Operation], Callable[[ProgramBuilder, Any, Tensors], None]] = {
    qnn.AddOp: lower_add,
    qnn.RescaleOp: lower_rescale,
    qnn.MapOp: lower_map,
    qnn.MultiplyOp: lower_multiply,
    qnn.MaxPoolOp: lower_pool,
    qnn.AveragePoolOp: lower_pool,
    qnn_move.SliceOp: lower_slice,
    qnn_move.TransposeOp: lower_transpose,
    qnn_move.PadOp: lower_pad,
    qnn_move.ConcatOp: lower_concat,
}


@dataclass(frozen=True)
class Lowered:
    """The body of a program, and the schedule it follows."""

    block: Block
    schedule: Schedule


class FunctionLowering:
    """Lowers one function into one program."""

    def __init__(
        self,
        function: FuncOp,
        target: Target,
        names: tuple[tuple[str, ...], tuple[str, ...]],
        batch: int,
        given: Schedule,
        spare: int,
        share: float,
    ) -> None:
        self.source = function.body.block
        self.block = Block()
        self.builder = ProgramBuilder(self.block, target, batch, spare)
        self.tensors: dict[SSAValue, Tensor] = {}
        self.input_names, self.output_names = names
        self.given = given
        self.nests: dict[str, Nest] = {}
        self.problems: list[NodeProblem] = []
        self.steps = [op for op in self.source.ops if not isinstance(op, LOWERED_WITH_RESULT)]
        self.labels = tensor_labels(self.source, self.input_names)
        self.residency = self._choose_residents(share)

    def _returned(self) -> ReturnOp:
        last = self.source.last_op
        if not isinstance(last, ReturnOp):
            raise InternalError("the function does not return")
        return last

    def _label(self, value: SSAValue) -> str:
        return self.labels[value]

    def _choose_residents(self, share: float) -> Residency:
        """What stays on chip; results of the network leave it."""
        outside = frozenset(value for value in self._returned().operands if value not in self.source.args)
        capacity = self.builder.target.buffer_bytes(Memory.ACTIVATION)
        tensors = residents_of(self.source, self.steps, outside, self._label, self.builder.batch)
        if self.given.on_chip is not None and (unknown := self.given.on_chip - {tensor.label for tensor in tensors}):
            raise ModelError(f"schedule: on_chip: there is no tensor {min(unknown)!r} that could stay on chip")
        chosen = choose_residents(tensors, len(self.steps), int(capacity * share), self.given.on_chip)
        if self.given.on_chip is not None and (homeless := self.given.on_chip - chosen.labels):
            raise ModelError(f"schedule: on_chip: in the activation buffer there is no room left for {min(homeless)!r}")
        left = capacity - int(capacity * share)
        return Residency(chosen.labels, tuple(room + left for room in chosen.room))

    def run(self) -> Lowered:
        """The program's body; inputs and outputs stand first, in their order.

        Raises:
            ProblemsError: layers find no room, or the target lacks their unit; all of them.
        """
        for name, argument in zip(self.input_names, self.source.args, strict=True):
            self.tensors[argument] = self.builder.tensor(name, TensorKind.INPUT, quantized(argument))
        copies = self._define_outputs()
        for number, op in enumerate(self.steps):
            self.builder.location = op.location
            self.builder.room = self.residency.room[number]
            if number == 0:
                self._stage_inputs()
            try:
                self._lower(op)
            except ModelError as error:
                # what it would compute is defined nevertheless, so that the layers behind it are tried, too
                self.problems.append(self._problem(op, error))
        if self.problems:
            raise of_target(self.problems, self.builder.target.name)
        if unknown := set(self.given.layers) - set(self.nests):
            raise ModelError(f"schedule: there is no layer {min(unknown)!r}, there are {', '.join(self.nests)}")
        for value, output in copies:
            copy(self.builder, self.tensors[value], output)
        return Lowered(self.block, Schedule(self.residency.labels, self.nests))

    def _stage_inputs(self) -> None:
        """Load the inputs that stay on chip, once."""
        for name, argument in zip(self.input_names, self.source.args, strict=True):
            if name not in self.residency.labels:
                continue
            source = self.tensors[argument]
            # its own place: the next frame's input must not wait for what else would be there
            resident = self.builder.resident(name, quantized(argument), persistent=True)
            for frame in range(self.builder.batch):
                for part in plan_move(source.map.planes, source.map.rows, source.map.columns, [], 0):
                    self.builder.stage(source, resident, part, frame)
            self.tensors[argument] = resident

    def _define_outputs(self) -> list[tuple[SSAValue, Tensor]]:
        """Define the output tensors; returned values that are copied there in the end.

        Those are values that have another place already: inputs, reshapes, and what is returned a second time.
        """
        copies: list[tuple[SSAValue, Tensor]] = []
        for value, name in zip(self._returned().operands, self.output_names, strict=True):
            output = self.builder.tensor(name, TensorKind.OUTPUT, quantized(value))
            if value in self.tensors or isinstance(value.owner, qnn_move.ReshapeOp):
                copies.append((value, output))
            else:
                self.tensors[value] = output
        return copies

    def _lower(self, op: Operation) -> None:
        result = op.results[0]
        if isinstance(op, qnn_move.ReshapeOp):
            self.tensors[result] = self.tensors[op.x].reshaped(map_of(quantized(result)))
            return
        if result not in self.tensors:
            self.tensors[result] = self._new_tensor(result)
        if isinstance(op, qnn.RequantizeOp):
            self._lower_layer(op)
            return
        rule = _RULES.get(type(op))
        if rule is None:
            raise InternalError(f"no rule lowers {op.name} to pqa")
        rule(self.builder, op, self.tensors)

    def _problem(self, op: Operation, error: ModelError) -> NodeProblem:
        """Why a layer is refused; if tensors that are to stay on chip are in its way, it says so."""
        room = self.builder.room
        crowded = room < self.builder.target.buffer_bytes(Memory.ACTIVATION)
        if isinstance(error, DoesNotFitError) and error.memory is Memory.ACTIVATION and crowded:
            found = f"the tensors on chip leave {room} bytes of the activation buffer, but it needs {error.needed}"
            return NodeProblem(node_name(op), "", found, "a shorter on_chip, or a larger buffers.activation")
        return problem_of(error, node_name(op))

    def _new_tensor(self, value: SSAValue) -> Tensor:
        label = self._label(value)
        if label in self.residency.labels:
            return self.builder.resident(label, quantized(value))
        return self.builder.tensor(label, TensorKind.INTERMEDIATE, quantized(value))

    def _lower_layer(self, op: qnn.RequantizeOp) -> None:
        lowering = layer_lowering(self.builder, op, self.tensors)
        node = node_name(op)
        given = self.given.layers.get(node)
        if given is not None:
            lowering.check(given)
        self.nests[node] = lowering.search() if given is None else given
        lowering.run(self.nests[node])


def _with_largest_share(
    lower: Callable[[float], tuple[ProgramOp, Schedule]], shares: Sequence[float], capacity: int
) -> tuple[ProgramOp, Schedule]:
    """What ``lower`` makes of the first of ``shares`` of the activation buffer with which every layer finds room.

    Raises:
        ModelError: a layer finds none even with the last one, or is at fault itself.
    """
    for share in shares[:-1]:
        try:
            found = lower(share)
        except ModelError:
            # what stays on chip may be all that is in the layer's way; if not, the last share says so
            continue
        if finds_place(found[0], Memory.ACTIVATION, capacity):
            return found
    return lower(shares[-1])


@dataclass(frozen=True)
class LowerToPqaPass(ModulePass):
    """Cut every layer into tiles that fit the target's buffers, as instructions over regions of memory."""

    name = "lower-to-pqa"
    batch: int = 1

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Replace the function by a program for ``batch`` frames, and leave its schedule on the module.

        Raises:
            ProblemsError: a layer's smallest tile does not fit, or the target lacks a unit; names all such nodes.
        """
        function, target, given = main_of(op), target_of(op), schedule_of(op)
        # what stays on chip is as it was asked for, or the user is told
        shares = SHARES if given.on_chip is None else SHARES[:1]
        record_layers(op)
        names = names_of(op, "pqc.inputs"), names_of(op, "pqc.outputs")
        capacity = target.buffer_bytes(Memory.TABLE)
        spare = spare_bytes(paper_cycles(op, target, self.batch), target.bits_per_cycle, capacity)

        def lower(share: float) -> tuple[ProgramOp, Schedule]:
            lowered = FunctionLowering(function, target, names, self.batch, given, spare, share).run()
            body = Region(lowered.block)
            return ProgramOp(target.name, target.accumulator_bits, body, self.batch), lowered.schedule

        program, schedule = _with_largest_share(lower, shares, target.buffer_bytes(Memory.ACTIVATION))
        function.detach()
        op.body.block.add_op(program)
        function.erase()
        set_schedule(op, schedule)
