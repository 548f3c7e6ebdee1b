"""From a placed and ordered ``pqa.program`` to the contents of a program file: tokens become semaphore operations."""

from __future__ import annotations

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
from pqc.isa.records import Tensor
from pqc.passes.attributes import program_of
from pqc.passes.insert_tokens import placed_instruction
from pqc.passes.layer_facts import LAYERS


@dataclass(frozen=True)
class Emitted:
    """What a program file holds, apart from target, provenance and self-test."""

    instructions: tuple[Instruction, ...]
    nodes: tuple[str, ...]
    constants: bytes
    dram_bytes: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    layers: list[dict[str, Any]]


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
    return Emitted(
        instructions=with_semaphores(units),
        nodes=tuple(node_name(op) for op in units),
        constants=constants,
        dram_bytes=max([len(constants), *ends]),
        inputs=_boundary(tensors, TensorKind.INPUT),
        outputs=_boundary(tensors, TensorKind.OUTPUT),
        layers=[] if facts is None else from_attribute(facts),
    )


def with_semaphores(units: list[UnitOp]) -> tuple[Instruction, ...]:
    """The instructions, with a bit set for each unit that is waited for and each that is signalled.

    Raises:
        InternalError: tokens between two units cross, so that counting them would not match them.
    """
    index: dict[SSAValue, int] = {op.token: number for number, op in enumerate(units)}
    waits, signals = [0] * len(units), [0] * len(units)
    newest: dict[tuple[Unit, Unit], int] = {}
    for number, op in enumerate(units):
        for source in sorted(index[token] for token in op.after):
            pair = (units[source].unit, op.unit)
            if newest.get(pair, -1) >= source or waits[number] >> pair[0] & 1:
                raise InternalError(f"tokens from {pair[0].name.lower()} to {pair[1].name.lower()} cross")
            newest[pair] = source
            waits[number] |= 1 << pair[0]
            signals[source] |= 1 << pair[1]
    return tuple(placed_instruction(op, wait, signal) for op, wait, signal in zip(units, waits, signals, strict=True))


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
