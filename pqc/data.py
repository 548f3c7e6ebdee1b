"""Images and other inputs from a user's files: a `.npz` or a folder of images, checked before anything uses them."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from pqc.errors import ModelError
from pqc.image_folder import load_image_folder
from pqc.numerics.arrays import HEADER_FAULTS, AnyArray, FloatArray, IntArray

IMAGES = "images"
"""The array that feeds a model with one input, whatever the input's name."""

LABELS = "labels"
"""The array with the class of each image."""

_LARGEST = float(np.finfo(np.float32).max)
_CHUNK = 1024

DAMAGE = (
    zipfile.BadZipFile,  # a header of the archive is wrong, or the checksum of the array
    zlib.error,  # the compressed bytes are none
    EOFError,  # they end too early
    OSError,  # the disk gives them back with an error
    # zipfile raises it itself for what a damaged header seems to ask for: a password (bit 0 of the flags), and, as its
    # subclass NotImplementedError, another compression (the method's two bytes) or a patch (bit 5)
    RuntimeError,
    *HEADER_FAULTS,
)
"""What reading an array of a damaged archive raises. One changed byte is enough for each but the disk's errors."""


class Preparation(Protocol):
    """Turns images as they are into what the model expects."""

    def apply(self, images: AnyArray, /) -> FloatArray:
        """Images [frames, channels, height, width] of any numeric type in, float32 of the same shape out."""
        ...


@dataclass(frozen=True)
class Dataset:
    """Checked inputs of a model, as they are in the file, and the labels if there are any.

    ``arrays`` has by input name an array [frames, *shape]; ``labels`` is [frames].
    """

    origin: str
    arrays: Mapping[str, AnyArray]
    labels: IntArray | None

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return len(next(iter(self.arrays.values())))

    def prepare(
        self, preparation: Preparation | None, start: int = 0, stop: int | None = None
    ) -> dict[str, FloatArray]:
        """Frames [start, stop) as float32; ``preparation`` applies to inputs that are images, of four dimensions."""
        return {
            name: array[start:stop].astype(np.float32)
            if preparation is None or array.ndim != 4
            else preparation.apply(array[start:stop])
            for name, array in self.arrays.items()
        }


def load_dataset(path: Path, inputs: Mapping[str, tuple[int, ...]], limit: int | None = None) -> Dataset:
    """Read inputs from a `.npz` file or a folder of images.

    Args:
        path: the file or folder.
        inputs: by name the shape, without frames, of every input of the model.
        limit: take only so many frames from the beginning; None takes all.

    Raises:
        ModelError: in one sentence: the file, the array, what was found and what is allowed.
    """
    if not path.exists():
        raise ModelError(f"{path}: no such file or folder")
    if path.is_dir():
        return _from_folder(path, inputs, limit)
    found = read_arrays(path)
    arrays: dict[str, AnyArray] = {}
    for name, shape in inputs.items():
        key = _key(path, found, name, inputs)
        check_array(path, key, found[key], shape)
        arrays[name] = found[key]
    counts = sorted({len(array) for array in arrays.values()})
    if len(counts) > 1:
        raise ModelError(f"{path}: the inputs have {counts} frames, allowed is the same number in each")
    labels = _labels(path, found[LABELS], counts[0])[:limit] if LABELS in found else None
    return Dataset(str(path), {name: array[:limit] for name, array in arrays.items()}, labels)


def read_arrays(path: Path) -> dict[str, AnyArray]:
    """All arrays of a `.npz` file.

    Raises:
        ModelError: it cannot be read, or holds Python objects.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such file")
    try:
        with zipfile.ZipFile(path):
            pass
        file = np.load(path, allow_pickle=False)
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        # zipfile raises NotImplementedError where the directory says that a later version of the format is needed than
        # it reads, as one changed byte makes it say; numpy raises ValueError for what does not begin as an archive
        raise ModelError(
            f"{path}: not an .npz file, or cut short; allowed are an .npz file or a folder of images"
        ) from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from None
    arrays: dict[str, AnyArray] = {}
    with file:
        for name in file.files:
            try:
                arrays[name] = np.asarray(file[name])
            except ValueError as error:
                what = "holds Python objects" if "Object arrays" in str(error) else "is damaged"
                raise ModelError(f"{path}: array {name!r} {what}, allowed are arrays of numbers") from None
            except MemoryError:
                # numpy believes a header before any checksum has been looked at
                raise ModelError(
                    f"{path}: array {name!r} is damaged, or larger than the memory of this computer"
                ) from None
            except DAMAGE:
                raise ModelError(f"{path}: array {name!r} is damaged, allowed are arrays of numbers") from None
    return arrays


def check_array(path: Path, name: str, array: AnyArray, shape: tuple[int, ...]) -> None:
    """Check that ``array`` is [frames, *shape], not empty, and has finite numbers only.

    Raises:
        ModelError: naming the file, the array, what was found and what is allowed.
    """
    allowed = _spell(("n", *shape))
    if array.dtype.kind not in "biuf":
        raise ModelError(f"{path}: array {name!r} is of type {array.dtype}, allowed are integers and real numbers")
    if array.shape[1:] != shape or array.ndim == 0:
        raise ModelError(
            f"{path}: array {name!r} is {_spell(array.shape)}, the model takes {allowed}{_hint(array, shape)}"
        )
    if not array.size:
        raise ModelError(f"{path}: array {name!r} is {_spell(array.shape)}, allowed is at least one frame")
    if array.dtype.kind == "f":
        _check_finite(path, name, array)


def _check_finite(path: Path, name: str, array: AnyArray) -> None:
    for start in range(0, len(array), _CHUNK):
        part = array[start : start + _CHUNK]
        # A comparison with NaN is false, so this finds NaN too.
        wrong = ~(np.abs(part) <= _LARGEST)
        if wrong.any():
            where = np.argwhere(wrong)[0]
            value = part[tuple(where)]
            where[0] += start
            raise ModelError(
                f"{path}: array {name!r} has {value} at {_spell(where)}, allowed are finite float32 numbers"
            )


def _from_folder(path: Path, inputs: Mapping[str, tuple[int, ...]], limit: int | None) -> Dataset:
    if len(inputs) != 1:
        raise ModelError(
            f"{path}: a folder feeds one input, the model has {len(inputs)} ({', '.join(inputs)}): use .npz"
        )
    name, shape = next(iter(inputs.items()))
    if len(shape) != 3:
        raise ModelError(
            f"{path}: a folder holds images, the model's input {name!r} is {_spell(('n', *shape))}: use .npz"
        )
    return Dataset(str(path), {name: load_image_folder(path, shape, limit)}, None)


def _key(path: Path, found: Iterable[str], name: str, inputs: Mapping[str, tuple[int, ...]]) -> str:
    """Which array of the file feeds input ``name``."""
    keys = [name, IMAGES] if len(inputs) == 1 else [name]
    for key in keys:
        if key in found:
            return key
    allowed = " or ".join(repr(key) for key in dict.fromkeys(reversed(keys)))
    raise ModelError(f"{path}: it has the arrays {', '.join(sorted(found)) or '(none)'}; the model needs {allowed}")


def _labels(path: Path, labels: AnyArray, frames: int) -> IntArray:
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        found = f"{labels.dtype} {_spell(labels.shape)}"
        raise ModelError(f"{path}: array {LABELS!r} is {found}, allowed are integers, one for each image")
    if len(labels) != frames:
        raise ModelError(f"{path}: array {LABELS!r} has {len(labels)} elements for {frames} images")
    return labels.astype(np.int64)


def _hint(array: AnyArray, shape: tuple[int, ...]) -> str:
    """What is probably the matter with the shape."""
    if len(shape) != 3 or array.ndim not in (3, 4):
        return ""
    if array.shape == shape:
        return "; it lacks the dimension of the frames"
    channels, height, width = shape
    if array.shape[1:] == (height, width, channels):
        return "; it has the channels last: transpose it with images.transpose(0, 3, 1, 2)"
    return ""


def _spell(shape: Iterable[object]) -> str:
    return f"[{', '.join(str(dimension) for dimension in shape)}]"
