"""A network in torch, written by either exporter: compiled, executed from the bytes, and close to onnxruntime."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch_networks
from support.command_line import pqc
from torch_export import Exporter, export_network
from training_recipes import see

from pqc.isa.program import load_program

pytestmark = pytest.mark.e2e

FRAMES = 24


@pytest.mark.parametrize("exporter", Exporter)
def test_the_keyword_spotter_from_torch_to_the_machine(exporter: Exporter, tmp_path: Path) -> None:
    network = torch_networks.seeded(torch_networks.micronet_kws)
    frames = np.random.default_rng(0).standard_normal((2 * FRAMES, 1, 49, 10)).astype(np.float32)
    see(network, frames)
    model, program, seen, new = (tmp_path / name for name in ("m.onnx", "m.bin", "seen.npz", "new.npz"))
    export_network(network, frames.shape[1:], model, exporter)
    np.savez(seen, images=frames[:FRAMES])
    np.savez(new, images=frames[FRAMES:])
    result = pqc("compile", model, "--calibrate", seen, "--exclude", "*", "-o", program)
    assert result.code == 0, result.talk
    assert len(load_program(program).provenance["layers"]) == 12
    result = pqc("run", program, "--input", new, "--against", model, "--json")
    assert result.code == 0, result.talk
    (output,) = json.loads(result.text)["against"]["outputs"].values()
    assert output["snr_db"] > 20
