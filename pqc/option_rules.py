"""Rules that options keep, and the one sentence that is said of one that does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pqc.errors import ModelError


def check_ranges(options: object, ranges: Mapping[str, tuple[float, float]]) -> None:
    """Refuse a number that lies outside its range; one that is None is left to whoever reads it.

    Raises:
        ModelError: naming the option, what it is and what is allowed.
    """
    for name, (low, high) in ranges.items():
        value: float | None = getattr(options, name)
        if value is not None and not low <= value <= high:
            raise ModelError(f"{name} = {value}, allowed are {low} to {high}")


def check_choice(what: str, value: str, allowed: Iterable[str]) -> None:
    """Refuse a word that is none of those allowed.

    Raises:
        ModelError: naming the option, what it is and what is allowed.
    """
    words = tuple(allowed)
    if value not in words:
        raise ModelError(f"{what} {value!r}, allowed are {', '.join(words)}")
