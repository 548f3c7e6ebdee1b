"""A torch model with product-quantized layers as a PQ model in ONNX."""

from __future__ import annotations

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from pqc.dialects.registry import make_context
from pqc.errors import ModelError
from pqc.export.exporter import export_model
from pqc.export.functions import OPSET
from pqc.export.weights import round_weights
from pqc.frontend import import_model
from pqc.frontend.pq_domain import DOMAIN, VERSION
from pqc.frontend.preprocessing import Preprocessing
from pqc.isa.program import write_whole
from pqc.passes.attributes import set_calibration, set_provenance, set_target
from pqc.passes.calibrate_ranges import CalibrateRangesPass
from pqc.passes.fold_batch_norm import FoldBatchNormPass
from pqc.passes.fuse_epilogue import FuseEpiloguePass
from pqc.passes.group_pointwise import GroupPointwisePass
from pqc.passes.pipeline import run_pipeline
from pqc.planning.target import load_target
from pqc.torch.layers import PQConv2d
from pqc.training.torch_library import Layer, Tensor, torch

TARGET = "pqa-shift"
"""Grids are chosen as for this one: all scales are powers of two, which every target can compute with."""


def export(
    model: Layer,
    example_input: Tensor,
    path: str | Path,
    *,
    activation_bits: int = 8,
    weight_bits: int = 8,
    preprocessing: Preprocessing | None = None,
) -> None:
    """Write ``model`` to ``path``, to be executed by any ONNX runtime and compiled without calibration.

    Normalizations are folded into the layers in front of them, the weights of other layers are rounded to grids of
    powers of two, and every value gets a grid.

    Args:
        model: what takes one tensor and returns one; its product-quantized layers are initialized.
        example_input: a batch of frames as the model takes them. Grids that no product-quantized layer gives are
            those that hold what occurs on them, so they should be like what the model will see: some dozens will do.
        path: the file.
        activation_bits: of values that no product-quantized layer reads.
        weight_bits: of layers that multiply.
        preprocessing: how images become inputs, for the file to say.

    Raises:
        ModelError: the model holds an operator that pqc does not compile, or torch cannot export it.
    """
    with TemporaryDirectory() as folder:
        traced = Path(folder) / "traced.onnx"
        _trace(model, example_input, traced)
        module = import_model(traced).module
    set_target(module, load_target(TARGET))
    set_calibration(module, [np.ascontiguousarray(example_input.detach().cpu().numpy(), np.float32)])
    passes = [
        GroupPointwisePass(),
        FoldBatchNormPass(),
        FuseEpiloguePass(),
        CalibrateRangesPass(activation_bits=activation_bits),
    ]
    run_pipeline(make_context(), module, passes)
    round_weights(module, weight_bits)
    if preprocessing is not None:
        facts = {"mean": list(preprocessing.mean), "std": list(preprocessing.std)}
        set_provenance(module, {"preprocessing": facts})
    write_whole(Path(path), export_model(module).SerializeToString(deterministic=True))


def _trace(model: Layer, example_input: Tensor, path: Path) -> None:
    """What torch exports of ``model``, its product-quantized layers as nodes, in the mode for inference."""
    training = model.training
    model.eval()
    layers = [layer for layer in model.modules() if isinstance(layer, PQConv2d)]
    try:
        for layer in layers:
            layer.freeze()
        with warnings.catch_warnings():
            # the exporter that needs no further package announces its end at every call
            warnings.simplefilter("ignore")
            torch.onnx.export(
                model,
                (example_input[:1],),
                str(path),
                dynamo=False,
                opset_version=min(OPSET, 18),
                input_names=["input"],
                output_names=["output"],
                dynamic_axes={"input": {0: "N"}, "output": {0: "N"}},
                custom_opsets={DOMAIN: VERSION},
            )
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        raise ModelError(f"torch cannot export the model: {str(error).strip().splitlines()[0]}") from error
    finally:
        for layer in layers:
            layer.thaw()
        model.train(training)
