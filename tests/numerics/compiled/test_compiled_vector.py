"""The compiled elementwise operations against their definitions."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.integers import SEEDS, Spread, array
from support.operands import clips

from pqc.isa.instructions import Storage
from pqc.numerics.element import Element
from pqc.numerics.kernels import NUMPY, compiled_kernels
from pqc.numerics.requantize import MAXIMUM_SHIFT

STORAGES = st.sampled_from(Storage)
SHAPES = st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(1, 3), st.integers(1, 70))
SHIFTS = st.integers(0, MAXIMUM_SHIFT)
MULTIPLIERS = st.integers(-(1 << 31), (1 << 31) - 1)


@given(
    SHAPES,
    st.sampled_from([(Storage.U8, None), (Storage.U8, Storage.U8), (Storage.S16, Storage.U16)]),
    st.sampled_from(["<i2", "<i4"]),
    SEEDS,
    st.data(),
)
def test_requantize(
    shape: tuple[int, int, int, int],
    storages: tuple[Storage, Storage | None],
    kind: str,
    seed: int,
    data: st.DataObject,
) -> None:
    storage, added = storages
    clip, rng = data.draw(clips(storage)), np.random.default_rng(seed)
    bounds = np.iinfo(kind)
    frames, outputs, rows, columns = shape
    sums = rng.integers(bounds.min, bounds.max, (frames, outputs, rows * columns), endpoint=True).astype(kind)
    parameters = (
        rng.integers(0, 1 << 16, outputs).astype(np.int32),
        rng.integers(0, MAXIMUM_SHIFT, outputs, endpoint=True).astype(np.int32),
        rng.integers(-(1 << 31), 1 << 31, outputs).astype(np.int32),
    )
    residual = None if added is None else array(added.element, shape, seed, Spread.EXTREMES)
    found, expected = np.zeros(shape, storage.element.storage), np.zeros(shape, storage.element.storage)
    compiled_kernels().requantizer(parameters, clip)(found, sums, residual)
    NUMPY.requantizer(parameters, clip)(expected, sums, residual)
    np.testing.assert_array_equal(found, expected)


@given(SHAPES, STORAGES, MULTIPLIERS, SHIFTS, SEEDS, st.data())
def test_rescale(
    shape: tuple[int, int, int, int], source: Storage, multiplier: int, shift: int, seed: int, data: st.DataObject
) -> None:
    """From elements with others between them, in the other order, too."""
    clip = data.draw(clips(Storage.U8))
    x = array(source.element, (shape[0], shape[1], 2 * shape[2], 3 * shape[3]), seed)[:, :, ::2, ::-3]
    found, expected = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    compiled_kernels().rescale(found, x, multiplier, shift, clip)
    NUMPY.rescale(expected, x, multiplier, shift, clip)
    np.testing.assert_array_equal(found, expected)


@given(SHAPES, st.sampled_from([Storage.U8, Storage.S16]), MULTIPLIERS, MULTIPLIERS, SHIFTS, SEEDS, st.data())
def test_add(
    shape: tuple[int, int, int, int],
    source: Storage,
    by_left: int,
    by_right: int,
    shift: int,
    seed: int,
    data: st.DataObject,
) -> None:
    clip = data.draw(clips(Storage.U8))
    left, right = array(source.element, shape, seed), array(Element(8, False), shape, seed + 1)
    found, expected = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    compiled_kernels().add(found, left, right, (by_left, by_right), shift, clip)
    NUMPY.add(expected, left, right, (by_left, by_right), shift, clip)
    np.testing.assert_array_equal(found, expected)
