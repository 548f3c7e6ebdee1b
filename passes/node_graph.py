"""A network as a graph: an operation a vertex, with the ONNX node it comes from, and which results go where."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Attribute, Operation, SSAValue

from pqc.dialects.blob import ConstantOp
from pqc.dialects.location import node_name
from pqc.dialects.pqa_memory import ProgramOp
from pqc.interpreter.reference import main_function, names_of


@dataclass(frozen=True)
class Vertex:
    """An operation, an input or an output of the network."""

    node: str
    """The ONNX node it comes from, or the name of the input or output."""
    operation: str
    """The operation's name, ``input`` or ``output``."""
    result: str
    """The type of what it gives, as text."""


@dataclass(frozen=True)
class NodeGraph:
    """Vertices in an order in which they can be executed; an edge is a pair of positions in it."""

    vertices: tuple[Vertex, ...]
    edges: tuple[tuple[int, int], ...]


def node_graph(module: ModuleOp) -> NodeGraph | None:
    """The graph of a network, constants left out; None of a program, whose operations are its instructions."""
    main = main_function(module)
    if isinstance(main, ProgramOp):
        return None
    builder = _Builder()
    for argument, name in zip(main.body.block.args, names_of(module, "pqc.inputs"), strict=True):
        builder.add(Vertex(name, "input", _text(argument.type)), (), (argument,))
    for op in main.body.block.ops:
        if isinstance(op, ReturnOp):
            for operand, name in zip(op.operands, names_of(module, "pqc.outputs"), strict=True):
                builder.add(Vertex(name, "output", _text(operand.type)), (operand,), ())
        elif not isinstance(op, ConstantOp):
            builder.add(_vertex(op), tuple(op.operands), tuple(op.results))
    return NodeGraph(tuple(builder.vertices), tuple(dict.fromkeys(builder.edges)))


class _Builder:
    """A graph that grows vertex by vertex."""

    def __init__(self) -> None:
        self.vertices: list[Vertex] = []
        self.edges: list[tuple[int, int]] = []
        self._source: dict[SSAValue, int] = {}

    def add(self, vertex: Vertex, operands: tuple[SSAValue, ...], results: tuple[SSAValue, ...]) -> None:
        own = len(self.vertices)
        self.vertices.append(vertex)
        self.edges += [(self._source[operand], own) for operand in operands if operand in self._source]
        self._source |= dict.fromkeys(results, own)


def _vertex(op: Operation) -> Vertex:
    return Vertex(node_name(op), op.name, ", ".join(_text(result.type) for result in op.results))


def _text(kind: Attribute) -> str:
    return str(kind)
