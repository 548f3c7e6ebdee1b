"""What is wrong with a model that the host cannot help, either."""

from __future__ import annotations

import onnx

from pqc.frontend.folding import RANDOM
from pqc.frontend.importer import ImportAttempt, needed_nodes
from pqc.frontend.loader import LoadedModel
from pqc.frontend.node import node_name, operator_name
from pqc.frontend.refused import refused
from pqc.frontend.remedies import AGAIN, INFERENCE, remedy_of
from pqc.frontend.values import Activation
from pqc.problems import INPUT, OUTPUT, NodeProblem

CLOSING = "with that the host cannot help; what else is not supported may run there"


def check_for_host(loaded: LoadedModel, attempt: ImportAttempt) -> None:
    """Refuse what stays wrong on the host.

    These are inputs that cannot be read, outputs that depend on none of them, damaged nodes, and nodes that compute
    something else each time, or with other frames beside them: those of training, and random ones.

    Raises:
        ProblemsError: there is something of this kind, all of which is named.
    """
    problems = [problem for problem in attempt.problems if _stays(problem, attempt)]
    named = {problem.node for problem in problems}
    for node in needed_nodes(loaded.model.graph):
        if _is_random(node) and node_name(node) not in named:
            operator = operator_name(node)
            problems.append(NodeProblem(node_name(node), operator, "it is random", remedy=remedy_of(operator)))
    if problems:
        raise refused(loaded.path, problems, closing=CLOSING)


def _stays(problem: NodeProblem, attempt: ImportAttempt) -> bool:
    if problem.operator == OUTPUT:
        return not isinstance(attempt.values.get(problem.node), Activation)
    return problem.operator == INPUT or problem.remedy in (AGAIN, INFERENCE)


def _is_random(node: onnx.NodeProto) -> bool:
    """Whether a node, or one in a graph inside of it, is random."""
    inside = (graph for attribute in node.attribute for graph in (attribute.g, *attribute.graphs))
    return node.op_type in RANDOM or any(_is_random(inner) for graph in inside for inner in graph.node)
