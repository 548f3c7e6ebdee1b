"""Walking a graph: constants are folded, supported nodes converted, everything else collected and refused at once."""

from __future__ import annotations

import onnx
import onnx.checker

from pqc.errors import ModelError
from pqc.frontend.builder import Builder
from pqc.frontend.folding import fold, is_foldable, shape_of_activation
from pqc.frontend.loader import DOMAINS, LoadedModel
from pqc.frontend.node import Node, node_name, operator_name
from pqc.frontend.operators import CONVERTERS
from pqc.frontend.pq_domain import DOMAIN
from pqc.frontend.values import Activation, Constant, ImportedValue, RefusalError, Unknown
from pqc.numerics.shapes import ShapeError

_SHAPES = ("Shape", "Size")

_STANDARD = [name for name in CONVERTERS if not name.startswith(DOMAIN)]

_REMEDIES = {
    "Softmax": "leave it out of the exported model, it does not change the order of the classes",
    "LogSoftmax": "leave it out of the exported model, it does not change the order of the classes",
    "ArgMax": "leave it out of the exported model and take the largest output",
    "QuantizeLinear": "export the float model, pqc quantizes it itself",
    "DequantizeLinear": "export the float model, pqc quantizes it itself",
    "Mul": "apply scaling as preprocessing, or fold it into the neighbouring weights",
    "Sub": "apply offsets as preprocessing, or fold them into the neighbouring weights",
    "Div": "apply scaling as preprocessing, or fold it into the neighbouring weights",
    "HardSwish": "train with Relu or Clip (Relu6) instead",
    "HardSigmoid": "train with Relu or Clip (Relu6) instead",
    "Sigmoid": "train with Relu or Clip (Relu6) instead",
    "LeakyRelu": "train with Relu or Clip (Relu6) instead",
    "PRelu": "train with Relu or Clip (Relu6) instead",
}


class GraphImporter:
    """Fills ``values``, by ONNX name, from a graph's nodes; ``frames`` is what shape arithmetic takes the batch for."""

    def __init__(self, loaded: LoadedModel, builder: Builder, values: dict[str, ImportedValue], frames: int) -> None:
        self._loaded = loaded
        self._builder = builder
        self._values = values
        self._frames = frames
        self._refused: list[str] = []
        self._checker = onnx.checker.C.CheckerContext()
        self._checker.ir_version = loaded.model.ir_version
        self._checker.opset_imports = {"": loaded.opset}

    def run(self, nodes: list[onnx.NodeProto]) -> None:
        """Import ``nodes``, which are in an order in which every value is made before it is read.

        Raises:
            ModelError: nodes are not supported, all of them named; or a value is read that nothing makes.
        """
        for node in nodes:
            try:
                self._import(node)
            except (RefusalError, ShapeError) as error:
                self._refuse(node, str(error))
        if self._refused:
            count = "1 node is" if len(self._refused) == 1 else f"{len(self._refused)} nodes are"
            raise ModelError(
                "\n".join(
                    [f"{self._loaded.path}: {count} not supported:"]
                    + [f"  {line}" for line in self._refused]
                    + [f"supported are {', '.join(_STANDARD)}, and {DOMAIN} (`pqc ops` says what each demands)"]
                )
            )

    def _refuse(self, node: onnx.NodeProto, reason: str) -> None:
        self._refused.append(f"{node_name(node)} ({operator_name(node)}): {reason}")
        inputs = [self._values[name] for name in node.input if name]
        self._define_unknown(node, is_constant=not any(_varies(value) for value in inputs))

    def _define_unknown(self, node: onnx.NodeProto, *, is_constant: bool) -> None:
        self._values.update({name: Unknown(is_constant) for name in node.output if name})

    def _import(self, node: onnx.NodeProto) -> None:
        inputs = [self._input(node, name) for name in node.input]
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
            remedy = _REMEDIES.get(node.op_type)
            raise RefusalError("the operator is not supported" + (f"; {remedy}" if remedy else ""))
        self._convert(node, [value for value in inputs if not isinstance(value, Unknown)])

    def _input(self, node: onnx.NodeProto, name: str) -> ImportedValue | None:
        if name and name not in self._values:
            reader = f"node '{node_name(node)}'"
            raise ModelError(f"{self._loaded.path}: {reader} reads '{name}', which nothing before it makes")
        return self._values[name] if name else None

    def _check(self, node: onnx.NodeProto) -> None:
        """Number of inputs, and names and types of attributes, against the operator set."""
        if node.domain not in DOMAINS or node.op_type not in CONVERTERS:
            return
        try:
            onnx.checker.check_node(node, self._checker)
        except onnx.checker.ValidationError as error:
            raise RefusalError(f"malformed: {str(error).strip().splitlines()[0]}") from error

    def _import_shape(self, node: onnx.NodeProto, inputs: list[ImportedValue | None]) -> bool:
        """Whether ``node`` asks for the shape of something that is no constant, and is done with."""
        subject = inputs[0] if inputs else None
        if isinstance(subject, Activation):
            array = shape_of_activation(node, subject.shape, self._frames)
            self._values[node.output[0]] = Constant(array, node.output[0])
        elif isinstance(subject, Unknown):
            self._define_unknown(node, is_constant=True)
        return not isinstance(subject, Constant)

    def _fold(self, node: onnx.NodeProto, known: dict[str, Constant]) -> None:
        results = fold(node, self._loaded.opset, {name: value.array for name, value in known.items()})
        # A copy of a constant keeps the constant's name, the one that people know.
        first = node.input[0] if node.op_type == "Identity" else ""
        for name, array in zip([name for name in node.output if name], results, strict=True):
            self._values[name] = Constant(array, known[first].label if first else name)

    def _is_moot(self, node: onnx.NodeProto, inputs: list[ImportedValue | None]) -> bool:
        """Whether ``node`` hangs on a refused one with nothing to say about itself; its outputs are unknown."""
        folds = not any(_varies(value) for value in inputs)
        supported = operator_name(node) in CONVERTERS
        if not folds and not supported:
            return False
        self._define_unknown(node, is_constant=folds)
        return True

    def _convert(self, node: onnx.NodeProto, inputs: list[Activation | Constant | None]) -> None:
        extra = [name for name in node.output[1:] if self._builder.uses[name]]
        if extra:
            raise RefusalError(f"its output '{extra[0]}' is used; only the first output is supported")
        imported = Node(node, inputs, self._builder, self._frames)
        self._values[node.output[0]] = CONVERTERS[operator_name(node)](imported)


def _varies(value: ImportedValue | None) -> bool:
    """Whether it depends on the network's inputs by more than their shapes."""
    return isinstance(value, Activation) or (isinstance(value, Unknown) and not value.is_constant)
