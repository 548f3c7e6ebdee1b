"""Growth of time and memory as a picture: a panel for each step, both axes logarithmic, beside a line of slope 1."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from io import BytesIO
from typing import Any

from scaling import Growth

TIME, MEMORY, LINEAR = ("o", "#0072B2"), ("s", "#E69F00"), "#808080"
"""Marker and colour of each line (colours by Okabe and Ito)."""


def draw_growth(growths: Sequence[Growth]) -> bytes:
    """The picture as PNG."""
    figures: Any = importlib.import_module("matplotlib.figure")
    figure = figures.Figure(figsize=(4.2 * len(growths), 3.6), layout="constrained")
    for axes, growth in zip(figure.subplots(1, len(growths), squeeze=False)[0], growths, strict=True):
        _panel(axes, growth)
    stream = BytesIO()
    figure.savefig(stream, format="png", dpi=110, metadata={"Software": None})
    return stream.getvalue()


def _panel(axes: Any, growth: Growth) -> None:
    seconds = [usage.seconds for usage in growth.usages]
    gigabytes = [usage.bytes / 1e9 for usage in growth.usages]
    axes.set(xscale="log", yscale="log", title=growth.what, xlabel=growth.unit)
    for (marker, colour), values, label in (
        (TIME, seconds, f"processor seconds, exponent {growth.time_exponent:.2f}"),
        (MEMORY, gigabytes, f"peak memory in GB, exponent {growth.memory_exponent:.2f}"),
    ):
        axes.plot(growth.sizes, values, marker=marker, color=colour, label=label)
    straight = [seconds[-1] * size / growth.sizes[-1] for size in growth.sizes]
    axes.plot(growth.sizes, straight, color=LINEAR, linestyle=":", label="in proportion")
    axes.set_xticks(growth.sizes, [str(size) for size in growth.sizes])
    axes.minorticks_off()
    axes.grid(True, alpha=0.3)
    axes.legend(fontsize=7)
