"""From a placed and ordered ``pqa.program`` to the contents of a program file: tokens become semaphore operations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from pqc.dialects.location import node_name
from pqc.dialects.plain import from_attribute
from pqc.dialects.pqa import UnitOp
from pqc.dialects.pqa_memory import ConstantOp, ProgramOp, TensorKind, TensorOp
from pqc.errors import InternalError, ModelError
from pqc.isa.fields import Instruction, Unit
from pqc.isa.program import Program, SelfTest
from pqc.isa.records import Credits, Tensor
from pqc.passes.attributes import program_of
from pqc.passes.insert_tokens import placed_instruction
from pqc.passes.layer_facts import LAYERS
from pqc.planning.target import Target


@dataclass(frozen=True)
class Emitted:
    """What a program file holds, apart from target, provenance and self-test."""

    instructions: tuple[Instruction, ...]
    batch: int
    credits: Credits
    nodes: tuple[str, ...]
    constants: bytes
    dram_bytes: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    layers: list[dict[str, Any]]

    def program(self, target: Target, provenance: dict[str, Any], self_test: SelfTest | None) -> Program:
        """The program that these make, with what does not follow from the IR."""
        return Program(
            target=target.as_dict(),
            instructions=self.instructions,
            batch=self.batch,
            credits=self.credits,
            nodes=self.nodes,
            constants=self.constants,
            dram_bytes=self.dram_bytes,
            inputs=self.inputs,
            outputs=self.outputs,
            provenance=provenance,
            self_test=self_test,
        )


def emit(module: ModuleOp) -> Emitted:
    """Everything that follows from the IR.

    Raises:
        ModelError: the module is not at the accelerator level.
    """
    program = program_of(module)
    units = [op for op in program.body.block.ops if isinstance(op, UnitOp)]
    tensors = [op for op in program.body.block.ops if isinstance(op, TensorOp)]
    constants = constant_bytes(program)
    ends = [_start(op) + op.region.type.size.data for op in tensors]
    facts = module.attributes.get(LAYERS)
    instructions, credits = with_semaphores(program, units)
    return Emitted(
        instructions=instructions,
        batch=program.frames,
        credits=credits,
        nodes=tuple(node_name(op) for op in units),
        constants=constants,
        dram_bytes=max([len(constants), *ends]),
        inputs=_boundary(tensors, TensorKind.INPUT),
        outputs=_boundary(tensors, TensorKind.OUTPUT),
        layers=[] if facts is None else from_attribute(facts),
    )


def with_semaphores(program: ProgramOp, units: Sequence[UnitOp]) -> tuple[tuple[Instruction, ...], Credits]:
    """The instructions, with a bit set for each unit that is waited for and each that is signalled; the credits.

    Raises:
        InternalError: tokens between two units cross, so that counting them would not match them.
    """
    sources = _token_sources(program, units)
    waits, signals = [0] * len(units), [0] * len(units)
    taken: dict[tuple[Unit, Unit], list[int]] = {}
    for number, op in enumerate(units):
        for source in sorted(sources[token] for token in op.after):
            pair = (units[source].unit, op.unit)
            order = taken.setdefault(pair, [])
            # the first one in the next execution comes behind all of this one
            if waits[number] >> pair[0] & 1 or (order and not order[-1] < source < order[0] + len(units)):
                raise InternalError(f"tokens from {pair[0].name.lower()} to {pair[1].name.lower()} cross")
            order.append(source)
            waits[number] |= 1 << pair[0]
            signals[source] |= 1 << pair[1]
    placed = [placed_instruction(op, wait, signal) for op, wait, signal in zip(units, waits, signals, strict=True)]
    counts = {pair: sum(source < 0 for source in order) for pair, order in sorted(taken.items())}
    return tuple(placed), tuple((*pair, count) for pair, count in counts.items() if count)


def _token_sources(program: ProgramOp, units: Sequence[UnitOp]) -> dict[SSAValue, int]:
    """The index of the operation that sends each token; below zero, counted from the end, for the execution before."""
    index: dict[SSAValue, int] = {op.token: number for number, op in enumerate(units)}
    before = zip(program.body.block.args, program.repeated, strict=True)
    return index | {argument: index[token] - len(units) for argument, token in before}


def constant_bytes(program: ProgramOp) -> bytes:
    """The constants section: every constant at its address, zeros in between."""
    placed = [op for op in program.body.block.ops if isinstance(op, ConstantOp)]
    section = bytearray(max((_start(op) + op.region.type.size.data for op in placed), default=0))
    for op in placed:
        start = _start(op)
        section[start : start + op.region.type.size.data] = op.data.array.tobytes()
    return bytes(section)


def _start(op: ConstantOp | TensorOp) -> int:
    if op.start is None:
        raise ModelError("a region of DRAM has no address; run allocate-memory first")
    return op.start


def _boundary(tensors: list[TensorOp], kind: TensorKind) -> tuple[Tensor, ...]:
    return tuple(
        Tensor(
            name=op.label.data,
            shape=op.tensor.get_shape()[1:],
            bits=op.tensor.element.bits,
            signed=op.tensor.element.signed,
            scale=op.tensor.scale,
            address=_start(op),
        )
        for op in tensors
        if op.kind.value.data == kind
    )
