"""Conditions: what they mean, and that nothing but arithmetic gets in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqc.errors import ModelError
from pqc.exploration.constraint import Constraint

VALUES = {"prototypes": 16, "length": 9, "lookup.output_lanes": 32, "target": "pqa", "include": ("a",)}


def holds(text: str) -> bool:
    return Constraint.parse(text, VALUES).holds(VALUES)


@pytest.mark.parametrize(
    "text",
    [
        "prototypes * length <= 144",
        "lookup.output_lanes % 32 == 0 and lookup.output_lanes // 5 == 6",
        "prototypes in [8, 16] and length not in (3, 18)",
        "not prototypes > 16",
        "8 < prototypes < 32",
        "target == 'pqa' or length == 3",
        "lookup.output_lanes / prototypes - 2 == -0.0",
        "-length + 10 == 1",
        "'a' in include",
    ],
)
def test_conditions_that_hold(text: str) -> None:
    assert holds(text)
    assert not holds(f"not ({text})")


@given(st.integers(-9, 9), st.integers(-9, 9), st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), st.booleans())
def test_comparisons_are_those_of_numbers(left: int, right: int, sign: str, both: bool) -> None:
    word = "and" if both else "or"
    text = f"a {sign} b {word} a + 1 {sign} b * 2"
    table = {
        "<": (left < right, left + 1 < right * 2),
        "<=": (left <= right, left + 1 <= right * 2),
        ">": (left > right, left + 1 > right * 2),
        ">=": (left >= right, left + 1 >= right * 2),
        "==": (left == right, left + 1 == right * 2),
        "!=": (left != right, left + 1 != right * 2),
    }[sign]
    expected = all(table) if both else any(table)
    assert Constraint.parse(text, ("a", "b")).holds({"a": left, "b": right}) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prototypes <", "'prototypes <' is no condition; allowed are names, numbers"),
        ("prototype > 3", "there is no prototype, did you mean prototypes?"),
        ("speed > 3", "there is no speed; allowed are prototypes, length, lookup.output_lanes, target, include"),
        ("lookup.output_lane > 3", "there is no lookup.output_lane, did you mean lookup.output_lanes?"),
        ("print(length)", "'print(length)' is not allowed in a condition"),
        ("[n for n in [1]]", "is not allowed in a condition"),
        ("length ** 99", "'length ** 99' is not allowed"),
        ("(length).real > 0", "there is no length.real"),
        ("'a'.upper() == 'A'", "is not allowed"),
        ("length is 9", "'length is 9' is not allowed"),
        ("b'x' == target", "is not allowed"),
    ],
)
def test_what_is_no_condition_is_refused(text: str, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        Constraint.parse(text, VALUES)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("length / (prototypes - 16) > 1", "divides by zero"),
        ("length % (prototypes - 16) > 1", "divides by zero"),
        ("target > 3", "computes with what does not go together"),
        ("3 in length", "computes with what does not go together"),
    ],
)
def test_what_does_not_go_together_is_said(text: str, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        holds(text)
    assert message in str(caught.value)
