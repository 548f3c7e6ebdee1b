"""Programs as bytes; what the loader refuses although every checksum matches."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from support.example_program import example_program
from support.instructions import programs, smallest

from pqc.errors import ProgramError
from pqc.isa.canonical import canonical_json, parse_json
from pqc.isa.container import pack, unpack
from pqc.isa.fields import WORD_BYTES, EncodingError
from pqc.isa.instructions import Fill
from pqc.isa.program import Program, SelfTest, Tensor

DATA = example_program().to_bytes()


def forged(section: str, content: bytes) -> bytes:
    """The example's file with another content of one section, all checksums matching."""
    container = unpack(DATA, "r.bin")
    return pack({**container.sections, section: content}, container.fingerprint)


def refusal(data: bytes) -> str:
    """The sentence that refuses ``data``."""
    with pytest.raises(ProgramError) as caught:
        Program.from_bytes(data, "r.bin")
    message = str(caught.value)
    assert "\n" not in message
    return message


@settings(deadline=None)
@given(programs())
def test_reading_inverts_writing(program: Program) -> None:
    data = program.to_bytes()
    again = Program.from_bytes(data, "r.bin")
    assert again == program
    assert again.to_bytes() == data


def test_numpy_like_values_and_whole_scales_are_written_as_plain_numbers() -> None:
    program = replace(example_program(), inputs=(Tensor("images", (3,), bits=8, signed=True, scale=1, address=70),))
    assert Program.from_bytes(program.to_bytes(), "r.bin") == program


def test_counts_follow_the_table() -> None:
    program = replace(example_program(), instructions=tuple(reversed(example_program().instructions)))
    assert list(program.counts().items()) == [("load", 1), ("encode", 1), ("fill", 1)]


def test_a_tensor_knows_its_size() -> None:
    tensor = example_program().outputs[0]
    assert (tensor.size, tensor.bytes, str(tensor.element)) == (10, 20, "si16")


TENSOR: dict[str, Any] = {"name": "x", "shape": [2], "bits": 8, "signed": True, "scale": 0.5, "address": 70}


def tensors_section(**changes: Any) -> bytes:
    """A tensor section with one input that differs from TENSOR; a change to None takes the field away."""
    tensor = {name: value for name, value in {**TENSOR, **changes}.items() if value is not None}
    return canonical_json({"dram_bytes": 256, "inputs": [tensor], "outputs": []})


def credits_section(*credits: tuple[str, str, int]) -> bytes:
    """An execution section with these tokens at the start."""
    records = [{"source": source, "destination": destination, "count": count} for source, destination, count in credits]
    return canonical_json({"batch": 1, "credits": records})


FORGED: dict[str, tuple[str, bytes, str]] = {
    "other target": (
        "target",
        b"{}",
        "section 'target': its fingerprint is 44136fa355b3678a..., the header says "
        f"{example_program().fingerprint()[:16]}...",
    ),
    "half a word": ("instructions", bytes(65), "section 'instructions': 65 bytes are no whole number of 64-byte words"),
    "no such opcode": (
        "instructions",
        smallest(Fill).encode() + bytes(WORD_BYTES),
        "section 'instructions': instruction 1: no such opcode 0x00",
    ),
    "reserved bits": (
        "instructions",
        smallest(Fill).encode()[:-1] + b"\x80",
        "section 'instructions': instruction 0: fill: reserved bits are set",
    ),
    "fewer instructions than nodes": (
        "instructions",
        smallest(Fill).encode(),
        "section 'debug': names the nodes of 3 instructions, the program has 1",
    ),
    "no JSON": ("provenance", b"{", "section 'provenance': not readable as JSON: Expecting property name enclosed in "),
    "not ASCII": ("provenance", b'"\xff"', "section 'provenance': not readable as JSON: byte 1 is not ASCII"),
    "not canonical": ("provenance", b"{ }", "section 'provenance': JSON in another spelling than the canonical one"),
    "a key twice": ("provenance", b'{"a":1,"a":1}', "section 'provenance': not readable as JSON: the key 'a' stands"),
    "not a number": ("provenance", b'{"a":NaN}', "section 'provenance': not readable as JSON: NaN is not a number"),
    "infinite": ("provenance", b'{"a":1e999}', "section 'provenance': cannot be written as JSON: Out of range float"),
    "half a character": ("provenance", b'{"a":"\\ud800"}', "section 'provenance': not readable as JSON: 'utf-8' codec"),
    "deep": ("provenance", b"[" * 99 + b"]" * 99, "section 'provenance': not readable as JSON: nested deeper than 32"),
    "very deep": ("provenance", b"[" * 99999, "section 'provenance': not readable: nested deeper than 32 levels"),
    "long number": ("provenance", b'{"a":' + b"9" * 9999 + b"}", "section 'provenance': not readable as JSON: Exceeds"),
    "a list": ("provenance", b"[]", "section 'provenance': not a JSON object"),
    "self-test is a number": (
        "selftest",
        b"1",
        "section 'selftest': selftest is not a record of the fields seed, frames, digest",
    ),
    "self-test digest": (
        "selftest",
        canonical_json({"seed": 1, "frames": 1, "digest": "A" * 64}),
        "selftest.digest = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA... is not 64 hexadecimal digits",
    ),
    "self-test frames": (
        "selftest",
        canonical_json({"seed": 1, "frames": 10**12, "digest": "a" * 64}),
        "selftest.frames = 1000000000000, allowed are 1 to 1024",
    ),
    "execution": (
        "execution",
        b'{"batch":1}',
        "section 'execution': execution lacks the field 'credits'",
    ),
    "batch": ("execution", b'{"batch":0,"credits":[]}', "batch = 0, allowed are 1 to 1024"),
    "large batch": (
        "execution",
        b'{"batch":9,"credits":[]}',
        "outputs[0] ends at 280, beyond dram_bytes = 256",
    ),
    "credit": (
        "execution",
        canonical_json({"batch": 1, "credits": [{"source": "load", "count": 1}]}),
        "section 'execution': credits[0] lacks the field 'destination'",
    ),
    "credit's unit": (
        "execution",
        credits_section(("load", "decode", 1)),
        "section 'execution': credits[0].destination = 'decode', allowed are load, store, encode, lookup, vector, ",
    ),
    "no credit": ("execution", credits_section(("load", "encode", 0)), "credits[0].count = 0, allowed are 1 to 65535"),
    "credits twice": (
        "execution",
        credits_section(("load", "encode", 1), ("load", "encode", 1)),
        "credits[1], from load to encode, stands behind one that it should precede",
    ),
    "credits in another order": (
        "execution",
        credits_section(("store", "load", 1), ("load", "encode", 1)),
        "credits[1], from load to encode, stands behind one that it should precede",
    ),
    "tensors": (
        "tensors",
        b"[]",
        "section 'tensors': tensors is not a record of the fields dram_bytes, inputs, outputs",
    ),
    "tensor": (
        "tensors",
        b'{"dram_bytes":256,"inputs":[1],"outputs":[]}',
        "section 'tensors': inputs[0] is not a record of the fields name, shape, bits, signed, scale, address",
    ),
    "huge DRAM": (
        "tensors",
        canonical_json({"dram_bytes": 10**99, "inputs": [], "outputs": []}),
        "dram_bytes = a number of 329 bits, allowed are 0 to 1099511627776",
    ),
    "small DRAM": (
        "tensors",
        b'{"dram_bytes":69,"inputs":[],"outputs":[]}',
        "70 bytes of constants do not fit dram_bytes = 69",
    ),
    "missing field": ("tensors", tensors_section(bits=None), "section 'tensors': inputs[0] lacks the field 'bits'"),
    "unknown field": (
        "tensors",
        tensors_section(zero=0),
        "section 'tensors': inputs[0] has an unknown field 'zero', "
        "allowed are name, shape, bits, signed, scale, address",
    ),
    "name": ("tensors", tensors_section(name=""), "inputs[0].name is empty"),
    "name type": ("tensors", tensors_section(name=3), "section 'tensors': inputs[0].name = 3 is not text"),
    "bits": ("tensors", tensors_section(bits=17), "inputs[0].bits = 17, allowed are 1 to 16"),
    "bits type": (
        "tensors",
        tensors_section(bits=True),
        "section 'tensors': inputs[0].bits = True is not a whole number",
    ),
    "sign": ("tensors", tensors_section(signed=1), "section 'tensors': inputs[0].signed = 1 is not true or false"),
    "scale": ("tensors", tensors_section(scale=-0.5), "inputs[0].scale = -0.5, allowed are positive finite numbers"),
    "rank": ("tensors", tensors_section(shape=[1] * 9), "inputs[0].shape: its rank = 9, allowed are 0 to 8"),
    "dimension": (
        "tensors",
        tensors_section(shape=[0]),
        "inputs[0].shape: a dimension = 0, allowed are 1 to 4294967296",
    ),
    "dimension type": (
        "tensors",
        tensors_section(shape=["2"]),
        "section 'tensors': inputs[0].shape = ['2'] is not a list of whole numbers",
    ),
    "size": (
        "tensors",
        tensors_section(shape=[1 << 32] * 8),
        "inputs[0] ends at a number of 257 bits, beyond dram_bytes = 256",
    ),
    "address": ("tensors", tensors_section(address=69), "inputs[0].address = 0x45 lies in the constants"),
    "end": ("tensors", tensors_section(address=255), "inputs[0] ends at 257, beyond dram_bytes = 256"),
    "twice": (
        "tensors",
        canonical_json({"dram_bytes": 256, "inputs": [], "outputs": [TENSOR, TENSOR]}),
        "outputs[1].name = 'x' stands twice",
    ),
    "node type": (
        "debug",
        b'{"instructions":[0,0,0],"names":[1]}',
        "section 'debug': the node name 1 is not text",
    ),
    "node index": (
        "debug",
        b'{"instructions":[0,0,-1],"names":["a"]}',
        "section 'debug': instruction 2 has node -1, there are 1 names",
    ),
    "unused node": (
        "debug",
        b'{"instructions":[0,0,0],"names":["a","b"]}',
        "section 'debug': the node names are not the ones in use, once each, in order of first use",
    ),
}


@pytest.mark.parametrize("case", FORGED)
def test_forged_sections_are_refused(case: str) -> None:
    section, content, message = FORGED[case]
    assert refusal(forged(section, content)).startswith(f"r.bin: {message}")


def test_any_byte_of_a_section_may_be_changed_without_a_crash() -> None:
    """With matching checksums a change is refused, or gives another program that can be written again."""
    for name, body in unpack(DATA, "r.bin").sections.items():
        for offset in range(len(body)):
            data = forged(name, body[:offset] + bytes([body[offset] ^ 0x15]) + body[offset + 1 :])
            try:
                program = Program.from_bytes(data, "r.bin")
            except ProgramError:
                continue
            assert program.to_bytes() == data


def test_writing_names_the_instruction_that_does_not_fit() -> None:
    program = replace(example_program(), instructions=(*example_program().instructions[:2], smallest(Fill, columns=-1)))
    with pytest.raises(EncodingError, match=r"instruction 2: fill\.columns = -1 does not fit u32"):
        program.to_bytes()


def test_writing_refuses_what_reading_would() -> None:
    with pytest.raises(EncodingError, match="2 node names for 3 instructions"):
        replace(example_program(), nodes=("a", "b")).to_bytes()
    with pytest.raises(EncodingError, match=r"selftest\.frames = 0"):
        replace(example_program(), self_test=SelfTest(0, 0, "0" * 64)).to_bytes()
    with pytest.raises(EncodingError, match="cannot be written as JSON"):
        replace(example_program(), provenance={"loss": float("nan")}).to_bytes()
    with pytest.raises(EncodingError, match="surrogates not allowed"):
        replace(example_program(), nodes=("\ud800",) * 3).to_bytes()


def test_json_depth_is_bounded_for_writers_too() -> None:
    value: list[Any] = []
    for _ in range(sys.getrecursionlimit()):
        value = [value]
    with pytest.raises(EncodingError):
        canonical_json(value)
    assert parse_json("[" * 32 + "]" * 32)
