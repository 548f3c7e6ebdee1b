"""Comparisons of results."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pqc.report.compare import classes, first_difference, signal_to_noise_db, top1

OUTPUTS = np.array([[1.0, 3.0, 2.0], [5.0, 5.0, 0.0], [0.0, 0.0, 1.0], [-1.0, -2.0, -3.0]])


def test_classes_take_the_lowest_index_on_ties() -> None:
    assert classes(OUTPUTS).tolist() == [1, 0, 2, 0]
    assert classes(OUTPUTS.reshape(4, 3, 1, 1)).tolist() == [1, 0, 2, 0]


def test_top1() -> None:
    assert top1(OUTPUTS, np.array([1, 1, 2, 2])) == 0.5


def test_signal_to_noise() -> None:
    reference = np.full(4, 10.0)
    assert signal_to_noise_db(reference, reference + 1) == pytest.approx(20)
    assert signal_to_noise_db(reference, reference) == math.inf
    assert signal_to_noise_db(np.zeros(4), np.ones(4)) == -math.inf


def test_first_difference() -> None:
    expected = np.arange(6).reshape(2, 3)
    found = expected.copy()
    assert first_difference(expected, found) is None
    found[1, 1:] = 0
    assert first_difference(expected, found) == "2 of 6 elements differ, the first at [1, 1]: expected 4, found 0"
    assert first_difference(expected, found[0]) == "expected [2, 3], found [3]"
