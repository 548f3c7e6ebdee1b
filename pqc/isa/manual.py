"""The manual of the instruction set, written from the instruction table and the container's layout."""

from __future__ import annotations

import ast
import inspect
import re
import struct
import textwrap
from collections.abc import Iterable, Sequence
from enum import IntEnum
from itertools import pairwise
from typing import TypeVar

from pqc.isa.assembler import DIRECTIVES
from pqc.isa.container import HEADER, SECTIONS
from pqc.isa.fields import WORD_BITS, WORD_BYTES, Address, Bits, Field, Instruction, Memory, Unit
from pqc.isa.instructions import ISA_VERSION, Fill, Storage
from pqc.isa.sections import ALIGNMENT, CHECKSUM_BYTES, ENTRY, Part
from pqc.isa.text import format_instruction

Member = TypeVar("Member", bound=IntEnum)

_SHAPE = re.compile(r"(?:\[[a-z/ ]+\]){2,}")


def markdown() -> str:
    """The whole manual, ending in a newline."""
    kinds = sorted(Instruction.registry.values(), key=lambda kind: kind.opcode)
    parts = [
        "# Instruction set",
        f"Version {ISA_VERSION}. Generated from the instruction table (`pqc isa --markdown`); do not edit.",
        *_machine(kinds),
        *_words(),
        *_order(),
        *_enumerations(kinds),
        "## Instructions",
        *(part for kind in kinds for part in _instruction(kind)),
        *_file(),
        *_text(),
    ]
    return _shapes_as_code("\n\n".join(parts)) + "\n"


def _shapes_as_code(text: str) -> str:
    """The text with shapes such as [rows][columns] set as code, because Markdown would take them for links."""
    return _SHAPE.sub(r"`\g<0>`", text)


def _machine(kinds: Sequence[type[Instruction]]) -> list[str]:
    units = [
        (unit.name.lower(), unit.value, doc, ", ".join(f"`{kind.mnemonic}`" for kind in kinds if kind.unit is unit))
        for unit, doc in member_docs(Unit)
    ]
    memories = [(memory.name.lower(), memory.value, doc) for memory, doc in member_docs(Memory)]
    return [
        "## Units",
        "The units run concurrently. Each executes its own instructions in the order of the program.",
        _table(("unit", "bit", "what it does", "instructions"), units),
        "## Memories",
        "Addresses count bytes. The sizes of the buffers are the target's; they hold nothing at the start. DRAM starts "
        "with the program's constants at address 0. Entries of codebooks, tables and weights are packed at their width "
        "in bits, lowest bits first, without gaps. Accumulators lie as [outputs][rows][columns], row-major and without "
        "gaps.",
        "Tiles of activations and of codes lie as [planes][rows][columns]: the element (c, y, x) of a tile lies at "
        "address + c * plane_stride + y * row_stride + x * bytes of an element, with a stride for each tile. So a tile "
        "may be part of a larger map; if it is all of its map, row_stride is columns * bytes and plane_stride is rows "
        "* row_stride. The stride of a level with one step is not used. The result of a `requantize`, `add`, "
        "`rescale`, `map` or `multiply` may lie where an operand lies, element for element; otherwise no byte is both "
        "operand and result.",
        _table(("memory", "value", "what it holds"), memories),
    ]


def _words() -> list[str]:
    return [
        "## Words",
        f"Every instruction is one word of {WORD_BITS} bits ({WORD_BYTES} bytes), little-endian. Every word starts "
        "with the same three fields; the instruction's own fields follow without gaps, in the order of its table. `uN` "
        "is an unsigned number of N bits, `sN` one in two's complement. The bits behind the last field are reserved: "
        "they are zero, and a word where one is set is refused, as are an unknown opcode and an undefined value of an "
        "enumeration. The encoder refuses a value that does not fit; nothing is masked.",
        _field_table(Instruction.header.values()),
    ]


def _order() -> list[str]:
    return [
        "## Tokens",
        "Between units nothing but tokens orders instructions. For each ordered pair of units (a, b) there is one "
        "counting semaphore. An instruction on b with bit a set in `wait` starts when it can take one token of (a, b), "
        "one of each unit it waits for. An instruction on a with bit b set in `signal` adds one token to (a, b) when "
        "it is done.",
        "## Executions",
        "A program is executed again and again, each time for as many frames as its batch says. A unit goes on to its "
        "first instruction of the next execution as soon as it is done with its last one and the tokens allow. DRAM "
        "behind the constants belongs to one execution: addresses count from a base that the host moves. The "
        "constants and the buffers on chip are the same for all executions. Of an input or output, frame f of the "
        "batch lies f times the bytes of a frame behind its address. The program's credits say how many tokens each "
        "semaphore holds before the first execution; every execution leaves exactly as many. So an instruction can "
        "wait for one of the execution before, which must be done with a buffer before it is filled again.",
        "## The code FIFO",
        "Codes go from the encode unit to the lookup unit through a FIFO, unless the instructions say that they go "
        "through the activation buffer. The k-th `encode` with to_buffer = 0 is paired with the k-th `lookup` with "
        "from_buffer = 0: the two agree in subspaces, prototypes, output rows and columns, and the lookup follows the "
        "encode column by column without a token. The others take no part in this; tokens order them like any other "
        "accesses to a memory.",
    ]


def _enumerations(kinds: Sequence[type[Instruction]]) -> list[str]:
    used = dict.fromkeys(field.type for kind in kinds for field in kind.fields.values())
    found = {Storage, *used} - {int, Memory}
    parts = ["## Enumerations", "In the program text a value is written as its name."]
    for kind in sorted(found, key=lambda kind: kind.__name__):
        if issubclass(kind, IntEnum):
            rows = [(member.name.lower(), member.value, doc) for member, doc in member_docs(kind)]
            parts += [f"### {kind.__name__}", _prose(kind), _table(("name", "value", "meaning"), rows)]
    return parts


def _instruction(kind: type[Instruction]) -> list[str]:
    last = max(field.high for field in [*kind.header.values(), *kind.fields.values()])
    reserved = "" if last + 1 == WORD_BITS else f" Bits {WORD_BITS - 1}:{last + 1} are reserved."
    return [
        f"### {kind.mnemonic}",
        _prose(kind),
        f"Opcode `{kind.opcode:#04x}`, unit {kind.unit.name.lower()}.{reserved}",
        _field_table(kind.fields.values()),
    ]


def _field_table(fields: Iterable[Field]) -> str:
    rows = [(f"{field.high}:{field.low}", field.name, _type_name(field), _meaning(field.bits)) for field in fields]
    return _table(("bits", "field", "type", "meaning"), rows)


def _type_name(field: Field) -> str:
    return field.bits.spelling if field.type is int else f"{field.bits.spelling} {field.type.__name__}"


def _meaning(bits: Bits) -> str:
    if not isinstance(bits, Address):
        return bits.doc
    memory = "the memory `buffer`" if bits.memory is None else bits.memory.name.lower()
    return f"{bits.doc}; address in {memory}, {'written' if bits.written else 'read'}"


def _file() -> list[str]:
    return [
        "## Program file",
        "A header, a table of the sections, a checksum, and the sections. All numbers are little-endian and unsigned. "
        f"The checksum behind the table is the SHA-256 ({CHECKSUM_BYTES} bytes) of everything before it. The sections "
        f"follow in the order below, each at the next multiple of {ALIGNMENT} bytes; the gaps are zero, and the file "
        "ends with the last section. A file that differs in any byte from what this says is refused before anything is "
        "executed. JSON is in its canonical spelling: sorted keys, no spaces, ASCII. Equal programs are equal files.",
        "### Header",
        _part_table(HEADER),
        "### Entry of the section table",
        _part_table(ENTRY),
        "### Sections",
        _table(("section", "what it holds"), [(f"`{name}`", doc) for name, doc in SECTIONS.items()]),
    ]


def _part_table(parts: Sequence[Part]) -> str:
    rows: list[tuple[object, ...]] = []
    offset = 0
    for part in parts:
        size = struct.calcsize(f"<{part.code}")
        rows.append((offset, size, part.name, part.doc))
        offset += size
    return _table(("byte", "bytes", "name", "meaning"), rows)


def _text() -> list[str]:
    example = Fill(
        wait=1 << Unit.STORE,
        signal=0,
        destination=64,
        destination_storage=Storage.S8,
        destination_plane_stride=0,
        destination_row_stride=0,
        planes=1,
        rows=1,
        columns=256,
        fill_value=-128,
    )
    return [
        "## Program text",
        "`pqc disasm` writes a program as text, `pqc asm` reads it back into the same bytes. A line is empty, a "
        "directive or an instruction; `;` and `#` start a comment. An instruction is its mnemonic and `field=value` "
        "for each field, in any order: numbers in decimal or with `0x`, enumerations by name, `wait` and `signal` as "
        "units separated by commas, left out where there are none. A number and a colon before it are for the reader:",
        f"```\n  12: {format_instruction(example)}\n```",
        _table(("directive", "arguments"), [(f"`{name}`", doc) for name, doc in DIRECTIVES.items()]),
    ]


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def member_docs(kind: type[Member]) -> list[tuple[Member, str]]:
    """Each member of an enumeration with the string that stands below it in the source, "" where there is none."""
    definition = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    docs: dict[str, str] = {}
    for statement, following in pairwise(definition.body if isinstance(definition, ast.ClassDef) else []):
        match statement, following:
            case ast.Assign(targets=[ast.Name(id=name)]), ast.Expr(value=ast.Constant(value=str(doc))):
                docs[name] = doc
            case _:
                continue
    return [(member, docs.get(member.name, "")) for member in kind]


def _prose(kind: type) -> str:
    return (inspect.getdoc(kind) or "").replace("``", "`")
