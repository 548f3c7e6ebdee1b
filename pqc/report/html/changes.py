"""What each pass changed in the text of the IR, packed for the page."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

UNKNOWN_BEFORE: tuple[str, ...] = ()
"""What the first step is compared with."""


@dataclass(frozen=True)
class Change:
    """The IR behind a pass, a line each, and what differs from the step before.

    Each of ``parts`` is (first, last) of the lines before and (first, last) of the lines after, exclusive; what lies
    between two of them is the same in both.
    """

    name: str
    lines: tuple[str, ...]
    parts: tuple[tuple[int, int, int, int], ...]

    @property
    def removed(self) -> int:
        """Lines that are no longer there."""
        return sum(last - first for first, last, _, _ in self.parts)

    @property
    def added(self) -> int:
        """Lines that are new."""
        return sum(last - first for _, _, first, last in self.parts)


def changes(texts: Sequence[tuple[str, str]]) -> list[Change]:
    """The steps of a compilation: each pass's name, and the IR behind it."""
    result: list[Change] = []
    before = UNKNOWN_BEFORE
    for name, text in texts:
        lines = tuple(text.splitlines())
        result.append(Change(name, lines, _differences(before, lines) if result else ()))
        before = lines
    return result


def _differences(before: Sequence[str], after: Sequence[str]) -> tuple[tuple[int, int, int, int], ...]:
    # every line counts, however often it occurs
    found = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return tuple((a, b, c, d) for kind, a, b, c, d in found if kind != "equal")


def packed(value: Any) -> str:
    """A JSON value, compressed, as text: the page unpacks it when it is looked at."""
    # without a time stamp: the same report has the same bytes
    return b64encode(gzip.compress(json.dumps(value, separators=(",", ":")).encode(), mtime=0)).decode()


def packed_changes(steps: Sequence[Change]) -> str:
    """All steps for the page."""
    return packed([{"name": step.name, "lines": step.lines, "parts": step.parts} for step in steps])
