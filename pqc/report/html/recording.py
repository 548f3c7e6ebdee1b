"""What the page shows of a compilation beside its program: the network, and the IR behind every pass."""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.dialects.builtin import ModuleOp

from pqc.dialects.pq_types import QuantizedType
from pqc.interpreter.reference import main_function
from pqc.passes.node_graph import NodeGraph, node_graph
from pqc.passes.text import module_text


@dataclass
class Recording:
    """Listens to a compilation: :meth:`watch` is what a request to compile takes as ``watch``."""

    texts: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Each pass that changed something, in order, and the IR behind it; ``import`` comes first."""
    graph: NodeGraph | None = None
    """The network with an operation a node if a float level was seen; None if only a program was."""

    def watch(self, name: str, module: ModuleOp) -> None:
        """Note the IR behind the pass ``name``."""
        self.texts.append((name, module_text(module)))
        graph = node_graph(module)
        if graph is not None and (self.graph is None or _is_float(module)):
            self.graph = graph


def _is_float(module: ModuleOp) -> bool:
    arguments = main_function(module).body.block.args
    return not any(isinstance(argument.type, QuantizedType) for argument in arguments)
