"""Doing the work of a plan: fits first, then what builds on them, each piece recorded as soon as it is done."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from heapq import heappop, heappush
from pathlib import Path
from typing import Any, Protocol

from pqc.errors import InternalError, ModelError
from pqc.exploration.engine import Engine
from pqc.exploration.jobs import EvaluateJob, FitJob, MeasureJob, evaluate, fit, measure
from pqc.exploration.plan import Group, Plan, PlannedPoint
from pqc.exploration.sources import Sources
from pqc.exploration.store import REFUSED, Record, Store

FITS = "fits"
"""The folder of the quantized networks, one folder for each fit."""

PATIENCE = 0.2
"""Seconds between two looks whether to stop."""


class Observer(Protocol):
    """Told what happens, in the order in which it happens."""

    def started(self, left: int, dropped: bool) -> None:
        """So many points are left to do; a record was cut short, so that its work is done again."""
        ...

    def progress(self, done: int, total: int) -> None:
        """So many of all pieces of work are done."""
        ...

    def refused(self, planned: PlannedPoint, reason: str) -> None:
        """A point has no figures, and why."""
        ...


@dataclass(order=True)
class Task:
    """A piece of work; what belongs to an earlier group, or leads to its end sooner, comes first."""

    group_number: int
    stage: int
    number: int
    function: Callable[[Any], Record] = field(compare=False)
    job: EvaluateJob | MeasureJob | FitJob = field(compare=False)
    done: Callable[[Record], None] = field(compare=False)


class Sweep:
    """The work that is left to do for a plan.

    Args:
        plan: what is wanted.
        store: what is done, and where to record what will be.
        folder: where the fits are kept.
        sources: the network and its data.
        observer: is told what happens.
    """

    def __init__(self, plan: Plan, store: Store, folder: Path, sources: Sources, observer: Observer) -> None:
        self.plan = plan
        self.store = store
        self.fits = folder / FITS
        self.sources = sources
        self.observer = observer
        self.faults: list[InternalError] = []
        """Faults of pqc itself; they are not recorded, so that the next run tries again."""
        self.done = 0
        self.total = 0
        self._tasks = 0
        self._ready: list[Task] = []
        self._running: dict[Future[Record], Task] = {}
        self._evaluating: set[str] = set()
        self._numbers = {group.fit: number for number, group in enumerate(plan.groups)}
        for group in plan.groups:
            self._begin(group)

    def run(self, engine: Engine, stop: Callable[[], bool]) -> None:
        """Do everything, or as much as is done before ``stop`` says so.

        Raises:
            ModelError: data cannot be read, a record cannot be written, or a process ended without an answer.
        """
        try:
            self.fits.mkdir(exist_ok=True)
            for partial in self.fits.glob(".*"):
                shutil.rmtree(partial)
        except OSError as error:
            raise ModelError(f"{self.fits}: cannot be written: {error.strerror}") from None
        self.observer.progress(0, self.total)
        try:
            while (self._ready or self._running) and not stop():
                while self._ready and len(self._running) < engine.slots():
                    task = heappop(self._ready)
                    self._running[engine.executor.submit(task.function, task.job)] = task
                if not self._running:
                    # All workers of a cluster are gone for the moment.
                    time.sleep(PATIENCE)
                finished, _ = wait(self._running, PATIENCE, FIRST_COMPLETED)
                for future in finished:
                    self._finish(self._running.pop(future), future)
        except engine.lost:
            raise ModelError(
                "a worker was lost before it answered: killed, perhaps for want of memory, or out of reach; the same "
                "command goes on from there"
            ) from None

    def _begin(self, group: Group) -> None:
        """What is to be done for a group at first."""
        if all(planned.outcome(self.store) is not None for planned in group.points):
            return
        self.total += self._pieces(group)
        if (self.fits / group.fit).is_dir():
            self._after_fit(group)
            return
        self.total += 1
        first = group.points[0].point
        job = FitJob(self.fits / group.fit, self.sources, first.pq, first.target)
        self._add(group, 2, fit, job, lambda record: self._fitted(group, record))

    def _pieces(self, group: Group) -> int:
        """How much is to be done for a group once it is fitted, if nothing is refused."""
        keys = [group.evaluate, *(planned.measure for planned in group.points)]
        return sum(self.store.get(key) is None for key in keys)

    def _fitted(self, group: Group, record: Record) -> None:
        if REFUSED not in record:
            self._after_fit(group)
            return
        self.total -= self._pieces(group)
        self.store.add(group.fit, record)
        for planned in group.points:
            self.observer.refused(planned, record[REFUSED])

    def _after_fit(self, group: Group) -> None:
        for planned in group.points:
            record = self.store.get(planned.measure)
            if record is None:
                job = MeasureJob(self.fits / group.fit, planned.point.target)
                self._add(group, 1, measure, job, lambda r, p=planned: self._measured(group, p, r))
            else:
                self._evaluate_on(group, planned, record)

    def _measured(self, group: Group, planned: PlannedPoint, record: Record) -> None:
        self.store.add(planned.measure, record)
        if REFUSED in record:
            self.observer.refused(planned, record[REFUSED])
        self._evaluate_on(group, planned, record)

    def _evaluate_on(self, group: Group, planned: PlannedPoint, record: Record) -> None:
        """Evaluate a group on the first target that turns out to fit."""
        known = self.store.get(group.evaluate) is not None or group.evaluate in self._evaluating
        if known or REFUSED in record:
            return
        self._evaluating.add(group.evaluate)
        job = EvaluateJob(self.fits / group.fit, planned.point.target, self.sources)
        self._add(group, 0, evaluate, job, lambda record: self.store.add(group.evaluate, record))

    def _add(
        self,
        group: Group,
        stage: int,
        function: Callable[[Any], Record],
        job: EvaluateJob | MeasureJob | FitJob,
        done: Callable[[Record], None],
    ) -> None:
        self._tasks += 1
        heappush(self._ready, Task(self._numbers[group.fit], stage, self._tasks, function, job, done))

    def _finish(self, task: Task, future: Future[Record]) -> None:
        error = future.exception()
        self.done += 1
        if isinstance(error, InternalError):
            self.faults.append(error)
        elif error is not None:
            raise error
        else:
            task.done(future.result())
        self.observer.progress(self.done, self.total)
