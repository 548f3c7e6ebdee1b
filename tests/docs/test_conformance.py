"""ONNX's own tests on pqc's backend: each passes or is refused as docs/conformance.md says.

Set PQC_UPDATE_CONFORMANCE=1 to write the page anew, and read the difference.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest
from support.conformance import (
    BEYOND_INTEGERS,
    QUANTIZED_TOLERANCE,
    claimed_cases,
    claimed_operators,
    modules_by_operator,
)
from support.conformance_page import conformance_page
from support.unclaimed_operators import unclaimed_reasons

from pqc.errors import ModelError
from pqc.frontend.constant_inputs import CONSTANT_OPERANDS

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"


@cache
def refusal(name: str) -> str:
    return claimed_cases()[name].refusal()


@pytest.mark.parametrize("name", claimed_cases())
def test_result_is_right_or_the_model_is_refused(name: str) -> None:
    assert "\n" not in refusal(name)


@pytest.mark.parametrize("name", BEYOND_INTEGERS)
def test_what_integers_do_not_give_is_refused_or_far_off(name: str) -> None:
    assert not refusal(name)
    found = claimed_cases()[name].quantized_refusal()
    assert "is not finite" in found if found else claimed_cases()[name].quantized_distance() > QUANTIZED_TOLERANCE


@pytest.mark.parametrize("name", sorted(set(claimed_cases()) - set(BEYOND_INTEGERS)))
def test_integers_give_nearly_the_same(name: str) -> None:
    if refusal(name):
        with pytest.raises(ModelError):
            claimed_cases()[name].quantized_distance()
    else:
        assert claimed_cases()[name].quantized_distance() <= QUANTIZED_TOLERANCE


def test_the_page_says_which_tests_pass_and_why_others_are_refused() -> None:
    page = conformance_page({name: refusal(name) for name in claimed_cases()})
    if os.environ.get("PQC_UPDATE_CONFORMANCE"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page, "read the difference, then set PQC_UPDATE_CONFORMANCE=1"


def test_every_other_operator_has_a_reason() -> None:
    assert set(modules_by_operator()) - claimed_operators() <= set(unclaimed_reasons())


def test_constant_operands_are_those_of_claimed_operators() -> None:
    assert set(CONSTANT_OPERANDS) <= claimed_operators()
