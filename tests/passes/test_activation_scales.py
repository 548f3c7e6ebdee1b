"""Narrow activations: their scales change the outputs less than scales that hold everything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.network import three_convolutions
from support.onnx_models import save
from xdsl.dialects.builtin import ModuleOp

from pqc.dialects.registry import make_context
from pqc.frontend import import_model
from pqc.interpreter.reference import dequantize_outputs, quantize_inputs, run_block, run_reference
from pqc.passes.attributes import GRID, Grids, main_of, set_calibration, set_target
from pqc.passes.calibrate_ranges import CalibrateRangesPass
from pqc.passes.choose_bitwidths import ChooseBitwidthsPass
from pqc.passes.given_grids import gridded_values
from pqc.passes.pipeline import run_pipeline
from pqc.passes.quantize import QuantizePass
from pqc.planning.target import load_target


def quantized(folder: Path, bits: int, *, least_error: bool, target: str = "pqa") -> tuple[ModuleOp, float]:
    """The network with grids, and the squared error of what it gives in integers on other frames."""
    drawn = three_convolutions(3)
    module = import_model(save(drawn.proto, folder)).module
    set_target(module, load_target(target))
    set_calibration(module, [drawn.data(40)["input0"]])
    run_pipeline(make_context(), module, [CalibrateRangesPass(bits, least_error=least_error)])
    exact, frames = module.clone(), [drawn.data(30, seed=5)["input0"]]
    run_pipeline(make_context(), module, [ChooseBitwidthsPass(), QuantizePass()])
    (found,) = dequantize_outputs(module, run_reference(module, quantize_inputs(module, frames)))
    (wanted,) = run_block(main_of(exact).body.block, frames)
    return exact, float(np.square(found - wanted).mean())


@pytest.mark.parametrize("target", ["pqa", "pqa-shift"])
@pytest.mark.parametrize("bits", [3, 4])
def test_outputs_are_closer(bits: int, target: str, tmp_path: Path) -> None:
    _, cut_off = quantized(tmp_path, bits, least_error=True, target=target)
    _, held = quantized(tmp_path, bits, least_error=False, target=target)
    assert cut_off < held


def test_scales_are_finer_and_never_of_wide_values(tmp_path: Path) -> None:
    cut_off, held = (quantized(tmp_path, 4, least_error=choice)[0] for choice in (True, False))
    pairs = [
        (one[x], other[y])
        for one, other in [(Grids(cut_off), Grids(held))]
        for x, y in zip(
            gridded_values(main_of(cut_off).body.block), gridded_values(main_of(held).body.block), strict=True
        )
    ]
    assert all(one.scale.data <= other.scale.data for one, other in pairs)
    assert any(one.scale.data < other.scale.data for one, other in pairs)
    assert all(one == other for one, other in pairs if one.integers.bits >= 8)
    assert {one.integers.bits for one, _ in pairs} == {4, 16}


def test_eight_bits_hold_everything(tmp_path: Path) -> None:
    one, other = (quantized(tmp_path, 8, least_error=choice)[0] for choice in (True, False))
    grids = [[op.attributes.get(GRID) for op in main_of(module).body.block.ops] for module in (one, other)]
    assert grids[0] == grids[1]
