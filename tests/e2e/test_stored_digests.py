"""Programs and their outputs are what they were when their digests were stored, bit for bit."""

from __future__ import annotations

import pytest
from support.stored_digests import CASES, arithmetic, digests, fitted_digest, stored

pytestmark = pytest.mark.e2e


def test_every_case_is_stored() -> None:
    assert stored()[1].keys() == CASES.keys()


@pytest.mark.parametrize("name", CASES)
def test_programs_and_outputs_are_what_they_were(name: str) -> None:
    """Fitting adds up real numbers, so that only with the same arithmetic the same network must come out.

    Another processor or matrix library may round sums otherwise and fit another network: then nothing was stored that
    its program could be compared with. On the arithmetic that the digests were stored with, a difference fails.
    """
    fitted_with, expected = stored()
    if fitted_digest(name) != expected[name].fitted and arithmetic() != fitted_with:
        pytest.skip(f"fitted with {arithmetic()}, which gives another network than that stored with {fitted_with}")
    assert digests(name) == expected[name]
