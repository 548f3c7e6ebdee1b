"""ONNX files that are wrong on purpose: damaged bytes, and models that say what no model should."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableSequence
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import onnx
from fuzz.damage import Random, damaged_bytes, pick
from onnx import TensorProto, helper
from support.command_line import small_network
from support.network import residual_network

Change: TypeAlias = Callable[[onnx.ModelProto, Random], None]

HUGE = (0, -1, 2**31, 2**40, 2**62, 2**63 - 1)
KINDS = [value for value in TensorProto.DataType.values() if value]
OPERATORS = ("Relu", "Conv", "Gemm", "Reshape", "Concat", "Loop", "Range", "ConstantOfShape", "Expand", "Tile", "Split")
ATTRIBUTES = ("pads", "strides", "dilations", "kernel_shape", "group", "axis", "transB", "alpha", "auto_pad", "perm")
WORDS = ("", "x", "y", "a", "\n", "../x", "%0", "ä" * 300, "SAME_UPPER", "none")


@cache
def models() -> tuple[bytes, ...]:
    """The files that are damaged."""
    return tuple(proto.SerializeToString() for proto in (small_network(), residual_network().proto))


def hostile_model(random: Random) -> bytes:
    """A file that may or may not be a model."""
    content = models()[pick(random, len(models()))]
    if pick(random, 3) == 0:
        return damaged_bytes(content, random)
    model = onnx.ModelProto.FromString(content)
    for _ in range(1 + pick(random, 3)):
        list(CHANGES.values())[pick(random, len(CHANGES))](model, random)
    return model.SerializeToString()


def _node(model: onnx.ModelProto, random: Random) -> onnx.NodeProto:
    return model.graph.node[pick(random, len(model.graph.node))]


def _tensor(model: onnx.ModelProto, random: Random) -> onnx.TensorProto:
    return model.graph.initializer[pick(random, len(model.graph.initializer))]


def _huge(random: Random) -> int:
    return HUGE[pick(random, len(HUGE))]


def _rename(side: MutableSequence[str], random: Random, name: str) -> None:
    """One of the inputs or outputs of a node, which may have none, becomes ``name``."""
    if not side:
        side.append(name)
        return
    side[pick(random, len(side))] = name


def cycle(model: onnx.ModelProto, random: Random) -> None:
    """A node reads what a later one, or itself, makes."""
    reader, maker = _node(model, random), _node(model, random)
    _rename(reader.input, random, "".join(maker.output[:1]))


def order(model: onnx.ModelProto, random: Random) -> None:
    """The nodes stand in another order."""
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend([nodes[int(place)] for place in random.permutation(len(nodes))])


def duplicate(model: onnx.ModelProto, random: Random) -> None:
    """A name stands for two things."""
    kind = pick(random, 4)
    if kind == 0:
        model.graph.node.append(_node(model, random))
    elif kind == 1:
        model.graph.initializer.append(_tensor(model, random))
    elif kind == 2:
        model.graph.input.append(model.graph.input[0])
    else:
        _rename(_node(model, random).output, random, model.graph.input[0].name)


def shape_of_input(model: onnx.ModelProto, random: Random) -> None:
    """An input has absurd dimensions, or none."""
    shape = model.graph.input[0].type.tensor_type.shape
    if not shape.dim or pick(random, 3) == 0:
        del shape.dim[pick(random, len(shape.dim)) :]
        return
    shape.dim[pick(random, len(shape.dim))].dim_value = _huge(random)


def type_of_input(model: onnx.ModelProto, random: Random) -> None:
    """An input is of another type, or of one that does not exist."""
    kind = model.graph.input[0].type
    if pick(random, 3) == 0:
        kind.sequence_type.elem_type.tensor_type.elem_type = TensorProto.FLOAT
        return
    kind.tensor_type.elem_type = (*KINDS, 0, 99, -1)[pick(random, len(KINDS) + 3)]


def size_of_initializer(model: onnx.ModelProto, random: Random) -> None:
    """An initializer claims a size that its bytes do not have."""
    tensor = _tensor(model, random)
    if not tensor.dims or pick(random, 4) == 0:
        tensor.dims.append(_huge(random))
    else:
        tensor.dims[pick(random, len(tensor.dims))] = _huge(random)
    if pick(random, 2):
        tensor.ClearField("raw_data")


def type_of_initializer(model: onnx.ModelProto, random: Random) -> None:
    """An initializer is of another type than its bytes, or of one that does not exist."""
    _tensor(model, random).data_type = (*KINDS, 0, 99, -1)[pick(random, len(KINDS) + 3)]


def numbers_of_initializer(model: onnx.ModelProto, random: Random) -> None:
    """An initializer holds any bits."""
    tensor = _tensor(model, random)
    tensor.raw_data = random.bytes(len(tensor.raw_data))


def external(model: onnx.ModelProto, random: Random) -> None:
    """The bytes of an initializer are in a file that is not there, or not to be read."""
    tensor = _tensor(model, random)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    places = ("missing.bin", "../../../etc/passwd", "/etc/passwd", "/dev/zero", ".", "", "case.onnx", "\0")
    tensor.external_data.add(key="location", value=places[pick(random, len(places))])
    for key in ("offset", "length"):
        if pick(random, 2):
            tensor.external_data.add(key=key, value=str(("x", "-5", *HUGE)[pick(random, 2 + len(HUGE))]))


def operator_set(model: onnx.ModelProto, random: Random) -> None:
    """The operator set is too new, too old, doubled, or not named."""
    kind = pick(random, 4)
    if kind == 0:
        del model.opset_import[:]
    elif kind == 1:
        model.opset_import.append(helper.make_opsetid("", 1))
    elif model.opset_import:  # an earlier change may have taken it away
        model.opset_import[0].version = (0, -1, 8, 11, 22, 99, 2**40)[pick(random, 7)]
    if pick(random, 4) == 0:
        model.ir_version = _huge(random)


def domain(model: onnx.ModelProto, random: Random) -> None:
    """A node is of a domain of its own, with or without a function, which may call itself."""
    node = _node(model, random)
    node.domain = ("com.example", "ai.pqc", "ai.onnx.ml", "\n")[pick(random, 4)]
    if pick(random, 2):
        model.opset_import.append(helper.make_opsetid(node.domain, 1))
    if pick(random, 2):
        opsets = list(model.opset_import)
        body = [helper.make_node(node.op_type, ["a"], ["b"], domain=node.domain)]
        model.functions.append(helper.make_function(node.domain, node.op_type, ["a"], ["b"], body, opsets))


def operator(model: onnx.ModelProto, random: Random) -> None:
    """A node is of another operator, without its attributes or with them."""
    node = _node(model, random)
    node.op_type = OPERATORS[pick(random, len(OPERATORS))]
    if pick(random, 2):
        del node.attribute[:]


def attribute(model: onnx.ModelProto, random: Random) -> None:
    """A node has an attribute with a wrong value, or one that it should not have."""
    node = _node(model, random)
    names = (
        "pads",
        "strides",
        "dilations",
        "kernel_shape",
        "group",
        "axis",
        "transB",
        "alpha",
        "auto_pad",
        "perm",
        "to",
    )
    values: tuple[Any, ...] = (
        _huge(random),
        [_huge(random)],
        [1, 1, 1, 1],
        [2, 2],
        1e38,
        float("nan"),
        "SAME_UPPER",
        "x",
    )
    name, value = names[pick(random, len(names))], values[pick(random, len(values))]
    kept = [entry for entry in node.attribute if entry.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, helper.make_attribute(name, value)])


def operands(model: onnx.ModelProto, random: Random) -> None:
    """A node has too few or too many inputs or outputs, or empty ones."""
    node = _node(model, random)
    side = node.input if pick(random, 2) else node.output
    if pick(random, 2) and side:
        del side[pick(random, len(side))]
    else:
        side.append(WORDS[pick(random, len(WORDS))])


def names(model: onnx.ModelProto, random: Random) -> None:
    """Something is called what nothing should be called."""
    word = WORDS[pick(random, len(WORDS))]
    kind = pick(random, 4)
    if kind == 0:
        _node(model, random).name = word
    elif kind == 1:
        model.graph.output[0].name = word
    elif kind == 2:
        _tensor(model, random).name = word
    else:
        model.metadata_props.add(
            key="preprocessing", value=("{", "[]", '{"mean": 1}', "9" * 5000, word)[pick(random, 5)]
        )


def amplified(model: onnx.ModelProto, random: Random) -> None:
    """A node asks for a tensor of a size that nobody has, from constants."""
    shape = helper.make_tensor("hostile", TensorProto.INT64, [2], [2**20, 2**20])
    model.graph.initializer.append(shape)
    made = helper.make_node("ConstantOfShape", ["hostile"], ["flood"], name="flood")
    model.graph.node.insert(0, made)
    reader = _node(model, random)
    _rename(reader.input, random, "flood")


CHANGES: Mapping[str, Change] = {
    change.__name__: change
    for change in (
        cycle, order, duplicate, shape_of_input, type_of_input, size_of_initializer, type_of_initializer,
        numbers_of_initializer, external, operator_set, domain, operator, attribute, operands, names, amplified,
    )
}  # fmt: skip
"""What is done to a model, by name."""


def all_changes(seed: int) -> dict[str, bytes]:
    """For each change one model with only that."""
    random = np.random.default_rng(seed)
    found: dict[str, bytes] = {}
    for name, change in CHANGES.items():
        model = onnx.ModelProto.FromString(models()[0])
        change(model, random)
        found[name] = model.SerializeToString()
    return found
