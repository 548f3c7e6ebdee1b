"""A module executed so that a wrong node does not spoil those behind it: each works on what the right ones gave.

The integers, or real numbers, that a node gave before a pass take the place of what it gives behind the pass as soon as
it is complete. What it gave itself is kept, to be compared.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Operation, SSAValue

from pqc.dialects.pqa import UnitOp
from pqc.dialects.pqa_memory import ProgramOp
from pqc.interpreter.batches import grouped
from pqc.interpreter.reference import execute, main_function, names_of
from pqc.interpreter.reference_accelerator import UNWRITTEN, Bytes, run_program
from pqc.interpreter.units import Fifo
from pqc.numerics.arrays import AnyArray, IntArray
from pqc.passes.attributes import main_of, program_of
from pqc.verification.execution import Execution, Value, program_outputs, scale_of
from pqc.verification.makers import makers
from pqc.verification.program_values import result_regions, writers


def isolated(module: ModuleOp, before: Execution) -> Execution:
    """Execute a module, each node on what the nodes of ``before``, a network of the same numbers, gave."""
    if isinstance(main_function(module), FuncOp):
        return _isolated_network(module, before)
    return _isolated_program(module, before)


def _isolated_network(module: ModuleOp, before: Execution) -> Execution:
    block = main_of(module).body.block
    named_by = {op: name for name, op in makers(block.ops).items()}
    known: dict[SSAValue, AnyArray] = dict(zip(block.args, before.inputs, strict=True))
    values: dict[str, Value] = {}
    outputs: list[Value] = []
    for op in block.ops:
        operands = [known[value] for value in op.operands]
        if isinstance(op, ReturnOp):
            outputs = [
                Value(array, scale_of(value.type), None) for array, value in zip(operands, op.operands, strict=True)
            ]
            continue
        results = execute(op, operands)
        known.update(zip(op.results, results, strict=True))
        if op in named_by:
            name = named_by[op]
            values[name] = Value(results[0], scale_of(op.results[0].type), op)
            known[op.results[0]] = _right(results[0], before.values.get(name))
    named = zip(names_of(module, "pqc.outputs"), outputs, strict=True)
    return Execution(module, before.inputs, values, dict(named))


def _right(found: AnyArray, wanted: Value | None) -> AnyArray:
    """What a node should have given, laid out as it gave it; what it gave where there is nothing to compare with."""
    if wanted is None or wanted.array.size != found.size:
        return found
    return wanted.array.reshape(found.shape).astype(found.dtype)


def _isolated_program(module: ModuleOp, network: Execution) -> Execution:
    program = program_of(module)
    places = result_regions(program, {name: one.array for name, one in network.values.items()})
    right: dict[SSAValue, Bytes] = {
        op.region: _stored(network.values[name].array, program) for name, op in places.items()
    }
    found = {region: np.full_like(stored, UNWRITTEN) for region, stored in right.items()}
    completed = _completed(program, found)

    def replace(op: UnitOp, regions: Mapping[SSAValue, Bytes], _: Fifo) -> None:
        for region, place in completed.get(op, ()):
            found[region][:, place] = regions[region][:, place]
            regions[region][:, place] = right[region][:, place]

    outputs = run_program(program, network.inputs, replace)
    values: dict[str, Value] = {}
    for name, op in places.items():
        wanted = network.values[name]
        array = found[op.region].view(wanted.array.dtype).reshape(-1, *wanted.array.shape[1:])[: len(wanted.array)]
        values[name] = Value(array, wanted.scale, op)
    return Execution(module, network.inputs, values, program_outputs(program, outputs))


def _stored(array: AnyArray, program: ProgramOp) -> Bytes:
    """Frames as they lie in a region, [executions, bytes]."""
    batches = grouped(array, program.frames)
    return np.ascontiguousarray(batches).reshape(len(batches), -1).view(np.uint8)


def _completed(
    program: ProgramOp, regions: Mapping[SSAValue, Bytes]
) -> Mapping[Operation, list[tuple[SSAValue, IntArray]]]:
    """For each operation the regions of which it is the last to write some bytes, and which bytes these are."""
    completed: dict[Operation, list[tuple[SSAValue, IntArray]]] = {}
    for region, written in writers(program).items():
        if region not in regions:
            continue
        last = np.full(regions[region].shape[1], -1)
        for number, (_, access) in enumerate(written):
            last[access.addresses()] = number
        for number, (op, _) in enumerate(written):
            completed.setdefault(op, []).append((region, np.flatnonzero(last == number)))
    return completed
