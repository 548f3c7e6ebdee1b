"""The container of a program file: its header, and which sections it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pqc.errors import ProgramError
from pqc.isa.instructions import ISA_VERSION
from pqc.isa.sections import Part, check_magic, check_versions, file_bytes, joined, layout, read_sections, read_table

MAGIC = b"\x89PQC\r\n\x1a\n"
"""First bytes of a file; a transfer that treats it as text, or as seven-bit data, changes them."""

FORMAT_VERSION = 2
"""Raised whenever the layout of the file changes."""

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

HEADER = (
    Part("magic", "8s", f"`{MAGIC.hex(' ')}`"),
    Part("format_version", "H", f"version of this layout, {FORMAT_VERSION}"),
    Part("isa_version", "H", f"version of the instruction set, {ISA_VERSION}"),
    Part("section_count", "I", "entries of the section table"),
    Part("file_bytes", "Q", "length of the whole file"),
    Part("target", "32s", "SHA-256 of the section `target`"),
)
HEADER_LAYOUT = layout(HEADER)


@dataclass(frozen=True)
class Container:
    """A container that has passed its checks: the target's fingerprint in hexadecimal, and the sections by name."""

    fingerprint: str
    sections: dict[str, bytes]


def pack(sections: Mapping[str, bytes], fingerprint: str) -> bytes:
    """The file with these sections, which must be the ones of SECTIONS, for the target with this fingerprint."""
    bodies = {name: sections[name] for name in SECTIONS}
    length = file_bytes(bodies.values(), HEADER_LAYOUT.size)
    head = HEADER_LAYOUT.pack(MAGIC, FORMAT_VERSION, ISA_VERSION, len(bodies), length, bytes.fromhex(fingerprint))
    return joined(head, bodies)


def unpack(data: bytes, origin: str) -> Container:
    """The sections of the file ``data``; ``origin`` names it in messages.

    Raises:
        ProgramError: it is no program file, another version's, or damaged.
    """
    count, length, target = _read_header(data, origin)
    entries = read_table(data, HEADER_LAYOUT.size, count, length, origin)
    _check_names([entry.name for entry in entries], origin)
    return Container(target.hex(), read_sections(data, HEADER_LAYOUT.size, entries, origin))


def _read_header(data: bytes, origin: str) -> tuple[int, int, bytes]:
    check_magic(data, MAGIC, HEADER_LAYOUT.size, origin)
    _, format_version, isa_version, count, length, target = HEADER_LAYOUT.unpack_from(data)
    check_versions(
        origin,
        ("file format", format_version, FORMAT_VERSION),
        ("instruction set", isa_version, ISA_VERSION),
    )
    return count, length, target


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
