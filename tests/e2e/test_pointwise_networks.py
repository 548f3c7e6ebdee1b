"""Networks with gates and smooth functions: from bytes equal to the reference, and near what onnxruntime computes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.level_rules import check_float_levels, check_integer_levels
from support.levels import compile_network
from support.network import Network

from pqc.api import Program
from pqc.passes.options import PqOptions

AROUND: dict[str, object] = {"pads": [1, 1, 1, 1]}


def _number(network: Network, value: float) -> str:
    return network.constant(np.array(value, np.float32))


def swish(network: Network, x: str) -> str:
    """X times its sigmoid."""
    return network.add("Mul", [x, network.add("Sigmoid", [x], network.frames[x])], network.frames[x])


def gelu(network: Network, x: str) -> str:
    """As PyTorch writes it for operator sets that do not have it."""
    frame = network.frames[x]
    bent = network.add("Erf", [network.add("Div", [x, _number(network, 2**0.5)], frame)], frame)
    product = network.add("Mul", [x, network.add("Add", [bent, _number(network, 1.0)], frame)], frame)
    return network.add("Mul", [product, _number(network, 0.5)], frame)


def with_squeeze_and_excitation() -> Network:
    """Two convolutions with Swish, and between them gates of the channels."""
    network = Network(0)
    network.take((2, 8, 8))
    x = swish(network, network.add("Conv", ["input0", network.weights(6, 2, 3, 3)], (6, 8, 8), **AROUND))
    mean = network.add("GlobalAveragePool", [x], (6, 1, 1))
    few = swish(network, network.add("Conv", [mean, network.weights(3, 6, 1, 1)], (3, 1, 1)))
    gate = network.add("Sigmoid", [network.add("Conv", [few, network.weights(6, 3, 1, 1)], (6, 1, 1))], (6, 1, 1))
    x = network.add("Mul", [x, gate], (6, 8, 8))
    network.give(swish(network, network.add("Conv", [x, network.weights(4, 6, 3, 3)], (4, 8, 8), **AROUND)))
    return network


def with_gelu() -> Network:
    """Matrix products with Gelu between them."""
    network = Network(1)
    network.take((12,))
    x = gelu(network, network.add("Gemm", ["input0", network.weights(20, 12)], (20,), transB=1))
    network.give(network.add("Gemm", [x, network.weights(5, 20)], (5,), transB=1))
    return network


def with_softmax() -> Network:
    """A matrix product whose results become shares of one."""
    network = Network(2)
    network.take((12,))
    x = network.add("Gemm", ["input0", network.weights(10, 12), network.weights(10)], (10,), transB=1)
    network.give(network.add("Softmax", [x], (10,), axis=1))
    return network


@pytest.mark.parametrize("make", [with_squeeze_and_excitation, with_gelu, with_softmax])
@pytest.mark.parametrize("target", ["pqa", "pqa-shift", "tiny"])
def test_network_is_right_at_every_level(make: Callable[[], Network], target: str, tmp_path: Path) -> None:
    levels = compile_network(make(), tmp_path, target, PqOptions(exclude=("*",)), frames=64)
    check_float_levels(levels)
    check_integer_levels(levels)
    mnemonics = levels.program.counts()
    assert mnemonics["map"]
    assert ("multiply" in mnemonics) == (make is not with_gelu)
    found = Program(levels.program).run(levels.frames)
    for name, wanted in levels.expected().items():
        assert np.sqrt(np.mean((found[name] - wanted) ** 2)) < 0.02 * np.abs(wanted).max()


def test_one_table_is_off_by_half_a_step(tmp_path: Path) -> None:
    network = Network(2)
    network.take((3, 4, 4))
    network.give(swish(network, "input0"))
    levels = compile_network(network, tmp_path, frames=64)
    (source,), (result,) = levels.program.inputs, levels.program.outputs
    x = levels.integers["input0"].astype(np.float64) * source.scale
    exact = x / (1 + np.exp(-x))
    found = Program(levels.program).run({"input0": x.astype(np.float32)})[result.name]
    held = np.clip(exact, result.element.minimum * result.scale, result.element.maximum * result.scale)
    assert np.abs(found - held).max() <= 0.5001 * result.scale
