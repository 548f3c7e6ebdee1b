"""The report and the contents of a program."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.example_program import example_program
from support.programs import PqLayer, pq_program
from support.streams import Stream, streams

from pqc.interpreter.timing import simulate
from pqc.isa.fields import Memory, Unit
from pqc.isa.instructions import Lookup
from pqc.isa.program import Program
from pqc.planning.paper_model import CONVENTIONAL_AREA, Lanes, area, conventional_cycles, layer_cycles, pq_cycles
from pqc.planning.paper_model import PqLayer as PaperLayer
from pqc.planning.target import target_from_dict
from pqc.report.contents import program_contents
from pqc.report.layers import LayerFacts, layer_facts
from pqc.report.report import build_report

RNG = np.random.default_rng(0)
LAYERS = [PqLayer.random(RNG, 3, 4, 6), PqLayer.random(RNG, 4, 5, 6)]
GEOMETRY = {"height": 6, "width": 6, "kernel": [3, 3], "stride": 1}


def record(name: str, layer: PqLayer, **more: Any) -> dict[str, Any]:
    return {
        "node": name, "op": "pq", "pq": True, "prototypes": 16, "length": 9, "subspaces": layer.channels,
        "columns": layer.columns, "outputs": layer.outputs, "prototype_bits": 8, "table_bits": 8,
        "channels": layer.channels, **GEOMETRY, **more,
    }  # fmt: skip


def program(**more: Any) -> Program:
    layers = [record(f"layer{index}", layer, **more) for index, layer in enumerate(LAYERS)]
    return replace(pq_program(LAYERS), provenance={"layers": layers})


def test_cycles_compare_with_the_paper() -> None:
    made = program()
    target = target_from_dict(made.target)
    report = build_report(made)
    paper = [layer_cycles(36, layer.channels, 16, 9, layer.outputs, 8, 8, target) for layer in LAYERS]
    cycles = report["cycles"]
    assert cycles["latency"] == simulate(made.instructions, target, credits=made.credits).cycles
    assert cycles["paper_model_pq"] == sum(max(layer.init, layer.calc) for layer in paper)
    assert cycles["lower_bound_pq"] == max(sum(layer.init for layer in paper), sum(layer.calc for layer in paper))
    assert cycles["lower_bound_pq"] <= cycles["paper_model_pq"] <= cycles["pq"]
    # Layers that are all product-quantized, but activations and parameters move, too.
    assert cycles["pq"] < cycles["steady_state"] == cycles["latency"]
    assert [layer["paper_model_cycles"] for layer in report["layers"]] == [layer.cycles for layer in paper]


def test_layers_grouped_by_channel() -> None:
    made = program(groups=1, encode_columns=4 * 36)
    target = target_from_dict(made.target)
    paper = [
        pq_cycles(PaperLayer(36, 4 * 36, layer.channels, 1, 16, 9, layer.outputs, 8, 8), Lanes.of(target), 751)
        for layer in LAYERS
    ]
    found = build_report(made)
    assert [layer["paper_model_cycles"] for layer in found["layers"]] == [layer.cycles for layer in paper]
    assert found["cycles"]["paper_model_pq"] > build_report(program())["cycles"]["paper_model_pq"]


def test_layers_add_up() -> None:
    report = build_report(program())
    assert [layer["node"] for layer in report["layers"]] == ["layer0", "layer1"]
    for figure, total in (("cycles", "steady_state"), ("latency_cycles", "latency"), ("pq_cycles", "pq")):
        assert sum(layer[figure] for layer in report["layers"]) == report["cycles"][total]
    assert sum(layer["instructions"] for layer in report["layers"]) == report["instructions"]
    for layer in report["layers"]:
        assert layer["unit_cycles"][layer["bound"]] == max(layer["unit_cycles"].values())
        assert layer["runs_on"] == "encode+lookup"


def facts_of(stream: Stream) -> list[dict[str, Any]]:
    """Records for the product-quantized tiles of a stream, as if each were a layer."""
    pairs = zip(stream.instructions, stream.nodes, strict=True)
    return [
        {
            "node": node, "op": "pq", "pq": True, "prototypes": 8, "length": 9, "subspaces": x.subspaces,
            "columns": x.output_rows * x.output_columns, "outputs": x.outputs, "prototype_bits": 8, "table_bits": 8,
        }
        for x, node in pairs if isinstance(x, Lookup)
    ]  # fmt: skip


@settings(max_examples=40)
@given(streams(), st.integers(1, 3))
def test_figures_add_up(stream: Stream, batch: int) -> None:
    report = build_report(stream.program(batch, layers=facts_of(stream)))
    cycles, layers = report["cycles"], report["layers"]
    close = partial(pytest.approx, rel=1e-9, abs=1e-6)
    assert sum(layer["cycles"] for layer in layers) == close(cycles["steady_state"])
    assert sum(layer["latency_cycles"] for layer in layers) == cycles["latency"]
    assert sum(layer["pq_cycles"] for layer in layers) == close(cycles["pq"])
    assert sum(share["cycles"] for share in report["critical"]) == close(cycles["steady_state"])
    assert sum(layer["dram_bytes"] for layer in layers) == close(report["dram"]["bytes"])
    for layer in layers:
        alone = layer["pq_cycles"] if layer["pq"] else layer["cycles"]
        assert alone - layer["estimate_cycles"] == close(layer["difference_cycles"])
        assert sum(part["cycles"] for part in layer["explanation"]) == close(layer["difference_cycles"])
        assert sum(layer["critical"].values()) == close(layer["cycles"])
        assert layer["estimate_cycles"] <= layer["paper_model_cycles"] or not layer["pq"]
    for unit, entry in report["units"].items():
        assert entry["busy"] + entry["idle"] + sum(entry["stalls"].values()) == close(cycles["steady_state"])
        assert entry["idle"] >= -1e-6
        assert sum(layer["unit_cycles"].get(unit, 0) for layer in layers) == close(entry["busy"])
        found: Counter[str] = Counter()
        for layer in layers:
            found.update(layer["stalls"].get(unit, {}))
        assert dict(found) == close(entry["stalls"])
    busiest = report["dram"] if report["bottleneck"] == "dram" else report["units"][report["bottleneck"]]
    assert busiest["busy"] == cycles["lower_bound"] <= cycles["steady_state"] + 1e-6
    assert report["throughput_frames_per_second"] == close(300e6 / cycles["steady_state"])
    assert json.loads(json.dumps(report)) == report


def test_a_batch_shares_its_cycles() -> None:
    one, three = build_report(program()), build_report(replace(program(), batch=3))
    assert three["cycles"]["steady_state"] == pytest.approx(one["cycles"]["steady_state"] / 3)
    assert three["cycles"]["latency"] == one["cycles"]["latency"]
    assert (three["frames"], three["batch"]) == (3, 3)
    assert three["throughput_frames_per_second"] == pytest.approx(3 * one["throughput_frames_per_second"])
    target = target_from_dict(program().target)
    paper = [layer_cycles(36, layer.channels, 16, 9, layer.outputs, 8, 8, target) for layer in LAYERS]
    assert three["cycles"]["paper_model_pq"] == one["cycles"]["paper_model_pq"]
    assert three["cycles"]["lower_bound_pq"] == max(sum(x.init for x in paper) / 3, sum(x.calc for x in paper))
    assert [layer["estimate_cycles"] for layer in three["layers"]] == [max(x.init / 3, x.calc) for x in paper]


def test_performance_per_area() -> None:
    made = program()
    target = target_from_dict(made.target)
    report = build_report(made)
    other = sum(
        conventional_cycles(layer.channels, layer.outputs, 6, 6, (3, 3), 1, target.bits_per_cycle).cycles
        for layer in LAYERS
    )
    size = area(Lanes.of(target))
    assert report["area_clb"] == size
    expected = other / report["cycles"]["pq"] * CONVENTIONAL_AREA / size
    assert report["perf_per_area_vs_dla"] == pytest.approx(expected)
    assert build_report(program(stride=0))["perf_per_area_vs_dla"] is None


def test_report_without_recorded_layers() -> None:
    report = build_report(pq_program(LAYERS))
    assert report["cycles"]["pq"] == report["cycles"]["paper_model_pq"] == 0
    assert report["perf_per_area_vs_dla"] is None
    assert [layer["op"] for layer in report["layers"]] == ["encode+lookup"] * 2
    assert report["numerics"] == []


def test_numerics() -> None:
    numerics = [{"node": "layer0", "normalized_error": 0.25}]
    report = build_report(replace(pq_program(LAYERS), provenance={"numerics": numerics}))
    assert report["numerics"] == numerics


def test_memory() -> None:
    made = program()
    report = build_report(made)
    assert set(report["memory"]["peak_bytes"]) == {memory.name.lower() for memory in Memory} - {"dram"}
    # Input and output of the larger layer, its accumulators of two bytes.
    assert report["memory"]["peak_bytes"]["activation"] == (4 + 5) * 36
    assert report["memory"]["peak_bytes"]["accumulator"] == 2 * 5 * 36
    assert report["memory"]["dram_bytes"] == made.dram_bytes
    assert report["memory"]["constants_bytes"] == len(made.constants)
    # One layer after the other: its input until it is encoded, its accumulators until they are requantized.
    assert report["memory"]["lower_bound_bytes"] == {
        "activation": 5 * 36, "codebook": 4 * 16 * 9, "table": 4 * 16 * 5 + 12 * 5, "accumulator": 2 * 5 * 36
    }  # fmt: skip
    regions = [region for region in report["memory"]["regions"] if region["memory"] == "accumulator"]
    assert regions == [
        {"memory": "accumulator", "node": "layer0", "start": 0, "stop": 2 * 4 * 36},
        {"memory": "accumulator", "node": "layer1", "start": 0, "stop": 2 * 5 * 36},
    ]


def test_report_is_json() -> None:
    report = build_report(program())
    assert json.loads(json.dumps(report)) == report


def test_facts_leave_what_they_do_not_know_alone() -> None:
    facts = LayerFacts.from_json({"node": "a", "pq": True, "kernel": [1, 3], "colour": "red"})
    assert facts == LayerFacts("a", pq=True, kernel=(1, 3))
    made = program()
    assert list(layer_facts(replace(made, nodes=("b", *made.nodes[1:])))) == ["b", "layer0", "layer1"]


def test_contents() -> None:
    made = example_program()
    contents = program_contents(made)
    assert contents["instructions"] == {"total": 3, "by_kind": {"load": 1, "encode": 1, "fill": 1}}
    assert [node["runs_on"] for node in contents["nodes"]] == ["encode", "vector"]
    assert contents["inputs"][0]["element"] == "si8"
    assert contents["self_test"]["frames"] == 4
    assert json.loads(json.dumps(contents)) == contents


def test_what_units_say_about_a_node() -> None:
    made = pq_program(LAYERS[:1])
    kinds = {instruction.unit for instruction in made.instructions}
    assert kinds >= {Unit.ENCODE, Unit.LOOKUP}
    assert program_contents(made)["nodes"][0]["runs_on"] == "encode+lookup"
    loads = tuple(instruction for instruction in made.instructions if instruction.unit is Unit.LOAD)
    moved = replace(made, instructions=loads, nodes=("a",) * len(loads))
    assert program_contents(moved)["nodes"][0]["runs_on"] == "transfers only"
