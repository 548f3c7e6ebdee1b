"""Folders of images, with Pillow and without."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pqc.image_folder
from pqc.errors import ModelError
from pqc.image_folder import load_image_folder

PIXELS = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3) * 10


def save(folder: Path, name: str, pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]] = PIXELS) -> Path:
    Image.fromarray(pixels).save(folder / name)
    return folder / name


def refusal(folder: Path, shape: tuple[int, int, int] = (3, 2, 3)) -> str:
    with pytest.raises(ModelError) as caught:
        load_image_folder(folder, shape)
    return str(caught.value).replace(str(folder), "f")


def test_images_in_the_order_of_their_names(tmp_path: Path) -> None:
    save(tmp_path, "b.png", 255 - PIXELS)
    save(tmp_path, "a.PNG")
    (tmp_path / "notes.txt").write_text("no image")
    images = load_image_folder(tmp_path, (3, 2, 3))
    assert images.dtype == np.uint8
    assert (images[0] == PIXELS.transpose(2, 0, 1)).all()
    assert (images[1] == 255 - images[0]).all()
    assert len(load_image_folder(tmp_path, (3, 2, 3), limit=1)) == 1


def test_grey_images(tmp_path: Path) -> None:
    save(tmp_path, "a.png", PIXELS[:, :, 0])
    assert (load_image_folder(tmp_path, (1, 2, 3))[0, 0] == PIXELS[:, :, 0]).all()


def test_another_size_is_refused(tmp_path: Path) -> None:
    save(tmp_path, "a.png")
    assert refusal(tmp_path, (3, 3, 2)) == "f/a.png: this image is 3x2 pixels, the model takes 2x3"


def test_number_of_channels(tmp_path: Path) -> None:
    assert refusal(tmp_path, (4, 2, 3)) == "f: images have 1 or 3 channels, the model takes 4: use an .npz file"


def test_no_image(tmp_path: Path) -> None:
    assert refusal(tmp_path).startswith("f: there is no image in this folder, allowed are .bmp ")


def test_not_an_image(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no image")
    assert refusal(tmp_path) == "f/a.png: not an image, or of an unknown kind"


def test_image_cut_short(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)
    path = save(tmp_path, "a.png", noise)
    path.write_bytes(path.read_bytes()[:1000])
    assert refusal(tmp_path, (3, 40, 40)).startswith("f/a.png: this image cannot be read: ")


def test_without_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_name: str) -> None:
        """No library is installed."""

    save(tmp_path, "a.png")
    monkeypatch.setattr(pqc.image_folder, "find_spec", nothing)
    expected = "f: reading images needs Pillow: pip install 'pqc[images]', or use an .npz file"
    assert refusal(tmp_path) == expected
