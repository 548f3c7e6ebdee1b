"""Estimates say of a network what its compilation will say, without compiling it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command_line import small_network
from support.onnx_models import save
from xdsl.dialects.builtin import ModuleOp

from pqc.api import CompileRequest, PqOptions, compile_model
from pqc.compilation import quantize_model
from pqc.dialects.pq import LookupOp
from pqc.estimation import estimate_model
from pqc.passes.attributes import main_of
from pqc.passes.layer_facts import lookup_facts
from pqc.planning.target import load_target
from pqc.report.layers import LayerFacts


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save(small_network(), tmp_path)


def facts(module: ModuleOp) -> list[LayerFacts]:
    """What a quantized module says of its layers."""
    ops = main_of(module).body.block.ops
    return [LayerFacts.from_json(lookup_facts(op)) for op in ops if isinstance(op, LookupOp)]


def test_agrees_with_the_report_of_the_compilation(model: Path) -> None:
    target, options = load_target("pqa-o64-s32"), PqOptions(prototypes=8, length=5, table_bits=6)
    report = compile_model(CompileRequest(model, target, options)).report
    estimate = estimate_model(model, target, options)
    figures = estimate.as_json()
    for name in ("paper_model_pq", "lower_bound_pq"):
        assert figures["cycles"][name] == report["cycles"][name]
    compiled = {layer["node"]: layer["paper_model_cycles"] for layer in report["layers"] if layer["pq"]}
    assert {layer.node: layer.cycles.cycles for layer in estimate.layers} == compiled == {"conv2": 64}
    assert figures["areas"]["released"]["target"]["clb"] == report["area_clb"]
    assert set(estimate.others) == {"conv1", "fc"}


@pytest.mark.parametrize(
    "options",
    [
        PqOptions(prototypes=4, length=3, grouping="channel"),
        PqOptions(prototypes=4, length=99, grouping="channel", include=("conv1",)),
        PqOptions(prototypes=16, length=99, include=("fc",), prototype_bits=7),
        PqOptions(prototypes=4, length=2, activation_bits=5, exclude=("conv2",), include=("*",)),
    ],
    ids=["channel", "long", "product", "narrow"],
)
def test_agrees_with_the_quantized_network(model: Path, options: PqOptions) -> None:
    target = load_target("pqa")
    found = facts(quantize_model(CompileRequest(model, target, options)))
    estimate = estimate_model(model, target, options)
    assert [layer.node for layer in estimate.layers] == [layer.node for layer in found]
    assert estimate.cycles == [layer.paper_cycles(target) for layer in found]
    for layer, fact in zip(estimate.layers, found, strict=True):
        assert layer.conventional == fact.conventional_cycles(target)
        assert layer.quantized.prototype_bits == fact.prototype_bits


def test_no_layer(model: Path) -> None:
    estimate = estimate_model(model, load_target("pqa"), PqOptions(exclude=("*",)))
    assert estimate.layers == ()
    assert estimate.as_json()["cycles"] == dict.fromkeys(("paper_model_pq", "lower_bound_pq", "init", "calc", "dla"), 0)
    assert estimate.areas()["released"]["target"]["perf_per_area"] is None


def test_resnet20_is_the_network_of_the_paper(shared: Path) -> None:
    options = PqOptions(prototypes=16, length=9, table_bits=16)
    estimate = estimate_model(shared / "data" / "resnet20.onnx", load_target("pqa"), options)
    figures = estimate.as_json()
    assert len(estimate.layers) == 18
    assert figures["cycles"] == {
        "paper_model_pq": 17183,
        "lower_bound_pq": 11776,
        "init": 11090,
        "calc": 11776,
        "dla": 17763,
    }
    assert figures["table_bits"] == 475_136 * 16
    assert figures["codebook_bits"] == 89_856 * 8
    assert figures["areas"]["released"]["trimmed"]["perf_per_area"] == pytest.approx(1.35, abs=0.005)
    assert figures["areas"]["no-dsp"]["trimmed"]["perf_per_area"] == pytest.approx(3.99, abs=0.005)
