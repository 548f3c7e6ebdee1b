"""The options of a compilation, as they travel with the IR."""

from __future__ import annotations

import pytest

from pqc.errors import ModelError
from pqc.passes.options import PqOptions


def test_options_are_read_back() -> None:
    options = PqOptions(prototypes=32, length=8, grouping="channel", include=("fc*",), exclude=("a", "b"), images=5)
    assert PqOptions.from_json(options.as_json()) == options


def test_options_from_before_there_were_groupings_cut_by_window() -> None:
    values = PqOptions(prototypes=4).as_json()
    del values["grouping"]
    assert PqOptions.from_json(values) == PqOptions(prototypes=4, grouping="window")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"grouping": "pixel"}, "grouping 'pixel', allowed are window, channel"),
        ({"metric": "cosine"}, "metric 'cosine', allowed are l2, l1, linf"),
        ({"length": 0}, "length = 0, allowed are 1 to 1024"),
        ({"colour": 1}, "an option 'colour' that does not exist"),
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        PqOptions.from_json(options)


@pytest.mark.parametrize(
    ("shape", "frames"),
    [((64,), 1024), ((1, 49, 10), 1024), ((3, 32, 32), 1024), ((3, 96, 96), 697), ((3, 224, 224), 128)],
)
def test_large_frames_are_few_where_nobody_says_how_many(shape: tuple[int, ...], frames: int) -> None:
    assert PqOptions().frames_of([shape]) == frames
    assert PqOptions().frames_of([shape, (1, 8, 8)]) == frames
    assert PqOptions(images=5000).frames_of([shape]) == 5000
