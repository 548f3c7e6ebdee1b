"""A whole exploration from Python: what is written whatever happens, and what is checked first."""

from __future__ import annotations

import csv
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from support.sweeps import SPACE, Watcher, space_of, threads, write_network

from pqc.errors import InternalError, ModelError
from pqc.exploration import sweep as sweeping
from pqc.exploration.engine import Engine
from pqc.exploration.explore import FRONT, POINTS, RESULTS, STORE, Exploration
from pqc.exploration.jobs import MeasureJob
from pqc.exploration.objectives import DEFAULT
from pqc.exploration.store import Record


@pytest.fixture
def exploration(tmp_path: Path) -> Exploration:
    return Exploration.prepare(space_of(SPACE), write_network(tmp_path), DEFAULT)


def test_results_and_files(exploration: Exploration, tmp_path: Path) -> None:
    folder, watcher = tmp_path / "deep" / "sweep", Watcher()
    results = exploration.run(folder, threads, watcher, lambda: False)
    assert (watcher.left, watcher.dropped) == (4, False)
    assert {path.name for path in folder.iterdir()} == {"fits", STORE, POINTS, FRONT, RESULTS}
    assert [result.settings["target"] for result in results.results] == ["pqa", "tiny"] * 2
    assert results.comparable() == list(results.results)
    assert 1 <= len(results.front) <= 4
    exploration.draw(results, folder)
    assert {path.name for path in folder.glob("front.*")} == {FRONT, "front.svg", "front.png"}


def test_without_work_no_engine_is_started(exploration: Exploration, tmp_path: Path) -> None:
    def never() -> AbstractContextManager[Engine]:
        raise AssertionError

    exploration.run(tmp_path / "sweep", threads, Watcher(), lambda: False)
    results = exploration.run(tmp_path / "sweep", never, Watcher(), lambda: False)
    assert results.count("done") == 4


def test_stopped_at_once_everything_is_open(exploration: Exploration, tmp_path: Path) -> None:
    results = exploration.run(tmp_path / "sweep", threads, Watcher(), lambda: True)
    assert results.count("open") == 4
    rows = list(csv.DictReader((tmp_path / "sweep" / POINTS).read_text().splitlines()))
    assert [row["status"] for row in rows] == ["open"] * 4


def test_faults_are_raised_when_all_else_is_written(
    exploration: Exploration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(job: MeasureJob) -> Record:
        if job.target.name == "tiny":
            raise InternalError("a bug", "the IR")
        return right(job)

    right = sweeping.measure
    monkeypatch.setattr(sweeping, "measure", faulty)
    with pytest.raises(InternalError, match="2 points could not be done: a bug") as caught:
        exploration.run(tmp_path / "sweep", threads, Watcher(), lambda: False)
    assert caught.value.ir == "the IR"
    rows = list(csv.DictReader((tmp_path / "sweep" / POINTS).read_text().splitlines()))
    assert [row["status"] for row in rows] == ["done", "open"] * 2


def test_objectives_are_checked_before_the_model_is_read(tmp_path: Path) -> None:
    sources = write_network(tmp_path)
    sources.model.unlink()
    with pytest.raises(ModelError, match="there is no objective 'speed'"):
        Exploration.prepare(space_of(SPACE), sources, ("cycles", "speed"))
