"""What stands in the way of a compilation: each problem by itself, and the error that holds all of them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from pqc.errors import ModelError

INPUT = "input"
"""The ``operator`` of a problem with one of the graph's inputs."""

OUTPUT = "output"
"""The ``operator`` of a problem with one of the graph's outputs."""


@dataclass(frozen=True)
class NodeProblem:
    """One thing that keeps a model from being compiled.

    ``node`` is the name of the ONNX node, input or output, empty where the whole model is meant; ``operator`` its
    operator, :data:`INPUT` or :data:`OUTPUT`, empty where it is not known. ``found`` is a clause that follows the
    name; ``allowed`` says what would be accepted, and ``remedy`` how to change the model, the options or the target.
    Both are empty where there is nothing to add to ``found``.
    """

    node: str
    operator: str
    found: str
    allowed: str = ""
    remedy: str = ""

    @property
    def where(self) -> str:
        """Node and operator as messages name them, empty for the whole model."""
        if self.operator in (INPUT, OUTPUT):
            return f"{self.operator} '{self.node}'"
        if self.operator:
            return f"{self.node} ({self.operator})"
        return f"node {self.node!r}" if self.node else ""

    @property
    def sentence(self) -> str:
        """All of it in one line."""
        found = f"{self.found}: allowed is {self.allowed}" if self.allowed else self.found
        said = f"{found}; {self.remedy}" if self.remedy else found
        return f"{self.where}: {said}" if self.where else said

    def as_json(self) -> dict[str, str]:
        """Plain JSON values."""
        return dict(vars(self))


class ProblemsError(ModelError):
    """A refusal with every problem that was found; ``unchecked`` names the nodes that nothing could be said of."""

    def __init__(self, message: str, problems: Sequence[NodeProblem], unchecked: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)
        self.unchecked = tuple(unchecked)


def refusal(found: str, allowed: str, remedy: str) -> ProblemsError:
    """The error of a node that is not known where it is found; :func:`problem_of` names it."""
    problem = NodeProblem("", "", found, allowed, remedy)
    return ProblemsError(problem.sentence, [problem])


def problem_of(error: ModelError, node: str) -> NodeProblem:
    """What ``error`` says, as a problem of ``node``."""
    if isinstance(error, ProblemsError) and len(error.problems) == 1:
        return replace(error.problems[0], node=node)
    return NodeProblem(node, "", str(error))


@contextmanager
def collecting(problems: list[NodeProblem], node: str) -> Generator[None]:
    """Whatever is refused inside is a problem of ``node``, added to ``problems``; what follows goes on."""
    try:
        yield
    except ModelError as error:
        problems.append(problem_of(error, node))


def of_target(problems: Sequence[NodeProblem], target: str) -> ProblemsError:
    """The error of layers that ``target`` has no room or no unit for: one sentence, or a line for each of them."""
    if len(problems) == 1:
        return ProblemsError(problems[0].sentence, problems)
    head = f"{len(problems)} nodes cannot be executed on target {target}:"
    return ProblemsError("\n".join([head, *(f"  {problem.sentence}" for problem in problems)]), problems)
