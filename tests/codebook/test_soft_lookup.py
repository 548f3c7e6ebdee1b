"""Encode and lookup with a gradient: the machine's codes and sums, and the derivative of the smoothed result."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from pqc.codebook.smoothing import REACH
from pqc.codebook.soft_lookup import Float32, Selected, gradients, select, spread_of
from pqc.numerics.arrays import AnyArray, FloatArray
from pqc.numerics.choice import VARIABLE
from pqc.numerics.encode import Metric, nearest_prototype
from pqc.numerics.lookup import lookup

MEANS = ("numpy", "numba")


@dataclass(frozen=True)
class Case:
    vectors: Float32
    codebook: Float32
    table: Float32
    of_sums: Float32


def case(seed: int, positions: int = 700, prototypes: int = 5) -> Case:
    random = np.random.default_rng(seed)
    return Case(
        random.integers(0, 12, (3, 4, positions)).astype(np.float32),
        random.integers(0, 12, (3, prototypes, 4)).astype(np.float32),
        random.integers(-30, 30, (3, prototypes, 6)).astype(np.float32),
        random.normal(size=(positions, 6)).astype(np.float32),
    )


@pytest.mark.parametrize("means", MEANS)
@pytest.mark.parametrize("metric", Metric)
def test_codes_and_sums_are_those_of_the_machine(metric: Metric, means: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, means)
    given = case(1)
    found = select(given.vectors, given.codebook, given.table, metric)
    whole = (given.vectors[None].astype(np.int16), given.codebook.astype(np.int16))
    assert np.array_equal(found.codes, nearest_prototype(*whole, metric)[0])
    table = given.table.astype(np.int16)
    sums = lookup(found.codes[None], table, np.zeros((6, 1), np.int32), 32)[0]
    assert np.array_equal(found.sums, sums.T)


@pytest.mark.parametrize("metric", Metric)
def test_both_means_agree(metric: Metric, monkeypatch: pytest.MonkeyPatch) -> None:
    given = case(2)
    results: list[list[AnyArray]] = []
    for means in MEANS:
        monkeypatch.setenv(VARIABLE, means)
        selected = select(given.vectors, given.codebook, given.table, metric)
        spread = spread_of(given.vectors, given.codebook, selected.codes, 0.3)
        found = gradients(given.vectors, given.codebook, given.table, selected, spread, given.of_sums)
        results.append([selected.codes, selected.others, found.codebook, found.table, found.used])
    for one, other in zip(*results, strict=True):
        assert np.allclose(one, other, rtol=1e-4, atol=1e-4)


def smoothed(given: Case, vectors: FloatArray, codebook: FloatArray, selected: Selected, spread: Float32) -> float:
    """The loss of the result in which the two nearest prototypes share each subvector, in float64."""
    total = 0.0
    for s in range(len(codebook)):
        near, far, x = selected.codes[s], selected.others[s], vectors[s].T.astype(np.float64)
        one = np.square(x - codebook[s][near]).sum(axis=1)
        two = np.square(x - codebook[s][far]).sum(axis=1)
        share = np.square(np.maximum(1 - (two - one) / spread[s] / REACH, 0)) / 2
        mixed = given.table[s][near] * (1 - share)[:, None] + given.table[s][far] * share[:, None]
        total += float((mixed * given.of_sums).sum())
    return total


@pytest.mark.parametrize("means", MEANS)
def test_the_gradient_is_that_of_the_smoothed_result(means: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, means)
    given = case(3, positions=40)
    # off the boundaries of what is smoothed, where the derivative jumps
    random = np.random.default_rng(0)
    vectors = (given.vectors + random.uniform(-0.3, 0.3, given.vectors.shape)).astype(np.float32)
    selected = select(vectors, given.codebook, given.table, Metric.L2)
    spread = spread_of(vectors, given.codebook, selected.codes, 1.0)
    found = gradients(vectors, given.codebook, given.table, selected, spread, given.of_sums)
    step = 1e-3
    for place in [(0, 1, 3), (2, 3, 1), (1, 0, 2)]:
        moved = [given.codebook.astype(np.float64) for _ in range(2)]
        moved[0][place] += step
        moved[1][place] -= step
        values = [smoothed(given, vectors, one, selected, spread) for one in moved]
        assert found.codebook[place] == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-2, abs=1e-1)


def test_the_table_s_gradient_is_what_its_entries_were_picked_for() -> None:
    given = case(4)
    selected = select(given.vectors, given.codebook, given.table, Metric.L2)
    spread = np.ones(3, np.float32)
    found = gradients(given.vectors, given.codebook, given.table, selected, spread, given.of_sums)
    for s in range(3):
        for p in range(5):
            wanted = given.of_sums[selected.codes[s] == p].sum(axis=0)
            assert np.allclose(found.table[s, p], wanted, atol=1e-3)
            assert found.used[s, p] == (selected.codes[s] == p).sum()


def test_one_prototype_twice_has_no_boundary() -> None:
    vectors = np.ones((1, 2, 32), np.float32)
    codebook = np.ones((1, 2, 2), np.float32)
    table = np.arange(4, dtype=np.float32).reshape(1, 2, 2)
    selected = select(vectors, codebook, table, Metric.L2)
    assert not selected.codes.any()
    spread = spread_of(vectors, codebook, selected.codes, 0.3)
    found = gradients(vectors, codebook, table, selected, spread, np.ones((32, 2), np.float32))
    assert np.isfinite(found.codebook).all()


FROM_CACHE = """
import hashlib
import numpy as np
from pqc.codebook.soft_lookup import select
from pqc.numerics.encode import Metric

random = np.random.default_rng(0)
# thirds of whole numbers: many distances are equal but for their rounding
vectors, codebook, table = (
    random.integers(-9, 10, shape).astype(np.float32) / np.float32(3)
    for shape in ((64, 3, 1024), (64, 16, 3), (64, 16, 8))
)
found = select(vectors, codebook, table, Metric.L2)
print(hashlib.sha256(found.codes.tobytes() + found.others.tobytes() + found.sums.tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_what_comes_from_the_cache_computes_the_same_bits(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), VARIABLE: "numba"}
    command = [sys.executable, "-c", FROM_CACHE]
    first, second = (
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout for _ in range(2)
    )
    assert list(tmp_path.rglob("*.nbc"))
    assert first == second
