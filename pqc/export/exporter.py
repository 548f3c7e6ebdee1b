"""From a module at the float level to an ONNX file, grids and product-quantized layers included."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import onnx
import onnx.helper
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, SSAValue

from pqc.dialects.blob import ConstantOp
from pqc.dialects.elements import elements
from pqc.dialects.location import node_name
from pqc.dialects.onnx import ConcatOp, shape_of
from pqc.dialects.pq import ConvolutionOp, OnGridOp
from pqc.dialects.pq_types import GridAttr, QuantizedType
from pqc.errors import ModelError
from pqc.export.functions import OPSET, function
from pqc.export.graph import Graph
from pqc.export.operators import write_on_grid, write_operation
from pqc.export.weights import round_weights
from pqc.frontend.pq_domain import DOMAIN, VERSION
from pqc.frontend.preprocessing import PROPERTY
from pqc.passes.attributes import GRID, INPUT_GRIDS, config_of, main_of, provenance_of, target_of
from pqc.passes.integer_tables import with_integer_tables
from pqc.passes.value_ranges import PASSING_ON
from pqc.version import __version__

IR_VERSION = 9
"""The version of the file format that goes with ``OPSET``; functions need at least 8."""


def export_model(module: ModuleOp) -> onnx.ModelProto:
    """A network at the float level as ONNX, the same bytes each time.

    Tables that are real are brought onto integers first. Where grids were chosen for the network, the file gives them
    all, so that it compiles without calibration; and where they were chosen for a target that only shifts, the weights
    of conventional layers are written as that target holds them, so that ONNX runtimes compute what the machine does.

    Raises:
        ModelError: the network is not at the float level, a layer is chosen and not fitted yet or has no grids, or
            no ONNX runtime could compute a layer exactly.
    """
    grids = elements(module.attributes.get(INPUT_GRIDS), GridAttr)
    _check(main_of(module), with_grids=bool(grids))
    block = main_of(_as_held(module) if grids else module).body.block
    inputs, outputs = (_names(module, f"pqc.{side}") for side in ("inputs", "outputs"))
    graph = Graph(dict(zip(block.args, inputs, strict=True)), outputs)
    _write(graph, block, inputs, grids)
    results = [value for op in block.ops if isinstance(op, ReturnOp) for value in op.operands]
    for value, output in zip(results, outputs, strict=True):
        graph.give(value, output)
    return _model(
        graph,
        [_tensor(value, name) for value, name in zip(block.args, inputs, strict=True)],
        [_tensor(value, name) for value, name in zip(results, outputs, strict=True)],
        provenance_of(module),
    )


def _check(function: FuncOp, *, with_grids: bool) -> None:
    if any(isinstance(kind, QuantizedType) for kind in function.function_type.inputs):
        raise ModelError("the IR computes in integers already: only what stands before quantize is exported")
    for op in function.body.block.ops:
        if config_of(op) is not None:
            raise ModelError(f"node {node_name(op)!r} is to be product-quantized and is not fitted yet")
        if isinstance(op, ConvolutionOp) and op.step is None and not with_grids:
            raise ModelError(f"node {node_name(op)!r} has a table of real numbers, and no grids to bring it onto")


def _as_held(module: ModuleOp) -> ModuleOp:
    """A calibrated module with the constants that the machine will hold, as far as real numbers can say them."""
    held = with_integer_tables(module)
    if target_of(module).requantize == "shift":
        round_weights(held)
    return held


def _names(module: ModuleOp, attribute: str) -> list[str]:
    return [name.data for name in elements(module.attributes.get(attribute), StringAttr)]


def _write(graph: Graph, block: Block, inputs: Sequence[str], grids: Sequence[GridAttr]) -> None:
    """All operations, and behind each that computes values, and behind each input, its grid where it has one."""
    for argument, name, grid in zip(block.args, inputs, grids, strict=False):
        _bring_onto_grid(graph, argument, grid, name)
    for op in block.ops:
        if isinstance(op, ConstantOp | ReturnOp):
            continue
        write_operation(graph, op)
        grid = op.attributes.get(GRID)
        if isinstance(grid, GridAttr) and not isinstance(op, (ConcatOp, *PASSING_ON)):
            _bring_onto_grid(graph, op.results[0], grid, node_name(op))


def _bring_onto_grid(graph: Graph, value: SSAValue, grid: GridAttr, name: str) -> None:
    if not any(isinstance(use.operation, OnGridOp) for use in value.uses):
        graph.define(value, write_on_grid(graph, graph.operand(value), grid, f"{name}/grid"))


def _tensor(value: SSAValue, name: str) -> onnx.ValueInfoProto:
    shape: list[int | str] = ["N", *shape_of(value)[1:]]
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)


def _model(
    graph: Graph, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto], facts: dict[str, Any]
) -> onnx.ModelProto:
    called = sorted({node.op_type for node in graph.nodes if node.domain == DOMAIN})
    versions = [onnx.helper.make_opsetid("", OPSET)]
    if called:
        versions.append(onnx.helper.make_opsetid(DOMAIN, VERSION))
    model = onnx.helper.make_model(
        onnx.helper.make_graph(graph.nodes, "main", inputs, outputs, graph.initializers),
        functions=[function(name) for name in called],
        opset_imports=versions,
        ir_version=IR_VERSION,
        producer_name="pqc",
        producer_version=__version__,
    )
    if "preprocessing" in facts:
        entry = facts["preprocessing"]
        said = json.dumps({"mean": list(entry["mean"]), "std": list(entry["std"])})
        onnx.helper.set_model_props(model, {PROPERTY: said})
    return model
