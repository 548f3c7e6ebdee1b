"""Layout, encoding and decoding of single instructions, for every instruction of the table."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Annotated

import pytest
from hypothesis import given, settings
from support.instructions import KINDS, instructions, smallest

from pqc.isa.fields import HEADER, WORD_BITS, WORD_BYTES, Bits, EncodingError, Field, Memory, Unit
from pqc.isa.instructions import Convolve, Fill, Instruction, Load, Pool, Storage
from pqc.numerics.element import Element

EVERY_FIELD = [(kind, field) for kind in KINDS for field in kind.fields.values()]
NAMES = [f"{kind.mnemonic}.{field.name}" for kind, field in EVERY_FIELD]


@settings(deadline=None, max_examples=300)
@given(instructions())
def test_decoding_inverts_encoding(instruction: Instruction) -> None:
    word = instruction.encode()
    assert len(word) == WORD_BYTES
    assert Instruction.decode(word) == instruction


def test_mnemonics_and_opcodes_are_unique() -> None:
    assert len({kind.mnemonic for kind in KINDS}) == len({kind.opcode for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.mnemonic)
def test_fields_are_disjoint_and_inside_the_word(kind: type[Instruction]) -> None:
    seen: set[int] = set()
    for field in [*kind.header.values(), *kind.fields.values()]:
        bits = set(range(field.low, field.high + 1))
        assert not bits & seen
        seen |= bits
    assert max(seen) < WORD_BITS


@pytest.mark.parametrize(("kind", "field"), EVERY_FIELD, ids=NAMES)
def test_largest_and_smallest_values_survive(kind: type[Instruction], field: Field) -> None:
    values = list(field.type) if issubclass(field.type, IntEnum) else [field.bits.minimum, field.bits.maximum]
    for value in values:
        instruction = smallest(kind, **{field.name: value})
        assert Instruction.decode(instruction.encode()) == instruction


@pytest.mark.parametrize(("kind", "field"), EVERY_FIELD, ids=NAMES)
def test_overflow_names_the_field(kind: type[Instruction], field: Field) -> None:
    for value in (field.bits.minimum - 1, field.bits.maximum + 1):
        where = f"{kind.mnemonic}.{field.name} = {value} does not fit {field.bits.spelling}"
        with pytest.raises(EncodingError, match=re.escape(where)):
            smallest(kind, **{field.name: value}).encode()


@pytest.mark.parametrize("name", ["wait", "signal"])
def test_overflow_of_the_header_names_the_field(name: str) -> None:
    with pytest.raises(EncodingError, match=re.escape(f"fill.{name} = 64 does not fit u6 [0, 63]")):
        smallest(Fill, **{name: 64}).encode()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.mnemonic)
def test_every_reserved_bit_is_refused(kind: type[Instruction]) -> None:
    word = int.from_bytes(smallest(kind).encode(), "little")
    first = max(field.high for field in kind.fields.values()) + 1
    for bit in range(first, WORD_BITS):
        with pytest.raises(EncodingError, match=f"{kind.mnemonic}: reserved bits are set"):
            Instruction.decode((word | 1 << bit).to_bytes(WORD_BYTES, "little"))


def test_unknown_opcode_is_refused() -> None:
    with pytest.raises(EncodingError, match="no such opcode 0xff"):
        Instruction.decode(b"\xff" + bytes(WORD_BYTES - 1))


def test_undefined_enumeration_value_is_refused_by_encoder_and_decoder() -> None:
    field = Pool.fields["mode"]
    with pytest.raises(EncodingError, match=re.escape("pool.mode = 3 is not a PoolMode")):
        smallest(Pool, mode=3).encode()
    word = int.from_bytes(smallest(Pool).encode(), "little") | 3 << field.low
    with pytest.raises(EncodingError, match=re.escape("pool.mode = 3 is not a PoolMode")):
        Instruction.decode(word.to_bytes(WORD_BYTES, "little"))


def test_signed_fields_decode_to_negative_numbers() -> None:
    decoded = Instruction.decode(smallest(Fill, fill_value=-32768).encode())
    assert isinstance(decoded, Fill)
    assert decoded.fill_value == -32768


def test_enumerations_decode_to_their_members() -> None:
    decoded = Instruction.decode(smallest(Load, buffer=Memory.TABLE).encode())
    assert isinstance(decoded, Load)
    assert decoded.buffer is Memory.TABLE


def test_values_are_in_declaration_order() -> None:
    assert list(smallest(Convolve).values()) == list(Convolve.fields)


def test_header_has_a_bit_for_each_unit() -> None:
    assert HEADER["wait"].width == HEADER["signal"].width == len(Unit)


def test_an_opcode_is_given_once() -> None:
    with pytest.raises(TypeError, match="opcode 0x34 is used by Fill and Second"):

        @dataclass(frozen=True)
        class Second(Instruction, opcode=Fill.opcode, mnemonic="second", unit=Unit.VECTOR):
            value: Annotated[int, Bits(1, "a bit")]


def test_fields_that_do_not_fit_a_word_are_refused() -> None:
    with pytest.raises(TypeError, match="Wide needs 520 bits, a word has 512"):

        @dataclass(frozen=True)
        class Wide(Instruction, opcode=0xEE, mnemonic="wide", unit=Unit.VECTOR):
            value: Annotated[int, Bits(500, "too much")]


@pytest.mark.parametrize(
    ("bits", "signed", "storage"), [(1, False, "U8"), (8, True, "S8"), (9, False, "U16"), (16, True, "S16")]
)
def test_storage_of_an_element(bits: int, signed: bool, storage: str) -> None:
    found = Storage.of(Element(bits, signed))
    assert found.name == storage
    assert found.element.storage_bytes == Element(bits, signed).storage_bytes
    assert found.element.signed is signed


def test_instructions_are_values() -> None:
    instruction = smallest(Fill, columns=3)
    assert replace(instruction, wait=1) != instruction
    assert instruction == smallest(Fill, columns=3)
