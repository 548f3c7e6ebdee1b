"""What each pass changed: the parts that differ rebuild one text from the other."""

from __future__ import annotations

import gzip
import json
from base64 import b64decode
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pqc.report.html.changes import Change, changes, packed_changes

TEXTS = st.lists(st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=12), min_size=1, max_size=4)


@given(TEXTS)
def test_the_parts_lead_from_one_text_to_the_next(texts: list[list[str]]) -> None:
    steps = changes([(f"pass{index}", "\n".join(lines)) for index, lines in enumerate(texts)])
    assert [list(step.lines) for step in steps] == texts
    assert steps[0].parts == ()
    for before, after in pairwise(steps):
        rebuilt: list[str] = []
        at = 0
        for first, last, start, stop in after.parts:
            rebuilt += [*before.lines[at:first], *after.lines[start:stop]]
            at = last
        assert [*rebuilt, *before.lines[at:]] == list(after.lines)


def test_counts() -> None:
    step = changes([("import", "a\nb\nc"), ("pass", "a\nx\ny\nc")])[1]
    assert step == Change("pass", ("a", "x", "y", "c"), ((1, 2, 1, 3),))
    assert (step.removed, step.added) == (1, 2)


def test_packed_and_unpacked() -> None:
    steps = changes([("import", "a\nb"), ("pass", "a\nc")])
    text = packed_changes(steps)
    assert text == packed_changes(steps)
    assert json.loads(gzip.decompress(b64decode(text))) == [
        {"name": "import", "lines": ["a", "b"], "parts": []},
        {"name": "pass", "lines": ["a", "c"], "parts": [[1, 2, 1, 2]]},
    ]
