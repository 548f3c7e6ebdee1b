"""`pqc explore`: what it prints, what it writes, and that nothing is done twice."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest
from support.command_line import Result, pqc
from support.sweeps import SPACE, write_network

from pqc.cli.explore import EXPLAINED, OBJECTIVES
from pqc.errors import InternalError
from pqc.exploration import objectives
from pqc.exploration.explore import Exploration

WORDS = ("explore", "m.onnx", "--calibrate", "c.npz", "--jobs", "1")
FILES = ("points.csv", "front.csv", "results.json", "front.svg", "front.png")
LABELLED = ("--evaluate", "e.npz")


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A folder with a network and one sweep in `sweep`, and what the command said."""
    folder = tmp_path_factory.mktemp("explore")
    write_network(folder)
    (folder / "space.toml").write_text(SPACE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return folder, pqc(*WORDS, "--space", "space.toml", *LABELLED, "-o", "sweep")


@pytest.fixture
def here(swept: tuple[Path, Result], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(swept[0])
    return swept[0]


def table(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "points.csv").read_text().splitlines()))


def content(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def test_what_it_says_and_writes(here: Path, swept: tuple[Path, Result]) -> None:
    result = swept[1]
    assert result.code == 0, result.talk
    rows = table(here / "sweep")
    front = [row for row in rows if row["front"] == "1"]
    assert result.talk == (
        "space.toml: 4 points, 2 quantized networks; 4 points are left to do\n"
        f"sweep: 4 points have figures, {len(front)} on the Pareto front\n"
    )
    header, *lines = result.text.splitlines()
    assert header.split() == ["prototypes", "target", "cycles", "area", "CLB", "table_bytes", "KiB", "accuracy", "%"]
    shown = [(line.split()[0], line.split()[1], int(line.split()[2].replace(",", ""))) for line in lines]
    assert sorted(shown) == sorted((row["prototypes"], row["target"], int(row["cycles"])) for row in front)
    assert [cycles for _, _, cycles in shown] == sorted(cycles for _, _, cycles in shown)
    for name in FILES:
        assert (here / "sweep" / name).stat().st_size > 100
    whole = json.loads((here / "sweep" / "results.json").read_text())
    assert (whole["model"], whole["calibration"], whole["evaluation"]) == ("m.onnx", "c.npz", "e.npz")
    assert whole["space"] == {"pq": {"prototypes": [4, 8], "images": 16}, "target": {"name": ["pqa", "tiny"]}}


def test_again_does_nothing_and_says_the_same(here: Path, swept: tuple[Path, Result]) -> None:
    before, records = content(here / "sweep"), (here / "sweep" / "points.jsonl").read_bytes()
    again = pqc(*WORDS, "--space", "space.toml", *LABELLED, "-o", "sweep", "--json")
    assert again.code == 0
    assert "; no points are left to do\n" in again.talk
    assert again.output == before["results.json"]
    assert content(here / "sweep") == before
    assert (here / "sweep" / "points.jsonl").read_bytes() == records


@pytest.mark.usefixtures("here")
def test_without_labels_the_error_stands_in_for_the_accuracy() -> None:
    result = pqc(*WORDS, "--space", "space.toml", "-o", "sweep")
    assert result.code == 0
    assert "no labelled images (--evaluate): points are judged by the error of the outputs" in result.talk
    assert result.text.splitlines()[0].endswith("  error")


def test_refused_points_are_shown_and_stop_nothing(here: Path) -> None:
    (here / "hard.toml").write_text(
        'pq = {prototypes = 8, images = 16, exclude = [["none*"], []]}\ntarget.set.buffers.codebook = [32, 0.0625]\n'
    )
    result = pqc(*WORDS, "--space", "hard.toml", *LABELLED, "-o", "hard")
    assert result.code == 0
    lines = result.talk.splitlines()
    reason = "no layer's node name matches 'none*'; the layers are conv1, conv2, fc"
    for codebook in ("32", "0.0625"):
        assert f'refused: exclude ["none*"], buffers.codebook {codebook}: {reason}' in lines
    assert any(line.startswith("refused: exclude [], buffers.codebook 0.0625: ") for line in lines)
    assert lines[-1] == "hard: 1 points have figures, 3 are refused (points.csv says why), 1 on the Pareto front"
    assert [row["status"] for row in table(here / "hard")] == ["refused", "refused", "done", "refused"]
    again = pqc(*WORDS, "--space", "hard.toml", *LABELLED, "-o", "hard")
    assert "no points are left to do" in again.talk


def test_where_nothing_can_be_done_there_is_no_front(here: Path) -> None:
    (here / "none.toml").write_text('pq = {images = 16, exclude = ["none*"]}\n')
    result = pqc(*WORDS, "--space", "none.toml", *LABELLED, "-o", "none")
    assert result.code == 0
    assert "refused: the only point: no layer's node name matches" in result.talk
    assert "there is no picture: no point has a figure for every objective" in result.talk
    assert result.text == "no point has all figures that it is to be judged by\n"


def test_without_matplotlib_there_are_tables(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "one.toml").write_text("pq = {prototypes = 4, images = 16}\n")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = pqc(*WORDS, "--space", "one.toml", *LABELLED, "-o", "one")
    assert result.code == 0
    assert "there is no picture: it needs the package matplotlib" in result.talk
    assert sorted(path.name for path in (here / "one").iterdir()) == [
        *("fits", "front.csv", "points.csv", "points.jsonl", "results.json")
    ]


def test_a_fault_of_pqc_is_told_when_all_else_is_done(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(*_: object) -> None:
        raise InternalError("2 points could not be done: a bug", "the IR")

    monkeypatch.setattr(Exploration, "run", faulty)
    with pytest.raises(InternalError, match="a bug"):
        pqc(*WORDS, "--space", "space.toml", "-o", str(here / "faulty"))


def test_every_objective_is_explained() -> None:
    assert tuple(OBJECTIVES.split(",")) == objectives.DEFAULT
    for name in objectives.OBJECTIVES:
        assert f"\n  {name} " in EXPLAINED
