"""A network in torch computes what the reference computes, whatever operations it consists of."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from support.network import Network as Drawn
from support.networks import networks

from pqc.dialects.registry import make_context
from pqc.frontend import import_model
from pqc.interpreter.reference import run_reference
from pqc.passes.attributes import set_target
from pqc.passes.fold_batch_norm import FoldBatchNormPass
from pqc.passes.fuse_epilogue import FuseEpiloguePass
from pqc.passes.pipeline import run_pipeline
from pqc.planning.target import load_target
from pqc.training.network import Network
from pqc.training.torch_library import torch


@settings(max_examples=40)
@given(networks())
def test_without_grids_it_is_the_float_network(drawn: Drawn) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(drawn.proto.SerializeToString())
        module = import_model(path).module
    set_target(module, load_target("pqa"))
    run_pipeline(make_context(), module, [FoldBatchNormPass(), FuseEpiloguePass()])
    frames = list(drawn.data(3).values())
    with torch.no_grad():
        found = Network(module, rounded=False)([torch.from_numpy(one) for one in frames])
    for one, wanted in zip(found, run_reference(module, frames), strict=True):
        assert np.allclose(one.numpy(), wanted, rtol=1e-4, atol=1e-4 * max(1, np.abs(wanted).max()))
