"""Files of named sections: behind a header a table with their checksums, then the sections.

Every byte of such a file is either checked by a checksum or known in advance, so that no damage goes unnoticed. There
is one way to lay out given sections, so that equal contents are equal files.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pqc.errors import ProgramError

ALIGNMENT = 64
"""Sections start at multiples of this; the gaps are zero."""

CHECKSUM_BYTES = 32

STAGES_MAGIC = b"\x89PQS\r\n\x1a\n"
"""First bytes of a file of stages (:mod:`pqc.isa.stages`), which is taken for a program by mistake."""


@dataclass(frozen=True)
class Part:
    """One part of the header or of a table entry: its name, its ``struct`` code and what it holds."""

    name: str
    code: str
    doc: str


ENTRY = (
    Part("name", "16s", "name of the section, filled up with zeros"),
    Part("offset", "Q", f"its first byte, a multiple of {ALIGNMENT}"),
    Part("length", "Q", "its bytes"),
    Part("checksum", "32s", "its SHA-256"),
)


def layout(parts: tuple[Part, ...]) -> struct.Struct:
    """How ``parts`` lie behind each other, little-endian and without gaps."""
    return struct.Struct("<" + "".join(part.code for part in parts))


ENTRY_LAYOUT = layout(ENTRY)


@dataclass(frozen=True)
class Entry:
    """One line of the section table."""

    name: str
    offset: int
    length: int
    checksum: bytes


def file_bytes(bodies: Iterable[bytes], header_bytes: int) -> int:
    """The length of the file with sections of these ``bodies`` behind a header."""
    bodies = list(bodies)
    end = header_bytes + ENTRY_LAYOUT.size * len(bodies) + CHECKSUM_BYTES
    for body in bodies:
        end = _aligned(end) + len(body)
    return end


def joined(head: bytes, bodies: Mapping[str, bytes]) -> bytes:
    """The file with the header ``head`` and these sections."""
    end = len(head) + ENTRY_LAYOUT.size * len(bodies) + CHECKSUM_BYTES
    offsets: list[int] = []
    for name, body in bodies.items():
        offsets.append(_aligned(end))
        head += ENTRY_LAYOUT.pack(name.encode("ascii"), offsets[-1], len(body), hashlib.sha256(body).digest())
        end = offsets[-1] + len(body)
    file = bytearray(head + hashlib.sha256(head).digest())
    for offset, body in zip(offsets, bodies.values(), strict=True):
        file += bytes(offset - len(file)) + body
    return bytes(file)


def check_magic(data: bytes, magic: bytes, header_bytes: int, origin: str) -> None:
    """Refuse what does not begin with ``magic`` and a whole header.

    Raises:
        ProgramError: so it is.
    """
    if not data:
        raise ProgramError(f"{origin}: not a pqc program: the file is empty")
    start = data[: len(magic)]
    if start == STAGES_MAGIC != magic:
        raise ProgramError(
            f"{origin}: a program of several stages, some of them on the host: take it apart with "
            f"`pqc stages {origin} -o FOLDER`, and name the program of one stage"
        )
    if not magic.startswith(start):
        raise ProgramError(
            f"{origin}: not a pqc program: it starts with {start.hex(' ')}, a program with {magic.hex(' ')}"
        )
    if len(data) < header_bytes:
        raise ProgramError(
            f"{origin}: damaged: cut off after {len(data)} bytes, inside its header of {header_bytes} bytes"
        )


def check_versions(origin: str, *versions: tuple[str, int, int]) -> None:
    """Refuse a file of another version; each of ``versions`` is what it is of, found and expected.

    Raises:
        ProgramError: so it is.
    """
    for what, found, expected in versions:
        if found != expected:
            raise ProgramError(
                f"{origin}: written for version {found} of the {what}, this pqc has version {expected}: "
                "compile the model again with this pqc"
            )


def read_table(data: bytes, header_bytes: int, count: int, length: int, origin: str) -> list[Entry]:
    """The table of ``count`` sections of a file whose header gives its ``length``.

    Raises:
        ProgramError: the file is cut off, longer, or the table does not match its checksum.
    """
    end = header_bytes + count * ENTRY_LAYOUT.size
    if len(data) < end + CHECKSUM_BYTES:
        raise ProgramError(
            f"{origin}: damaged: cut off after {len(data)} bytes, "
            f"inside its table of {count} sections, which ends at byte {end + CHECKSUM_BYTES}"
        )
    if hashlib.sha256(data[:end]).digest() != data[end : end + CHECKSUM_BYTES]:
        raise ProgramError(f"{origin}: damaged: the header and section table do not match their checksum")
    if length != len(data):
        change = "cut off" if len(data) < length else "something follows its last section"
        raise ProgramError(f"{origin}: damaged: it has {len(data)} bytes, its header says {length}: {change}")
    return [_read_entry(data, header_bytes, index) for index in range(count)]


def read_sections(data: bytes, header_bytes: int, entries: Sequence[Entry], origin: str) -> dict[str, bytes]:
    """The sections by name, each checked.

    Raises:
        ProgramError: one lies in another place than it should, or does not match its checksum.
    """
    sections: dict[str, bytes] = {}
    end = header_bytes + len(entries) * ENTRY_LAYOUT.size + CHECKSUM_BYTES
    for entry in entries:
        sections[entry.name] = _read_section(data, entry, end, origin)
        end = entry.offset + entry.length
    if end != len(data):
        raise ProgramError(f"{origin}: damaged: its last section ends at byte {end}, the file has {len(data)} bytes")
    return sections


def _aligned(offset: int) -> int:
    return -(-offset // ALIGNMENT) * ALIGNMENT


def _read_entry(data: bytes, header_bytes: int, index: int) -> Entry:
    name, offset, length, checksum = ENTRY_LAYOUT.unpack_from(data, header_bytes + index * ENTRY_LAYOUT.size)
    # An odd name turns into an unknown one, which is refused by name; only trailing zeros are padding.
    return Entry(name.rstrip(b"\0").decode("ascii", "backslashreplace"), offset, length, checksum)


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
