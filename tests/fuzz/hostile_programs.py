"""Program files that are wrong on purpose, most of them with checksums that say nothing is."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Any, cast

from fuzz.damage import Random, damaged_bytes, damaged_text, pick
from support.command_line import classifier
from support.example_program import example_program

from pqc.isa.container import pack, unpack
from pqc.isa.fields import WORD_BYTES


@cache
def programs() -> tuple[bytes, ...]:
    """The files that are damaged."""
    return (classifier().to_bytes(), example_program().to_bytes())


def hostile_program(random: Random) -> bytes:
    """A file that may or may not be a program."""
    content = programs()[pick(random, len(programs()))]
    if pick(random, 4) == 0:
        return damaged_bytes(content, random)
    container = unpack(content, "whole.bin")
    sections = dict(container.sections)
    name = list(sections)[pick(random, len(sections))]
    data = sections[name]
    if name == "instructions":
        sections[name] = _changed_words(data, random)
    elif name == "constants" or pick(random, 4) == 0:
        sections[name] = damaged_bytes(data, random)
    elif pick(random, 2):
        sections[name] = _canonical(_changed_value(json.loads(data), random))
    else:
        sections[name] = damaged_text(data, random)
    return pack(sections, hashlib.sha256(sections["target"]).hexdigest())


def _changed_words(data: bytes, random: Random) -> bytes:
    """Instructions with other bits, left out, repeated or exchanged."""
    words = [data[start : start + WORD_BYTES] for start in range(0, len(data), WORD_BYTES)]
    place, other = pick(random, len(words)), pick(random, len(words))
    kind = pick(random, 5)
    if kind == 0:
        del words[place]
    elif kind == 1:
        words.insert(place, words[other])
    elif kind == 2:
        words[place], words[other] = words[other], words[place]
    else:
        for _ in range(1 + pick(random, 3)):
            changed = bytearray(words[place])
            changed[pick(random, len(changed))] ^= 1 << pick(random, 8)
            words[place] = bytes(changed)
    return b"".join(words)


def _changed_value(value: Any, random: Random) -> Any:
    """A JSON value in which one leaf is another."""
    if isinstance(value, dict) and value and pick(random, 12):
        fields = cast("dict[str, Any]", value)
        key = list(fields)[pick(random, len(fields))]
        return {**fields, key: _changed_value(fields[key], random)}
    if isinstance(value, list) and value and pick(random, 12):
        items = cast("list[Any]", value)
        place = pick(random, len(items))
        return [*items[:place], _changed_value(items[place], random), *items[place + 1 :]]
    others: tuple[Any, ...] = (0, 1, -1, 2**16, 2**31, 2**40, 2**64, 0.0, 1e300, -1e-300, "", "x\n", None, True, [], {})
    if isinstance(value, int | float) and pick(random, 2):
        return value + int(random.integers(-2, 3))
    return others[pick(random, len(others))]


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
