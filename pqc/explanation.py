"""The way of one ONNX node through the compiler: its operations behind each pass, instructions, buffers, cycles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches, unified_diff
from itertools import pairwise
from typing import Any

from xdsl.dialects.builtin import ModuleOp

from pqc.compilation import compile_model
from pqc.errors import ModelError
from pqc.isa.program import Program
from pqc.isa.text import format_instruction
from pqc.passes.node_text import node_text, nodes_of
from pqc.request import CompileRequest


@dataclass(frozen=True)
class NodeStep:
    """What a pass made of a node."""

    name: str
    """Of the pass; ``import`` is the beginning."""
    text: list[str]
    """The node's operations behind it, a line each."""
    diff: list[str]
    """What changed, as a unified diff without a header."""

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"pass": self.name, "text": self.text, "diff": self.diff}


@dataclass(frozen=True)
class NodeExplanation:
    """All there is to say of a node."""

    node: str
    steps: list[NodeStep]
    """The passes that changed anything of it."""
    instructions: list[str]
    """Its instructions with their numbers; none where those of another node do its work."""
    report: dict[str, Any] | None
    """Its figures in the report, None where it has no instructions of its own."""
    regions: list[dict[str, Any]]
    """The bytes of the on-chip memories that are its own."""

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return vars(self) | {"steps": [step.as_json() for step in self.steps]}


def explain_node(request: CompileRequest, node: str) -> NodeExplanation:
    """Compile, and follow ``node`` on its way.

    Raises:
        ModelError: there is no such node, or compilation refuses the model.
    """
    texts: list[tuple[str, list[str]]] = []

    def watch(name: str, module: ModuleOp) -> None:
        if not texts:
            _check(request, node, module)
        texts.append((name, node_text(module, node)))

    result = compile_model(replace(request, watch=watch))
    steps = [NodeStep(*texts[0], texts[0][1])]
    for (_, before), (name, after) in pairwise(texts):
        if before != after:
            lines = list(unified_diff(before, after, lineterm="", n=0))
            steps.append(NodeStep(name, after, [line for line in lines if not line.startswith(("---", "+++", "@@"))]))
    report = result.report
    own = next((layer for layer in report["layers"] if layer["node"] == node), None)
    regions = [region for region in report["memory"]["regions"] if region["node"] == node]
    return NodeExplanation(node, steps, _instructions(result.program, node), own, regions)


def _check(request: CompileRequest, node: str, module: ModuleOp) -> None:
    """Refuse a node that there is not."""
    known = nodes_of(module)
    if node not in known:
        near = get_close_matches(node, known, n=3, cutoff=0.3) or known[:3]
        raise ModelError(f"{request.model}: there is no node {node!r}; near that are {', '.join(map(repr, near))}")


def _instructions(program: Program, node: str) -> list[str]:
    return [
        f"{index}: {format_instruction(instruction)}"
        for index, (instruction, own) in enumerate(zip(program.instructions, program.nodes, strict=True))
        if own == node
    ]
