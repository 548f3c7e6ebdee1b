"""Executes a ``pqa.program`` in program order: every region is an array of its own, addresses play no part."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from xdsl.ir import SSAValue

from pqc.dialects.pqa import UnitOp
from pqc.dialects.pqa_memory import ConstantOp, ProgramOp, RegionOp, RepeatOp, TensorKind, TensorOp
from pqc.errors import InternalError, ProgramError
from pqc.interpreter.batches import grouped
from pqc.interpreter.units import Fifo, execute
from pqc.isa.fields import Memory
from pqc.numerics.arrays import AnyArray

Bytes = npt.NDArray[np.uint8]

UnitObserver: TypeAlias = Callable[[UnitOp, Mapping[SSAValue, Bytes], Fifo], None]
"""Called after each operation of a unit, with the bytes of all regions so far, [executions or 1, n], and the FIFO."""

UNWRITTEN = 0xA5
"""What a region holds before anything is written to it."""


class _Operands:
    """The regions of one operation; each address field counts from the start of its region."""

    def __init__(self, op: UnitOp, regions: Mapping[SSAValue, Bytes]) -> None:
        self._regions = {name: regions[value] for name, value in op.region_of.items()}
        self._offsets = {name: value for name, value in op.fields.data if name.endswith("_offset")}

    def bytes(self, field: str) -> Bytes:
        """The bytes from the address on to the end of the region."""
        return self._regions[field][:, self._offsets.get(f"{field}_offset", 0) :]


def tensors(program: ProgramOp, kind: TensorKind) -> list[TensorOp]:
    """The program's tensors of one kind, in the order of its boundary."""
    return [op for op in program.body.block.ops if isinstance(op, TensorOp) and op.kind.value.data == kind]


def run_program(program: ProgramOp, inputs: Sequence[AnyArray], observe: UnitObserver | None = None) -> list[AnyArray]:
    """Raw outputs for raw inputs, each [frames, ...]; all executions at once, frames filled up to whole batches.

    Raises:
        ProgramError: an operation that no unit can execute, such as a lookup of codes that no prototype has.
    """
    frames = inputs[0].shape[0]
    batches = [grouped(values, program.frames) for values in inputs]
    given = dict(zip(tensors(program, TensorKind.INPUT), batches, strict=True))
    regions: dict[SSAValue, Bytes] = {}
    fifo: Fifo = deque()
    for op in program.body.block.ops:
        if isinstance(op, RegionOp):
            regions[op.region] = _initial(op, len(batches[0]), given)
        elif isinstance(op, UnitOp):
            _execute(op, regions, fifo, program.accumulator_bits.value.data)
            if observe is not None:
                observe(op, regions, fifo)
        elif not isinstance(op, RepeatOp):
            raise InternalError(f"the reference interpreter does not know {op.name} in a program")
    return [_value(op, regions[op.region])[:frames] for op in tensors(program, TensorKind.OUTPUT)]


def _execute(op: UnitOp, regions: Mapping[SSAValue, Bytes], fifo: Fifo, accumulator_bits: int) -> None:
    try:
        execute(op.instruction({}), _Operands(op, regions), fifo, accumulator_bits)
    except ProgramError as error:
        raise ProgramError(f"{op.name}: {error}") from None


def _initial(op: RegionOp, executions: int, given: Mapping[TensorOp, AnyArray]) -> Bytes:
    if isinstance(op, ConstantOp):
        return op.data.array.reshape(1, -1).view(np.uint8)
    if isinstance(op, TensorOp) and op in given:
        stored = np.ascontiguousarray(given[op].astype(op.tensor.element.storage))
        return stored.reshape(executions, -1).view(np.uint8)
    memory = op.region.type.kind
    rows = 1 if memory in (Memory.CODEBOOK, Memory.TABLE) else executions
    return np.full((rows, op.region.type.size.data), UNWRITTEN, np.uint8)


def _value(op: TensorOp, data: Bytes) -> AnyArray:
    return data.view(op.tensor.element.storage).reshape(-1, *op.tensor.get_shape()[1:])
