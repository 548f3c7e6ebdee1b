"""The Pareto front as a picture: a panel for each pair of objectives that matters, and the numbered points below.

In each panel the points that no other one beats in these two respects under a limit on a third one stand on a line.
Every line has its own shape and colour, which can be told apart by everybody (colours by Okabe and Ito).
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import accumulate
from typing import Any

from pqc.errors import ModelError
from pqc.exploration.objectives import Objective
from pqc.exploration.panels import Panel, numbers_of, panels
from pqc.exploration.placement import Box, along_steps, place_labels
from pqc.exploration.results import Results, value_text

LINES = (("o", "#0072B2"), ("^", "#E69F00"), ("s", "#009E73"))
"""Marker and colour of each line of a panel."""

CIRCLE, DOT, TEXT, FAINT = "#808080", "#BDBDBD", "#333333", "#707070"

PANEL = (4.5, 3.5)
"""Width and height of a panel in inches, its labels included."""

COLUMNS = 3
"""Panels beside each other, at most."""

NARROWEST = 6.0
"""Inches that the title needs."""

LEFT, BELOW, RIGHT, ABOVE = 0.7, 0.5, 0.2, 0.3
"""Inches of a panel around its axes."""

ROW, MARGIN, HEAD = 0.2, 0.2, 0.7
"""Inches: a row of the table, the margins, title and legend."""

CHARACTER = 0.072
"""Inches of a character of the table, on average."""

DPI = 130

LOGARITHMIC = 4
"""An axis on which the largest value is so many times the smallest one is logarithmic."""

TICKS = ((6, (1, 1.5, 2, 3, 4, 5, 7)), (30, (1, 2, 3, 5)), (300, (1, 2, 5)))
"""Up to which ratio of the largest and the smallest value which multiples of powers of ten are marked."""

STYLE: Mapping[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.edgecolor": TEXT,
    "axes.labelcolor": TEXT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "text.color": TEXT,
    "xtick.color": TEXT,
    "ytick.color": TEXT,
    # Equal figures give equal files.
    "svg.hashsalt": "pqc",
}

LEGEND: Mapping[str, Any] = {"frameon": False, "fontsize": 8, "handletextpad": 0.2, "columnspacing": 1.2}

Drawing = Any
"""An object of matplotlib, whose types are known in part only."""

Places = Sequence[tuple[float, float]]


def draw(results: Results, title: str) -> dict[str, bytes]:
    """The picture as files by their suffix, ``svg`` and ``png``.

    Raises:
        ModelError: matplotlib is not installed, or there is no point to show.
    """
    if not results.front:
        raise ModelError("there is no picture: no point has a figure for every objective")
    try:
        matplotlib: Any = importlib.import_module("matplotlib")
    except ModuleNotFoundError:
        raise ModelError(
            "there is no picture: it needs the package matplotlib; install it with pip install 'pqc[plot]'"
        ) from None
    files: dict[str, bytes] = {}
    with matplotlib.rc_context(dict(STYLE)):
        figure = _figure(results, title)
        for suffix, metadata in (("svg", {"Date": None, "Creator": None}), ("png", {"Software": None})):
            stream = BytesIO()
            figure.savefig(stream, format=suffix, dpi=DPI, metadata=metadata)
            files[suffix] = stream.getvalue()
    return files


def _figure(results: Results, title: str) -> Drawing:
    made = panels(results)
    numbers = numbers_of(made)
    table = _Table.of(results, numbers)
    columns = min(COLUMNS, len(made))
    width = 2 * MARGIN + max(columns * PANEL[0], table.width, NARROWEST)
    height = HEAD + -(-len(made) // columns) * PANEL[1] + table.height + MARGIN
    figure: Drawing = importlib.import_module("matplotlib.figure").Figure(figsize=(width, height))
    figure.text(MARGIN / width, 1 - 0.22 / height, title, fontsize=11, fontweight="bold", va="center")
    across = (width - 2 * MARGIN) / columns
    for index, panel in enumerate(made):
        row, column = divmod(index, columns)
        left, bottom = MARGIN + column * across + LEFT, height - HEAD - (row + 1) * PANEL[1] + BELOW
        size = ((across - LEFT - RIGHT) / width, (PANEL[1] - BELOW - ABOVE) / height)
        _panel(figure.add_axes((left / width, bottom / height, *size)), panel, results, numbers)
    beaten, front = figure.axes[0].lines[:2]
    labels = ("on the Pareto front of all objectives", "beaten by another point")
    place = {"loc": "center left", "bbox_to_anchor": ((MARGIN - 0.1) / width, 1 - 0.5 / height)}
    figure.legend((front, beaten), labels, ncols=2, **place, **LEGEND)
    table.draw(figure.add_axes((MARGIN / width, MARGIN / height, 1 - 2 * MARGIN / width, table.height / height)))
    return figure


def _panel(axes: Drawing, panel: Panel, results: Results, numbers: Mapping[str, int]) -> None:
    whole = {result.key for result in results.front}
    others = [panel.at(result) for result in results.comparable() if result.key not in whole]
    circles = [panel.at(result) for result in results.front]
    axes.plot(*_xy(others), ".", color=DOT, markersize=4.5, zorder=2)
    axes.plot(*_xy(circles), "o", color=CIRCLE, markersize=4.5, markerfacecolor="white", markeredgewidth=0.8, zorder=3)
    for (marker, color), line in zip(LINES, panel.lines, strict=False):
        where = _xy([panel.at(result) for result in line.points])
        axes.plot(*where, "-", color=color, drawstyle="steps-post", linewidth=1.5, zorder=4)
        axes.plot(*where, marker, color=color, markersize=6, zorder=5, label=line.label)
    if len(panel.lines) > 1:
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=len(LINES), **LEGEND)
    axes.set_xlabel(f"{axis_title(panel.x)}  ← better")
    axes.set_ylabel(f"{axis_title(panel.y)}  {'better →' if panel.y.maximize else '← better'}")
    places = others + circles
    _scale(axes.xaxis, [x for x, _ in places])
    _scale(axes.yaxis, [y for _, y in places])
    axes.margins(0.08)
    _number(axes, panel, places, numbers)


def axis_title(objective: Objective) -> str:
    """Label and unit, beginning with a capital letter."""
    return objective.title[0].upper() + objective.title[1:]


def _xy(places: Places) -> tuple[list[float], list[float]]:
    return [x for x, _ in places], [y for _, y in places]


def _scale(axis: Drawing, values: Sequence[float]) -> None:
    """A logarithmic scale if the values ask for it, and numbers that people can read."""
    ticker: Any = importlib.import_module("matplotlib.ticker")
    ratio = max(values) / min(values) if min(values) > 0 else 1.0
    if ratio > LOGARITHMIC:
        axis.axes.set(**{f"{axis.axis_name}scale": "log"})
        multiples = next((some for largest, some in TICKS if ratio <= largest), (1,))
        axis.set_major_locator(ticker.LogLocator(subs=multiples))
        axis.set_minor_locator(ticker.NullLocator())
    else:
        axis.set_major_locator(ticker.MaxNLocator(nbins=6))
    axis.set_major_formatter(ticker.FuncFormatter(_tick))


def _tick(value: float, _place: int) -> str:
    return f"{value:,.10g}"


def _number(axes: Drawing, panel: Panel, places: Places, numbers: Mapping[str, int]) -> None:
    """Put the numbers of the panel's points beside them, where they cover neither points nor lines."""
    effects: Any = importlib.import_module("matplotlib.patheffects")
    pixels = axes.figure.dpi / 72
    axes.autoscale_view()
    to_pixels = axes.transData.transform
    marks: Places = [tuple(to_pixels(panel.at(result))) for result in panel.numbered]
    covered: Places = [tuple(to_pixels(place)) for place in places]
    for line in panel.lines:
        corners: Places = [tuple(to_pixels(panel.at(result))) for result in line.points]
        covered = [*covered, *along_steps(corners, 3 * pixels)]
    box = axes.get_window_extent()
    frame = Box(box.x0, box.y0, box.x1, box.y1)
    centres = place_labels(marks, covered, frame, size=(13 * pixels, 10 * pixels), mark=7 * pixels)
    back = axes.transData.inverted().transform
    for result, centre in zip(panel.numbered, centres, strict=True):
        axes.annotate(
            str(numbers[result.key]),
            panel.at(result),
            tuple(back(centre)),
            ha="center",
            va="center",
            fontsize=8.5,
            fontweight="bold",
            zorder=6,
            path_effects=[effects.withStroke(linewidth=2.5, foreground="white")],
            arrowprops={"arrowstyle": "-", "color": TEXT, "linewidth": 0.6, "shrinkA": 5, "shrinkB": 2},
        )


@dataclass(frozen=True)
class _Table:
    """The numbered points, a row each: settings and objectives. In the header a line may break."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    @staticmethod
    def of(results: Results, numbers: Mapping[str, int]) -> _Table:
        """The table of the points that have numbers."""
        chosen = {result.key: result for result in results.front}
        settings = [name.replace(".", ".\n") for name in results.varied]
        objectives = [f"{o.short}\n[{o.unit}]" if o.unit else o.short for o in results.objectives]
        rows = [
            [
                str(number),
                *(value_text(chosen[key].settings[name]) for name in results.varied),
                *(o.text(chosen[key].figures[o.figure]) for o in results.objectives),
            ]
            for key, number in numbers.items()
        ]
        return _Table(["no.", *settings, *objectives], rows)

    @property
    def widths(self) -> list[float]:
        """Inches of each column."""
        texts = [[*name.split("\n"), *(row[index] for row in self.rows)] for index, name in enumerate(self.header)]
        return [CHARACTER * (max(len(text) for text in column) + 3) for column in texts]

    @property
    def width(self) -> float:
        """Inches."""
        return sum(self.widths)

    @property
    def height(self) -> float:
        """Inches."""
        return ROW * (len(self.rows) + 2)

    def draw(self, axes: Drawing) -> None:
        """Draw into axes as high as the table, and at least as wide."""
        axes.set_axis_off()
        width, height = (float(size) for size in axes.figure.get_size_inches() * axes.get_position().size)
        axes.set_xlim(0, width)
        axes.set_ylim(0, height)
        for index, right in enumerate(accumulate(self.widths)):
            for line, part in enumerate(reversed(self.header[index].split("\n"))):
                axes.text(right, height - (1.8 - 0.8 * line) * ROW, part, ha="right", fontsize=8, color=FAINT)
            for line, row in enumerate(self.rows):
                axes.text(right, height - (line + 2.8) * ROW, row[index], ha="right", fontsize=8)
        axes.plot((0, self.width), (height - 2 * ROW,) * 2, color=DOT, linewidth=0.8)
