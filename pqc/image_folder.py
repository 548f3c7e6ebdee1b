"""A folder of image files as one array; needs Pillow, the optional extra `images`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from pqc.errors import ModelError
from pqc.numerics.arrays import IntArray

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""Files with these endings are images; others are left alone."""

_MODES = {1: "L", 3: "RGB"}


def load_image_folder(folder: Path, shape: tuple[int, ...], limit: int | None = None) -> IntArray:
    """All images of ``folder``, in the order of their names.

    Args:
        folder: where the files are; sub-folders are not searched.
        shape: channels (1 or 3), height and width; an image of another size is refused, nothing is scaled.
        limit: take only the first so many; None takes all.

    Returns:
        uint8 [images, channels, height, width], RGB or grey.

    Raises:
        ModelError: Pillow is missing, there is no image, or one is not readable or not of this size.
    """
    channels, height, width = shape
    if channels not in _MODES:
        raise ModelError(f"{folder}: images have 1 or 3 channels, the model takes {channels}: use an .npz file")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)[:limit]
    if not files:
        raise ModelError(f"{folder}: there is no image in this folder, allowed are {' '.join(SUFFIXES)}")
    if find_spec("PIL") is None:
        raise ModelError(f"{folder}: reading images needs Pillow: pip install 'pqc[images]', or use an .npz file")
    images = np.empty((len(files), channels, height, width), np.uint8)
    for index, path in enumerate(files):
        images[index] = _read(path, _MODES[channels], (width, height)).transpose(2, 0, 1)
    return images


def _read(path: Path, mode: str, size: tuple[int, int]) -> IntArray:
    """The pixels [height, width, channels] of one file, which must have ``size`` (width, height)."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            # Before anything is decoded: an image of another size may be a huge one.
            if image.size != size:
                found, allowed = ("x".join(map(str, pair)) for pair in (image.size, size))
                raise ModelError(f"{path}: this image is {found} pixels, the model takes {allowed}")
            pixels = np.asarray(image.convert(mode), np.uint8)
    except (UnidentifiedImageError, Image.DecompressionBombError):
        raise ModelError(f"{path}: not an image, or of an unknown kind") from None
    except OSError as error:
        raise ModelError(f"{path}: this image cannot be read: {error}") from None
    return pixels.reshape(*pixels.shape[:2], -1)
