"""The error of a model that cannot be imported: all that is wrong with it, in one message."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pqc.problems import INPUT, OUTPUT, NodeProblem, ProblemsError


def refused(
    path: Path, problems: Sequence[NodeProblem], unchecked: Sequence[str] = (), closing: str = ""
) -> ProblemsError:
    """The error with ``problems`` of the model at ``path``.

    ``unchecked`` names the nodes that could not be looked at; ``closing`` ends the message where nodes are refused.
    """
    lines = [problem.sentence for problem in problems]
    if len(lines) == 1 and not _is_node(problems[0]):
        return ProblemsError(f"{path}: {lines[0]}", problems, unchecked)
    things = "node" if all(_is_node(problem) for problem in problems) else "part"
    count = f"1 {things} is" if len(lines) == 1 else f"{len(lines)} {things}s are"
    message = [f"{path}: {count} not supported:", *(f"  {line}" for line in lines)]
    if closing and any(_is_node(problem) for problem in problems):
        message.append(closing)
    return ProblemsError("\n".join(message), problems, unchecked)


def _is_node(problem: NodeProblem) -> bool:
    return problem.operator not in (INPUT, OUTPUT, "")
