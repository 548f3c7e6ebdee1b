"""Where a program keeps what the nodes of the network give, and which of its operations wrote an element of that."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from xdsl.ir import SSAValue

from pqc.dialects.location import node_name, result_name
from pqc.dialects.pqa import UnitOp
from pqc.dialects.pqa_memory import ProgramOp, RegionOp, TensorKind, TensorOp
from pqc.interpreter.queues import describe
from pqc.isa.access import Access
from pqc.isa.fields import Instruction, Memory
from pqc.isa.instructions import Encode, Load
from pqc.numerics.arrays import AnyArray
from pqc.passes.advance_vector_work import region_accesses


def unit_operations(program: ProgramOp) -> list[UnitOp]:
    """The operations of all units, in program order: one for each instruction."""
    return [op for op in program.body.block.ops if isinstance(op, UnitOp)]


def unit_operation(program: ProgramOp, op: UnitOp) -> str:
    """An operation in words, as messages name the instruction that it becomes."""
    return describe(unit_operations(program).index(op), op.instruction({}), node_name(op))


def writers(program: ProgramOp) -> dict[SSAValue, list[tuple[UnitOp, Access]]]:
    """For each region what is written to it, in program order."""
    bits = program.accumulator_bits.value.data
    found: dict[SSAValue, list[tuple[UnitOp, Access]]] = {}
    for op in unit_operations(program):
        for region, access in region_accesses(op, bits):
            if access.written:
                found.setdefault(region, []).append((op, access))
    return found


def result_regions(program: ProgramOp, values: Mapping[str, AnyArray]) -> dict[str, RegionOp]:
    """For each node the last region that holds its whole result, where there is one.

    That is a region which the node's own operations write, as large as its result [frames, ...] for the frames of one
    execution. Codes are no result, nor is what is only loaded: that is what another node gave. Outputs have names of
    their own.
    """
    found: dict[str, RegionOp] = {}
    for region, written in writers(program).items():
        op = region.owner
        if not isinstance(op, RegionOp) or not _may_hold_a_result(op, {one.instruction_type() for one, _ in written}):
            continue
        name = result_name(written[-1][0])
        value = values.get(name)
        if value is not None and op.region_type.size.data == value[0].nbytes * program.frames:
            found[name] = op
    return found


def _may_hold_a_result(op: RegionOp, writers: set[type[Instruction]]) -> bool:
    if op.region_type.kind not in (Memory.DRAM, Memory.ACTIVATION) or Encode in writers or writers == {Load}:
        return False
    return not (isinstance(op, TensorOp) and op.kind.value.data == TensorKind.OUTPUT)


def writer_of(program: ProgramOp, region: RegionOp, byte: int) -> UnitOp | None:
    """The last operation that writes a byte of a region, counted from its start; None if there is none."""
    for op, access in reversed(writers(program).get(region.region, [])):
        if access.address <= byte < access.end and bool(np.isin(byte, access.addresses())):
            return op
    return None
