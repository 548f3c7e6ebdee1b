"""Conventional layers for what they see: what has shrunk is stretched, as far as left-out frames agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pqc.codebook import linear_refit
from pqc.codebook.fit_options import FitOptions
from pqc.codebook.linear_refit import refit_weights
from pqc.codebook.rows import LayerData
from pqc.numerics.arrays import FloatArray, IntArray
from pqc.numerics.element import Element
from pqc.numerics.window import Window, patches

OPTIONS = FitOptions(refit_positions=3000)
WINDOW = Window((3, 3), (1, 1), (1, 1, 1, 1))
SCALE = 0.05


def results(x: FloatArray, weight: FloatArray, bias: FloatArray, groups: int) -> FloatArray:
    """[frames, outputs, columns] of a grouped convolution, in real numbers."""
    seen = patches(x, WINDOW).reshape(len(x), groups, -1, x.shape[2] * x.shape[3])
    by_group = weight.reshape(groups, -1, weight.shape[1])
    return np.einsum("fgec,goe->fgoc", seen, by_group).reshape(len(x), len(weight), -1) + bias[:, None]


def layer(
    groups: int, shrunk: float, noise: float = 0.0, frames: int = 30, low: float = -np.inf
) -> tuple[LayerData, FloatArray]:
    """A layer of 4 channels and 8 outputs whose inputs have ``shrunk``, and its bias."""
    random = np.random.default_rng(groups)
    exact: IntArray = random.integers(0, 200, (frames, 4, 6, 6))
    weight, bias = random.normal(size=(8, 36 // groups)), random.normal(size=8)
    target = results(exact * SCALE, weight, bias, groups)
    seen = np.clip(exact * shrunk + random.normal(size=exact.shape) * noise, 0, 255).astype(np.uint8)
    return LayerData(seen, SCALE, WINDOW, weight, target, Element(8, signed=False), low=low), bias


def visible_error(data: LayerData, weight: FloatArray, bias: FloatArray, groups: int) -> float:
    found = results(data.activations * data.scale, weight, bias, groups)
    return float(np.square(np.maximum(found, data.low) - np.maximum(data.target, data.low)).mean())


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_what_has_shrunk_is_stretched_again(groups: int) -> None:
    data, bias = layer(groups, 0.5)
    weight, moved = refit_weights(data, bias, groups, OPTIONS)
    assert weight.shape == data.weight.shape
    assert np.allclose(weight, 2 * data.weight, atol=0.05)
    before = visible_error(data, data.weight, bias, groups)
    assert visible_error(data, weight, moved, groups) < 0.01 * before


def test_only_what_bounds_let_through_counts() -> None:
    data, bias = layer(4, 1.0, noise=60, low=0.0)
    seen = refit_weights(data, bias, 4, OPTIONS)
    blind = refit_weights(data, bias, 4, replace(OPTIONS, bound_rounds=0))
    assert visible_error(data, *seen, 4) < visible_error(data, *blind, 4)


def test_weights_stay_where_left_out_frames_say_so() -> None:
    data, bias = layer(1, 1.0, frames=2)
    noisy = replace(data, target=data.target + np.random.default_rng(0).normal(size=data.target.shape) * 20)
    weight, kept = refit_weights(noisy, bias, 1, replace(OPTIONS, refit_positions=20))
    assert np.array_equal(weight, data.weight.astype(np.float32))
    assert np.array_equal(kept, bias.astype(np.float32))


def test_one_frame_has_none_to_leave_out_and_large_windows_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    data, bias = layer(1, 0.5, frames=1)
    assert np.array_equal(refit_weights(data, bias, 1, OPTIONS)[0], data.weight.astype(np.float32))
    data, bias = layer(1, 0.5)
    monkeypatch.setattr(linear_refit, "MOST_ELEMENTS", 35)
    assert np.array_equal(refit_weights(data, bias, 1, OPTIONS)[0], data.weight.astype(np.float32))


def test_dead_inputs_and_a_shortcut() -> None:
    data, bias = layer(2, 0.5)
    dead = data.activations.copy()
    dead[:, :2] = 0
    shortcut = np.full((30, 8, 36), 10, np.uint8)
    moved = replace(data, activations=dead, shortcut=shortcut, shortcut_scale=0.1, target=data.target + 1.0)
    weight, _ = refit_weights(moved, bias, 2, OPTIONS)
    assert np.allclose(weight[:4], data.weight[:4], atol=1e-5)
    assert np.allclose(weight[4:], 2 * data.weight[4:], atol=0.05)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("rounds", [0, 2])
def test_few_positions_give_what_all_equations_give(groups: int, rounds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data, bias = layer(groups, 0.5, noise=5, frames=8, low=0.0)
    few = replace(OPTIONS, refit_positions=4, bound_rounds=rounds)
    # with a weak pull back, equations of more unknowns than positions are only as exact as their float32 sums
    monkeypatch.setattr(linear_refit, "RIDGES", (1.0,))
    found = refit_weights(data, bias, groups, few)
    monkeypatch.setattr(linear_refit, "FEW", 36)  # elements, so that one position is not few
    expected = refit_weights(data, bias, groups, few)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
    assert not np.allclose(found[0], data.weight, atol=1e-2)
