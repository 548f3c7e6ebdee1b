"""Random PQ networks as ONNX: onnxruntime, the float level, the integers and the network read back agree exactly."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from hypothesis import given, settings
from support.pq_modules import Written, pq_modules
from support.runtimes import check_onnx, run_onnx
from xdsl.dialects.builtin import ModuleOp

from pqc.dialects.onnx import shape_of
from pqc.dialects.registry import make_context
from pqc.export.exporter import export_model
from pqc.frontend import import_model
from pqc.interpreter.reference import dequantize_outputs, quantize_inputs, run_reference
from pqc.numerics.arrays import FloatArray
from pqc.passes.attributes import main_of, set_target, target_of
from pqc.passes.emit import Emitted, emit
from pqc.passes.options import PqOptions, configured_passes
from pqc.passes.pipeline import pipeline_names, run_pipeline


def read_back(model: onnx.ModelProto, like: ModuleOp) -> ModuleOp:
    """The network in a file, for the target of another module."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.pq.onnx"
        path.write_bytes(model.SerializeToString())
        module = import_model(path).module
    set_target(module, target_of(like))
    return module


def frames_for(module: ModuleOp) -> FloatArray:
    """Frames that reach beyond the grid of the input, many of them halfway between its steps."""
    shape = shape_of(main_of(module).body.block.args[0])[1:]
    values = np.random.default_rng(0).integers(-80, 80, (5, *shape)) / 8
    return values.astype(np.float32)


def compiled(module: ModuleOp, last: str) -> ModuleOp:
    """A copy that has been through the passes up to ``last``."""
    copy = module.clone()
    run_pipeline(make_context(), copy, configured_passes(PqOptions())[: pipeline_names().index(last) + 1])
    return copy


def program(module: ModuleOp) -> Emitted:
    return emit(compiled(module, pipeline_names()[-1]))


@settings(max_examples=40)
@given(pq_modules())
def test_every_level_computes_the_same_bits(written: Written) -> None:
    module = written.module
    frames = frames_for(module)
    model = export_model(module)
    check_onnx(model)
    (expected,) = run_reference(module, [frames])
    (found,) = run_onnx(model, {"x": frames})
    np.testing.assert_array_equal(found, expected)
    (read,) = run_reference(read_back(model, module), [frames])
    np.testing.assert_array_equal(read, expected)
    quantized = compiled(module, "quantize")
    (integers,) = dequantize_outputs(quantized, run_reference(quantized, quantize_inputs(quantized, [frames])))
    np.testing.assert_array_equal(integers, expected)


@settings(max_examples=10)
@given(pq_modules())
def test_what_is_read_back_is_what_was_written(written: Written) -> None:
    module = written.module
    model = export_model(module)
    again = read_back(model, module)
    assert export_model(again).SerializeToString() == model.SerializeToString()
    first, second = program(module), program(again)
    assert first.instructions == second.instructions
    assert first.constants == second.constants
