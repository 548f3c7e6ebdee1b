"""The manual says what the table says."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path

from support.instructions import KINDS

from pqc.isa.fields import Memory, Unit
from pqc.isa.instructions import Storage
from pqc.isa.manual import markdown, member_docs
from pqc.numerics.encode import Metric
from pqc.numerics.pooling import PoolMode

MANUAL = Path(__file__).parents[2] / "docs" / "isa.md"


def test_the_committed_manual_is_up_to_date() -> None:
    assert MANUAL.read_text(encoding="utf-8") == markdown(), "run: pqc isa --markdown > docs/isa.md"


def test_every_instruction_and_field_is_described() -> None:
    text = markdown()
    for kind in KINDS:
        assert f"\n### {kind.mnemonic}\n" in text
        for field in kind.fields.values():
            assert f"\n| {field.high}:{field.low} | {field.name} | {field.bits.spelling}" in text


def test_every_enumeration_value_is_described() -> None:
    enumerations: list[type[IntEnum]] = [Unit, Memory, Storage, Metric, PoolMode]
    for enumeration in enumerations:
        assert all(doc for _, doc in member_docs(enumeration))


def test_a_value_without_a_description_has_an_empty_one() -> None:
    class Plain(IntEnum):
        """Nothing is said about its members."""

        ONE = 1
        TWO = 2
        """But about this one."""

    assert [doc for _, doc in member_docs(Plain)] == ["", "But about this one."]
