"""Programs and their outputs are what they were when their digests were stored, bit for bit."""

from __future__ import annotations

import hashlib

import pytest
from support.stored_digests import CASES, compiled, digests, stored

pytestmark = pytest.mark.e2e


def test_every_case_is_stored() -> None:
    assert stored().keys() == CASES.keys()


@pytest.mark.parametrize("name", CASES)
def test_outputs_are_what_they_were(name: str) -> None:
    """Fitting adds up real numbers, and linear algebra for another processor adds them up in another order."""
    expected, program = stored()[name], compiled(name)
    if hashlib.sha256(program.to_bytes()).hexdigest() != expected.program:
        pytest.skip("the digests are of programs fitted on another kind of processor, or by another compiler")
    assert digests(program) == expected
