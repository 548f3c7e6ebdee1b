"""The picture of the memories over time: which bytes hold a value of which layer, and from when to when."""

from __future__ import annotations

from bokeh.layouts import column
from bokeh.models import Column, Range1d
from bokeh.plotting import figure

from pqc.interpreter.timing import Timing
from pqc.isa.fields import Memory
from pqc.isa.program import Program
from pqc.planning.target import Target
from pqc.report.html.plot import SHADES, Columns, canvas, explain_on_hover, layer_colours, select_on_tap, source_of
from pqc.report.memory_map import ON_CHIP, lives, on_chip_accesses


def memory_columns(program: Program, target: Target, timing: Timing) -> dict[Memory, Columns]:
    """For each memory a row for each value: its bytes (``low`` to ``high``, exclusive) and its cycles."""
    colours, size = layer_colours(program.nodes), len(program.instructions)
    touched = on_chip_accesses(program.instructions, target)
    found = list(lives(touched, target, timing.start.tolist(), timing.end.tolist()))
    result: dict[Memory, Columns] = {}
    for memory in ON_CHIP:
        own = [life for life in found if life.memory is memory]
        nodes = [program.nodes[life.writer % size] for life in own]
        result[memory] = {
            "node": nodes,
            "instruction": [life.writer % size for life in own],
            "low": [life.start for life in own],
            "high": [life.start + life.size for life in own],
            "bytes": [life.size for life in own],
            "begin": [life.begin for life in own],
            "end": [life.end for life in own],
            "colour": [colours[node] for node in nodes],
            "alpha": [SHADES[life.writer % 2] for life in own],
        }
    return result


def memory_over_time(columns: dict[Memory, Columns], target: Target, cycles: int) -> Column:
    """A picture for each memory, one below the other; all show the same time."""
    time = Range1d(start=0, end=cycles)
    return column(
        [_memory(memory, rows, target.buffer_bytes(memory), time) for memory, rows in columns.items()],
        sizing_mode="stretch_width",
    )


def _memory(memory: Memory, rows: Columns, capacity: int, time: Range1d) -> figure:
    name, source = memory.name.lower(), source_of(rows)
    plot = canvas(
        title=f"{name} buffer, {capacity:,} bytes", height=230, x_range=time, y_range=(0, capacity),
        x_axis_label="cycles from the start", y_axis_label="address", active_scroll="xwheel_zoom",
    )  # fmt: skip
    values = plot.quad(
        left="begin", right="end", bottom="low", top="high", color="colour", line_color=None, fill_alpha="alpha",
        source=source,
    )  # fmt: skip
    lines = [
        *(("written for", "@node, instruction @instruction"), ("bytes", "@bytes{0,0} from @low{0,0}")),
        ("needed", "cycles @begin{0,0} to @end{0,0}"),
    ]
    explain_on_hover(plot, [values], lines)
    select_on_tap(plot, [values])
    return plot
