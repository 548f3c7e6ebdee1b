"""Networks at the float level as ONNX files: every operation, what else the file says, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from support.integer_layer import module as integer_layer
from support.network import Network, residual_network
from support.networks import networks
from support.onnx_models import save
from support.runtimes import check_onnx, run_onnx
from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr
from xdsl.ir import Block, SSAValue
from xdsl.rewriter import Rewriter

from pqc.dialects.blob import ConstantOp
from pqc.dialects.location import fuse_locations, node_location
from pqc.dialects.onnx import ReluOp, tensor
from pqc.dialects.pq import ConvolutionOp
from pqc.dialects.pq_types import ConfigAttr, GridAttr
from pqc.dialects.registry import make_context
from pqc.errors import InternalError, ModelError
from pqc.export.exporter import export_model
from pqc.export.graph import Graph
from pqc.export.names import node_names
from pqc.export.operators import write_operation
from pqc.frontend import import_model
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric
from pqc.passes.attributes import INPUT_GRIDS, main_of, set_provenance
from pqc.passes.fold_batch_norm import FoldBatchNormPass
from pqc.passes.fuse_epilogue import FuseEpiloguePass
from pqc.passes.pipeline import run_pipeline
from pqc.passes.quantize import QuantizePass
from pqc.passes.select_pq import SelectPqPass
from pqc.version import __version__


@settings(max_examples=25)
@given(networks())
def test_every_operation_is_written_and_read_back(tmp_path_factory: pytest.TempPathFactory, network: Network) -> None:
    folder = tmp_path_factory.mktemp("exported")
    module = import_model(save(network.proto, folder)).module
    model = export_model(module)
    check_onnx(model)
    # of a node that has become several operations each is a node now, with constants named after itself
    named = export_model(import_model(save(model, folder)).module)
    again = import_model(save(named, folder)).module
    assert export_model(again).SerializeToString() == named.SerializeToString()
    assert [(one.op_type, one.name) for one in named.graph.node] == [
        (one.op_type, one.name) for one in model.graph.node
    ]
    frames = network.data(2)
    for found, expected in zip(run_onnx(model, frames), run_onnx(network.proto, frames), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_a_fused_layer_becomes_the_nodes_that_it_came_from(tmp_path: Path) -> None:
    network = residual_network()
    module = import_model(save(network.proto, tmp_path)).module
    run_pipeline(make_context(), module, [FoldBatchNormPass(), FuseEpiloguePass()])
    written = [(node.op_type, node.name) for node in export_model(module).graph.node]
    assert written[:5] == [(node.op_type, node.name) for node in network.proto.graph.node][:5]


def test_names_that_are_missing_are_made() -> None:
    one, two = ReluOp(_value()), ReluOp(_value())
    one.location, two.location = node_location("conv"), node_location("relu")
    assert node_names(one, ()) == ["conv"]
    assert node_names(one, ("residual", "bounds")) == ["conv", "conv/residual", "conv/bounds"]
    one.location = fuse_locations(one, two)
    assert node_names(one, ("bounds",)) == ["conv", "relu"]
    assert node_names(ReluOp(_value()), ("bounds",)) == ["", ""]


def _value() -> SSAValue:
    return ConstantOp("x", np.zeros((2, 3), np.float32)).result


def exportable() -> ModuleOp:
    """The layer of ``integer_layer``, with names for its input and output."""
    module = integer_layer(np.zeros(2, np.int32), 1.0)
    module.attributes["pqc.inputs"] = ArrayAttr([StringAttr("image")])
    module.attributes["pqc.outputs"] = ArrayAttr([StringAttr("image")])
    return module


def test_grids_are_written_behind_inputs_and_layers() -> None:
    module = exportable()
    nodes = export_model(module).graph.node
    assert [(node.op_type, node.name) for node in nodes] == [
        ("OnGrid", "image/grid"),
        ("WindowConvolutionL2", "layer7"),
        ("OnGrid", "layer7/grid"),
        ("Identity", "image"),
    ]


def test_the_file_says_where_it_comes_from_and_how_images_enter() -> None:
    module = exportable()
    set_provenance(module, {"preprocessing": {"mean": [0.5, 0.25], "std": [1.0, 2.0]}})
    model = export_model(module)
    assert (model.producer_name, model.producer_version) == ("pqc", __version__)
    assert {entry.domain: entry.version for entry in model.opset_import} == {"": 19, "ai.pqc": 1}
    (entry,) = model.metadata_props
    assert (entry.key, json.loads(entry.value)) == ("preprocessing", {"mean": [0.5, 0.25], "std": [1.0, 2.0]})


def test_a_layer_that_is_not_fitted_is_refused(tmp_path: Path) -> None:
    module = import_model(save(residual_network().proto, tmp_path)).module
    module.attributes.update(exportable().attributes)
    SelectPqPass().apply(make_context(), module)
    with pytest.raises(ModelError, match=r"^node 'conv2' is to be product-quantized and is not fitted yet$"):
        export_model(module)


def test_integers_are_refused() -> None:
    module = exportable()
    run_pipeline(make_context(), module, [QuantizePass()])
    with pytest.raises(ModelError, match="the IR computes in integers already: only what stands before quantize"):
        export_model(module)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (
            "codebook",
            r"^node 'layer7': distances to prototypes can reach 12884508675, float32, .* exact up to 16777216$",
        ),
        ("bias", r"^node 'layer7': sums of table entries and bias can reach 20000200, float32, "),
    ],
)
def test_what_float32_does_not_hold_is_refused(what: str, message: str) -> None:
    module = exportable()
    (op,) = (op for op in module.walk() if isinstance(op, ConvolutionOp))
    wide = {"codebook": np.full((2, 2, 1), 65535, np.uint16), "bias": np.full(2, 20_000_000, np.int32)}
    constant = ConstantOp(what, wide[what])
    main_of(module).body.block.insert_op_before(constant, op)
    op.operands[1 if what == "codebook" else 3] = constant.result
    if what == "codebook":
        op.properties["config"] = ConfigAttr.of(2, 1, 16, 8, Metric.L2)
        op.properties["grid"] = GridAttr.of(Element(16, False), 0.25)
    with pytest.raises(ModelError, match=message):
        export_model(module)


def test_faults_are_named() -> None:
    unknown = Block(arg_types=[tensor((-1, 3))]).args[0]
    with pytest.raises(InternalError, match="is exported before what gives it"):
        write_operation(Graph({}, ()), ReluOp(unknown))
    with pytest.raises(InternalError, match=r"no rule exports blob\.constant"):
        write_operation(Graph({}, ()), ConstantOp("x", np.zeros(1, np.float32)))


def test_a_real_table_without_grids_is_refused() -> None:
    module = exportable()
    (op,) = (op for op in module.walk() if isinstance(op, ConvolutionOp))
    real = [ConstantOp("table", np.zeros((2, 2, 2), np.float32)), ConstantOp("bias", np.zeros(2, np.float32))]
    other = op.with_table(real[0].result, real[1].result, None)
    other.location = op.location
    Rewriter.replace_op(op, [*real, other])
    del module.attributes[INPUT_GRIDS]
    with pytest.raises(ModelError, match=r"^node 'layer7' has a table of real numbers, and no grids to bring it onto$"):
        export_model(module)


def test_a_network_without_grids_is_exported_without() -> None:
    module = exportable()
    del module.attributes[INPUT_GRIDS]
    (op,) = (op for op in module.walk() if isinstance(op, ConvolutionOp))
    op.attributes.clear()
    assert [node.op_type for node in export_model(module).graph.node] == ["WindowConvolutionL2", "Identity"]
