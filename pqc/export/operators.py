"""Each operation of the float level as nodes of ONNX."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx.numpy_helper
from xdsl.ir import Operation, SSAValue

from pqc.dialects import onnx as dialect
from pqc.dialects.blob import ConstantOp
from pqc.dialects.onnx import shape_of
from pqc.dialects.pq import ConvolutionOp, OnGridOp
from pqc.dialects.pq_types import GridAttr
from pqc.errors import InternalError
from pqc.export.exactness import check_exact
from pqc.export.graph import Graph
from pqc.export.names import node_names
from pqc.frontend.pq_domain import DOMAIN, ON_GRID, convolution_name
from pqc.numerics.window import Window


def write_operation(graph: Graph, op: Operation) -> None:
    """Append the nodes that do what ``op`` does.

    Raises:
        ModelError: no ONNX runtime could do it exactly.
        InternalError: there is no rule for the operation.
    """
    rule = _RULES.get(type(op))
    if rule is None:
        raise InternalError(f"no rule exports {op.name}")
    graph.define(op.results[0], rule(graph, op))


def grid_attributes(grid: GridAttr) -> dict[str, Any]:
    """The attributes that say a grid."""
    element = grid.integers
    scale = onnx.numpy_helper.from_array(np.array(grid.scale.data, np.float64))
    return {"scale": scale, "bits": element.bits, "signed": int(element.signed)}


def write_on_grid(graph: Graph, x: str, grid: GridAttr, name: str) -> str:
    """Append the node that brings ``x`` onto ``grid``."""
    return graph.node(ON_GRID, [x], name, domain=DOMAIN, **grid_attributes(grid))


def window_attributes(window: Window) -> dict[str, Any]:
    """The attributes that say a window."""
    return {
        "kernel_shape": list(window.kernel),
        "strides": list(window.strides),
        "pads": list(window.pads),
        "dilations": list(window.dilations),
    }


def _name(op: Operation) -> str:
    return node_names(op, ())[0]


def _integers(graph: Graph, values: list[int], name: str) -> str:
    return graph.constant(np.array(values, np.int64), name)


def _clipped(graph: Graph, x: str, low: float | None, high: float | None, name: str) -> str:
    if (low, high) == (0.0, None):
        return graph.node("Relu", [x], name)
    bounds = [
        "" if bound is None else graph.constant(np.array(bound, np.float32), f"{name}/{what}")
        for what, bound in (("low", low), ("high", high))
    ]
    return graph.node("Clip", [x, *bounds], name)


def _fused(
    graph: Graph, op: dialect.ConvOp | dialect.GemmOp | ConvolutionOp, kind: str, inputs: list[str], **attributes: Any
) -> str:
    """The node of a layer, and behind it the residual and the bounds that it has."""
    bounded = op.bounds != (None, None)
    epilogue = [what for what, there in (("residual", op.residual is not None), ("bounds", bounded)) if there]
    name, *others = node_names(op, epilogue)
    result = graph.node(kind, inputs, name, **attributes)
    if op.residual is not None:
        result = graph.node("Add", [result, graph.operand(op.residual)], others.pop(0))
    return _clipped(graph, result, *op.bounds, others.pop(0)) if bounded else result


def _conv(graph: Graph, op: dialect.ConvOp) -> str:
    inputs = [graph.operand(value) for value in (op.x, op.weight, op.bias)]
    return _fused(graph, op, "Conv", inputs, group=op.group.value.data, **window_attributes(op.window))


def _gemm(graph: Graph, op: dialect.GemmOp) -> str:
    return _fused(graph, op, "Gemm", [graph.operand(value) for value in (op.x, op.weight, op.bias)], transB=1)


def _pq_convolution(graph: Graph, op: ConvolutionOp) -> str:
    if op.step is None:
        raise InternalError("a convolution with a real table has no ONNX node")
    check_exact(op)
    config = op.config
    attributes = {
        **grid_attributes(op.grid),
        **window_attributes(op.window.data),
        "shift": op.shift.value.data,
        "prototype_bits": config.prototype_bits.data,
        "table_bits": config.table_bits.data,
    }
    name = _name(op)
    operands = ((op.codebook, "codebook"), (op.table, "table"), (op.bias, "bias"), (op.step, "step"))
    constants = [graph.constant_of(value, f"{name}.{what}") for value, what in operands]
    kind = convolution_name(config.grouped, config.distance)
    return _fused(graph, op, kind, [graph.operand(op.x), *constants], domain=DOMAIN, **attributes)


def _on_grid(graph: Graph, op: OnGridOp) -> str:
    return write_on_grid(graph, graph.operand(op.x), op.grid, _name(op))


def _batch_norm(graph: Graph, op: dialect.BatchNormOp) -> str:
    inputs = [graph.operand(value) for value in (op.x, op.scale, op.bias, op.mean, op.variance)]
    return graph.node("BatchNormalization", inputs, _name(op), epsilon=op.epsilon.value.data)


def _relu(graph: Graph, op: dialect.ReluOp) -> str:
    return graph.node("Relu", [graph.operand(op.x)], _name(op))


def _clip(graph: Graph, op: dialect.ClipOp) -> str:
    return _clipped(graph, graph.operand(op.x), *op.bounds, _name(op))


def _add(graph: Graph, op: dialect.AddOp) -> str:
    return _with_two(graph, op, "Add", op.x, op.y, "term")


def _with_two(graph: Graph, op: Operation, kind: str, x: SSAValue, y: SSAValue, what: str) -> str:
    """A node of two operands; the second may be a constant of channels, which is called ``what``."""
    name, rank = _name(op), len(shape_of(x))
    if len(shape_of(y)) == rank:
        return graph.node(kind, [graph.operand(x), graph.operand(y)], name)
    return graph.node(kind, [graph.operand(x), graph.constant_of(y, f"{name}.{what}", (-1, *[1] * (rank - 2)))], name)


def _sub(graph: Graph, op: dialect.SubOp) -> str:
    return _with_two(graph, op, "Sub", op.x, op.y, "term")


def _mul(graph: Graph, op: dialect.MulOp) -> str:
    return _with_two(graph, op, "Mul", op.x, op.y, "factor")


def _prelu(graph: Graph, op: dialect.PReluOp) -> str:
    return _with_two(graph, op, "PRelu", op.x, op.slope, "slope")


def _function(graph: Graph, op: dialect.FunctionOp) -> str:
    name, x, definition = _name(op), graph.operand(op.x), op.definition
    if definition.operator == "Pow":
        exponent = graph.constant(np.array(op.values[0], np.float32), f"{name}.exponent")
        return graph.node("Pow", [x, exponent], name)
    attributes: dict[str, Any] = dict(zip(definition.parameters, op.values, strict=True))
    return graph.node(definition.operator, [x], name, **attributes)


def _pointwise(graph: Graph, op: dialect.PointwiseOp) -> str:
    """The nodes that the group holds; importing them makes the same group."""
    graph.define(op.body.block.args[0], graph.operand(op.x))
    for inner in op.operations[:-1]:
        if not isinstance(inner, ConstantOp):
            write_operation(graph, inner)
    return graph.operand(op.yielded)


def _max_pool(graph: Graph, op: dialect.MaxPoolOp) -> str:
    return graph.node("MaxPool", [graph.operand(op.x)], _name(op), **window_attributes(op.window))


def _average_pool(graph: Graph, op: dialect.AveragePoolOp) -> str:
    counted = int(bool(op.count_include_pad.value.data))
    attributes: dict[str, Any] = {**window_attributes(op.window), "count_include_pad": counted}
    return graph.node("AveragePool", [graph.operand(op.x)], _name(op), **attributes)


def _global_average_pool(graph: Graph, op: dialect.GlobalAveragePoolOp) -> str:
    return graph.node("GlobalAveragePool", [graph.operand(op.x)], _name(op))


def _reshape(graph: Graph, op: dialect.ReshapeOp) -> str:
    name = _name(op)
    shape = _integers(graph, [-1, *shape_of(op.result)[1:]], f"{name}.shape")
    return graph.node("Reshape", [graph.operand(op.x), shape], name)


def _transpose(graph: Graph, op: dialect.TransposeOp) -> str:
    return graph.node("Transpose", [graph.operand(op.x)], _name(op), perm=list(op.perm.get_values()))


def _slice(graph: Graph, op: dialect.SliceOp) -> str:
    name = _name(op)
    starts, steps = list(op.starts.get_values()), list(op.steps.get_values())
    ends = [start + (size - 1) * step + 1 for start, step, size in zip(starts, steps, op.sizes, strict=True)]
    axes = list(range(1, len(starts) + 1))
    lists = {"starts": starts, "ends": ends, "axes": axes, "steps": steps}
    inputs = [_integers(graph, values, f"{name}.{what}") for what, values in lists.items()]
    return graph.node("Slice", [graph.operand(op.x), *inputs], name)


def _pad(graph: Graph, op: dialect.PadOp) -> str:
    name = _name(op)
    pads = _integers(graph, [0, *op.before.get_values(), 0, *op.after.get_values()], f"{name}.pads")
    return graph.node("Pad", [graph.operand(op.x), pads], name)


def _concat(graph: Graph, op: dialect.ConcatOp) -> str:
    return graph.node("Concat", [graph.operand(part) for part in op.parts], _name(op), axis=op.axis.value.data)


_RULES: Mapping[type[Operation], Callable[[Graph, Any], str]] = {
    dialect.ConvOp: _conv,
    dialect.GemmOp: _gemm,
    dialect.BatchNormOp: _batch_norm,
    dialect.ReluOp: _relu,
    dialect.ClipOp: _clip,
    dialect.AddOp: _add,
    dialect.SubOp: _sub,
    dialect.MulOp: _mul,
    dialect.FunctionOp: _function,
    dialect.PReluOp: _prelu,
    dialect.PointwiseOp: _pointwise,
    dialect.MaxPoolOp: _max_pool,
    dialect.AveragePoolOp: _average_pool,
    dialect.GlobalAveragePoolOp: _global_average_pool,
    dialect.ReshapeOp: _reshape,
    dialect.TransposeOp: _transpose,
    dialect.SliceOp: _slice,
    dialect.PadOp: _pad,
    dialect.ConcatOp: _concat,
    ConvolutionOp: _pq_convolution,
    OnGridOp: _on_grid,
}
