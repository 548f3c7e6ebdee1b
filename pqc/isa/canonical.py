"""Canonical JSON: each value has one spelling, so that equal data has equal bytes and an equal fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import NoReturn, TypeAlias

from pqc.isa.fields import EncodingError

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""What JSON can say."""

MAXIMUM_DEPTH = 32
"""Deepest nesting that is read; bounds the recursion of whoever walks the value."""


def canonical_json(value: object) -> bytes:
    """The one spelling of ``value``: sorted keys, no spaces, ASCII, shortest floats.

    Raises:
        EncodingError: ``value`` holds something that JSON cannot say, such as NaN or an array, or what
            :func:`parse_json` would refuse.
    """
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise EncodingError(f"cannot be written as JSON: {error}") from None
    parse_json(text)
    return text.encode("ascii")


def fingerprint(value: object) -> str:
    """SHA-256 of the canonical JSON of ``value``, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def parse_json(text: str) -> Json:
    """The value that ``text`` spells, in any spelling of JSON.

    Raises:
        EncodingError: it is no JSON, repeats a key, nests too deeply, or holds text that no file can hold.
    """
    try:
        value: Json = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_without_repetition)
        _check(value, 0)
    except RecursionError:
        raise EncodingError(f"not readable: nested deeper than {MAXIMUM_DEPTH} levels") from None
    except ValueError as error:
        raise EncodingError(f"not readable as JSON: {error}") from None
    return value


def parse_canonical_json(data: bytes) -> Json:
    """The value whose canonical spelling is ``data``.

    Raises:
        EncodingError: it is no JSON, or spelled in another way.
    """
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError as error:
        raise EncodingError(f"not readable as JSON: byte {error.start} is not ASCII") from None
    value = parse_json(text)
    if canonical_json(value) != data:
        raise EncodingError("JSON in another spelling than the canonical one (sorted keys, no spaces)")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _without_repetition(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        (name, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the key {name!r} stands twice")
    return fields


def _check(value: Json, depth: int) -> None:
    if isinstance(value, str):
        value.encode()  # JSON can spell half a surrogate pair, which no output stream can print
    if not isinstance(value, list | dict):
        return
    if depth == MAXIMUM_DEPTH:
        raise ValueError(f"nested deeper than {MAXIMUM_DEPTH} levels")
    for item in value:
        _check(item, depth + 1)
    if isinstance(value, dict):
        for item in value.values():
            _check(item, depth + 1)
