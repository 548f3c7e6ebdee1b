"""From an ONNX file to a module at the float level."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import onnx
from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Region
from xdsl.traits import is_side_effect_free

from pqc.dialects.location import node_location
from pqc.dialects.onnx import tensor
from pqc.errors import ModelError
from pqc.frontend.builder import Builder, readable_name
from pqc.frontend.graph import GraphImporter
from pqc.frontend.loader import LoadedModel, load_model
from pqc.frontend.preprocessing import Preprocessing, preprocessing_from_metadata
from pqc.frontend.signature import ModelInput, initializers, model_inputs
from pqc.frontend.values import Activation, ImportedValue
from pqc.numerics.shapes import ShapeError


@dataclass(frozen=True)
class ImportedModel:
    """A network at the float level, and what else its file says."""

    module: ModuleOp
    """One ``func.func @main``; the attributes ``pqc.inputs`` and ``pqc.outputs`` name what it takes and gives."""
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    preprocessing: Preprocessing | None
    digest: str
    """SHA-256 of the model file, in hex."""


def import_model(path: str | Path) -> ImportedModel:
    """Read an ONNX model and bring it to the float level.

    Raises:
        ModelError: the file is no model that can be imported; the message names every node that is in the way.
    """
    return import_loaded(load_model(Path(path)))


def import_loaded(loaded: LoadedModel) -> ImportedModel:
    """The same for a model that was read already.

    Raises:
        ModelError: it cannot be imported; the message names every node that is in the way.
    """
    preprocessing = preprocessing_from_metadata(loaded.metadata, str(loaded.path))
    inputs = model_inputs(loaded)
    module = _module(loaded, inputs)
    outputs = tuple(output.name for output in loaded.model.graph.output)
    return ImportedModel(module, tuple(entry.name for entry in inputs), outputs, preprocessing, loaded.digest)


def _module(loaded: LoadedModel, inputs: tuple[ModelInput, ...]) -> ModuleOp:
    graph = loaded.model.graph
    nodes = needed_nodes(graph)
    block = Block(arg_types=[tensor(entry.shape) for entry in inputs])
    values: dict[str, ImportedValue] = dict(initializers(loaded))
    for entry, argument in zip(inputs, block.args, strict=True):
        argument.name_hint = readable_name(entry.name)
        argument.location = node_location(entry.name)
        values[entry.name] = Activation(argument, entry.shape)
    builder = Builder(block, _uses(graph, nodes))
    GraphImporter(loaded, builder, values, inputs[0].frames).run(nodes)
    _return(loaded, builder, values)
    _erase_unread(block)
    function = FuncOp("main", _signature(block), Region(block))
    attributes = {
        "pqc.inputs": ArrayAttr(StringAttr(entry.name) for entry in inputs),
        "pqc.outputs": ArrayAttr(StringAttr(output.name) for output in graph.output),
    }
    module = ModuleOp([function], attributes)
    module.verify()
    return module


def needed_nodes(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """The nodes that the outputs depend on, in their order."""
    wanted = {output.name for output in graph.output}
    kept: list[onnx.NodeProto] = []
    for node in reversed(graph.node):
        if wanted.isdisjoint(node.output):
            continue
        kept.append(node)
        wanted.update(name for name in node.input if name)
    return kept[::-1]


def _uses(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> Counter[str]:
    uses = Counter(name for node in nodes for name in node.input)
    uses.update(output.name for output in graph.output)
    return uses


def _return(loaded: LoadedModel, builder: Builder, values: dict[str, ImportedValue]) -> None:
    results = [_output(loaded, builder, output.name, values) for output in loaded.model.graph.output]
    builder.block.add_op(ReturnOp(*results))


def _output(loaded: LoadedModel, builder: Builder, name: str, values: dict[str, ImportedValue]):
    value = values.get(name)
    if not isinstance(value, Activation):
        found = "nothing computes it" if value is None else "it is a constant"
        raise ModelError(f"{loaded.path}: output '{name}' does not depend on the inputs: {found}")
    try:
        return builder.realize(value)
    except ShapeError as error:
        raise ModelError(f"{loaded.path}: output '{name}': {error}") from error


def _erase_unread(block: Block) -> None:
    """Drop operations that nobody reads: biases replaced by better ones, constants of folded nodes."""
    for op in reversed(list(block.ops)):
        if is_side_effect_free(op) and all(result.first_use is None for result in op.results):
            op.detach()
            op.erase()


def _signature(block: Block):
    last = block.last_op
    return [argument.type for argument in block.args], list(last.operand_types) if last is not None else []
