"""The part of a module that belongs to one ONNX node, as text."""

from __future__ import annotations

from io import StringIO

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.printer import Printer

from pqc.dialects.location import node_names
from pqc.interpreter.reference import main_function


def node_text(module: ModuleOp, node: str) -> list[str]:
    """A line for each operation that does work of ``node``; a value has the same name in all of them."""
    stream = StringIO()
    printer = Printer(stream)
    for op in main_function(module).body.block.ops:
        if node in node_names(op):
            printer.print_op(op)
            stream.write("\n")
    return stream.getvalue().splitlines()


def nodes_of(module: ModuleOp) -> list[str]:
    """The names of all nodes, in the order of the operations that do their work."""
    ops: list[Operation] = list(main_function(module).body.block.ops)
    return list(dict.fromkeys(name for op in ops for name in node_names(op) if name))
