"""`pqc explore`: sweep configurations and targets, and show which combinations are worth having."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pqc.cli.options import FilePath, check_preprocessing, json_option, preprocessing_options
from pqc.cli.output import say, show, text_table
from pqc.cli.progress import Steps
from pqc.cli.signals import Interruption, interruption
from pqc.errors import ModelError

if TYPE_CHECKING:
    from pqc.exploration.engine import Engine
    from pqc.exploration.explore import Exploration
    from pqc.exploration.plan import PlannedPoint
    from pqc.exploration.results import Results
    from pqc.exploration.sources import Sources
    from pqc.exploration.space import Settings

OBJECTIVES = "cycles,area,table_bytes,accuracy"

EXPLAINED = """\b
Objectives:
  cycles       of one more frame when frames follow each other
  latency      cycles of one frame from cold
  pq_cycles    the part of the cycles that product-quantized layers take
  time         microseconds of one more frame
  area         of the units for product quantization, in CLB
  table_bytes  bytes of all tables
  accuracy     top-1 on labelled images; without any, the error stands in
  error        normalized error of the outputs against the float network"""


@click.command("explore", epilog=EXPLAINED)
@click.argument("model", metavar="MODEL", type=FilePath())
@click.option("--space", "space_path", metavar="FILE", type=FilePath(), required=True, help="What to combine, as TOML.")
@click.option("-o", "folder", metavar="DIR", type=FilePath(), required=True, help="The folder of the sweep.")
@click.option("--calibrate", "calibration", metavar="FILE", type=FilePath(), help="An .npz file or a folder of images.")
@click.option("--evaluate", "evaluation", metavar="FILE", type=FilePath(), help="Labelled images, for the accuracy.")
@click.option("--images", metavar="N", type=click.IntRange(1), help="Evaluate on the first N images only.")
@preprocessing_options
@click.option("--objectives", metavar="A,B,...", default=OBJECTIVES, show_default=True, help="What to judge by.")
@click.option("--jobs", metavar="N", type=click.IntRange(1), help="Processes on this machine.  [default: one a core]")
@click.option("--dask", metavar="ADDRESS", help="Work on the Dask cluster of this scheduler (address or its file).")
@json_option
@click.pass_context
def command(context: click.Context, space_path: Path, folder: Path, as_json: bool, **options: Any) -> None:
    """Sweep configurations and targets, and show which combinations are worth having.

    Every combination that the space file asks for is quantized, compiled and measured. DIR keeps each piece of work
    as soon as it is done: the same command goes on where it was interrupted, and a larger space only adds to it. What
    comes of it is written there as points.csv, front.csv, results.json, front.svg and front.png.
    """
    _check(context, options)
    from pqc.exploration.explore import RESULTS, Exploration
    from pqc.exploration.space import load_space

    exploration = Exploration.prepare(load_space(space_path), _sources(options), options["objectives"].split(","))
    with Steps("explore") as steps, interruption() as interrupted:
        watcher = _Watcher(steps, exploration)
        engine = _engine(options["jobs"], options["dask"])
        results = exploration.run(folder, engine, watcher, lambda: interrupted.requested)
    try:
        exploration.draw(results, folder)
    except ModelError as error:
        say(str(error))
    _conclude(results, folder, interrupted)
    show((folder / RESULTS).read_text() if as_json else front_table(results))
    context.exit(interrupted.exit_code)


def _check(context: click.Context, options: dict[str, Any]) -> None:
    check_preprocessing(context, options)
    if options["jobs"] is not None and options["dask"] is not None:
        raise click.UsageError("--jobs is about this machine; with --dask the cluster's workers count", context)
    if options["images"] is not None and options["evaluation"] is None:
        raise click.UsageError("--images needs --evaluate", context)


def _sources(options: dict[str, Any]) -> Sources:
    from pqc.cli.calibration import chosen_preprocessing
    from pqc.exploration.sources import Sources

    calibration, evaluation = options["calibration"], options["evaluation"]
    return Sources(
        # A process on another machine has another current folder.
        model=options["model"].absolute(),
        calibration=None if calibration is None else calibration.absolute(),
        evaluation=None if evaluation is None else evaluation.absolute(),
        images=options["images"],
        preprocessing=chosen_preprocessing(options["model"], options["mean"], options["std"]),
    )


def _engine(jobs: int | None, dask: str | None) -> Callable[[], AbstractContextManager[Engine]]:
    if dask is not None:
        from pqc.exploration.cluster import dask_engine

        return lambda: dask_engine(dask)
    from pqc.exploration.engine import local_engine

    return lambda: local_engine(jobs or _cores())


def _cores() -> int:
    """The cores that this process may use, where the system says so, else all that there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Watcher:
    """Tells a person what a sweep does."""

    def __init__(self, steps: Steps, exploration: Exploration) -> None:
        self._steps = steps
        self._exploration = exploration

    def started(self, left: int, dropped: bool) -> None:
        """How much there is to do, and on what."""
        exploration, plan = self._exploration, self._exploration.plan
        if exploration.sources.calibration is None:
            say("no --calibrate: the prototypes are fitted on synthetic data, so accuracy means nothing")
        if not exploration.identity.labelled:
            say("no labelled images (--evaluate): points are judged by the error of the outputs, not by accuracy")
        if dropped:
            say("a record that was cut short is dropped, and its work done again")
        count = f"{len(plan.points)} points, {len(plan.groups)} quantized networks"
        say(f"{exploration.space.origin}: {count}; {left or 'no'} points are left to do")

    def progress(self, done: int, total: int) -> None:
        """Move the bar."""
        self._steps.show(done, total)

    def refused(self, planned: PlannedPoint, reason: str) -> None:
        """A point that has no figures."""
        shown = settings_text(planned.point.settings, self._exploration.space.varied)
        self._steps.say(f"refused: {shown or 'the only point'}: {reason}")


def settings_text(settings: Settings, names: tuple[str, ...]) -> str:
    """Some settings in words."""
    from pqc.exploration.results import value_text

    return ", ".join(f"{name} {value_text(settings[name])}" for name in names)


def front_table(results: Results) -> str:
    """The points of the front, with the settings that differ and their objectives."""
    from pqc.exploration.results import value_text

    header = (*results.varied, *(f"{o.name} {o.unit}".rstrip() for o in results.objectives))
    rows = [
        (
            *(value_text(result.settings[name]) for name in results.varied),
            *(o.text(result.figures[o.figure]) for o in results.objectives),
        )
        for result in results.front
    ]
    return text_table(header, rows) if rows else "no point has all figures that it is to be judged by"


def _conclude(results: Results, folder: Path, interrupted: Interruption) -> None:
    from pqc.exploration.results import DONE, OPEN
    from pqc.exploration.store import REFUSED

    total, left = len(results.results), results.count(OPEN)
    if interrupted.requested:
        say(f"stopped: {total - left} of {total} points are done; the same command goes on from there")
    refused = f", {results.count(REFUSED)} are refused (points.csv says why)" if results.count(REFUSED) else ""
    say(f"{folder}: {results.count(DONE)} points have figures{refused}, {len(results.front)} on the Pareto front")
