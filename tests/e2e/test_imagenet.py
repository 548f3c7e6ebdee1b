"""Networks of ImageNet's size, from the command line: they fit the default target, and every bit is right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from imagenet_networks import NETWORKS
from support.command_line import pqc

from pqc.isa.program import load_program

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

# product-quantized layers (all convolutions but the first and the depthwise ones), and the first convolution,
# the depthwise ones and the classifier
LAYERS = {"resnet18": (19, 2), "mobilenet_v2": (34, 19)}


# ResNet-50 is left to the benchmarks: it takes a minute
@pytest.mark.parametrize("name", LAYERS)
def test_compiles_for_the_default_target_and_passes_its_self_test(name: str, tmp_path: Path) -> None:
    model, program, written = (tmp_path / f"{name}.{kind}" for kind in ("onnx", "bin", "json"))
    model.write_bytes(NETWORKS[name]().SerializeToString())
    result = pqc("compile", model, "-o", program, "--report", written)
    assert result.code == 0, result.talk
    assert "fitted on synthetic data, so accuracy means nothing (4 frames)" in result.talk
    layers = load_program(program).provenance["layers"]
    assert tuple(sum(layer["pq"] is pq for layer in layers) for pq in (True, False)) == LAYERS[name]
    cycles = json.loads(written.read_text())["cycles"]
    assert cycles["lower_bound_pq"] <= cycles["pq"] < 2 * cycles["lower_bound_pq"]
    result = pqc("run", program)
    assert result.code == 0, result.talk
    assert result.text.startswith("self-test passed: 2 frames")
