"""Damage to bytes and to texts, whatever they hold."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

Random = np.random.Generator

NUMBERS = (
    b"0", b"-1", b"1", b"255", b"256", b"65536", b"2147483648", b"-9223372036854775809", b"18446744073709551616",
    b"1e999", b"nan",
)  # fmt: skip
"""Numbers at the limits of something."""

_TOKEN = re.compile(rb"-?\d+(?:\.\d+)?|[A-Za-z_][\w.]*|\s+|.", re.DOTALL)
_NUMBER = re.compile(rb"-?\d+")


def pick(random: Random, count: int) -> int:
    """One of ``count`` places, the first where there is none."""
    return int(random.integers(0, max(1, count)))


def choose(random: Random, options: Sequence[bytes]) -> bytes:
    """One of ``options``."""
    return options[pick(random, len(options))]


def damaged_bytes(data: bytes, random: Random) -> bytes:
    """``data`` with one thing wrong: cut off, bytes flipped, overwritten, left out, repeated or put in."""
    start = pick(random, len(data))
    length = 1 + pick(random, min(32, len(data)))
    kind = pick(random, 6)
    if kind == 0:
        return data[:start]
    if kind == 1:
        changed = bytearray(data)
        for _ in range(1 + pick(random, 8)):
            changed[pick(random, len(data))] ^= 1 << pick(random, 8)
        return bytes(changed)
    if kind == 2:
        return data[:start] + random.bytes(length) + data[start + length :]
    if kind == 3:
        return data[:start] + data[start + length :]
    if kind == 4:
        return data[:start] + data[start : start + length] * (1 + pick(random, 4)) + data[start:]
    return data[:start] + random.bytes(length) + data[start:]


def damaged_text(data: bytes, random: Random) -> bytes:
    """``data`` with tokens or lines left out, repeated, exchanged, or numbers changed; sometimes with other bytes."""
    kind = pick(random, 6)
    if kind == 0:
        return damaged_bytes(data, random)
    if kind == 1:
        return _with_lines_changed(data, random)
    if kind <= 3:
        return _with_numbers_changed(data, random)
    tokens = _TOKEN.findall(data)
    for _ in range(1 + pick(random, 3)):
        first, second = pick(random, len(tokens)), pick(random, len(tokens))
        if kind == 4:
            tokens[first] = tokens[second]
        else:
            tokens[first] = choose(random, (b"", tokens[first] * 2, b"%0", b"<", b">", b"{", b'"', b"x", b"?"))
    return b"".join(tokens)


def _with_lines_changed(data: bytes, random: Random) -> bytes:
    lines = data.splitlines(keepends=True)
    first, second = pick(random, len(lines)), pick(random, len(lines))
    lines[first] = choose(random, (b"", lines[first] * 2, lines[second]))
    return b"".join(lines)


def _with_numbers_changed(data: bytes, random: Random) -> bytes:
    places = list(_NUMBER.finditer(data))
    if not places:
        return damaged_bytes(data, random)
    place = places[pick(random, len(places))]
    near = str(int(place.group()) + int(random.integers(-2, 3))).encode()
    return data[: place.start()] + choose(random, (*NUMBERS, near, near, near, near)) + data[place.end() :]
