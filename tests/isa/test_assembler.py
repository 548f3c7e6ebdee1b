"""Program text: it reads back into the same bytes, and mistakes in it are named by line."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.example_program import example_program
from support.instructions import KINDS, instructions, programs, smallest

from pqc.errors import ModelError
from pqc.isa.assembler import DIRECTIVES, assemble
from pqc.isa.disassembler import disassemble
from pqc.isa.fields import Unit
from pqc.isa.instructions import Fill, Instruction
from pqc.isa.program import Program
from pqc.isa.text import format_instruction, format_json, open_brackets, parse_instruction, strip_comment

EXAMPLE = """\
; 3 instructions: 1 load, 1 encode, 1 fill
; 70 bytes of constants
; target fingerprint 4bcf6d26a4ec35f9ad29c5d4e8f20d5be9ba9c0f4b1a3f6fa4e19ab37ec4e3b1
.isa 3
.dram 0x100
.input "images" element=si8 shape=[3,2,2] scale=0.0078125 address=0x46
.output "classes" element=si16 shape=[10] scale=0.1 address=0x64
.selftest seed=7 frames=4 digest=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
.target "clock_mhz" 300.0
.target "encode" {"metrics": ["l2", "l1"]}
.target "name" "example"

.node "layer1.0.conv1"
  0: load dram=0x46 buffer=activation address=0x0 item_bytes=12 items=0 rows=0 planes=0 dram_item_stride=0 \
dram_row_stride=0 dram_plane_stride=0 item_stride=0 row_stride=0 plane_stride=0 entry_bits=0 signal=encode
  1: encode source=0x40 storage=s8 channels=3 height=0 width=0 plane_stride=0 row_stride=0 kernel_height=0 \
kernel_width=0 stride_height=0 stride_width=0 dilation_height=0 dilation_width=0 pad_top=0 pad_left=0 output_rows=0 \
output_columns=0 codebook=0x0 first_element=0 subspaces=0 prototypes=0 length=0 prototype_bits=0 prototype_signed=0 \
shift=0 metric=l2 to_buffer=0 destination=0x0 code_storage=u8 code_plane_stride=0 code_row_stride=0 shared_codebook=0 \
spanned=0 kept=0x0 wait=load signal=vector

.node "odd \\"name\\"; # \\u00e9\\n"
  2: fill destination=0x40 destination_storage=u8 destination_plane_stride=0 destination_row_stride=0 planes=0 rows=0 \
columns=8 fill_value=-1 wait=encode

.provenance "layers" [
  {"length": 9, "node": "layer1.0.conv1", "prototypes": 16},
  {"length": 9, "node": "layer1.0.conv1", "prototypes": 16},
  {"length": 9, "node": "layer1.0.conv1", "prototypes": 16}
]
.provenance "tool" "pqc"
.constants 70
.data 0x0 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\
202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f
.data 0x40 404142434445
"""


def test_golden_text() -> None:
    fingerprint = example_program().fingerprint()
    lines = [f"; target fingerprint {fingerprint}" if "fingerprint" in line else line for line in EXAMPLE.splitlines()]
    assert disassemble(example_program()).splitlines() == lines


@settings(deadline=None)
@given(programs())
def test_assembling_inverts_disassembling(program: Program) -> None:
    assert assemble(disassemble(program), "r.asm").to_bytes() == program.to_bytes()


@settings(deadline=None)
@given(instructions())
def test_every_instruction_survives_as_text(instruction: Instruction) -> None:
    assert parse_instruction(format_instruction(instruction)) == instruction


def test_layout_and_comments_do_not_matter() -> None:
    text = "# first\n" + EXAMPLE.replace("  2: fill", "\tfill").replace("\n", " ; behind\r\n") + "\n\n"
    text = text.replace(".node", "   .node").replace(
        "columns=8 fill_value=-1 wait=encode", "wait=encode fill_value=-0x1 columns=8"
    )
    assert assemble(text, "r.asm") == example_program()


def test_without_constants_the_text_is_for_reading_only() -> None:
    text = disassemble(example_program(), constants=False)
    assert ".data" not in text
    with pytest.raises(ModelError, match=r"^r\.asm: \.constants declares 70 bytes, the \.data lines hold 0 \(was"):
        assemble(text, "r.asm")


def test_a_program_of_nothing_survives() -> None:
    empty = Program({}, (), (), b"", 0, (), (), {}, None)
    assert assemble(disassemble(empty), "r.asm") == empty
    assert assemble(".isa 3\n.dram 0", "r.asm") == empty


def test_batch_and_tokens_at_the_start_survive() -> None:
    credits = ((Unit.LOAD, Unit.ENCODE, 2), (Unit.STORE, Unit.LOAD, 1))
    program = replace(example_program(), batch=3, credits=credits)
    lines = [
        ".batch 3",
        ".credit source=load destination=encode count=2",
        ".credit source=store destination=load count=1",
    ]
    text = disassemble(program)
    assert "\n".join(lines) in text
    assert assemble(text, "r.asm") == program
    for line, message in (
        (".batch 0", "r.asm: batch = 0, allowed are 1 to 1024"),
        (
            ".credit source=lod destination=load count=1",
            r"r.asm:6: \.credit\.source = 'lod', allowed are load, store, ",
        ),
        (".credit source=load destination=load count=0", r"r.asm: credits\[0\]\.count = 0, allowed are 1 to 65535"),
    ):
        with pytest.raises(ModelError, match=message):
            assemble(EXAMPLE.replace(".dram 0x100", f".dram 0x100\n{line}"), "r.asm")


def test_instructions_before_the_first_node_have_none() -> None:
    program = assemble(f".isa 3\n.dram 0\n{format_instruction(smallest(Fill))}", "r.asm")
    assert program.nodes == ("",)


MISTAKES: dict[str, tuple[str, str, str]] = {
    # what in the example, what instead, the sentence that refuses it
    "mnemonic": ("2: fill", "2: fil", "18: no instruction 'fil', did you mean 'fill'?"),
    "unknown mnemonic": (
        "2: fill",
        "2: jump",
        f"18: no instruction 'jump', allowed are {', '.join(kind.mnemonic for kind in KINDS)}",
    ),
    "field": ("columns=8", "colunms=8", "18: fill has no field 'colunms', did you mean 'columns'?"),
    "missing field": ("columns=8 fill_value=-1", "", "18: fill lacks the fields columns, fill_value"),
    "field twice": ("columns=8", "columns=8 columns=8", "18: fill.columns stands twice"),
    "no value": ("columns=8", "columns=", "18: fill.columns has no value, write columns=..."),
    "no equals": ("columns=8", "columns", "18: fill.columns has no value, write columns=..."),
    "number": ("columns=8", "columns=8x", "18: fill.columns = '8x' is not a number, such as 12, -3 or 0x40"),
    "overflow": ("columns=8", "columns=4294967296", "18: fill.columns = 4294967296 does not fit u32 [0, 4294967295]"),
    "negative": ("columns=8", "columns=-1", "18: fill.columns = -1 does not fit u32 [0, 4294967295]"),
    "enumeration": (
        "destination_storage=u8",
        "destination_storage=u9",
        "18: fill.destination_storage = 'u9', allowed are u8, s8, u16, s16",
    ),
    "unit": (
        "wait=encode",
        "wait=encode,decode",
        "18: fill.wait = 'decode', allowed are load, store, encode, lookup, vector, conventional",
    ),
    "unit twice": ("wait=encode", "wait=load,load", "18: fill.wait = 'load,load' names load twice"),
    "only a label": ("  2: fill destination=0x40", "  2:\nfill destination=0x40", "18: no instruction behind '2:'"),
    "directive": (".node", ".nod", "13: no directive '.nod', did you mean '.node'?"),
    "unknown directive": (
        ".selftest",
        ".x",
        f"8: no directive '.x', allowed are {', '.join(DIRECTIVES)}",
    ),
    "version": (".isa 3", ".isa 7", "4: .isa = 7, this pqc has version 3: disassemble with this version"),
    "version twice": (".isa 3", ".isa 3\n.isa 3", "5: .isa stands twice"),
    "no version": (".isa 3", "", " the directive .isa is missing"),
    "no memory": (".dram 0x100", "", " the directive .dram is missing"),
    "negative memory": (".dram 0x100", ".dram -1", "5: .dram = -1 is negative"),
    "small memory": (".dram 0x100", ".dram 100", " outputs[0] ends at 120, beyond dram_bytes = 100"),
    "tensor name": ('"images"', "images", "6: .input wants a name in quotes, found 'images element=si8 "),
    "element": ("element=si8", "element=i8", "6: .input.element = 'i8', allowed are ui1 to ui16 and si1 to si16"),
    "shape": ("shape=[3,2,2]", "shape=[3,2.0]", "6: .input.shape = [3, 2.0] is not a list of whole numbers"),
    "no shape": ("shape=[3,2,2]", "shape=3", "6: .input.shape = 3 is not a list"),
    "scale": ("scale=0.1", "scale=nan", "7: .output.scale = 'nan' is not a number"),
    "scale text": ("scale=0.1", "scale=much", "7: .output.scale = 'much' is not a number"),
    "scale sign": ("scale=0.1", "scale=-1", "7: .output.scale = -1.0, allowed are positive finite numbers"),
    "address": ("address=0x64", "", "7: .output lacks the field address"),
    "address in the constants": ("address=0x46", "address=0x45", " inputs[0].address = 0x45 lies in the constants"),
    "frames": ("frames=4", "frames=0", "8: .selftest.frames = 0, allowed are 1 to 1024"),
    "digest": ("digest=0123", "digest=012", "8: .selftest.digest = '0124"),
    "self-test twice": (
        ".selftest",
        f".selftest seed=1 frames=1 digest={'0' * 64}\n.selftest",
        "9: .selftest stands twice",
    ),
    "key twice": ('.target "encode"', '.target "name"', '11: .target "name" stands twice'),
    "JSON": ('.target "name" "example"', '.target "name" example', "11: not readable as JSON: Expecting value"),
    "open JSON": ('["l2", "l1"]}', '["l2", "l1"]', "10: the JSON value is not closed before the end of the text"),
    "deep JSON": ("300.0", "[" * 33 + "]" * 33, "9: not readable as JSON: nested deeper than 32 levels"),
    "too deep for the file": ("300.0", "[" * 32 + "]" * 32, " not readable as JSON: nested deeper than 32 levels"),
    "node": ("conv1\"\n", "conv1\" x\n", "13: .node takes one name in quotes, 'x' follows it"),
    "data address": (".data 0x40", ".data 0x41", "28: .data address = 0x41, expected is 0x40"),
    "data": ("404142", "40414x", "28: .data '40414x434445' is not pairs of hexadecimal digits"),
    "less data": ("404142434445", "4041424344", " .constants declares 70 bytes, the .data lines hold 69 (was"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes_are_named_by_line(case: str) -> None:
    found, instead, message = MISTAKES[case]
    text = disassemble(example_program())
    assert found in text
    with pytest.raises(ModelError) as caught:
        assemble(text.replace(found, instead, 1), "r.asm")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"r.asm:{message}")


@settings(deadline=None, max_examples=200)
@given(
    st.integers(0, len(EXAMPLE) - 1), st.integers(0, 9), st.text(max_size=6) | st.sampled_from([*'.:="[{;#\\', "0x"])
)
def test_no_text_makes_the_assembler_crash(offset: int, length: int, instead: str) -> None:
    with suppress(ModelError):
        assemble(EXAMPLE[:offset] + instead + EXAMPLE[offset + length :], "r.asm").to_bytes()


def test_comment_signs_inside_quotes_are_text() -> None:
    assert strip_comment(' .node "a;b#\\"c" ; d') == '.node "a;b#\\"c"'
    assert open_brackets('["[", {') == 2


def test_long_json_is_broken_into_lines_that_read_back() -> None:
    provenance = {"options": {"names": ["x" * 60] * 3, "short": []}, "text": "y" * 200}
    program = replace(example_program(), provenance=provenance)
    text = disassemble(program)
    assert max(len(line) for line in text.splitlines() if "xxx" in line) < 80
    assert assemble(text, "r.asm") == program
    assert format_json({"a": [1, 2]}) == '{"a": [1, 2]}'
