"""Prototype matching against its plainest definition, up to the largest numbers that the formats hold."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.integers import ELEMENTS, SEEDS, SPREADS, STORED, WINDOWS, Spread, array, taps

from pqc.numerics import encode
from pqc.numerics.arrays import IntArray
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric, nearest_prototype, onto_grid, starts_of, subvectors
from pqc.numerics.window import Window

DISTANCES: dict[Metric, Callable[[list[int], list[int]], int]] = {
    Metric.L2: lambda x, p: sum((a - b) ** 2 for a, b in zip(x, p, strict=True)),
    Metric.L1: lambda x, p: sum(abs(a - b) for a, b in zip(x, p, strict=True)),
    Metric.LINF: lambda x, p: max(abs(a - b) for a, b in zip(x, p, strict=True)),
}
METRICS = st.sampled_from(Metric)


def looped(vectors: IntArray, codebook: IntArray, metric: Metric) -> list[list[list[int]]]:
    """Python's ``index`` of the smallest distance is the lowest one."""
    frames, subspaces, _, columns = vectors.shape

    def nearest(frame: int, s: int, m: int) -> int:
        vector = vectors[frame, s, :, m].tolist()
        distances = [DISTANCES[metric](vector, prototype) for prototype in codebook[s].tolist()]
        return distances.index(min(distances))

    return [[[nearest(f, s, m) for m in range(columns)] for s in range(subspaces)] for f in range(frames)]


@given(
    STORED,
    METRICS,
    st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(1, 9), st.integers(1, 4)),
    st.sampled_from([1, 2, 3, 16, 17]),
    SEEDS,
    st.tuples(SPREADS, SPREADS),
)
def test_the_nearest_prototype_and_the_lowest_on_ties(
    element: Element,
    metric: Metric,
    shape: tuple[int, int, int, int],
    prototypes: int,
    seed: int,
    spreads: tuple[Spread, Spread],
) -> None:
    vectors = array(element, shape, seed, spreads[0])
    codebook = array(element, (shape[1], prototypes, shape[2]), seed + 1, spreads[1])
    codes = nearest_prototype(vectors, codebook, metric)
    assert codes.dtype == np.uint8
    assert codes.tolist() == looped(vectors, codebook, metric)


@given(ELEMENTS, METRICS, SEEDS, SPREADS)
def test_narrow_prototypes_and_an_unpacked_codebook_give_the_same(
    element: Element, metric: Metric, seed: int, spread: Spread
) -> None:
    vectors, codebook = array(element, (1, 2, 5, 3), seed, spread), array(element, (2, 4, 5), seed + 1)
    expected = looped(vectors, codebook, metric)
    assert nearest_prototype(vectors, codebook, metric).tolist() == expected
    assert nearest_prototype(vectors, codebook.astype(np.int32), metric).tolist() == expected


@pytest.mark.parametrize("metric", Metric)
def test_equal_prototypes_give_the_lowest_index(metric: Metric) -> None:
    vectors = array(Element(8, False), (2, 3, 4, 50), 0)
    codebook = np.repeat(array(Element(8, False), (3, 8, 4), 1), 2, axis=1)
    codes = nearest_prototype(vectors, codebook, metric)
    assert not (codes % 2).any()
    np.testing.assert_array_equal(codes // 2, nearest_prototype(vectors, codebook[:, ::2], metric))


@pytest.mark.parametrize("element", [Element(8, False), Element(8, True), Element(16, False), Element(16, True)])
@pytest.mark.parametrize(("length", "prototypes"), [(1, 2), (64, 16), (257, 256), (1024, 300), (1024, 4096)])
def test_distances_that_differ_by_one_are_told_apart_at_the_extremes(
    element: Element, length: int, prototypes: int
) -> None:
    """All prototypes are as far away as can be, and one near the end is nearer by the smallest step there is."""
    vectors = np.full((1, 1, length, 2), element.minimum, element.storage)
    vectors[..., 1] = element.maximum
    codebook = np.full((1, prototypes, length), element.maximum, element.storage)
    codebook[0, -1, 0] -= 1  # nearer to the first vector
    codes = nearest_prototype(vectors, codebook, Metric.L2)
    assert codes.dtype == (np.uint8 if prototypes <= 256 else np.uint16)
    assert codes.tolist() == [[[prototypes - 1, 0]]]


def test_many_subspaces_are_matched_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, codebook = array(Element(8, True), (2, 7, 3, 5), 0), array(Element(8, True), (7, 4, 3), 1)
    whole = nearest_prototype(vectors, codebook, Metric.L2)
    for at_once in (1, 3 * 2 * 4 * 5):
        monkeypatch.setattr(encode, "_KEYS_AT_ONCE", at_once)
        np.testing.assert_array_equal(nearest_prototype(vectors, codebook, Metric.L2), whole)


@given(
    WINDOWS,
    st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(1, 6), st.integers(1, 6)),
    SEEDS,
    st.integers(1, 10),
    st.integers(1, 4),
    st.integers(0, 12),
    st.none() | st.tuples(st.integers(1, 6), st.integers(1, 6)),
)
def test_subvectors_cut_the_window_in_channel_row_column_order(
    window: Window,
    shape: tuple[int, int, int, int],
    seed: int,
    length: int,
    subspaces: int,
    first: int,
    output: tuple[int, int] | None,
) -> None:
    rows, columns = output or window.output_size(*shape[2:])
    assume(rows >= 1 and columns >= 1)
    x = array(Element(8, True), shape, seed)
    found = subvectors(x, window, length, starts_of(first, length, subspaces), output)
    assert found.shape == (shape[0], subspaces, length, rows * columns)
    for frame, row, column in np.ndindex(shape[0], rows, columns):
        seen = taps(x, window, frame, range(shape[1]), (row, column))[first:] + [0] * (subspaces * length)
        assert found[frame, :, :, row * columns + column].reshape(-1).tolist() == seen[: subspaces * length]


@given(STORED, st.integers(2, 16), st.integers(0, 31), SEEDS, SPREADS)
def test_onto_grid_shifts_rounds_and_saturates(
    element: Element, bits: int, shift: int, seed: int, spread: Spread
) -> None:
    x, grid = array(element, (40,), seed, spread), Element(bits, element.signed)
    found = onto_grid(x, shift, grid)
    assert found.dtype == grid.storage
    rounded = [math.floor(Fraction(value, 2**shift) + Fraction(1, 2)) for value in x.tolist()]
    assert found.tolist() == [max(grid.minimum, min(grid.maximum, value)) for value in rounded]
