"""What matters is what torch says that it does, whatever operations a network consists of."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.networks import Network as Drawn
from support.networks import networks, residual_network
from xdsl.dialects.builtin import ModuleOp

from pqc.dialects.onnx import ConvOp, GemmOp
from pqc.dialects.registry import make_context
from pqc.frontend import import_model
from pqc.numerics.arrays import FloatArray
from pqc.passes import importance
from pqc.passes.attributes import main_of, set_target
from pqc.passes.fitted_layers import Layer
from pqc.passes.fold_batch_norm import FoldBatchNormPass
from pqc.passes.fuse_epilogue import FuseEpiloguePass
from pqc.passes.importance import RANDOM_SUMS, importance_of
from pqc.passes.pipeline import run_pipeline
from pqc.planning.target import load_target
from pqc.training.network import Network
from pqc.training.torch_library import Tensor, torch

SEED = 5


def imported(drawn: Drawn) -> ModuleOp:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(drawn.proto.SerializeToString())
        module = import_model(path).module
    set_target(module, load_target("pqa"))
    return module


def layers_of(module: ModuleOp) -> list[Layer]:
    return [op for op in main_of(module).body.block.ops if isinstance(op, ConvOp | GemmOp)]


def by_torch(module: ModuleOp, frames: list[FloatArray]) -> list[FloatArray]:
    """The same from torch, with the same random sums."""
    network = Network(module, rounded=False)
    results: dict[int, Tensor] = {}
    for number, op in enumerate(layers_of(module)):

        def keep(_: object, __: object, result: Tensor, number: int = number) -> None:
            results[number] = result

        network.layer_of[op].register_forward_hook(keep)
    outputs = network([torch.from_numpy(one) for one in frames])
    random = np.random.default_rng((SEED, 0))
    wanted = [results[number] for number in range(len(results))]
    squares: list[FloatArray] = [np.zeros(1, np.float32)] * len(wanted)
    for _ in range(RANDOM_SUMS):
        draws = [random.standard_normal(tuple(one.shape)).astype(np.float32) for one in outputs]
        total = torch.stack([(one * torch.from_numpy(x)).sum() for one, x in zip(outputs, draws, strict=True)]).sum()
        found = torch.autograd.grad(total, wanted, retain_graph=True, materialize_grads=True)
        for number, one in enumerate(found):
            positions = one.reshape(*one.shape[:2], -1).square().sum(dim=1)
            squares[number] = squares[number] + positions.numpy() / RANDOM_SUMS
    return squares


@settings(max_examples=60)
@given(networks(), st.booleans())
def test_it_is_what_torch_says(drawn: Drawn, fused: bool) -> None:
    module, frames = imported(drawn), list(drawn.data(3).values())
    if fused:
        run_pipeline(make_context(), module, [FoldBatchNormPass(), FuseEpiloguePass()])
    layers = layers_of(module)
    if not layers:
        return
    found = importance_of(main_of(module).body.block, layers, frames, SEED)
    for layer, wanted in zip(layers, by_torch(module, frames), strict=True):
        assert np.allclose(found[layer], wanted, rtol=1e-3, atol=1e-4 * max(1e-3, float(wanted.max())))


def test_frames_are_taken_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = residual_network()
    module = imported(drawn)
    frames = list(drawn.data(40).values())
    layers = layers_of(module)
    found = importance_of(main_of(module).body.block, layers, frames, SEED)
    assert all(found[layer].shape[0] == 40 for layer in layers)
    # the first frames of all are a part of their own
    first = importance_of(main_of(module).body.block, layers, [x[: importance.FRAMES_AT_ONCE] for x in frames], SEED)
    for layer in layers:
        assert np.array_equal(found[layer][: importance.FRAMES_AT_ONCE], first[layer])
        assert found[layer][importance.FRAMES_AT_ONCE :].any()
