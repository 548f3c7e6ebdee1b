"""A quantized network for other targets: the same integers, or a refusal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.command_line import small_network
from xdsl.dialects.builtin import ModuleOp

from pqc.compilation import CompileRequest, compile_model, compile_quantized, quantize_model
from pqc.errors import ModelError
from pqc.interpreter.machine import Machine
from pqc.interpreter.selftest import self_test_inputs
from pqc.passes.options import PqOptions
from pqc.passes.pipeline import phase_of
from pqc.passes.retarget import numerics_of, retarget
from pqc.planning.target import Target, load_target

OPTIONS = PqOptions(prototypes=8, images=16)


@pytest.fixture(scope="module")
def request_for_pqa(tmp_path_factory: pytest.TempPathFactory) -> CompileRequest:
    model = tmp_path_factory.mktemp("retarget") / "m.onnx"
    model.write_bytes(small_network().SerializeToString())
    images = np.random.default_rng(0).standard_normal((16, 3, 8, 8)).astype(np.float32)
    return CompileRequest(Path(model), load_target("pqa"), OPTIONS, {"x": images})


@pytest.fixture(scope="module")
def quantized(request_for_pqa: CompileRequest) -> ModuleOp:
    return quantize_model(request_for_pqa)


def test_for_its_own_target_it_is_the_program_of_the_compiler(
    request_for_pqa: CompileRequest, quantized: ModuleOp
) -> None:
    assert phase_of(quantized) == "quantize"
    again = compile_quantized(quantized, load_target("pqa"))
    assert again.program.to_bytes() == compile_model(request_for_pqa).program.to_bytes()
    assert phase_of(quantized) == "quantize"


@pytest.mark.parametrize("target", [load_target("tiny"), load_target("pqa-hbm-o64-s64")], ids=lambda t: t.name)
def test_another_target_gives_the_same_integers(quantized: ModuleOp, target: Target) -> None:
    first, second = (compile_quantized(quantized, t).program for t in (load_target("pqa"), target))
    inputs = self_test_inputs(first.inputs, 3, 4)
    expected, found = Machine(first).run(inputs), Machine(second).run(inputs)
    assert second.target == target.as_dict()
    assert list(found) == list(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("accumulator_bits=24", r"target 'pqa': accumulator_bits = 24, this network was quantized for 16; quantize"),
        ('requantize="shift"', r"target 'pqa': requantize = 'shift', this network was quantized for 'multiply'"),
        ('encode.metrics=["l1"]', r"target 'pqa': encode.metrics = \['l1'\], this network was quantized for"),
    ],
)
def test_a_target_with_other_numbers_is_refused(quantized: ModuleOp, override: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        retarget(quantized, load_target("pqa", [override]))


def test_numerics_are_all_that_is_not_hardware() -> None:
    keys = ["accumulator_bits", "requantize", "encode.metrics", "conventional.accumulator_bits"]
    assert list(numerics_of(load_target("pqa"))) == keys
    assert numerics_of(load_target("tiny")) == numerics_of(load_target("pqa-hbm-o32-s64"))
