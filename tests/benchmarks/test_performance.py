"""What docs/performance.md is made with: the points are the paper's, records survive, promises are judged."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import performance
import performance_runs
import pytest
from click.testing import CliRunner
from performance_points import (
    FIXED_BUFFERS,
    GROUPED_POINTS,
    PAPER_POINTS,
    SWEEP,
    Configuration,
    Hardware,
    Point,
    Room,
    area_hardware,
    buffers,
    sweep_hardware,
)
from performance_runs import Record, Results, measure, paper_cycles, quantize, run, workload
from performance_tables import Accuracy, AreaRow, Row, Verdict, document, judge_fixed, judge_sweep
from xdsl.dialects.builtin import ModuleOp

from pqc.errors import ModelError
from pqc.planning.paper_model import AreaRule, Lanes, area, lower_bound, paper_sum
from pqc.planning.target import Target

SMALLEST = Configuration("kws", 8, 8, 8, 16)
HARDWARE = Hardware("DDR", Lanes(32, 16, 16, 8, 8))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("performance")


def test_the_sweep_is_the_paper_s(shared: Path, folder: Path) -> None:
    expected: dict[tuple[str, ...], list[tuple[int, float]]] = {}
    names = ("network", "Np", "Ls", "proto_bits", "lut_bits", "memory")
    lanes = ("num_out_vec", "num_subspace_vec", "num_subspace_vec", "proto_length_vec", "num_proto_vec")
    with (shared / "paper_cycles.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            cycles = int(row["Ncycles_initialization"]), float(row["Ncycles_calculation"])
            expected.setdefault(tuple(row[name] for name in (*names, *lanes)), []).append(cycles)
    found = 0
    for configuration in SWEEP:
        c = configuration
        quantized = c.network, c.prototypes, c.length, c.prototype_bits, c.table_bits
        for hardware in sweep_hardware(c):
            key = tuple(map(str, (*quantized, hardware.memory, *vars(hardware.lanes).values())))
            layers = expected.pop(key)
            cycles = paper_cycles(c, hardware, folder)
            assert paper_sum(cycles) == sum(max(pair) for pair in layers)
            assert lower_bound(cycles) == max(map(sum, zip(*layers, strict=True)))
            found += 1
    assert found == 168
    assert not expected


def test_targets_have_the_lanes_of_the_hardware() -> None:
    for hardware in sweep_hardware(FIXED_BUFFERS):
        target = hardware.target(100, 10)
        assert Lanes.of(target) == hardware.lanes
        assert target.vector.lanes == target.lookup.output_lanes
        assert (target.buffers.table, target.buffers.codebook) == (100, 10)


def test_buffers_have_room(folder: Path) -> None:
    layers = workload(FIXED_BUFFERS, "DDR", folder).layers
    table, codebook = buffers(layers, Room.TWO_LAYERS)
    assert codebook == 2 * 9
    assert 2 * 128 < table < 2 * 129
    table, codebook = buffers(layers, Room.ALL_LAYERS)
    assert codebook == 89_856 / 1024
    assert 928 < table < 950
    for configuration in (*SWEEP, *GROUPED_POINTS):
        for room in Room:
            assert HARDWARE.target(*buffers(workload(configuration, "DDR", folder).layers, room)).buffers.table > 0


def test_grouped_points_have_lanes_of_their_own(folder: Path) -> None:
    paper = area_hardware(PAPER_POINTS[0], "DDR", AreaRule.NO_DSP, workload(PAPER_POINTS[0], "DDR", folder))
    assert paper.lanes == Lanes(32, 16, 16, 9, 16)
    grouped = next(point for point in GROUPED_POINTS if (point.prototypes, point.table_bits) == (32, 5))
    found = area_hardware(grouped, "DDR", AreaRule.PROTOTYPE_LANES, workload(grouped, "DDR", folder))
    assert found.lanes == Lanes(output=32, encode_subspace=2, lookup_subspace=18, length=8, prototype=32)


def test_points_are_measured_once(folder: Path) -> None:
    path = folder / "run" / "results.jsonl"
    layers = workload(SMALLEST, "DDR", folder).layers
    points = [Point(SMALLEST, HARDWARE, *buffers(layers, room)) for room in Room]
    run(points, Results(path), folder, 1)
    written = path.read_text()
    results = Results(path)
    for point in points:
        record = results.get(point)
        assert record is not None
        assert record["cycles"]["paper_model_pq"] == record["cycles"]["lower_bound_pq"] == 2500
        assert record["cycles"]["pq"] > 0
    run(points, results, folder, 1)
    assert path.read_text() == written


def test_what_the_compiler_refuses_is_recorded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(module: ModuleOp, target: Target) -> None:
        raise ModelError(f"node 'pointwise0' does not fit {target.name}")

    monkeypatch.setattr(performance_runs, "compile_quantized", refuse)
    quantize(SMALLEST, folder)
    assert measure(Point(SMALLEST, HARDWARE, 64, 8), folder) == {"refused": "node 'pointwise0' does not fit pqa"}


def test_a_torn_record_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, point = tmp_path / "results.jsonl", Point(SMALLEST, HARDWARE, 64, 8)
    Results(path).put(point, {"cycles": {"pq": 1}})
    whole = path.read_text()
    path.write_text(whole + whole[:-5])
    assert Results(path).get(point) == {"cycles": {"pq": 1}}
    assert path.read_text() == whole
    assert Results(path).get(replace(point, table_kib=65)) is None
    monkeypatch.setattr(performance_runs, "source_digest", lambda: "another version")
    assert Results(path).get(point) is None


def row(two: float | None, every: float | None, paper: int = 2500) -> Row:
    return Row(SMALLEST, HARDWARE, paper, 2000, {Room.TWO_LAYERS: two, Room.ALL_LAYERS: every})


def test_promises_about_the_sweep() -> None:
    verdict = Verdict()
    judge_sweep([row(2400, 2000), row(2030, 2000, paper=2000)], verdict)
    assert verdict.broken == []
    assert "the worst of 2 points is 1.015 (kws 8/8 at 8/16 bits, DDR, 32x16 lanes), 0 are above" in verdict.kept[0]
    assert verdict.kept[2].endswith("by more than 5%: 1 of 1 points")
    for broken in (row(5000, 2000), row(None, 2000)):
        verdict = Verdict()
        judge_sweep([row(2400, 2000), broken], verdict)
        assert (len(verdict.broken), len(verdict.kept)) == (2, 1)
        assert "twice the largest layer" in verdict.broken[0]
        assert verdict.broken[1].endswith("1 of 2 points, not kws 8/8 at 8/16 bits, DDR, 32x16 lanes")
    verdict = Verdict()
    judge_sweep([row(None, None)], verdict)
    assert len(verdict.broken) == 3


def test_a_point_that_gains_nothing_breaks_a_promise() -> None:
    verdict = Verdict()
    judge_sweep([row(2500, 2000)], verdict)
    assert (len(verdict.broken), len(verdict.kept)) == (1, 2)
    assert "below the paper's sum wherever that exceeds the lower bound by more than 5%: 0 of 1" in verdict.broken[0]


def test_promises_about_given_buffers() -> None:
    verdict = Verdict()
    judge_fixed({560: 12_000, 274: None}, verdict)
    assert len(verdict.kept) == len(verdict.broken) == 1
    assert verdict.broken[0].endswith("at most 14,600 cycles, found refused")
    judge_fixed({560: 12_000.5}, verdict)
    assert verdict.lines()[1].startswith("* **broken**: ResNet-20 16/9")


ENTRY = """[[measured]]
network = "kws"
prototypes = 8
length = 8
grouping = "window"
bits = [8, 16]
metric = "l1"
top1 = 0.875
"""


def test_the_document(tmp_path: Path) -> None:
    (tmp_path / "accuracy.toml").write_text(ENTRY)
    accuracy = Accuracy(tmp_path / "accuracy.toml")
    verdict, clb = Verdict(), area(HARDWARE.lanes)
    judge_sweep([row(2500, None)], verdict)
    measured = AreaRow(SMALLEST, HARDWARE, AreaRule.NO_DSP, 2000, 2100.0, clb, 3.125)
    modelled = AreaRow(SMALLEST, HARDWARE, AreaRule.RELEASED, 2000, None, clb, 1.5)
    text = document(verdict, [row(2500, None)], [measured, modelled], accuracy)
    assert "| kws | 8/8 | 8/16 | DDR | 32x16 | 2,500 | 2,000 | 2,500 | refused | 1.000 |  |" in text
    assert "| no-dsp | 16x8x8 | 16x32 | 18,883 | 2,000 | 2,100 | 3.12 | 87.50% (l1) |" in text
    assert "| released | 16x8x8 | 16x32 | 18,883 | 2,000 | not compiled | 1.50 (model) | not measured |" in text
    assert "* **broken**: with room for all layers" in text


def test_the_file_of_accuracies_is_one() -> None:
    path = Path(performance.__file__).with_name("accuracy.toml")
    assert Accuracy(path).cell(SMALLEST, AreaRule.RELEASED) == "not measured"


def test_the_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cycles = {"pq": 1500.0}

    def pretend(points: list[Point], results: Results, folder: Path, jobs: int) -> None:
        for point in points:
            record: Record = {"cycles": cycles}
            results.put(point, record)

    monkeypatch.setattr(performance, "run", pretend)
    words = ["--only", "kws 8/8 8/16", "--folder", str(folder / "command")]
    result = CliRunner().invoke(performance.main, words)
    assert result.exit_code == 0
    assert result.output.count("| kws | 8/8 | 8/16 |") == 12
    cycles["pq"] = 1e6
    assert CliRunner().invoke(performance.main, words).exit_code == 1
    result = CliRunner().invoke(performance.main, ["--only", "nothing"])
    assert result.exit_code == 2
    assert "the configurations are ResNet-20 64/3 8/16, " in result.output
