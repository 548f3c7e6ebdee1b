"""What an imported module looks like: signature, names, locations, folded constants."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnx.external_data_helper
import onnx.helper
import onnx.numpy_helper
import pytest
from support.onnx_models import float_ops, import_and_compare, model, node, op_names, save
from xdsl.dialects.builtin import ArrayAttr, StringAttr
from xdsl.parser import Parser

from pqc.dialects.blob import ConstantOp
from pqc.dialects.location import node_name
from pqc.dialects.registry import make_context
from pqc.errors import ModelError
from pqc.frontend import import_model
from pqc.numerics.arrays import AnyArray


def weights(*shape: int) -> AnyArray:
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def integers(*values: int) -> AnyArray:
    return np.array(values, np.int64)


def test_module_names_its_inputs_and_outputs(tmp_path: Path) -> None:
    proto = model([node("Relu", outputs=["logits"])], outputs=["logits"])
    path = save(proto, tmp_path)
    imported = import_model(path)
    assert imported.input_names == ("x",)
    assert imported.output_names == ("logits",)
    assert imported.module.attributes["pqc.inputs"] == ArrayAttr([StringAttr("x")])
    assert imported.module.attributes["pqc.outputs"] == ArrayAttr([StringAttr("logits")])
    assert "func.func @main(%x: tensor<?x4x6x5xf32>) -> tensor<?x4x6x5xf32>" in str(imported.module)
    assert imported.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert imported.preprocessing is None


def test_text_parses_back(tmp_path: Path) -> None:
    nodes = [node("Conv", ["x", "conv1.weight"], ["c"], name="/layer1/conv"), node("Relu", ["c"])]
    imported = import_model(save(model(nodes, {"conv1.weight": weights(3, 4, 1, 1)}), tmp_path))
    again = Parser(make_context(), str(imported.module)).parse_module()
    again.verify()
    assert again.is_structurally_equivalent(imported.module)


def test_locations_are_node_names_or_first_outputs(tmp_path: Path) -> None:
    nodes = [node("Conv", ["x", "w"], ["c"], name="/layer1/conv"), node("Relu", ["c"], name="")]
    imported = import_model(save(model(nodes, {"w": weights(3, 4, 1, 1)}), tmp_path))
    assert [node_name(op) for op in float_ops(imported)] == ["/layer1/conv", "y"]
    constants = [op for op in imported.module.walk() if isinstance(op, ConstantOp)]
    assert [(op.label, node_name(op)) for op in constants] == [("w", "w"), ("/layer1/conv.bias",) * 2]


def test_same_constant_is_one_operation(tmp_path: Path) -> None:
    nodes = [node("Conv", ["x", "w", "b"], ["c"], name="first"), node("Conv", ["c", "w", "b"])]
    imported = import_and_compare(save(model(nodes, {"w": weights(4, 4, 1, 1), "b": weights(4)}), tmp_path))
    assert len([op for op in imported.module.walk() if isinstance(op, ConstantOp)]) == 2


def test_fixed_batch_becomes_open(tmp_path: Path) -> None:
    nodes = [
        node("Shape", ["x"], ["shape"]),
        node("Gather", ["shape", "zero"], ["batch"]),
        node("Unsqueeze", ["batch", "axis"], ["batches"]),
        node("Concat", ["batches", "rest"], ["target"], axis=0),
        node("Reshape", ["x", "target"]),
    ]
    constants = {"zero": np.array(0, np.int64), "axis": integers(0), "rest": integers(-1)}
    proto = model(nodes, constants, {"x": (3, 4, 6, 5)})
    imported = import_and_compare(save(proto, tmp_path), frames=3)
    assert "tensor<?x120xf32>" in str(imported.module)


def test_literal_batch_of_a_fixed_model_is_the_frames(tmp_path: Path) -> None:
    proto = model([node("Reshape", ["x", "target"])], {"target": integers(3, 120)}, {"x": (3, 4, 6, 5)})
    assert op_names(import_and_compare(save(proto, tmp_path), frames=3)) == ["reshape"]


def test_shape_arithmetic_disappears(tmp_path: Path) -> None:
    nodes = [
        node("Shape", ["x"], ["shape"], start=2, end=4),
        node("Constant", [], ["two"], value=onnx.numpy_helper.from_array(integers(2))),
        node("Div", ["shape", "two"], ["half"]),
        node("Slice", ["x", "zero", "half", "axes"], ["s"]),
        node("ConstantOfShape", ["four"], ["pads"], value=onnx.numpy_helper.from_array(integers(1))),
        node("Mul", ["pads", "factors"], ["scaled"]),
        node("Concat", ["zeros", "ones", "scaled"], ["all"], axis=0),
        node("Pad", ["s", "all"]),
    ]
    constants = {
        "zero": integers(0, 0),
        "axes": integers(2, 3),
        "four": integers(4),
        "factors": integers(0, 0, 3, 1),
        "zeros": integers(0, 0),
        "ones": integers(1, 2),
    }
    imported = import_and_compare(save(model(nodes, constants, opset=15), tmp_path))
    assert op_names(imported) == ["slice", "pad"]


def test_size_counts_one_frame_of_an_open_batch(tmp_path: Path) -> None:
    nodes = [
        node("Size", ["x"], ["size"]),
        node("Reshape", ["size", "one"], ["sizes"], name="list"),
        node("Concat", ["one", "sizes"], ["target"], axis=0),
        node("Reshape", ["x", "target"]),
    ]
    imported = import_model(save(model(nodes, {"one": integers(1)}), tmp_path))
    assert "-> tensor<?x120xf32>" in str(imported.module)


def test_copied_initializer_keeps_its_name(tmp_path: Path) -> None:
    nodes = [node("Identity", ["w"], ["copy"]), node("Conv", ["x", "copy"])]
    imported = import_model(save(model(nodes, {"w": weights(3, 4, 1, 1)}), tmp_path))
    assert '<"w"' in str(imported.module)


def test_initializers_listed_as_inputs_are_no_inputs(tmp_path: Path) -> None:
    proto = model([node("Conv", ["x", "w"])], {"w": weights(3, 4, 1, 1)})
    proto.graph.input.append(onnx.helper.make_tensor_value_info("w", onnx.TensorProto.FLOAT, (3, 4, 1, 1)))
    assert import_model(save(proto, tmp_path)).input_names == ("x",)


def test_several_inputs_and_outputs(tmp_path: Path) -> None:
    nodes = [node("Add", ["a", "b"], ["sum"]), node("Flatten", ["sum"], ["flat"])]
    proto = model(nodes, inputs={"a": ("N", 4, 3, 2), "b": ("N", 4, 3, 2)}, outputs=["sum", "flat", "a"])
    imported = import_and_compare(save(proto, tmp_path))
    assert imported.input_names == ("a", "b")
    assert imported.output_names == ("sum", "flat", "a")


def test_nodes_that_no_output_needs_do_not_matter(tmp_path: Path) -> None:
    nodes = [node("Relu"), node("NonMaxSuppression", ["x", "x"], ["boxes"]), node("LogSoftmax", ["y"], ["unused"])]
    assert op_names(import_model(save(model(nodes), tmp_path))) == ["relu"]


def test_model_functions_are_inlined(tmp_path: Path) -> None:
    proto = model([node("Twice", domain="local")])
    body = [node("Add", ["a", "a"], ["b"], name="inner"), node("Relu", ["b"], ["c"], name="outer")]
    opsets = [onnx.helper.make_opsetid("", 13)]
    proto.functions.append(onnx.helper.make_function("local", "Twice", ["a"], ["c"], body, opsets))
    proto.opset_import.append(onnx.helper.make_opsetid("local", 1))
    assert op_names(import_model(save(proto, tmp_path))) == ["add", "relu"]


def test_weights_in_external_data(tmp_path: Path) -> None:
    proto = model([node("Conv", ["x", "w"])], {"w": weights(8, 4, 3, 3)})
    path = tmp_path / "model.onnx"
    onnx.external_data_helper.convert_model_to_external_data(proto, location="weights.bin", size_threshold=0)
    onnx.external_data_helper.write_external_data_tensors(proto, str(tmp_path))
    save(proto, tmp_path)
    assert op_names(import_and_compare(path)) == ["conv"]
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(ModelError, match=r"model\.onnx: its external data cannot be read"):
        import_model(path)


def test_preprocessing_comes_from_the_metadata(tmp_path: Path) -> None:
    proto = model([node("Relu")])
    entry = proto.metadata_props.add()
    entry.key, entry.value = "preprocessing", '{"mean": [0.5, 0, 0, 0], "std": [1, 1, 1, 2]}'
    found = import_model(save(proto, tmp_path)).preprocessing
    assert found is not None
    assert (found.mean, found.std) == ((0.5, 0.0, 0.0, 0.0), (1.0, 1.0, 1.0, 2.0))


def test_importing_twice_gives_the_same_text(tmp_path: Path) -> None:
    nodes = [node("Conv", ["x", "w"], ["c"]), node("Relu", ["c"])]
    path = save(model(nodes, {"w": weights(3, 4, 1, 1)}), tmp_path)
    assert str(import_model(path).module) == str(import_model(path).module)


@pytest.mark.parametrize("name", ["0", "123", "_7", "1_2", "a_1_2", "%3", "$_4"])
def test_numbers_as_names_survive_copies_and_texts(name: str, tmp_path: Path) -> None:
    nodes = [node("Conv", ["x", name], ["7"], name="8"), node("Relu", ["7"], name=name)]
    imported = import_model(save(model(nodes, {name: weights(2, 4, 3, 3)}), tmp_path))
    copy = imported.module.clone().clone()
    again = Parser(make_context(), str(copy)).parse_module().clone()
    assert str(again) == str(copy)
