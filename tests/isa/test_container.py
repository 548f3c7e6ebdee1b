"""Damage of any kind to a program file is noticed, and named."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable

import pytest
from support.example_program import example_program

from pqc.errors import ProgramError
from pqc.isa.container import (
    FORMAT_VERSION,
    HEADER_LAYOUT,
    MAGIC,
    SECTIONS,
    Container,
    pack,
    unpack,
)
from pqc.isa.instructions import ISA_VERSION
from pqc.isa.program import Program
from pqc.isa.sections import CHECKSUM_BYTES, ENTRY_LAYOUT, Entry

DATA = example_program().to_bytes()
TABLE_END = HEADER_LAYOUT.size + ENTRY_LAYOUT.size * len(SECTIONS)


def entries(data: bytes) -> list[Entry]:
    """The section table of ``data``."""
    read: list[Entry] = []
    for index in range(len(SECTIONS)):
        name, *rest = ENTRY_LAYOUT.unpack_from(data, HEADER_LAYOUT.size + index * ENTRY_LAYOUT.size)
        read.append(Entry(name.rstrip(b"\0").decode(), *rest))
    return read


def with_entries(changed: list[Entry]) -> bytes:
    """DATA with another section table of the same length, and a checksum that matches it."""
    head = DATA[: HEADER_LAYOUT.size]
    for entry in changed:
        head += ENTRY_LAYOUT.pack(entry.name.encode(), entry.offset, entry.length, entry.checksum)
    return head + hashlib.sha256(head).digest() + DATA[len(head) + CHECKSUM_BYTES :]


def with_bytes(offset: int, replacement: bytes) -> bytes:
    """DATA with some bytes of the header replaced, and a checksum that matches them."""
    head = DATA[:offset] + replacement + DATA[offset + len(replacement) : TABLE_END]
    return head + hashlib.sha256(head).digest() + DATA[TABLE_END + CHECKSUM_BYTES :]


def refusal(data: bytes) -> str:
    """The sentence that refuses ``data``."""
    with pytest.raises(ProgramError) as caught:
        Program.from_bytes(data, "r.bin")
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_unpacking_inverts_packing() -> None:
    container = unpack(DATA, "r.bin")
    assert list(container.sections) == list(SECTIONS)
    assert container.fingerprint == example_program().fingerprint()
    assert pack(container.sections, container.fingerprint) == DATA


def test_empty_sections_survive() -> None:
    empty = Container("00" * 32, dict.fromkeys(SECTIONS, b""))
    assert unpack(pack(empty.sections, empty.fingerprint), "r.bin") == empty


def test_one_flipped_bit_in_any_byte_is_refused() -> None:
    for offset in range(len(DATA)):
        damaged = bytearray(DATA)
        damaged[offset] ^= 1 << offset % 8
        assert refusal(bytes(damaged)).startswith("r.bin: ")


@pytest.mark.parametrize("name", SECTIONS)
def test_a_flipped_byte_names_its_section(name: str) -> None:
    entry = next(entry for entry in entries(DATA) if entry.name == name)
    damaged = bytearray(DATA)
    damaged[entry.offset + entry.length // 2] ^= 0xFF
    assert refusal(bytes(damaged)) == f"r.bin: damaged: section '{name}' does not match its checksum"


def test_cut_off_at_any_length_is_refused() -> None:
    for length in range(len(DATA)):
        refusal(DATA[:length])


GOLDEN: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not a pqc program: the file is empty"),
    "text": (
        b"hello, world",
        "not a pqc program: it starts with 68 65 6c 6c 6f 2c 20 77, a program with 89 50 51 43 0d 0a 1a 0a",
    ),
    "half a magic": (MAGIC[:3], "damaged: cut off after 3 bytes, inside its header of 56 bytes"),
    "half a table": (
        DATA[:100],
        "damaged: cut off after 100 bytes, inside its table of 8 sections, which ends at byte 600",
    ),
    "a byte less": (
        DATA[:-1],
        f"damaged: it has {len(DATA) - 1} bytes, its header says {len(DATA)}: cut off",
    ),
    "a byte more": (
        DATA + b"\0",
        f"damaged: it has {len(DATA) + 1} bytes, its header says {len(DATA)}: something follows its last section",
    ),
    "format version": (
        with_bytes(8, struct.pack("<H", FORMAT_VERSION + 1)),
        "written for version 3 of the file format, this pqc has version 2: compile the model again with this pqc",
    ),
    "instruction set version": (
        with_bytes(10, struct.pack("<H", ISA_VERSION + 1)),
        f"written for version {ISA_VERSION + 1} of the instruction set, this pqc has version {ISA_VERSION}: "
        "compile the model again with this pqc",
    ),
    "endless table": (
        with_bytes(12, struct.pack("<I", 0xFFFFFFFF)),
        f"damaged: cut off after {len(DATA)} bytes, inside its table of 4294967295 sections, "
        "which ends at byte 274877906968",
    ),
    "header": (
        DATA[:20] + b"\xff" + DATA[21:],
        "damaged: the header and section table do not match their checksum",
    ),
    "gap": (
        DATA[: TABLE_END + CHECKSUM_BYTES] + b"\1" + DATA[TABLE_END + CHECKSUM_BYTES + 1 :],
        "damaged: the gap before section 'target' is not zero",
    ),
}


@pytest.mark.parametrize("case", GOLDEN)
def test_golden_messages(case: str) -> None:
    data, message = GOLDEN[case]
    assert refusal(data) == f"r.bin: {message}"


def renamed(index: int, name: str) -> bytes:
    """DATA with one section renamed."""
    table = entries(DATA)
    table[index] = Entry(name, table[index].offset, table[index].length, table[index].checksum)
    return with_entries(table)


def moved(change: Callable[[int, int], tuple[int, int]]) -> bytes:
    """DATA with another offset and length for the third section, which says how it is executed."""
    table = entries(DATA)
    offset, length = change(table[2].offset, table[2].length)
    table[2] = Entry(table[2].name, offset, length, table[2].checksum)
    return with_entries(table)


OFFSET = entries(DATA)[2].offset

TABLES: dict[str, tuple[bytes, str]] = {
    "unknown": (
        renamed(2, "junk"),
        "unknown section 'junk', "
        "allowed are target, instructions, execution, constants, tensors, debug, provenance, selftest",
    ),
    "not a name": (
        with_bytes(HEADER_LAYOUT.size, b"\xff\n"),
        "unknown section '\\\\xff\\nrget', "
        "allowed are target, instructions, execution, constants, tensors, debug, provenance, selftest",
    ),
    "twice": (renamed(2, "target"), "the section 'target' stands twice in the section table"),
    "order": (
        with_entries([*entries(DATA)[1::-1], *entries(DATA)[2:]]),
        "the sections stand as instructions, target, execution, constants, tensors, debug, provenance, selftest, "
        "expected target, instructions, execution, constants, tensors, debug, provenance, selftest",
    ),
    "overlap": (
        moved(lambda offset, length: (offset - 64, length)),
        f"section 'execution' starts at byte {OFFSET - 64}, expected is {OFFSET}",
    ),
    "gap": (
        moved(lambda offset, length: (offset + 64, length)),
        f"section 'execution' starts at byte {OFFSET + 64}, expected is {OFFSET}",
    ),
    "far away": (
        moved(lambda _, length: ((1 << 64) - 64, length)),
        f"section 'execution' starts at byte 18446744073709551552, expected is {OFFSET}",
    ),
    "too long": (
        moved(lambda offset, _: (offset, (1 << 64) - 1)),
        f"section 'execution' ends at byte {OFFSET + (1 << 64) - 1}, beyond the file's {len(DATA)} bytes",
    ),
    "shorter": (
        moved(lambda offset, length: (offset, length - 1)),
        "damaged: section 'execution' does not match its checksum",
    ),
}


@pytest.mark.parametrize("case", TABLES)
def test_section_tables_that_lie_are_refused(case: str) -> None:
    data, message = TABLES[case]
    assert refusal(data) == f"r.bin: {message}"


def test_a_missing_section_is_named() -> None:
    head = bytearray(DATA[: TABLE_END - ENTRY_LAYOUT.size])
    struct.pack_into("<I", head, 12, len(SECTIONS) - 1)
    struct.pack_into("<Q", head, 16, len(head) + CHECKSUM_BYTES)
    data = bytes(head) + hashlib.sha256(head).digest()
    assert refusal(data) == "r.bin: the section 'selftest' is missing"


def test_bytes_between_the_last_section_and_the_end_are_refused() -> None:
    longer = with_bytes(16, struct.pack("<Q", len(DATA) + 1)) + b"\0"
    message = f"damaged: its last section ends at byte {len(DATA)}, the file has {len(DATA) + 1} bytes"
    assert refusal(longer) == f"r.bin: {message}"
