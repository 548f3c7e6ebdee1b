"""The container of a program file: a header, a table of named sections with checksums, and the sections.

Every byte of a file is either checked by a checksum or known in advance, so that no damage goes unnoticed. There is one
way to lay out given sections, so that equal programs are equal files.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from pqc.errors import ProgramError
from pqc.isa.instructions import ISA_VERSION

MAGIC = b"\x89PQC\r\n\x1a\n"
"""First bytes of a file; a transfer that treats it as text, or as seven-bit data, changes them."""

FORMAT_VERSION = 2
"""Raised whenever the layout of the file changes."""

ALIGNMENT = 64
"""Sections start at multiples of this; the gaps are zero."""

CHECKSUM_BYTES = 32

SECTIONS: dict[str, str] = {
    "target": "the target's description, a JSON object; its SHA-256 is the fingerprint in the header",
    "instructions": "the instruction words, in program order",
    "execution": "the frames that one execution processes, and the tokens that are there at the start; JSON",
    "constants": "the first bytes of DRAM: codebooks, tables, weights, biases, requantization parameters",
    "tensors": "the inputs and outputs (name, shape of a frame, element type, scale, address) and the DRAM size; JSON",
    "debug": "the names of the ONNX nodes, and for each instruction the index of its node; JSON",
    "provenance": "where the program comes from: tool version, options, model; a JSON object",
    "selftest": "the seed and frames of random inputs and the SHA-256 of the outputs they must give, or null; JSON",
}
"""All sections and what they hold, in the order of the file."""


@dataclass(frozen=True)
class Part:
    """One part of the header or of a table entry: its name, its ``struct`` code and what it holds."""

    name: str
    code: str
    doc: str


HEADER = (
    Part("magic", "8s", f"`{MAGIC.hex(' ')}`"),
    Part("format_version", "H", f"version of this layout, {FORMAT_VERSION}"),
    Part("isa_version", "H", f"version of the instruction set, {ISA_VERSION}"),
    Part("section_count", "I", "entries of the section table"),
    Part("file_bytes", "Q", "length of the whole file"),
    Part("target", "32s", "SHA-256 of the section `target`"),
)
ENTRY = (
    Part("name", "16s", "name of the section, filled up with zeros"),
    Part("offset", "Q", f"its first byte, a multiple of {ALIGNMENT}"),
    Part("length", "Q", "its bytes"),
    Part("checksum", "32s", "its SHA-256"),
)


def _layout(parts: tuple[Part, ...]) -> struct.Struct:
    return struct.Struct("<" + "".join(part.code for part in parts))


HEADER_LAYOUT = _layout(HEADER)
ENTRY_LAYOUT = _layout(ENTRY)


@dataclass(frozen=True)
class Entry:
    """One line of the section table."""

    name: str
    offset: int
    length: int
    checksum: bytes


@dataclass(frozen=True)
class Container:
    """A container that has passed its checks: the target's fingerprint in hexadecimal, and the sections by name."""

    fingerprint: str
    sections: dict[str, bytes]


def pack(sections: Mapping[str, bytes], fingerprint: str) -> bytes:
    """The file with these sections, which must be the ones of SECTIONS, for the target with this fingerprint."""
    bodies = {name: sections[name] for name in SECTIONS}
    entries: list[Entry] = []
    end = HEADER_LAYOUT.size + ENTRY_LAYOUT.size * len(bodies) + CHECKSUM_BYTES
    for name, body in bodies.items():
        offset = _aligned(end)
        entries.append(Entry(name, offset, len(body), hashlib.sha256(body).digest()))
        end = offset + len(body)
    head = HEADER_LAYOUT.pack(MAGIC, FORMAT_VERSION, ISA_VERSION, len(bodies), end, bytes.fromhex(fingerprint))
    for entry in entries:
        head += ENTRY_LAYOUT.pack(entry.name.encode("ascii"), entry.offset, entry.length, entry.checksum)
    file = bytearray(head + hashlib.sha256(head).digest())
    for entry, body in zip(entries, bodies.values(), strict=True):
        file += bytes(entry.offset - len(file)) + body
    return bytes(file)


def unpack(data: bytes, origin: str) -> Container:
    """The sections of the file ``data``; ``origin`` names it in messages.

    Raises:
        ProgramError: it is no program file, another version's, or damaged.
    """
    count, length, target = _read_header(data, origin)
    table_end = HEADER_LAYOUT.size + count * ENTRY_LAYOUT.size
    if len(data) < table_end + CHECKSUM_BYTES:
        raise ProgramError(
            f"{origin}: damaged: cut off after {len(data)} bytes, "
            f"inside its table of {count} sections, which ends at byte {table_end + CHECKSUM_BYTES}"
        )
    if hashlib.sha256(data[:table_end]).digest() != data[table_end : table_end + CHECKSUM_BYTES]:
        raise ProgramError(f"{origin}: damaged: the header and section table do not match their checksum")
    if length != len(data):
        change = "cut off" if len(data) < length else "something follows its last section"
        raise ProgramError(f"{origin}: damaged: it has {len(data)} bytes, its header says {length}: {change}")
    entries = [_read_entry(data, index) for index in range(count)]
    _check_names([entry.name for entry in entries], origin)
    sections: dict[str, bytes] = {}
    end = table_end + CHECKSUM_BYTES
    for entry in entries:
        sections[entry.name] = _read_section(data, entry, end, origin)
        end = entry.offset + entry.length
    if end != len(data):
        raise ProgramError(f"{origin}: damaged: its last section ends at byte {end}, the file has {len(data)} bytes")
    return Container(target.hex(), sections)


def _aligned(offset: int) -> int:
    return -(-offset // ALIGNMENT) * ALIGNMENT


def _read_header(data: bytes, origin: str) -> tuple[int, int, bytes]:
    if not data:
        raise ProgramError(f"{origin}: not a pqc program: the file is empty")
    if not MAGIC.startswith(data[: len(MAGIC)]):
        start = data[: len(MAGIC)].hex(" ")
        raise ProgramError(f"{origin}: not a pqc program: it starts with {start}, a program with {MAGIC.hex(' ')}")
    if len(data) < HEADER_LAYOUT.size:
        raise ProgramError(
            f"{origin}: damaged: cut off after {len(data)} bytes, inside its header of {HEADER_LAYOUT.size} bytes"
        )
    _, format_version, isa_version, count, length, target = HEADER_LAYOUT.unpack_from(data)
    for what, found, expected in (
        ("file format", format_version, FORMAT_VERSION),
        ("instruction set", isa_version, ISA_VERSION),
    ):
        if found != expected:
            raise ProgramError(
                f"{origin}: written for version {found} of the {what}, this pqc has version {expected}: "
                "compile the model again with this pqc"
            )
    return count, length, target


def _read_entry(data: bytes, index: int) -> Entry:
    name, offset, length, checksum = ENTRY_LAYOUT.unpack_from(data, HEADER_LAYOUT.size + index * ENTRY_LAYOUT.size)
    # An odd name turns into an unknown one, which is refused by name; only trailing zeros are padding.
    return Entry(name.rstrip(b"\0").decode("ascii", "backslashreplace"), offset, length, checksum)


def _check_names(names: list[str], origin: str) -> None:
    for name in names:
        if name not in SECTIONS:
            raise ProgramError(f"{origin}: unknown section {name!r}, allowed are {', '.join(SECTIONS)}")
        if names.count(name) > 1:
            raise ProgramError(f"{origin}: the section {name!r} stands twice in the section table")
    for name in SECTIONS:
        if name not in names:
            raise ProgramError(f"{origin}: the section {name!r} is missing")
    if names != list(SECTIONS):
        raise ProgramError(f"{origin}: the sections stand as {', '.join(names)}, expected {', '.join(SECTIONS)}")


def _read_section(data: bytes, entry: Entry, previous_end: int, origin: str) -> bytes:
    expected = _aligned(previous_end)
    if entry.offset != expected:
        raise ProgramError(f"{origin}: section {entry.name!r} starts at byte {entry.offset}, expected is {expected}")
    if entry.length > len(data) - entry.offset:
        raise ProgramError(
            f"{origin}: section {entry.name!r} ends at byte {entry.offset + entry.length}, "
            f"beyond the file's {len(data)} bytes"
        )
    if any(data[previous_end : entry.offset]):
        raise ProgramError(f"{origin}: damaged: the gap before section {entry.name!r} is not zero")
    body = data[entry.offset : entry.offset + entry.length]
    if hashlib.sha256(body).digest() != entry.checksum:
        raise ProgramError(f"{origin}: damaged: section {entry.name!r} does not match its checksum")
    return body
