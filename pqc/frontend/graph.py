"""Walking a graph: constants are folded, supported nodes converted, everything else refused by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import onnx
import onnx.checker

from pqc.frontend.builder import Builder
from pqc.frontend.folding import fold, is_foldable, shape_of_activation
from pqc.frontend.inferred_shapes import InferredShapes
from pqc.frontend.loader import DOMAINS, LoadedModel
from pqc.frontend.node import Node, node_name, operator_name, values_made
from pqc.frontend.operators import CONVERTERS
from pqc.frontend.remedies import AGAIN, SECOND, remedy_of
from pqc.frontend.values import Activation, Constant, ImportedValue, RefusalError, Stored, Unknown
from pqc.numerics.shapes import ShapeError
from pqc.problems import NodeProblem

_SHAPES = ("Shape", "Size")

MOVES = frozenset(
    {"Concat", "DepthToSpace", "Flatten", "Gather", "Identity", "MaxPool", "Reshape", "Slice", "SpaceToDepth", "Split"}
    | {"Squeeze", "Transpose", "Unsqueeze"}
)
"""Operators that do the same with integers as with the numbers that these stand for."""

ENDINGS = frozenset({"ArgMax", "LogSoftmax"})
"""Operators that many networks end in, and that the host does as well."""

UNSUPPORTED = "the operator is not supported"
"""What is found wrong with a node that no converter takes."""


class GraphImporter:
    """Fills ``values``, by ONNX name, from a graph's nodes; ``frames`` is what shape arithmetic takes the batch for.

    The results of a refused node are known by their shapes where ONNX says them, so that all nodes are looked at.
    """

    def __init__(self, loaded: LoadedModel, builder: Builder, values: dict[str, ImportedValue], frames: int) -> None:
        self._loaded = loaded
        self._builder = builder
        self._values = values
        self._frames = frames
        self._shapes = InferredShapes(loaded, frames)
        self._checker = onnx.checker.C.CheckerContext()
        self._checker.ir_version = loaded.model.ir_version
        self._checker.opset_imports = {"": loaded.opset}
        self.problems: list[NodeProblem] = []
        """Why nodes are refused."""
        self.unchecked: list[str] = []
        """Names of nodes that nothing can be said of: they read what no shape is known of."""
        self.refused: dict[str, str] = {}
        """Why a node is refused, by its first result."""

    def run(self, nodes: list[onnx.NodeProto]) -> None:
        """Import ``nodes``, which are in an order in which every value is made before it is read.

        What cannot be imported is left in :attr:`problems`, all of it.
        """
        for node in nodes:
            try:
                self._import(node)
            except RefusalError as error:
                self._refuse(node, str(error), error.remedy)
            except ShapeError as error:
                self._refuse(node, str(error), None)

    def _refuse(self, node: onnx.NodeProto, found: str, remedy: str | None) -> None:
        operator = operator_name(node)
        remedy = self._remedy(node, operator) if remedy is None else remedy
        self.problems.append(NodeProblem(node_name(node), operator, found, remedy=remedy))
        self.refused[values_made(node)[0]] = found
        inputs = [self._values[name] for name in node.input if name]
        self._stand_in(node, is_constant=not any(_varies(value) for value in inputs))

    def _remedy(self, node: onnx.NodeProto, operator: str) -> str:
        """How to change the model; for what only ends it, the call that cuts it off."""
        graph = self._loaded.model.graph
        if operator not in ENDINGS or not {output.name for output in graph.output}.issuperset(node.output):
            return remedy_of(operator)
        kept = [output.name for output in graph.output if output.name not in node.output]
        ends = list(dict.fromkeys([node.input[0], *kept]))
        inputs = [name for name in self._builder.inputs if name in {entry.name for entry in graph.input}]
        cut = f"onnx.utils.extract_model('{self._loaded.path.name}', 'cut.onnx', {inputs}, {ends})"
        return f"{remedy_of(operator)}: {cut}"

    def _stand_in(self, node: onnx.NodeProto, *, is_constant: bool) -> None:
        """Give the results of a node that is not imported the shapes that ONNX knows."""
        for name in node.output:
            shape = None if is_constant else self._shapes.shape(name)
            self._values[name] = Unknown(is_constant) if shape is None else self._builder.stand_in(shape, name)

    def _import(self, node: onnx.NodeProto) -> None:
        self._require_inputs(node)
        inputs = [self._values[name] if name else None for name in node.input]
        self._check(node)
        if operator_name(node) in _SHAPES and self._import_shape(node, inputs):
            return
        known = {name: value for name, value in zip(node.input, inputs, strict=True) if isinstance(value, Constant)}
        if not any(isinstance(value, Activation | Unknown) for value in inputs) and is_foldable(node):
            self._fold(node, known)
            return
        if any(isinstance(value, Unknown) for value in inputs) and self._is_moot(node, inputs):
            return
        if operator_name(node) not in CONVERTERS:
            raise RefusalError(UNSUPPORTED)
        self._convert(node, [value for value in inputs if not isinstance(value, Unknown)])

    def _require_inputs(self, node: onnx.NodeProto) -> None:
        """Refuse a node that reads what nothing makes; those behind it may read the same, and are not at fault."""
        missing = [name for name in node.input if name and name not in self._values]
        if missing:
            self._values.update(dict.fromkeys(missing, Unknown(is_constant=False)))
            raise RefusalError(f"it reads '{missing[0]}', which nothing before it makes", remedy=AGAIN)

    def _check(self, node: onnx.NodeProto) -> None:
        """Number of inputs, and names and types of attributes, against the operator set."""
        if node.domain not in DOMAINS or node.op_type not in CONVERTERS:
            return
        try:
            onnx.checker.check_node(node, self._checker)
        except onnx.checker.ValidationError as error:
            raise RefusalError(f"malformed: {str(error).strip().splitlines()[0]}", remedy=AGAIN) from error

    def _import_shape(self, node: onnx.NodeProto, inputs: list[ImportedValue | None]) -> bool:
        """Whether ``node`` asks for the shape of something that is no constant, and is done with."""
        subject = inputs[0] if inputs else None
        if isinstance(subject, Activation):
            array = shape_of_activation(node, subject.shape, self._frames)
            self._values[node.output[0]] = Constant(array, node.output[0])
        elif isinstance(subject, Unknown):
            self._stand_in(node, is_constant=True)
        return not isinstance(subject, Constant)

    def _fold(self, node: onnx.NodeProto, known: dict[str, Constant]) -> None:
        results = fold(node, self._loaded.opset, {name: value.array for name, value in known.items()})
        # A copy of a constant keeps the constant's name, the one that people know.
        first = node.input[0] if node.op_type == "Identity" else ""
        for name, array in zip([name for name in node.output if name], results, strict=True):
            self._values[name] = Constant(array, known[first].label if first else name)

    def _is_moot(self, node: onnx.NodeProto, inputs: list[ImportedValue | None]) -> bool:
        """Whether ``node`` hangs on a refused one of unknown shape, with nothing to say about itself."""
        folds = not any(_varies(value) for value in inputs)
        if not folds and operator_name(node) not in CONVERTERS:
            return False
        if not folds:
            self.unchecked.append(node_name(node))
        self._stand_in(node, is_constant=folds)
        return True

    def _convert(self, node: onnx.NodeProto, inputs: list[Activation | Constant | None]) -> None:
        stored = _stored_alike(node, inputs)
        if stored is not None:
            inputs = [replace(value, stored=None) if isinstance(value, Activation) else value for value in inputs]
        made = CONVERTERS[operator_name(node)](Node(node, inputs, self._builder, self._frames, self._loaded.opset))
        results = [made] if isinstance(made, Activation) else made
        if stored is not None:
            results = [replace(result, stored=stored) for result in results]
        extra = [name for name in node.output[len(results) :] if self._builder.uses[name]]
        if extra:
            raise RefusalError(f"its output '{extra[0]}' is used; only the first output is supported", remedy=SECOND)
        self._values.update(zip(node.output, results, strict=False))


def _stored_alike(node: onnx.NodeProto, inputs: Sequence[ImportedValue | None]) -> Stored | None:
    """Which integers a node that moves integers has for its operands; None for any other node.

    Raises:
        RefusalError: the node reads integers, and does not move them, or they are of two kinds.
    """
    found = {value.stored for value in inputs if isinstance(value, Activation)} - {None}
    if not found or operator_name(node) == "DequantizeLinear":
        return None
    if operator_name(node) not in MOVES or len(found) > 1:
        said = ", ".join(sorted(map(str, found)))
        raise RefusalError(f"it reads integers ({said}); DequantizeLinear in front of it makes them real numbers")
    return found.pop()


def _varies(value: ImportedValue | None) -> bool:
    """Whether it depends on the network's inputs by more than their shapes."""
    return isinstance(value, Activation) or (isinstance(value, Unknown) and not value.is_constant)
