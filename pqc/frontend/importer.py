"""From an ONNX file to a module at the float level."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx
from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Region, SSAValue
from xdsl.traits import is_side_effect_free

from pqc.dialects.location import node_name
from pqc.dialects.onnx_base import FloatOp
from pqc.dialects.pq import ConvolutionOp
from pqc.frontend.builder import Builder
from pqc.frontend.graph import GraphImporter
from pqc.frontend.loader import LoadedModel, load_model
from pqc.frontend.node import values_read
from pqc.frontend.operators import CONVERTERS
from pqc.frontend.pq_domain import DOMAIN
from pqc.frontend.preprocessing import Preprocessing, preprocessing_from_metadata
from pqc.frontend.refused import refused
from pqc.frontend.remedies import FLAT_OUTPUT, NO_OUTPUT, REAL_OUTPUT
from pqc.frontend.signature import declared_inputs, initializers
from pqc.frontend.values import Activation, ImportedValue, Unknown
from pqc.numerics.shapes import ShapeError
from pqc.problems import OUTPUT, NodeProblem, ProblemsError

_SUPPORTED = (
    f"supported are {', '.join(name for name in CONVERTERS if not name.startswith(DOMAIN))}, and {DOMAIN} "
    "(`pqc ops` says what each demands); `pqc compile --allow-host` leaves the rest to the host"
)


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


@dataclass(frozen=True)
class ImportAttempt:
    """What came of a model: all of it, or the part that can be imported and what is wrong with the rest."""

    imported: ImportedModel | None
    """Results of refused nodes are further inputs here, and what refused nodes read further outputs; None if nothing
    computes anything."""
    problems: tuple[NodeProblem, ...]
    unchecked: tuple[str, ...]
    """Names of nodes behind refused ones that could not be looked at, because nothing is known of what they read."""
    values: Mapping[str, ImportedValue]
    """What became of every value, by its ONNX name; results of nodes that were not imported are stand-ins."""
    refused: Mapping[str, str]
    """Why nodes are refused, by their first results."""


def import_model(path: str | Path) -> ImportedModel:
    """Read an ONNX model and bring it to the float level.

    Raises:
        ModelError: the file is no model that can be imported.
        ProblemsError: so it is, and the message names every node that is in the way.
    """
    return import_loaded(load_model(Path(path)))


def import_loaded(loaded: LoadedModel) -> ImportedModel:
    """The same for a model that was read already.

    Raises:
        ModelError: the model cannot be imported.
        ProblemsError: so it is, and the message names every node that is in the way.
    """
    attempt = try_import(loaded)
    if attempt.imported is None or attempt.problems:
        raise refusal_of(loaded, attempt)
    return attempt.imported


def refusal_of(loaded: LoadedModel, attempt: ImportAttempt) -> ProblemsError:
    """The error that says all that is in the way of importing a model."""
    return refused(loaded.path, attempt.problems, attempt.unchecked, _SUPPORTED)


def try_import(loaded: LoadedModel) -> ImportAttempt:
    """Bring what can be imported of a model to the float level, and say what is wrong with the rest.

    Raises:
        ModelError: there are no inputs, initializers are malformed, or the preprocessing is.
    """
    preprocessing = preprocessing_from_metadata(loaded.metadata, str(loaded.path))
    graph = loaded.model.graph
    nodes = needed_nodes(graph)
    block = Block()
    builder = Builder(block, _uses(graph, nodes))
    declared = declared_inputs(loaded)
    values: dict[str, ImportedValue] = dict(initializers(loaded))
    frames = 1
    for entry in declared:
        if isinstance(entry, NodeProblem):
            values[entry.node] = Unknown(is_constant=False)
            continue
        values[entry.name] = builder.input(entry.shape, entry.name)
        frames = entry.frames
    importer = GraphImporter(loaded, builder, values, frames)
    importer.run(nodes)
    outputs, wrong = _outputs(graph, builder, values)
    problems = (*(entry for entry in declared if isinstance(entry, NodeProblem)), *importer.problems, *wrong)
    if problems:
        dangling = {name: value for name, value in _unread(block).items() if value not in outputs.values()}
        outputs = dangling | outputs
    module = _module(builder, outputs) if outputs else None
    imported = None
    if module is not None:
        imported = ImportedModel(module, tuple(builder.inputs), tuple(outputs), preprocessing, loaded.digest)
    return ImportAttempt(imported, problems, tuple(importer.unchecked), values, importer.refused)


def _module(builder: Builder, outputs: Mapping[str, SSAValue]) -> ModuleOp:
    block = builder.block
    block.add_op(ReturnOp(*outputs.values()))
    _erase_unread(block)
    function = FuncOp("main", _signature(block), Region(block))
    attributes = {
        "pqc.inputs": ArrayAttr(StringAttr(name) for name in builder.inputs),
        "pqc.outputs": ArrayAttr(StringAttr(name) for name in outputs),
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
        wanted.update(values_read(node))
    return kept[::-1]


def _uses(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> Counter[str]:
    uses = Counter(name for node in nodes for name in node.input)
    uses.update(output.name for output in graph.output)
    return uses


def _outputs(
    graph: onnx.GraphProto, builder: Builder, values: Mapping[str, ImportedValue]
) -> tuple[dict[str, SSAValue], list[NodeProblem]]:
    """The graph's outputs by name, and what is wrong with those that are none; unknown ones are left out."""
    outputs: dict[str, SSAValue] = {}
    problems: list[NodeProblem] = []
    for name in (output.name for output in graph.output):
        value = values.get(name)
        if isinstance(value, Unknown):
            continue
        if not isinstance(value, Activation):
            found = "nothing computes it" if value is None else "it is a constant"
            problems.append(NodeProblem(name, OUTPUT, f"does not depend on the inputs: {found}", remedy=NO_OUTPUT))
            continue
        if value.stored is not None:
            found = f"is {value.stored.kind}; only float32 is supported"
            problems.append(NodeProblem(name, OUTPUT, found, remedy=REAL_OUTPUT))
            continue
        try:
            outputs[name] = builder.realize(value)
        except ShapeError as error:
            problems.append(NodeProblem(name, OUTPUT, str(error), remedy=FLAT_OUTPUT))
    return outputs, problems


def _unread(block: Block) -> dict[str, SSAValue]:
    """The results that only refused nodes read, by the name of their node: of several under one name the last."""
    ops = [op for op in block.ops if isinstance(op, FloatOp | ConvolutionOp)]
    return {node_name(op): op.result for op in ops if op.result.first_use is None}


def _erase_unread(block: Block) -> None:
    """Drop operations that nobody reads: biases replaced by better ones, constants of folded nodes."""
    for op in reversed(list(block.ops)):
        if is_side_effect_free(op) and all(result.first_use is None for result in op.results):
            op.detach()
            op.erase()


def _signature(block: Block):
    last = block.last_op
    return [argument.type for argument in block.args], list(last.operand_types) if last is not None else []
