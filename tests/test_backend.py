"""The float level behind ONNX's backend interface: what it takes, and what it refuses in one sentence."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from support.network import residual_network
from support.onnx_models import model, node
from support.runtimes import run_onnx

from pqc import backend
from pqc.errors import ModelError
from pqc.numerics.arrays import AnyArray, FloatArray

X: FloatArray = np.random.default_rng(0).normal(size=(3, 4, 6, 5)).astype(np.float32)


def weights_as_inputs() -> onnx.ModelProto:
    """A convolution whose weight and bias are inputs of the graph."""
    shapes = {"x": ("N", 4, 6, 5), "w": (2, 4, 3, 3), "b": (2,)}
    return model([node("Conv", ["x", "w", "b"])], inputs=shapes)


def conv_inputs() -> list[AnyArray]:
    random = np.random.default_rng(1)
    return [X, *(random.normal(size=size).astype(np.float32) for size in ((2, 4, 3, 3), (2,)))]


def refusal(proto: onnx.ModelProto, inputs: Any, **options: Any) -> str:
    with pytest.raises(ModelError) as caught:
        backend.run_model(proto, inputs, **options)
    return str(caught.value)


def test_a_network_gives_what_onnxruntime_gives() -> None:
    network = residual_network()
    inputs = network.data(3)
    found = backend.prepare(network.proto).run(inputs)
    for result, wanted in zip(found, run_onnx(network.proto, inputs), strict=True):
        np.testing.assert_allclose(result, wanted, rtol=1e-5, atol=1e-6)


def test_outputs_are_named() -> None:
    outputs: Any = backend.prepare(model([node("Relu")])).run(X)
    np.testing.assert_array_equal(outputs["y"], np.maximum(X, 0))
    assert outputs.y is outputs[0]


def test_weights_that_are_inputs_become_constants_in_each_run() -> None:
    prepared = backend.prepare(weights_as_inputs())
    for scale in (1, 2):
        x, weight, bias = conv_inputs()
        given = [x, scale * weight, bias]
        wanted = run_onnx(weights_as_inputs(), dict(zip(("x", "w", "b"), given, strict=True)))
        np.testing.assert_allclose(prepared.run(given)[0], wanted[0], rtol=1e-4, atol=1e-5)


def test_the_model_is_left_as_it_is() -> None:
    proto = weights_as_inputs()
    before = proto.SerializeToString()
    backend.run_model(proto, conv_inputs())
    assert proto.SerializeToString() == before


def test_a_single_node_runs() -> None:
    found = backend.run_node(node("Clip", ["x", "", "high"]), [X, np.array(0.5, np.float32)])
    np.testing.assert_array_equal(found[0], np.minimum(X, 0.5))


def test_a_single_node_runs_in_an_older_operator_set() -> None:
    found = backend.run_node(node("Squeeze", axes=[2, 3]), [X[:, :, :1, :1]], opset_version=12)
    np.testing.assert_array_equal(found[0], X[:, :, 0, 0])


def test_elements_by_themselves_may_have_any_shape() -> None:
    shapes = {"x": (30,), "z": (30,), "high": ()}
    nodes = [node("Add", ["x", "z"], ["sum"]), node("Clip", ["sum", "", "high"])]
    prepared = backend.prepare(model(nodes, inputs=shapes))
    x, z = np.random.default_rng(2).normal(size=(2, 30)).astype(np.float32)
    found = prepared.run([x, z, np.array(0.5, np.float32)])[0]
    np.testing.assert_array_equal(found, np.minimum(x + z, np.float32(0.5)))
    with pytest.raises(ModelError, match=r"input 'z': an array \[20\], allowed is \(30,\)"):
        prepared.run([x, z[:20], np.array(0.5, np.float32)])


def test_shapes_that_are_broadcast_are_left_to_pqc() -> None:
    proto = model([node("Add", ["x", "z"])], inputs={"x": (3, 2, 5), "z": (5,)})
    assert "a tensor has 2 to 9 dimensions" in refusal(proto, [X[:, 0, :2], X[0, 0, 0]])


def test_tensors_of_other_dimensions_are_frames() -> None:
    proto = model([node("Relu")], inputs={"x": ("N", 2, 5)})
    found = backend.prepare(proto).run([X[:, 0, :2]])[0]
    np.testing.assert_array_equal(found, np.maximum(X[:, 0, :2], 0))


def test_onnx_knows_it_as_a_backend() -> None:
    base: Any = importlib.import_module("onnx.backend.base")
    assert issubclass(backend.PqcBackend, base.Backend)
    assert issubclass(backend.PqcModel, base.BackendRep)
    assert backend.PqcBackend.is_compatible(model([node("Relu")]))
    assert not backend.PqcBackend.is_compatible(model([node("Floor")]))


@pytest.mark.parametrize(("device", "supported"), [("CPU", True), ("CPU:0", True), ("CUDA", False), ("", False)])
def test_devices(device: str, supported: bool) -> None:
    assert backend.supports_device(device) is supported


def test_refusals_before_anything_runs() -> None:
    relu = model([node("Relu")])
    assert refusal(relu, [X], device="CUDA") == "device 'CUDA' is not supported; only CPU is"
    assert refusal(relu, [X], level="machine") == "level 'machine' is not supported, allowed are 'float', 'quantized'"
    assert refusal(relu, [X], bits=8) == "there is no option 'bits', allowed is 'level'"
    assert refusal(relu, [X, X]) == "2 arrays are given, the model takes 'x'"
    assert refusal(relu, {"z": X}) == "arrays for 'z' are given, the model takes 'x'"
    assert refusal(relu, [X.astype(np.float64)]) == "input 'x' is float64; float32 is wanted"
    assert refusal(relu, [X[:, 1:]]) == "input 'x': an array [3, 3, 6, 5], allowed is [n, 4, 6, 5]"
    assert refusal(model([node("Relu")], opset=9), [X]).startswith("model: the model uses opset 9: allowed is 11 to ")


def test_the_quantized_level_computes_on_grids() -> None:
    weight = np.random.default_rng(4).normal(size=(3, 4, 3, 3)).astype(np.float32)
    proto = model([node("Conv", ["x", "w"])], {"w": weight})
    exact = backend.prepare(proto).run([X])[0]
    found = backend.prepare(proto, level="quantized").run([X])[0]
    assert 0 < np.abs(found - exact).max() <= 0.02 * np.abs(exact).max()


def test_inputs_that_differ_in_their_frames_are_refused() -> None:
    summed = model([node("Add", ["x", "z"])], inputs={"x": ("N", 3), "z": ("N", 3)})
    ones: FloatArray = np.ones((2, 3), np.float32)
    message = refusal(summed, [ones, ones[:1]])
    assert message == "the inputs differ in their first dimension, the frames: 'x' 2, 'z' 1"


def test_weights_in_another_file_are_refused() -> None:
    proto = model([node("Add", ["x", "c"])], {"c": np.ones(1, np.float32)})
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    assert refusal(proto, [X]) == "model: the data of 'c' is in another file; load the model with onnx.load"


def test_a_node_of_too_few_arrays_is_refused() -> None:
    with pytest.raises(ModelError, match="1 arrays are given, the node takes 'x', 'z'"):
        backend.run_node(helper.make_node("Add", ["x", "z"], ["y"]), [X])
