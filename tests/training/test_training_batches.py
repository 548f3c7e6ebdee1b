"""Batches follow from the seed and the step alone."""

from __future__ import annotations

import numpy as np

from pqc.numerics.arrays import AnyArray, IntArray
from pqc.training.batches import Batches, fitting_frames, shifted, training_frames


def batches(seed: int = 0, augment: tuple[str, ...] = ()) -> Batches:
    images = np.arange(100 * 2 * 16 * 16, dtype=np.float32).reshape(100, 2, 16, 16)
    return Batches({"x": images}, np.arange(100), size=30, seed=seed, augment=augment)


def numbers(images: AnyArray) -> IntArray:
    """Which of the frames above these are, turned around or not: each has values of its own."""
    return images.reshape(len(images), -1).min(axis=1).astype(int) // images[0].size


def test_an_epoch_has_each_frame_once_and_none_that_is_kept_apart() -> None:
    given = batches()
    assert given.validation == slice(95, 100)
    assert given.steps_per_epoch == 3
    seen = np.concatenate([numbers(given.at(step)["x"]) for step in range(3)])
    assert len(np.unique(seen)) == len(seen) == 90
    assert seen.max() < 95


def test_inputs_of_a_frame_stay_together() -> None:
    images = batches().arrays["x"]
    given = Batches({"x": images, "y": images[:, 0, 0] + 1}, None, size=30, seed=0)
    inputs = given.at(4)
    assert np.array_equal(inputs["y"], inputs["x"][:, 0, 0] + 1)


def test_the_same_step_is_the_same_batch_and_others_are_not() -> None:
    first, again = batches(augment=("flip", "crop")).at(5), batches(augment=("flip", "crop")).at(5)
    assert np.array_equal(first["x"], again["x"])
    assert not np.array_equal(first["x"], batches(augment=("flip", "crop")).at(8)["x"])
    assert not np.array_equal(first["x"], batches(seed=1, augment=("flip", "crop")).at(5)["x"])


def test_flipping_turns_some_images_around() -> None:
    given = batches(augment=("flip",))
    seen = given.at(0)["x"]
    plain = given.arrays["x"][numbers(seen)]
    turned = [np.array_equal(x, image[:, :, ::-1]) for x, image in zip(seen, plain, strict=True)]
    same = [np.array_equal(x, image) for x, image in zip(seen, plain, strict=True)]
    assert any(turned)
    assert any(same)
    assert all(one != other for one, other in zip(turned, same, strict=True))


def test_shifting_moves_by_at_most_an_eighth_and_fills_with_zeros() -> None:
    images = np.zeros((200, 1, 16, 8), np.float32)
    images[:, 0, 8, 4] = 1
    found = shifted(images, np.random.default_rng(0))
    assert found.shape == images.shape
    rows, columns = np.nonzero(found[:, 0])[1:]
    assert (rows.min(), rows.max()) == (6, 10)
    assert (columns.min(), columns.max()) == (3, 5)


def test_few_frames_keep_none_apart() -> None:
    given = Batches({"x": np.zeros((10, 3))}, None, size=64, seed=0)
    assert given.validation == slice(10, 10)
    assert given.steps_per_epoch == 1
    assert given.at(0)["x"].shape == (10, 3)


def test_layers_are_fitted_on_frames_that_are_not_kept_apart() -> None:
    assert training_frames(1000) == 950
    assert fitting_frames(None, 1000, [(3, 32, 32)]) == 950
    assert fitting_frames(100, 1000, [(3, 32, 32)]) == 100
    assert fitting_frames(999, 1000, [(3, 32, 32)]) == 950
    # fewer large images
    assert fitting_frames(None, 50_000, [(3, 32, 32)]) == 32_768
    assert fitting_frames(None, 50_000, [(3, 224, 224)]) == 669
