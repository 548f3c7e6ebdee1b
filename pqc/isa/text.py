"""The words of the program text: what assembler and disassembler agree on."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from enum import IntEnum

from pqc.isa.canonical import Json
from pqc.isa.fields import Address, EncodingError, Field, Instruction, Unit

DATA_BYTES = 64
"""Bytes of constants on one line."""

_LINE_WIDTH = 100
_NUMBER = re.compile(r"-?(?:0x[0-9a-f]{1,64}|[0-9]{1,64})", re.IGNORECASE)
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[;#\[\]{}]')


def strip_comment(line: str) -> str:
    """``line`` without what follows a ``;`` or ``#`` outside quotes, and without surrounding spaces."""
    for piece in _PIECE.finditer(line):
        if piece.group() in ";#":
            return line[: piece.start()].strip()
    return line.strip()


def open_brackets(text: str) -> int:
    """How many brackets and braces outside quotes are still open at the end of ``text``."""
    pieces = [piece.group() for piece in _PIECE.finditer(text)]
    return sum(piece in "[{" for piece in pieces) - sum(piece in "]}" for piece in pieces)


def format_json(value: Json, indent: str = "") -> str:
    """``value`` on one line where it is short, else one item a line."""
    line = json.dumps(value, sort_keys=True, allow_nan=False)
    if len(line) <= _LINE_WIDTH or not isinstance(value, list | dict):
        return line
    deeper = f"{indent}  "
    if isinstance(value, list):
        items = [format_json(item, deeper) for item in value]
    else:
        items = [f"{json.dumps(name)}: {format_json(item, deeper)}" for name, item in sorted(value.items())]
    left, right = "[]" if isinstance(value, list) else "{}"
    body = ",\n".join(f"{deeper}{item}" for item in items)
    return f"{left}\n{body}\n{indent}{right}"


def parse_number(where: str, text: str) -> int:
    """The whole number that ``text`` spells, decimal or with ``0x``.

    Raises:
        EncodingError: naming ``where``.
    """
    if not _NUMBER.fullmatch(text):
        raise EncodingError(f"{where} = {text!r} is not a number, such as 12, -3 or 0x40")
    return int(text, 16 if "x" in text.lower() else 10)


def parse_choice(where: str, text: str, kind: type[IntEnum]) -> int:
    """The member of ``kind`` with the lower-case name ``text``.

    Raises:
        EncodingError: naming ``where`` and the allowed names.
    """
    names = {member.name.lower(): member for member in kind}
    if text not in names:
        raise EncodingError(f"{where} = {text!r}, allowed are {', '.join(names)}")
    return names[text]


def format_value(field: Field, value: int) -> str:
    """The value of an instruction's field: enumerations by name, addresses in hexadecimal."""
    kind = field.type(value)
    if isinstance(kind, IntEnum):
        return kind.name.lower()
    return f"{value:#x}" if isinstance(field.bits, Address) else str(int(value))


def parse_value(where: str, field: Field, text: str) -> int:
    """The inverse of :func:`format_value`; addresses and numbers may be decimal or hexadecimal.

    Raises:
        EncodingError: naming ``where``.
    """
    if issubclass(field.type, IntEnum):
        return parse_choice(where, text, field.type)
    return parse_number(where, text)


def format_units(mask: int) -> str:
    """The units in a mask, separated by commas."""
    return ",".join(unit.name.lower() for unit in Unit if mask >> unit & 1)


def parse_units(where: str, text: str) -> int:
    """The mask of the units that ``text`` lists, separated by commas.

    Raises:
        EncodingError: naming ``where``.
    """
    mask = 0
    for name in text.split(","):
        bit = 1 << parse_choice(where, name, Unit)
        if mask & bit:
            raise EncodingError(f"{where} = {text!r} names {name} twice")
        mask |= bit
    return mask


def format_instruction(instruction: Instruction) -> str:
    """An instruction as ``mnemonic field=value ...``; ``wait`` and ``signal`` appear where they are not empty."""
    words = [instruction.mnemonic]
    for name, value in instruction.values().items():
        words.append(f"{name}={format_value(instruction.fields[name], value)}")
    for name, mask in (("wait", instruction.wait), ("signal", instruction.signal)):
        if mask:
            words.append(f"{name}={format_units(mask)}")
    return " ".join(words)


def parse_instruction(text: str) -> Instruction:
    """The instruction that ``text`` spells as ``mnemonic field=value ...``, fields in any order.

    Raises:
        EncodingError: naming the instruction and field, what was found and what is allowed.
    """
    mnemonic, *words = text.split()
    kinds = {kind.mnemonic: kind for _, kind in sorted(Instruction.registry.items())}
    if mnemonic not in kinds:
        raise EncodingError(f"no instruction {mnemonic!r}{suggest(mnemonic, kinds)}")
    kind = kinds[mnemonic]
    texts = parse_words(mnemonic, words, [*kind.fields, "wait", "signal"], optional=("wait", "signal"))
    masks = {name: parse_units(f"{mnemonic}.{name}", texts[name]) for name in ("wait", "signal") if name in texts}
    values = {name: parse_value(f"{mnemonic}.{name}", field, texts[name]) for name, field in kind.fields.items()}
    instruction = kind(wait=masks.get("wait", 0), signal=masks.get("signal", 0), **values)
    instruction.encode()
    return instruction


def parse_words(where: str, words: Iterable[str], allowed: list[str], optional: tuple[str, ...] = ()) -> dict[str, str]:
    """The fields in words ``name=value``: each allowed one once, none but the optional ones missing.

    Raises:
        EncodingError: naming ``where`` and the field.
    """
    texts: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if name not in allowed:
            raise EncodingError(f"{where} has no field {name!r}{suggest(name, allowed)}")
        if not equals or not value:
            raise EncodingError(f"{where}.{name} has no value, write {name}=...")
        if name in texts:
            raise EncodingError(f"{where}.{name} stands twice")
        texts[name] = value
    missing = [name for name in allowed if name not in texts and name not in optional]
    if missing:
        raise EncodingError(f"{where} lacks the field{'s' * (len(missing) > 1)} {', '.join(missing)}")
    return texts


def suggest(name: str, allowed: Iterable[str]) -> str:
    """``, did you mean ...?`` where one of the allowed names is close, else the list of them."""
    names = list(allowed)
    close = difflib.get_close_matches(name[:64], names, n=1)
    return f", did you mean {close[0]!r}?" if close else f", allowed are {', '.join(names)}"
