"""A whole exploration: from a space and a network to the files of its results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pqc.errors import InternalError, ModelError
from pqc.exploration.engine import Engine
from pqc.exploration.objectives import Objective, choose
from pqc.exploration.picture import draw
from pqc.exploration.plan import Plan, make_plan
from pqc.exploration.results import OPEN, Results, collect, to_csv, to_json
from pqc.exploration.sources import Identity, Sources, identify
from pqc.exploration.space import Space
from pqc.exploration.store import Store
from pqc.exploration.sweep import Observer, Sweep
from pqc.isa.program import write_whole

STORE = "points.jsonl"
"""In the folder: everything that is done."""

POINTS, FRONT, RESULTS, PICTURE = "points.csv", "front.csv", "results.json", "front"
"""In the folder: what came of it; the picture has a file for each format."""


@dataclass(frozen=True)
class Exploration:
    """Everything that is wanted, read and checked."""

    space: Space
    sources: Sources
    identity: Identity
    objectives: tuple[Objective, ...]
    plan: Plan

    @staticmethod
    def prepare(space: Space, sources: Sources, objectives: Sequence[str]) -> Exploration:
        """Check objectives, network and data before any work is done.

        Raises:
            ModelError: an objective is unknown, the model cannot be imported, or data is not for this model.
        """
        choose(objectives, labelled=True)
        identity = identify(sources, {point.pq.images for point in space.points})
        chosen = choose(objectives, identity.labelled)
        return Exploration(space, sources, identity, chosen, make_plan(space.points, identity))

    def run(
        self,
        folder: Path,
        engine: Callable[[], AbstractContextManager[Engine]],
        observer: Observer,
        stop: Callable[[], bool],
    ) -> Results:
        """Do what is not done yet, and write the results of what is.

        Args:
            folder: keeps the work that is done; it is made if it is not there.
            engine: called if there is work to do.
            observer: is told what happens.
            stop: asked again and again whether to stop; the results then lack what is not done.

        Raises:
            ModelError: the folder is in use or cannot be written, data cannot be read, or a worker ended abruptly.
            InternalError: pqc itself failed for a point; the others are done and written all the same.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ModelError(f"{folder}: this folder cannot be made: {error.strerror}") from None
        with Store(folder / STORE) as store:
            sweep = Sweep(self.plan, store, folder, self.sources, observer)
            observer.started(self._count_open(store), store.dropped)
            if sweep.total:
                with engine() as opened:
                    sweep.run(opened, stop)
            results = collect(self.plan, store, self.objectives, self.space.varied)
            self._write(results, folder)
        if sweep.faults:
            first = sweep.faults[0]
            raise InternalError(f"{results.count(OPEN)} points could not be done: {first}", first.ir)
        return results

    def _count_open(self, store: Store) -> int:
        return sum(planned.outcome(store) is None for planned in self.plan.points)

    def facts(self) -> dict[str, Any]:
        """What was explored, as plain JSON values; file names without their folders, which may change."""
        names = {
            name: None if path is None else path.name
            for name, path in (("calibration", self.sources.calibration), ("evaluation", self.sources.evaluation))
        }
        return {"model": self.sources.model.name, "digest": self.identity.model, **names, "space": self.space.content}

    def _write(self, results: Results, folder: Path) -> None:
        facts: Mapping[str, Any] = self.facts()
        write_whole(folder / POINTS, to_csv(results, results.results).encode())
        write_whole(folder / FRONT, to_csv(results, results.front).encode())
        write_whole(folder / RESULTS, to_json(results, facts).encode())

    def draw(self, results: Results, folder: Path) -> None:
        """Write the picture of the front to the folder, as SVG and PNG.

        Raises:
            ModelError: matplotlib is not installed, there is nothing to show, or a file cannot be written.
        """
        count = f"{len(results.results)} points, {len(results.front)} on the Pareto front"
        for suffix, content in draw(results, f"{self.sources.model.name}: {count}").items():
            write_whole(folder / f"{PICTURE}.{suffix}", content)
