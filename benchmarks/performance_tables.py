"""The text of docs/performance.md, from what was measured, and which promises it keeps."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from performance_points import FIXED_TABLE_KIB, Configuration, Hardware, Room

from pqc.cli.output import markdown_table
from pqc.planning.paper_model import CLOCK_FACTORS, AreaRule, Lanes

AT_MOST_PAPER = 1.02
"""Promise: with room for the two largest layers no point takes more cycles than this times the paper's sum."""

AT_MOST_BOUND = 1.02
"""Promise: with room for all layers no point takes more cycles than this times the lower bound."""

WORTH_SCHEDULING = 1.05
"""Promise: where the paper's sum exceeds the lower bound by this, a schedule is below the paper's sum."""


@dataclass(frozen=True)
class Row:
    """A point of the paper's sweep: the paper's sum, the lower bound, and simulated cycles by the room there is."""

    configuration: Configuration
    hardware: Hardware
    paper: int
    bound: int
    simulated: dict[Room, float | None]

    def ratio(self, room: Room) -> float | None:
        """Simulated cycles by what they are promised against; None where the compiler refused."""
        cycles = self.simulated[room]
        return None if cycles is None else cycles / (self.paper if room is Room.TWO_LAYERS else self.bound)

    @property
    def label(self) -> str:
        """The point in a sentence."""
        lanes = self.hardware.lanes
        return (
            f"{self.configuration.network} {self.configuration.label} at {self.configuration.bits} bits, "
            f"{self.hardware.memory}, {lanes.output}x{lanes.lookup_subspace} lanes"
        )


@dataclass(frozen=True)
class AreaRow:
    """A configuration on lanes: cycles by the model and simulated, area, and the conventional accelerator's cycles."""

    configuration: Configuration
    hardware: Hardware
    rule: AreaRule
    model: int
    simulated: float | None
    area_clb: float
    per_area: float
    """Performance per area of the simulated cycles, or of the model's where there are none."""


@dataclass
class Verdict:
    """Promises that were kept, as sentences, and those that were broken."""

    kept: list[str] = field(default_factory=list[str])
    broken: list[str] = field(default_factory=list[str])

    def judge(self, kept: bool, sentence: str) -> None:
        """Note a promise."""
        (self.kept if kept else self.broken).append(sentence)

    def lines(self) -> list[str]:
        """One line for each promise, the broken ones first."""
        return [f"* **broken**: {line}" for line in self.broken] + [f"* kept: {line}" for line in self.kept]


PROMISES = {
    Room.TWO_LAYERS: (AT_MOST_PAPER, "the paper's sum"),
    Room.ALL_LAYERS: (AT_MOST_BOUND, "the lower bound"),
}


def judge_sweep(rows: Sequence[Row], verdict: Verdict) -> None:
    """Judge the promises about the sweep."""
    for room, (limit, against) in PROMISES.items():
        refused = [row for row in rows if row.simulated[room] is None]
        ratios = [(ratio, row) for row in rows if (ratio := row.ratio(room)) is not None]
        if not ratios:
            verdict.judge(False, f"with room for {room.value}: nothing was compiled")
            continue
        worst, row = max(ratios, key=lambda entry: entry[0])
        over = sum(ratio > limit for ratio, _ in ratios)
        sentence = (
            f"with room for {room.value}, at most {limit:g} times {against}: the worst of {len(rows)} points is "
            f"{worst:.3f} ({row.label}), {over} are above, {len(refused)} were refused"
        )
        verdict.judge(not over and not refused, sentence)
    judge_gains([row for row in rows if row.paper > WORTH_SCHEDULING * row.bound], verdict)


def judge_gains(rows: Sequence[Row], verdict: Verdict) -> None:
    """Judge the points at which layers that overlap gain something over layers that follow each other."""
    room = Room.TWO_LAYERS
    slow = [row.label for row in rows if (ratio := row.ratio(room)) is None or ratio >= 1]
    sentence = (
        f"with room for {room.value}, below the paper's sum wherever that exceeds the lower bound by more than "
        f"{WORTH_SCHEDULING - 1:.0%}: {len(rows) - len(slow)} of {len(rows)} points"
    )
    verdict.judge(not slow, sentence + (f", not {', '.join(slow)}" if slow else ""))


def judge_fixed(simulated: dict[int, float | None], verdict: Verdict) -> None:
    """Judge the promises about ResNet-20 with table buffers of given sizes."""
    for kib, cycles in simulated.items():
        limit = FIXED_TABLE_KIB[kib]
        found = "refused" if cycles is None else f"{cycles:,.0f}"
        sentence = (
            f"ResNet-20 16/9 at 8/16 bits, DDR, 32x16 lanes, table buffer of {kib} KiB: at most {limit:,} cycles, "
            f"found {found}"
        )
        verdict.judge(cycles is not None and cycles <= limit, sentence)


def sweep_table(rows: Sequence[Row]) -> str:
    """Every point of the sweep."""
    header = (
        *("network", "prototypes/length", "bits", "memory", "lanes", "paper's sum", "lower bound"),
        *(f"{room.value}" for room in Room),
        *("by sum", "by bound"),
    )
    return markdown_table(header, [_sweep_cells(row) for row in rows])


def _sweep_cells(row: Row) -> list[str]:
    lanes = row.hardware.lanes
    return [
        row.configuration.network,
        row.configuration.label,
        row.configuration.bits,
        row.hardware.memory,
        f"{lanes.output}x{lanes.lookup_subspace}",
        f"{row.paper:,}",
        f"{row.bound:,}",
        *(_cycles(row.simulated[room]) for room in Room),
        *("" if (ratio := row.ratio(room)) is None else f"{ratio:.3f}" for room in Room),
    ]


def _cycles(cycles: float | None) -> str:
    return "refused" if cycles is None else f"{cycles:,.0f}"


METRICS = ("l2", "l1")
"""The distances that area rules are about."""


class Accuracy:
    """Measured accuracy by configuration and distance.

    Raises:
        KeyError: an entry of the file lacks a key.
    """

    def __init__(self, path: Path) -> None:
        self._known: dict[tuple[Any, ...], dict[str, Any]] = {}
        for entry in tomllib.loads(path.read_text())["measured"]:
            self.put(entry)

    @property
    def entries(self) -> list[dict[str, Any]]:
        """All of them, in a fixed order."""
        return [self._known[key] for key in sorted(self._known)]

    def put(self, entry: dict[str, Any]) -> None:
        """Keep what was measured."""
        e = entry
        self._known[e["network"], e["grouping"], e["prototypes"], e["length"], *e["bits"], e["metric"]] = entry

    def entry(self, configuration: Configuration, metric: str) -> dict[str, Any] | None:
        """What was measured of a configuration, if anything."""
        c = configuration
        return self._known.get(
            (c.network, c.grouping.value, c.prototypes, c.length, c.prototype_bits, c.table_bits, metric)
        )

    def cell(self, configuration: Configuration, rule: AreaRule) -> str:
        """What a table says of the configuration; the rule without DSPs is about the L1 distance."""
        metric = "l1" if rule is AreaRule.NO_DSP else "l2"
        entry = self.entry(configuration, metric)
        return "not measured" if entry is None else f"{entry['top1']:.2%} ({metric})"


def area_table(rows: Sequence[AreaRow], accuracy: Accuracy) -> str:
    """Configurations by performance per area."""
    header = (
        *("prototypes/length", "bits", "memory", "area rule", "encode lanes", "lookup lanes", "CLB"),
        *("model's cycles", "simulated", "perf/area of DLA", "top-1"),
    )
    return markdown_table(header, [_area_cells(row, accuracy) for row in rows])


def _area_cells(row: AreaRow, accuracy: Accuracy) -> list[str]:
    return [
        row.configuration.label,
        row.configuration.bits,
        row.hardware.memory,
        row.rule.value,
        *_lanes(row.hardware.lanes),
        f"{row.area_clb:,.0f}",
        f"{row.model:,}",
        "not compiled" if row.simulated is None else f"{row.simulated:,.0f}",
        f"{row.per_area:.2f}" + ("" if row.simulated is not None else " (model)"),
        accuracy.cell(row.configuration, row.rule),
    ]


def _lanes(lanes: Lanes) -> tuple[str, str]:
    """Encode lanes as subspaces x prototypes x length, lookup lanes as subspaces x outputs."""
    encode = f"{lanes.encode_subspace}x{lanes.prototype}x{lanes.length}"
    return encode, f"{lanes.lookup_subspace}x{lanes.output}"


TEXT = """# Performance

Generated by `python benchmarks/performance.py`; do not edit. The networks are those of the paper that the accelerator
is from (PQA, arXiv 2305.18334), with random weights: cycles do not depend on them. *Cycles* are `cycles.pq` of the
report: the cost of the product-quantized layers in one more frame when frames follow each other, stalls included, of
transfers only prototypes and tables, which is what the paper's model counts.

## Promises

{promises}

## The paper's sweep

*Paper's sum* is the sum of max(load, computation) over the layers, which is what the paper reports; *lower bound* is
max(sum of loads, sum of computations). Lanes are outputs x subspaces. The two measured columns have table and codebook
buffers of {two} and of {all}; *by sum* and *by bound* are their ratios to the paper's figure beside them.

{sweep}

## Performance per area

Against the paper's conventional accelerator, by each rule for the area (`pqc/planning/paper_area.py` says what they
count), ResNet-20, equal clocks; buffers have room for {all}. Window grouping is on the paper's smallest hardware;
channel grouping on the lanes that are best by the rule, with at least 32 output and 16 lookup subspace lanes. Encode
lanes are subspaces x prototypes x length, lookup lanes subspaces x outputs. The rule without DSPs is about the L1
distance, so that accuracy beside it is that of L1. *prototype-lanes-larger* differs from *prototype-lanes* only where
encode and lookup have different numbers of subspace lanes. The released code names other clocks for its unit, which
would multiply all figures by {clocks}.

{area}
"""


def document(verdict: Verdict, rows: Sequence[Row], area_rows: Sequence[AreaRow], accuracy: Accuracy) -> str:
    """The whole text."""
    clocks = " or ".join(f"{factor:.3f} ({name})" for name, factor in CLOCK_FACTORS.items() if factor != 1)
    return TEXT.format(
        promises="\n".join(verdict.lines()),
        two=Room.TWO_LAYERS.value,
        all=Room.ALL_LAYERS.value,
        sweep=sweep_table(rows),
        area=area_table(area_rows, accuracy),
        clocks=clocks,
    )
