"""The picture of the units over time: every instruction, and what it waited for."""

from __future__ import annotations

from bokeh.plotting import figure

from pqc.interpreter.queues import UNITS
from pqc.interpreter.timing import Timing
from pqc.isa.program import Program
from pqc.report.html.plot import SHADES, Columns, canvas, explain_on_hover, layer_colours, select_on_tap, source_of

MOST_BARS = 30_000
"""Instructions that are drawn, at most: more make the page slow."""


def executions_shown(program: Program, wanted: int) -> int:
    """How many executions are drawn: as many as are wanted, unless these are too many instructions."""
    return max(1, min(wanted, MOST_BARS // max(len(program.instructions), 1)))


def timeline_columns(program: Program, timing: Timing) -> Columns:
    """A row for each instruction of each execution that takes any time, in cycles from the start."""
    colours, size = layer_colours(program.nodes), len(program.instructions)
    shown = [(entry, one) for entry, one in enumerate(timing.instructions) if one.end > one.start]
    nodes = [program.nodes[entry % size] for entry, _ in shown]
    return {
        "node": nodes,
        "unit": [one.unit.name.lower() for _, one in shown],
        "mnemonic": [program.instructions[entry % size].mnemonic for entry, _ in shown],
        "number": [entry % size for entry, _ in shown],
        "start": [one.start for _, one in shown],
        "end": [one.end for _, one in shown],
        "cycles": [one.end - one.start for _, one in shown],
        "waited": [one.stall for _, one in shown],
        "cause": [one.cause for _, one in shown],
        "colour": [colours[node] for node in nodes],
        "alpha": [SHADES[entry % 2] for entry, _ in shown],
    }


def timeline(columns: Columns) -> figure:
    """A row for each unit; drag to move, use the wheel to zoom."""
    source, units = source_of(columns), [unit.name.lower() for unit in UNITS]
    plot = canvas(y_range=units[::-1], height=420, x_axis_label="cycles from the start", active_scroll="xwheel_zoom")
    bars = plot.hbar(
        y="unit", left="start", right="end", height=0.7, color="colour", line_color=None, fill_alpha="alpha",
        source=source,
    )  # fmt: skip
    lines = [
        *(("layer", "@node"), ("instruction", "@number @mnemonic"), ("cycles", "@cycles{0,0}, from @start{0,0}")),
        ("waited before", "@waited{0,0} @cause"),
    ]
    explain_on_hover(plot, [bars], lines)
    select_on_tap(plot, [bars])
    plot.ygrid.grid_line_color = None
    return plot
