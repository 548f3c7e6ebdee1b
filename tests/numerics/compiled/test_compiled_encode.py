"""Compiled prototype matching against its definition: every bit of every code."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.integers import SEEDS, SPREADS, STORED, WINDOWS, Spread, array

from pqc.numerics.compiled.planes import POSITIONS
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric, starts_of
from pqc.numerics.kernels import NUMPY, compiled_kernels
from pqc.numerics.window import Window

U8 = Element(8, False)


@st.composite
def shapes(draw: st.DrawFn) -> tuple[int, ...]:
    """Frames, channels, height, width of an input."""
    return draw(st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 6), st.integers(1, 6)))


@given(
    shapes(),
    WINDOWS,
    st.tuples(st.integers(1, 13), st.integers(1, 3), st.sampled_from([1, 2, 3, 16, 17, 300])),
    st.sampled_from(Metric),
    st.tuples(STORED, st.integers(2, 16), st.integers(0, 9)),
    st.none() | st.tuples(st.integers(1, 5), st.integers(1, 5)),
    SEEDS,
    st.tuples(SPREADS, SPREADS),
    st.data(),
)
def test_codes_are_those_of_the_definition(
    shape: tuple[int, ...],
    window: Window,
    codebook_shape: tuple[int, int, int],
    metric: Metric,
    numbers: tuple[Element, int, int],
    asked: tuple[int, int] | None,
    seed: int,
    spreads: tuple[Spread, Spread],
    data: st.DataObject,
) -> None:
    """Any window, length, type, grid, metric and gaps; extreme and equal values make ties and the largest sums."""
    output = asked or window.output_size(*shape[2:])
    assume(min(output) >= 1)
    length, subspaces, prototypes = codebook_shape
    element = Element(numbers[1], numbers[0].signed)
    x = array(numbers[0], shape, seed, spreads[0])
    books = data.draw(st.sampled_from([1, subspaces]))
    codebook = array(element, (books, prototypes, length), seed + 1, spreads[1]).astype(np.int32)
    starts = [data.draw(st.integers(0, shape[1] * window.kernel[0] * window.kernel[1] - 1))]
    for _ in range(subspaces - 1):
        starts.append(starts[-1] + length * data.draw(st.sampled_from([1, 1, 2, 4])))
    how = (codebook, window, output, tuple(starts), (numbers[2], element), metric)
    found, expected = compiled_kernels().encoder(*how)(x), NUMPY.encoder(*how)(x)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize("length", [1, 3, 4, 9, 16])
@pytest.mark.parametrize(("strides", "rows"), [((1, 1), 20), ((2, 2), 10), ((1, 3), 20)])
def test_many_frames_go_in_parts(metric: Metric, length: int, strides: tuple[int, int], rows: int) -> None:
    """More positions than go together, and a last part with fewer frames than the others."""
    x = array(U8, (9, 4, 20, 20), 0)
    codebook = array(U8, (3, 16, length), 1).astype(np.int32)
    assert POSITIONS < 9 * 20 * 20
    window = Window((3, 3), strides, (1, 1, 1, 1))
    how = (codebook, window, (rows, 20 // strides[1]), starts_of(2, length, 3), (0, U8), metric)
    np.testing.assert_array_equal(compiled_kernels().encoder(*how)(x), NUMPY.encoder(*how)(x))


@pytest.mark.parametrize("metric", Metric)
def test_equal_prototypes_give_the_lowest_index(metric: Metric) -> None:
    x = array(U8, (2, 3, 5, 50), 0)
    codebook = np.repeat(array(U8, (3, 7, 9), 1), 2, axis=1).astype(np.int32)
    how = (Window((3, 3)), (3, 48), starts_of(0, 9, 3), (0, U8), metric)
    codes = compiled_kernels().encoder(codebook, *how)(x)
    assert not (codes % 2).any()
    np.testing.assert_array_equal(codes // 2, compiled_kernels().encoder(codebook[:, ::2], *how)(x))


@pytest.mark.parametrize("element", [Element(8, False), Element(8, True), Element(16, False), Element(16, True)])
@pytest.mark.parametrize(("length", "prototypes"), [(1, 2), (9, 16), (64, 16), (257, 256), (1024, 300), (1024, 4096)])
def test_distances_that_differ_by_one_are_told_apart_at_the_extremes(
    element: Element, length: int, prototypes: int
) -> None:
    """As for the definition: float32, float64 and int64 are all chosen here, the last one for the largest keys."""
    x = np.full((2, length, 1, 1), element.minimum, element.storage)
    x[1] = element.maximum
    codebook = np.full((1, prototypes, length), element.maximum, np.int32)
    codebook[0, -1, 0] -= 1  # nearer to the first vector
    encode = compiled_kernels().encoder(codebook, Window((1, 1)), (1, 1), (0,), (0, element), Metric.L2)
    assert encode(x).tolist() == [[[prototypes - 1]], [[0]]]


@given(SEEDS)
def test_rows_with_gaps_and_views_of_larger_maps(seed: int) -> None:
    """The activations of the machine are tiles of larger maps, or elements with others between them."""
    whole = array(U8, (2, 5, 8, 24), seed)
    codebook = array(U8, (2, 5, 9), seed + 1).astype(np.int32)
    how = (codebook, Window((3, 3), pads=(1, 1, 1, 1)), (3, 8), starts_of(0, 9, 2), (0, U8), Metric.L2)
    for x in (whole[:, 1:4, 2:5, 4:12], whole[:, ::2, ::3, ::3], whole[:, 1:4, 2:5, 4:12][::-1]):
        np.testing.assert_array_equal(compiled_kernels().encoder(*how)(x), NUMPY.encoder(*how)(x))
