"""Which unit will execute which node, as far as it is known behind select-pq: before anything is learned."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import prod
from typing import Any

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from pqc.dialects.location import node_name
from pqc.dialects.onnx import ConcatOp, ConvOp, GemmOp, PadOp, ReshapeOp, SliceOp, TransposeOp, shape_of
from pqc.dialects.onnx_base import FloatOp
from pqc.dialects.pq import ConvolutionOp
from pqc.passes.attributes import config_of, main_of

PRODUCT_QUANTIZED = "product-quantized"
CONVENTIONAL = "conventional"
VECTOR = "vector"
MOVES = "moves"

_MOVES = (ConcatOp, PadOp, SliceOp, TransposeOp)


@dataclass(frozen=True)
class NodeUnit:
    """A node that will be executed.

    ``runs_on`` is :data:`PRODUCT_QUANTIZED` (encode and lookup unit), :data:`CONVENTIONAL`, :data:`VECTOR` or
    :data:`MOVES` (transfers, or the vector unit). ``weights`` counts those of a layer; ``prototypes`` and ``length``
    say how a product-quantized one is cut. A number that means nothing for the node is 0.
    """

    node: str
    runs_on: str
    weights: int = 0
    prototypes: int = 0
    length: int = 0

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def node_units(module: ModuleOp) -> tuple[NodeUnit, ...]:
    """The nodes of a module behind select-pq, in their order.

    Nodes that need no work of their own are left out: those that were fused into a layer, folded or only reshape.
    """
    found = (_unit(op) for op in main_of(module).body.block.ops)
    return tuple(unit for unit in found if unit is not None)


def _unit(op: Operation) -> NodeUnit | None:
    node = node_name(op)
    if isinstance(op, ConvolutionOp):
        return NodeUnit(node, PRODUCT_QUANTIZED, 0, op.config.prototypes.data, op.config.length.data)
    if isinstance(op, ConvOp | GemmOp):
        weights, config = prod(shape_of(op.weight)), config_of(op)
        if config is None:
            return NodeUnit(node, CONVENTIONAL, weights)
        return NodeUnit(node, PRODUCT_QUANTIZED, weights, config.prototypes.data, config.length.data)
    if not isinstance(op, FloatOp) or isinstance(op, ReshapeOp):
        return None
    return NodeUnit(node, MOVES if isinstance(op, _MOVES) else VECTOR)
