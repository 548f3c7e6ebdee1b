"""What holds of a compiled network: each level computes what the one above does, the first what onnxruntime does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from support.levels import FLOAT, INTEGER, LOWERED, Levels, compile_network
from support.network import Network

from pqc.interpreter.machine import Machine
from pqc.isa.fields import Memory
from pqc.numerics.arrays import AnyArray
from pqc.passes.options import PqOptions
from pqc.planning.target import load_target
from pqc.planning.target_keys import Target

ENTRY_BYTES = 2
"""Of a function's table, at most."""


def require_equal(found: Mapping[str, AnyArray], wanted: Mapping[str, AnyArray]) -> None:
    assert list(found) == list(wanted)
    for name, array in wanted.items():
        np.testing.assert_array_equal(found[name], array)


def possible(options: PqOptions, target: Target) -> PqOptions:
    """A metric that the target lacks becomes its first one; activations whose functions it cannot hold have 8 bits."""
    if options.metric not in target.encode.metrics:
        options = replace(options, metric=target.encode.metrics[0])
    if ENTRY_BYTES << options.activation_bits > target.buffer_bytes(Memory.TABLE):
        options = replace(options, activation_bits=8)
    return options


def compile_and_check(network: Network, folder: Path, target: str, options: PqOptions) -> Levels:
    """Compile ``network`` and check all levels, with ``options`` as far as the target can do them."""
    levels = compile_network(network, folder, target, possible(options, load_target(target)))
    check_float_levels(levels)
    check_integer_levels(levels)
    return levels


def check_float_levels(levels: Levels) -> None:
    expected = levels.expected()
    for module in levels.modules(FLOAT):
        for name, found in levels.outputs(module, levels.frames).items():
            wanted = expected[name]
            assert found.shape == wanted.shape
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4 * max(1, np.abs(wanted).max()))


def check_integer_levels(levels: Levels) -> None:
    quantized, *below = (levels.outputs(module, levels.integers) for module in levels.modules(INTEGER))
    assert set(levels.numbers) >= LOWERED
    for found in below:
        require_equal(found, quantized)
    machine = Machine(levels.program)
    require_equal(machine.run(levels.integers), quantized)
    order = machine.random_order(np.random.default_rng(0))
    require_equal(machine.run(levels.integers, order), quantized)
