"""Random networks, compiled: every level computes what the one above does, down to the bytes of the program."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from support.level_rules import compile_and_check
from support.levels import INTEGER, compile_network
from support.network import Network
from support.networks import networks, options
from xdsl.dialects.builtin import ModuleOp

from pqc.api import Program
from pqc.dialects.qnn import AddOp, AveragePoolOp, MultiplyOp, RequantizeOp, RescaleOp
from pqc.numerics.fixed_point import is_power_of_two
from pqc.passes.constants import constant_array
from pqc.passes.options import PqOptions


def multipliers(module: ModuleOp) -> Iterator[int]:
    """Every multiplier of a network at the quantized level."""
    for op in module.walk():
        if isinstance(op, RequantizeOp):
            yield from constant_array(op.multiplier).tolist()
            if op.residual_multiplier is not None:
                yield from constant_array(op.residual_multiplier).tolist()
        elif isinstance(op, AddOp):
            yield from op.multipliers.get_values()
        elif isinstance(op, RescaleOp | MultiplyOp | AveragePoolOp):
            yield op.multiplier.value.data


@pytest.mark.parametrize("target", ["pqa", "pqa-shift", "tiny", "pqa-l1", "pqa-linf"])
@settings(max_examples=15, deadline=None, derandomize=True)
@given(networks(), options())
def test_all_levels_agree(target: str, network: Network, chosen: PqOptions) -> None:
    with TemporaryDirectory() as folder:
        levels = compile_and_check(network, Path(folder), target, chosen)
        if target == "pqa-shift":
            quantized = levels.modules(INTEGER)[0]
            # a difference has a negative one
            assert all(is_power_of_two(abs(multiplier)) for multiplier in multipliers(quantized))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(networks())
def test_without_product_quantization_results_are_close_to_the_float_network(network: Network) -> None:
    layers = any(one.op_type in ("Conv", "Gemm", "MatMul") for one in network.nodes)
    with TemporaryDirectory() as folder:
        levels = compile_network(network, Path(folder), options=PqOptions(exclude=("*",) if layers else ()))
        found = Program(levels.program).run(levels.frames)
        for name, wanted in levels.expected().items():
            # what is clipped to a small part of its range keeps the grid of the range; inputs reach about 3
            reach = max(3.0, np.abs(wanted).max())
            assert np.sqrt(np.mean((found[name] - wanted) ** 2)) <= 0.02 * reach
