"""What a sweep does, in which order, and what it leaves out because it is done."""

from __future__ import annotations

import shutil
from concurrent.futures import BrokenExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from support.sweeps import SPACE, Watcher, space_of, threads, write_network

from pqc.errors import InternalError, ModelError
from pqc.exploration import sweep as sweeping
from pqc.exploration.jobs import FitJob, MeasureJob
from pqc.exploration.plan import Plan, make_plan
from pqc.exploration.sources import Sources, identify
from pqc.exploration.store import Record, Store
from pqc.exploration.sweep import FITS, Sweep

EXCLUDING = (
    'pq = {prototypes = 8, images = 16, exclude = [["nothing"], []]}\ntarget.set.buffers.codebook = [32, 0.0625]'
)
"""Four points: two cannot be fitted, one does not fit the target, one is fine."""


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return write_network(tmp_path)


def plan_of(text: str, sources: Sources) -> Plan:
    space = space_of(text)
    return make_plan(space.points, identify(sources, {point.pq.images for point in space.points}))


def swept(plan: Plan, folder: Path, sources: Sources, steps: int = 10**9) -> tuple[Watcher, Sweep]:
    """A sweep that stops after so many steps."""
    watcher = Watcher()
    with Store(folder / "points.jsonl") as store, threads() as engine:
        sweep = Sweep(plan, store, folder, sources, watcher)
        sweep.run(engine, lambda: len(watcher.steps) > steps)
    return watcher, sweep


def lines(folder: Path) -> list[str]:
    return (folder / "points.jsonl").read_text().splitlines()[1:]


def test_everything_is_done_once(sources: Sources, tmp_path: Path) -> None:
    plan = plan_of(SPACE, sources)
    watcher, _ = swept(plan, tmp_path, sources)
    # Two fits, and for each two targets and one evaluation.
    assert watcher.steps == [(done, 8) for done in range(9)]
    assert len(lines(tmp_path)) == 6
    assert watcher.refusals == []
    with Store(tmp_path / "points.jsonl") as store:
        outcomes = [planned.outcome(store) for planned in plan.points]
    assert all(outcome is not None and outcome["cycles"] > 0 for outcome in outcomes)
    again, _ = swept(plan, tmp_path, sources)
    assert again.steps == [(0, 0)]
    assert len(lines(tmp_path)) == 6


@pytest.mark.parametrize("steps", [1, 4, 6])
def test_it_goes_on_where_it_stopped(steps: int, sources: Sources, tmp_path: Path) -> None:
    plan = plan_of(SPACE, sources)
    first, _ = swept(plan, tmp_path, sources, steps)
    before = len(lines(tmp_path))
    second, _ = swept(plan, tmp_path, sources)
    fits = len(list((tmp_path / FITS).iterdir()))
    assert (fits, len(lines(tmp_path))) == (2, 6)
    assert second.steps[-1][0] <= 8 - before
    assert first.steps[-1][0] >= steps
    whole = tmp_path / "whole"
    whole.mkdir()
    swept(plan, whole, sources)
    assert sorted(lines(tmp_path)) == sorted(lines(whole))


def test_a_larger_space_only_adds(sources: Sources, tmp_path: Path) -> None:
    swept(plan_of(SPACE, sources), tmp_path, sources)
    before = lines(tmp_path)
    larger = plan_of(SPACE.replace("[4, 8]", "[4, 8, 16]").replace('"tiny"]', '"tiny", "pqa-hbm"]'), sources)
    watcher, _ = swept(larger, tmp_path, sources)
    assert lines(tmp_path)[: len(before)] == before
    # One more target for two fits, and a new fit with three targets and an evaluation.
    assert watcher.steps[-1] == (2 + 1 + 3 + 1,) * 2


def test_other_images_only_ask_for_evaluations(sources: Sources, tmp_path: Path) -> None:
    swept(plan_of(SPACE, sources), tmp_path, sources)
    fewer = replace(sources, images=10)
    watcher, _ = swept(plan_of(SPACE, fewer), tmp_path, fewer)
    assert watcher.steps[-1] == (2, 2)


def test_a_fit_that_was_deleted_is_done_again_if_it_is_needed(sources: Sources, tmp_path: Path) -> None:
    swept(plan_of(SPACE, sources), tmp_path, sources)
    shutil.rmtree(tmp_path / FITS)
    assert swept(plan_of(SPACE, sources), tmp_path, sources)[0].steps == [(0, 0)]
    more = plan_of(SPACE.replace('"tiny"]', '"tiny", "pqa-hbm"]'), sources)
    assert swept(more, tmp_path, sources)[0].steps[-1] == (4, 4)


def test_points_that_cannot_be_done_stop_nothing(sources: Sources, tmp_path: Path) -> None:
    plan = plan_of(EXCLUDING, sources)
    watcher, sweep = swept(plan, tmp_path, sources)
    reasons = [reason for _, reason in watcher.refusals]
    assert sum("matches 'nothing'" in reason for reason in reasons) == 2
    assert sum("codebook" in reason for reason in reasons) == 1
    assert sweep.faults == []
    assert watcher.steps[-1] == (5, 5)
    with Store(tmp_path / "points.jsonl") as store:
        refused = ["refused" in (planned.outcome(store) or {}) for planned in plan.points]
    assert refused == [True, True, False, True]
    assert swept(plan, tmp_path, sources)[0].steps == [(0, 0)]


def test_a_fault_of_pqc_stops_nothing_and_is_tried_again(
    sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(job: MeasureJob) -> Record:
        if job.target.name == "tiny":
            raise InternalError("a bug", "the IR")
        return right(job)

    right = sweeping.measure
    monkeypatch.setattr(sweeping, "measure", faulty)
    plan = plan_of(SPACE, sources)
    _, sweep = swept(plan, tmp_path, sources)
    assert [(str(fault), fault.ir) for fault in sweep.faults] == [("a bug", "the IR")] * 2
    monkeypatch.setattr(sweeping, "measure", right)
    watcher, sweep = swept(plan, tmp_path, sources)
    assert watcher.steps[-1] == (2, 2)
    assert sweep.faults == []


def test_an_earlier_group_comes_to_its_end_before_a_later_one_begins(
    sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def noting(job: FitJob) -> Record:
        begun.append((job.pq.prototypes, len(lines(tmp_path))))
        return right(job)

    begun: list[tuple[int, int]] = []
    right = sweeping.fit
    monkeypatch.setattr(sweeping, "fit", noting)
    with Store(tmp_path / "points.jsonl") as store, threads(1) as engine:
        Sweep(plan_of(SPACE, sources), store, tmp_path, sources, Watcher()).run(engine, lambda: False)
    assert begun == [(4, 0), (8, 3)]


def test_data_that_went_away_ends_the_sweep(sources: Sources, tmp_path: Path) -> None:
    plan = plan_of(SPACE, sources)
    assert sources.evaluation is not None
    sources.evaluation.unlink()
    with pytest.raises(ModelError, match=r"e\.npz: no such file"):
        swept(plan, tmp_path, sources)


def test_a_process_that_ends_without_an_answer(
    sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(job: FitJob) -> Record:
        raise BrokenExecutor(job.folder)

    monkeypatch.setattr(sweeping, "fit", lost)
    with pytest.raises(ModelError, match=r"a worker was lost before it answered.*; the same command goes on"):
        swept(plan_of(SPACE, sources), tmp_path, sources)


def test_it_waits_for_workers_to_come_back(sources: Sources, tmp_path: Path) -> None:
    asked: list[int] = []

    def slots() -> int:
        asked.append(1)
        return 0 if len(asked) < 3 else 2

    plan = plan_of(SPACE, sources)
    with Store(tmp_path / "points.jsonl") as store, threads() as engine:
        Sweep(plan, store, tmp_path, sources, Watcher()).run(replace(engine, slots=slots), lambda: False)
        assert all(planned.outcome(store) is not None for planned in plan.points)


def test_what_an_interrupted_fit_left_is_cleared_away(sources: Sources, tmp_path: Path) -> None:
    half = tmp_path / FITS / ".half.host.7"
    half.mkdir(parents=True)
    (half / "quantized.mlir").write_text("half")
    swept(plan_of(SPACE, sources), tmp_path, sources)
    assert not half.exists()
