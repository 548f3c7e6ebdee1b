"""Measure what docs/performance.md says, write it, and fail where a promise is broken.

    python benchmarks/performance.py                     all points; several minutes on two cores
    python benchmarks/performance.py --only 'kws 8/8*'   some of the sweep, printed and not written

What was measured is kept by configuration and version of the compiler's sources, so that a run that was ended goes on
where it stopped.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

import click
from performance_points import (
    FIXED_BUFFERS,
    FIXED_TABLE_KIB,
    GROUPED_POINTS,
    PAPER_POINTS,
    PRESETS,
    SWEEP,
    Configuration,
    Hardware,
    Point,
    Room,
    area_hardware,
    buffers,
    sweep_hardware,
)
from performance_runs import Results, paper_cycles, run, workload
from performance_tables import Accuracy, AreaRow, Row, Verdict, document, judge_fixed, judge_sweep, sweep_table

from pqc.isa.program import write_whole
from pqc.numerics.grouping import Grouping
from pqc.planning.lane_search import Overlap, evaluate
from pqc.planning.paper_model import AreaRule, lower_bound, paper_sum, performance_per_area

ROOT = Path(__file__).resolve().parents[1]


class Measurements:
    """Points, and what is known about them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.results = Results(folder / "results.jsonl")

    def point(self, configuration: Configuration, hardware: Hardware, room: Room) -> Point:
        """A point whose buffers have room for something."""
        work = workload(configuration, hardware.memory, self.folder)
        return Point(configuration, hardware, *buffers(work.layers, room))

    def fixed(self, table_kib: float) -> Point:
        """A point with a table buffer of that size, and otherwise the buffers of the installed target."""
        hardware = next(iter(sweep_hardware(FIXED_BUFFERS)))
        return Point(FIXED_BUFFERS, hardware, table_kib, 32)

    def cycles(self, point: Point) -> float | None:
        """Simulated cycles of the product-quantized layers; None where the compiler refused, or nothing is known."""
        record = self.results.get(point)
        return None if record is None or "refused" in record else float(record["cycles"]["pq"])

    def row(self, configuration: Configuration, hardware: Hardware) -> Row:
        """A row of the sweep."""
        cycles = paper_cycles(configuration, hardware, self.folder)
        simulated = {room: self.cycles(self.point(configuration, hardware, room)) for room in Room}
        return Row(configuration, hardware, paper_sum(cycles), lower_bound(cycles), simulated)

    def area_rows(self) -> Iterable[AreaRow]:
        """The comparison by performance per area; rules that cannot differ are left out."""
        for configuration in (*PAPER_POINTS, *GROUPED_POINTS):
            for memory in PRESETS:
                for rule in AreaRule:
                    one_number = configuration.grouping is Grouping.WINDOW
                    if not (one_number and rule is AreaRule.PROTOTYPE_LANES_LARGER):
                        yield self._area_row(configuration, memory, rule)

    def _area_row(self, configuration: Configuration, memory: str, rule: AreaRule) -> AreaRow:
        work = workload(configuration, memory, self.folder)
        hardware = area_hardware(configuration, memory, rule, work)
        model = evaluate(work, hardware.lanes, rule, Overlap.NETWORK)
        simulated = self.cycles(self.point(configuration, hardware, Room.ALL_LAYERS))
        gain = performance_per_area(simulated or model.cycles, model.area_clb, work.conventional)
        return AreaRow(configuration, hardware, rule, model.cycles, simulated, model.area_clb, gain)


def label(configuration: Configuration) -> str:
    """What --only is matched against."""
    return f"{configuration.network} {configuration.label} {configuration.bits}"


@click.command()
@click.option("--only", metavar="PATTERN", help="Configurations of the sweep, as in 'kws 8/8 2/6' or 'ResNet-20*'.")
@click.option("--jobs", default=2, show_default=True, type=click.IntRange(1), help="Processes.")
@click.option("--folder", default=ROOT / "build" / "performance", type=click.Path(path_type=Path), help="What is kept.")
@click.option("--output", default=ROOT / "docs" / "performance.md", type=click.Path(path_type=Path), help="The text.")
@click.option("--without-area", is_flag=True, help="Do not compile the comparison by performance per area.")
def main(only: str | None, jobs: int, folder: Path, output: Path, without_area: bool) -> None:
    """Measure, write docs/performance.md, and exit with 1 if a promise is broken."""
    known, verdict = Measurements(folder), Verdict()
    chosen = [entry for entry in SWEEP if only is None or fnmatchcase(label(entry), only)]
    if not chosen:
        raise click.UsageError(f"--only {only}: the configurations are {', '.join(map(label, SWEEP))}")
    sweep = [(configuration, hardware) for configuration in chosen for hardware in sweep_hardware(configuration)]
    points = [known.point(*entry, room) for entry in sweep for room in Room]
    fixed = {kib: known.fixed(kib) for kib in FIXED_TABLE_KIB} if FIXED_BUFFERS in chosen else {}
    points += fixed.values()
    if only is None and not without_area:
        points += [known.point(row.configuration, row.hardware, Room.ALL_LAYERS) for row in known.area_rows()]
    run(points, known.results, folder, jobs)
    rows = [known.row(*entry) for entry in sweep]
    judge_sweep(rows, verdict)
    judge_fixed({kib: known.cycles(point) for kib, point in fixed.items()}, verdict)
    if only is not None:
        click.echo(sweep_table(rows))
    else:
        accuracy = Accuracy(Path(__file__).with_name("accuracy.toml"))
        write_whole(output, document(verdict, rows, list(known.area_rows()), accuracy).encode())
    click.echo("\n".join(verdict.lines()))
    sys.exit(1 if verdict.broken else 0)


if __name__ == "__main__":
    main()
