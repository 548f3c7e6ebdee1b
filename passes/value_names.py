"""By which names a user speaks of tensors: an input's own, else that of the node that gives it."""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import SSAValue

from pqc.dialects.blob import ConstantOp
from pqc.dialects.elements import elements
from pqc.dialects.location import node_name
from pqc.passes.attributes import main_of


def values_by_name(module: ModuleOp) -> dict[str, SSAValue]:
    """The inputs and results of the network by name, in order.

    A node that has become several operations gives what the last of them gives.
    """
    block = main_of(module).body.block
    inputs = [name.data for name in elements(module.attributes.get("pqc.inputs"), StringAttr)]
    found: dict[str, SSAValue] = dict(zip(inputs, block.args, strict=False))
    for op in block.ops:
        if not isinstance(op, ConstantOp) and op.results:
            found[node_name(op)] = op.results[0]
    return found
