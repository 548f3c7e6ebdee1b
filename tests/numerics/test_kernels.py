"""Which means of computing is taken: by the environment, by the work, by what is installed."""

from __future__ import annotations

import pytest

from pqc.errors import ModelError
from pqc.numerics import choice, kernels
from pqc.numerics.encode import Metric
from pqc.numerics.kernels import LARGE_WORK, NUMPY, compiled_kernels, kernels_for, matching_work


def missing() -> bool:
    return False


@pytest.mark.parametrize(
    ("chosen", "work", "name"),
    [
        ("auto", LARGE_WORK - 1, "numpy"),
        ("auto", LARGE_WORK, "numba"),
        ("numpy", LARGE_WORK, "numpy"),
        ("numba", 0, "numba"),
    ],
)
def test_the_environment_and_the_work_decide(
    chosen: str, work: int, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(choice.VARIABLE, chosen)
    assert kernels_for(work).name == name


def test_large_work_is_for_numba_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(choice.VARIABLE, raising=False)
    assert kernels_for(LARGE_WORK) is compiled_kernels()
    assert choice.in_words() == "numba for large work, numpy for small"


def test_without_numba_there_are_the_definitions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(choice.VARIABLE, raising=False)
    monkeypatch.setattr(kernels, "numba_is_installed", missing)
    monkeypatch.setattr(choice, "numba_is_installed", missing)
    assert kernels_for(LARGE_WORK) is NUMPY
    assert choice.in_words() == "numpy; numba is not installed"


def test_numba_that_is_asked_for_and_missing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(choice.VARIABLE, "numba")
    assert choice.in_words() == "numba, by PQC_KERNELS"
    monkeypatch.setattr(choice, "numba_is_installed", missing)
    with pytest.raises(ModelError, match="PQC_KERNELS=numba, but Numba is not installed"):
        kernels_for(0)


def test_another_word_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(choice.VARIABLE, "torch")
    with pytest.raises(ModelError, match="PQC_KERNELS=torch, allowed are auto, numpy, numba"):
        kernels_for(0)


def test_distances_without_a_product_weigh_more() -> None:
    assert matching_work(16, 9, Metric.L2) == 16 * 9
    assert matching_work(16, 9, Metric.L1) == matching_work(16, 9, Metric.LINF) > 16 * 9
