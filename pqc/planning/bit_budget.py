"""Which widths things get so that they stay within a budget, for their size or for the error that they add."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pqc.errors import InternalError, ModelError
from pqc.planning.knapsack import least_within


class Narrowed(StrEnum):
    """What may have fewer bits than was asked for."""

    TABLES = "tables"
    PROTOTYPES = "prototypes"
    ACTIVATIONS = "activations"


@dataclass(frozen=True)
class Width:
    """One width that something may have."""

    bits: int
    size: float
    """Bytes, of all bits side by side."""
    error: float
    """What it adds to the error of the network's outputs, squared and relative to their variance."""


@dataclass(frozen=True)
class Narrowable:
    """Something that may have one of several widths."""

    what: Narrowed
    node: str
    """The layer, or whatever gives the activations."""
    widths: tuple[Width, ...]


def within_size(things: Sequence[Narrowable], budget: float) -> list[int]:
    """The bits of each of ``things``, which add least error where all together take ``budget`` bytes at most.

    Raises:
        ModelError: they never do.
    """
    picked = least_within(*_costs(things), budget)
    if picked is None:
        least = sum(min(width.size for width in thing.widths) for thing in things) / 1024
        what = " and ".join(dict.fromkeys(thing.what for thing in things))
        raise ModelError(f"a size budget of {budget / 1024:g} KiB: {what} of 2 bits everywhere take {least:.1f} KiB")
    return _bits(things, picked)


def within_error(things: Sequence[Narrowable], budget: float) -> list[int]:
    """The bits of each of ``things``, which take least where all together add ``budget`` to the error at most.

    Raises:
        InternalError: they always add more, though what was asked for adds nothing.
    """
    errors, sizes = _costs(things)
    picked = least_within(sizes, errors, budget)
    if picked is None:
        raise InternalError(f"no choice of bits adds {budget} to the error at most")
    return _bits(things, picked)


def _costs(things: Sequence[Narrowable]) -> tuple[list[list[float]], list[list[float]]]:
    """Errors and sizes, by thing and width."""
    errors = [[width.error for width in thing.widths] for thing in things]
    return errors, [[width.size for width in thing.widths] for thing in things]


def _bits(things: Sequence[Narrowable], picked: Sequence[int]) -> list[int]:
    return [thing.widths[index].bits for thing, index in zip(things, picked, strict=True)]
