"""Programs and their outputs are what they were when their digests were stored, bit for bit."""

from __future__ import annotations

import pytest
from support.stored_digests import CASES, digests, fitted_digest, stored

pytestmark = pytest.mark.e2e


def test_every_case_is_stored() -> None:
    assert stored().keys() == CASES.keys()


@pytest.mark.parametrize("name", CASES)
def test_outputs_are_what_they_were(name: str) -> None:
    """Fitting adds up real numbers, and linear algebra for another processor adds them up in another order."""
    expected = stored()[name]
    if fitted_digest(name) != expected.fitted:
        pytest.skip("the digests are of networks that were fitted on another kind of processor")
    assert digests(name) == expected
