"""Which operation of a network gives what a node of the model gives."""

from __future__ import annotations

from collections.abc import Iterable

from xdsl.dialects.func import ReturnOp
from xdsl.ir import Operation

from pqc.dialects import onnx, qnn
from pqc.dialects.blob import ConstantOp
from pqc.dialects.location import node_names

VIEWS = (onnx.ReshapeOp, qnn.ReshapeOp)
"""They give the elements that they get, so that one in front of a node's work is not mistaken for its result."""


def makers(ops: Iterable[Operation]) -> dict[str, Operation]:
    """By the name of the node the last operation that carries it, which is no view where another one does.

    An operation that does the work of several nodes gives the result of the last of them. Those of the others are
    nowhere to be seen.
    """
    found: dict[str, Operation] = {}
    for op in ops:
        if isinstance(op, ConstantOp | ReturnOp):
            continue
        *inside, name = node_names(op) or ("",)
        for other in inside:
            found.pop(other, None)
        if name not in found or not isinstance(op, VIEWS):
            found[name] = op
    return found
