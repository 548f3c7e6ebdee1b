"""What a program file holds, as plain data: the figures behind `pqc info`."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pqc.isa.fields import Unit
from pqc.isa.program import Program
from pqc.isa.records import Tensor, credits_as_json

_PRODUCT_QUANTIZED = {Unit.ENCODE, Unit.LOOKUP}
_MOVING = {Unit.LOAD, Unit.STORE}


def program_contents(program: Program) -> dict[str, Any]:
    """Target, sizes, tensors, instruction counts and, for every ONNX node, which instructions execute it.

    Each of ``nodes`` says under ``runs_on`` which units compute it, derived from its instructions alone.
    """
    test = program.self_test
    return {
        "target": program.target,
        "fingerprint": program.fingerprint(),
        "constants_bytes": len(program.constants),
        "dram_bytes": program.dram_bytes,
        "batch": program.batch,
        "credits": credits_as_json(program.credits),
        "inputs": [_tensor(tensor) for tensor in program.inputs],
        "outputs": [_tensor(tensor) for tensor in program.outputs],
        "instructions": {"total": len(program.instructions), "by_kind": program.counts()},
        "nodes": node_contents(program),
        "self_test": None if test is None else {"seed": test.seed, "frames": test.frames, "digest": test.digest},
        "provenance": program.provenance,
    }


def node_contents(program: Program) -> list[dict[str, Any]]:
    """For every ONNX node, in the order of its first instruction: its instruction counts and the units it runs on."""
    counts: dict[str, Counter[str]] = {}
    units: dict[str, set[Unit]] = {}
    for instruction, node in zip(program.instructions, program.nodes, strict=True):
        counts.setdefault(node, Counter())[instruction.mnemonic] += 1
        units.setdefault(node, set()).add(instruction.unit)
    return [
        {"node": node, "runs_on": _runs_on(units[node]), "instructions": dict(sorted(counts[node].items()))}
        for node in counts
    ]


def _runs_on(units: set[Unit]) -> str:
    if units >= _PRODUCT_QUANTIZED:
        return "encode+lookup"
    computing = units - _MOVING
    # The vector unit finishes what the conventional unit has accumulated.
    if Unit.CONVENTIONAL in computing:
        return "conventional"
    return "+".join(sorted(unit.name.lower() for unit in computing)) or "transfers only"


def _tensor(tensor: Tensor) -> dict[str, Any]:
    return {**tensor.as_json(), "element": str(tensor.element)}
