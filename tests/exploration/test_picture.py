"""The picture: files that can be read, the same for the same results, and a sentence where there is none."""

from __future__ import annotations

import sys
from io import BytesIO
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image
from support.sweeps import result

from pqc.errors import ModelError
from pqc.exploration.objectives import choose
from pqc.exploration.picture import DPI, LINES, PANEL, draw
from pqc.exploration.results import Result, Results

NAMES = ("cycles", "area", "table_bytes", "accuracy")


def results(*names: str, points: int = 30) -> Results:
    rng = np.random.default_rng(1)
    found: list[Result] = []
    for index in range(points):
        cycles, area, tables = (int(value) for value in rng.integers(100, 5000, 3))
        quality = float(1 - 40 / (cycles + area) - rng.uniform(0, 0.05))
        figures = {"cycles": cycles, "area_clb": area, "table_bytes": tables, "accuracy": quality, "error": 1 - quality}
        found.append(result(f"point {index}", **figures))
    return Results(tuple(found), choose(names or NAMES, labelled=True), ("name",))


def pixels(png: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(Image.open(BytesIO(png)).convert("RGB"))


@pytest.mark.parametrize("names", [NAMES, ("cycles", "accuracy"), ("cycles", "error", "area")])
def test_files_can_be_read_and_show_every_line(names: tuple[str, ...]) -> None:
    files = draw(results(*names), "a title")
    assert ET.fromstring(files["svg"]).tag.endswith("svg")
    image = pixels(files["png"])
    assert image.shape[0] > PANEL[1] * DPI
    colours = {tuple(colour) for colour in np.unique(image.reshape(-1, 3), axis=0).tolist()}
    for _, colour in LINES if len(names) > 2 else LINES[:1]:
        assert tuple(int(colour[place : place + 2], 16) for place in (1, 3, 5)) in colours


def test_equal_results_give_equal_files() -> None:
    assert draw(results(), "a title") == draw(results(), "a title")
    assert draw(results(), "a title")["svg"] != draw(results(points=29), "a title")["svg"]


def test_one_point_is_enough() -> None:
    only = Results((result("one", cycles=5, accuracy=0.5),), choose(("cycles", "accuracy"), labelled=True), ())
    assert set(draw(only, "one point")) == {"svg", "png"}


def test_values_of_zero_and_values_far_apart() -> None:
    rows = [(1, 0.0), (1000, 0.5), (1_000_000, 1.0)]
    found = tuple(result(str(c), cycles=c, accuracy=a) for c, a in rows)
    assert draw(Results(found, choose(("cycles", "accuracy"), labelled=True), ("name",)), "wide")["png"]


def test_without_matplotlib_or_points_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="no point has a figure for every objective"):
        draw(results(points=0), "nothing")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ModelError, match=r"it needs the package matplotlib; install it with pip install 'pqc\[plot\]'"):
        draw(results(), "a title")
