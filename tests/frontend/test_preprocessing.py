"""Images become inputs as the model's metadata says."""

from __future__ import annotations

import numpy as np
import pytest

from pqc.errors import ModelError
from pqc.frontend.preprocessing import Preprocessing, preprocessing_from_metadata


def test_images_are_scaled_shifted_and_divided_per_channel() -> None:
    images = np.array([0, 255, 51], np.uint8).reshape(1, 3, 1, 1)
    found = Preprocessing((0.0, 0.5, 0.1), (1.0, 0.25, 0.1)).apply(images)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.reshape(-1), [0.0, 2.0, 1.0], rtol=1e-6)


@pytest.mark.parametrize("shape", [(1, 2, 4, 4), (3, 4, 4)])
def test_other_number_of_channels_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=r"wants images \[n, 3, height, width\]"):
        Preprocessing((0.0,) * 3, (1.0,) * 3).apply(np.zeros(shape, np.uint8))


def test_absent_property_is_no_preprocessing() -> None:
    assert preprocessing_from_metadata({"author": "someone"}, "m.onnx") is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("mean=0", "is not JSON"),
        ("[1, 2]", "exactly 'mean' and 'std'"),
        ('{"mean": [0]}', "exactly 'mean' and 'std'"),
        ('{"mean": [0], "std": [1], "scale": 2}', "exactly 'mean' and 'std'"),
        ('{"mean": 0, "std": [1]}', "mean must be a list of numbers"),
        ('{"mean": [], "std": []}', "mean must be a list of numbers"),
        ('{"mean": ["0"], "std": [1]}', "mean must be a list of numbers"),
        ('{"mean": [true], "std": [1]}', "mean must be a list of numbers"),
        ('{"mean": [NaN], "std": [1]}', "mean must be a list of numbers"),
        ('{"mean": [0], "std": [0]}', "std must be at least 1e-06"),
        ('{"mean": [0, 0], "std": [1]}', "mean has 2 numbers and std 1"),
    ],
)
def test_malformed_property_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ModelError, match="metadata property 'preprocessing'") as caught:
        preprocessing_from_metadata({"preprocessing": text}, "m.onnx")
    assert reason in str(caught.value)
