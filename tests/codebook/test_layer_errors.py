"""What each step adds to the error of a layer, and how codes are used."""

from __future__ import annotations

import numpy as np
import pytest

from pqc.codebook.layer_errors import Errors, Seen, code_usage, layer_errors
from pqc.codebook.one_hot import predict
from pqc.codebook.scatter import scatter
from pqc.codebook.table import plain_table, quantize_table
from pqc.numerics.arrays import FloatArray, IntArray

POSITIONS, SUBSPACES, LENGTH, PROTOTYPES, OUTPUTS = 200, 3, 2, 8, 4
RANDOM = np.random.default_rng(0)
WEIGHT: FloatArray = RANDOM.normal(size=(OUTPUTS, SUBSPACES * LENGTH))
PROTOTYPE_VALUES: FloatArray = RANDOM.normal(size=(SUBSPACES, PROTOTYPES, LENGTH))
CODES: IntArray = RANDOM.integers(0, PROTOTYPES, (POSITIONS, SUBSPACES))
EXACT: FloatArray = PROTOTYPE_VALUES[np.arange(SUBSPACES)[:, None], CODES.T]


def errors(
    rounded: float = 0.0, narrowed: float = 0.0, prototypes: float = 0.0, bits: float = 16, missing: float = 0.0
) -> Errors:
    """Of a layer in which the vectors of one form differ from those before by noise of so much."""
    random = np.random.default_rng(1)

    def off(size: float) -> FloatArray:
        return size * random.normal(size=EXACT.shape)

    narrow = EXACT + off(narrowed)
    seen = Seen(EXACT, EXACT + off(rounded), EXACT, narrow, narrow + off(prototypes), CODES)
    table, bias = plain_table(WEIGHT, PROTOTYPE_VALUES), np.zeros(OUTPUTS)
    target = predict(CODES, table, bias)
    integers = quantize_table(table, bias, int(bits), 32)
    visible = target + missing * target.std(axis=0) * random.normal(size=target.shape)
    return layer_errors(seen, WEIGHT, (table, bias), integers, target, visible)


PARTS = ("activation_bits", "prototype_bits", "prototypes", "table_bits", "fit")


@pytest.mark.parametrize(
    ("part", "coarse", "fine"),
    [
        ("activation_bits", {"rounded": 0.2}, {"rounded": 0.1}),
        ("prototype_bits", {"narrowed": 0.2}, {"narrowed": 0.1}),
        ("prototypes", {"prototypes": 0.2}, {"prototypes": 0.1}),
        ("table_bits", {"bits": 4}, {"bits": 5}),
        ("fit", {"missing": 0.2}, {"missing": 0.1}),
    ],
)
def test_each_part_is_seen_alone(part: str, coarse: dict[str, float], fine: dict[str, float]) -> None:
    found, finer = vars(errors(**coarse)), vars(errors(**fine))
    assert found[part] / finer[part] == pytest.approx(4, rel=0.7 if part == "table_bits" else 1e-3)
    assert [name for name in PARTS if found[name] > 1e-7] == [part]


def test_errors_are_relative_to_the_variance() -> None:
    assert errors(missing=0.3).fit == pytest.approx(0.09, rel=0.2)


def test_usage_of_codes() -> None:
    codes = np.array([[0, 2], [0, 2], [0, 1], [3, 1]])
    dead, share = code_usage(codes, 4)
    assert dead == 4
    assert share == pytest.approx((0.75 + 0.5) / 2)


def test_scatter_is_what_the_best_prototypes_leave() -> None:
    vectors = RANDOM.integers(-9, 10, (SUBSPACES, POSITIONS, LENGTH))
    metric = np.stack([np.diag([1.0, 2.0])] * SUBSPACES)
    expected = 0.0
    for s in range(SUBSPACES):
        for code in range(PROTOTYPES):
            same = vectors[s][CODES[:, s] == code]
            expected += (np.square(same - same.mean(axis=0)) * [1, 2]).sum() / POSITIONS
    once = np.ones(POSITIONS, np.int64)
    assert scatter(vectors, CODES, PROTOTYPES, metric, once) == pytest.approx(expected)
    assert scatter(vectors, CODES, PROTOTYPES, metric, 3 * once) == pytest.approx(expected)
    finer = np.arange(POSITIONS)[:, None].repeat(SUBSPACES, axis=1)
    assert scatter(vectors, finer, POSITIONS, metric, once) == pytest.approx(0)
