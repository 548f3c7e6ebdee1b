"""What matters is what torch says that it does, whatever operations a network consists of."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.network import Network as Drawn
from support.network import residual_network
from support.networks import networks
from xdsl.dialects.builtin import ModuleOp

from pqc.codebook.importance import Importance
from pqc.dialects.onnx import ConvOp, GemmOp
from pqc.dialects.registry import make_context
from pqc.frontend import import_model
from pqc.numerics.arrays import FloatArray
from pqc.passes.attributes import main_of, set_target
from pqc.passes.backpropagation import RANDOM_SUMS
from pqc.passes.fitted_layers import Layer
from pqc.passes.fold_batch_norm import FoldBatchNormPass
from pqc.passes.fuse_epilogue import FuseEpiloguePass
from pqc.passes.importance import FRAMES_AT_ONCE, importance_of
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


def by_torch(module: ModuleOp, frames: list[FloatArray]) -> list[Importance]:
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
    gradients: list[list[FloatArray]] = [[] for _ in wanted]
    for _ in range(RANDOM_SUMS):
        draws = [random.standard_normal(tuple(one.shape)).astype(np.float32) for one in outputs]
        total = torch.stack([(one * torch.from_numpy(x)).sum() for one, x in zip(outputs, draws, strict=True)]).sum()
        found = torch.autograd.grad(total, wanted, retain_graph=True, materialize_grads=True)
        for one, gradient in zip(gradients, found, strict=True):
            one.append(gradient.reshape(*gradient.shape[:2], -1).numpy())
    return [
        Importance(np.mean([np.square(g).sum(axis=1) for g in one], axis=0), np.einsum("kfoc,kfpc->op", one, one))
        for one in gradients
    ]


@settings(max_examples=60)
@given(networks(), st.booleans())
def test_it_is_what_torch_says(drawn: Drawn, fused: bool) -> None:
    module, frames = imported(drawn), list(drawn.data(3).values())
    passes = [FoldBatchNormPass(), FuseEpiloguePass()] if fused else [FoldBatchNormPass()]
    run_pipeline(make_context(), module, passes)
    layers = layers_of(module)
    if not layers:
        return
    found = importance_of(main_of(module).body.block, layers, frames, SEED)
    for layer, wanted in zip(layers, by_torch(module, frames), strict=True):
        for one, other in ((found[layer].positions, wanted.positions), (found[layer].directions, wanted.directions)):
            assert np.allclose(one, other, rtol=1e-3, atol=1e-4 * max(1e-3, float(np.abs(other).max())))


def test_frames_are_taken_a_few_at_a_time() -> None:
    drawn = residual_network()
    module = imported(drawn)
    frames = list(drawn.data(40).values())
    layers = layers_of(module)
    found = importance_of(main_of(module).body.block, layers, frames, SEED)
    assert all(len(found[layer].positions) == 40 for layer in layers)
    # the first frames of all are a part of their own
    first = importance_of(main_of(module).body.block, layers, [x[:FRAMES_AT_ONCE] for x in frames], SEED)
    for layer in layers:
        assert np.array_equal(found[layer].positions[:FRAMES_AT_ONCE], first[layer].positions)
        assert found[layer].positions[FRAMES_AT_ONCE:].any()
        assert np.trace(found[layer].directions) > np.trace(first[layer].directions)


def test_what_has_no_say_in_the_outputs_does_not_matter() -> None:
    drawn = residual_network()
    module = imported(drawn)
    frames = list(drawn.data(3).values())
    layers = layers_of(module)
    # the outputs are those of the last layer alone
    returned = main_of(module).body.block.last_op
    assert returned is not None
    returned.operands[0] = layers[0].result
    found = importance_of(main_of(module).body.block, layers, frames, SEED)
    assert found[layers[0]].positions.all()
    assert not found[layers[-1]].positions.any()
    assert (found[layers[-1]].shares() == 1).all()
    assert np.array_equal(found[layers[-1]].metric(), np.eye(3))
