"""Inputs from a user's files: what is accepted, and in which words the rest is refused."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqc.data import load_dataset, read_arrays
from pqc.errors import ModelError
from pqc.frontend.preprocessing import Preprocessing
from pqc.numerics.arrays import AnyArray

INPUTS = {"x": (3, 2, 2)}
IMAGES = np.arange(4 * 12, dtype=np.uint8).reshape(4, 3, 2, 2)


def npz(folder: Path, **arrays: AnyArray) -> Path:
    path = folder / "d.npz"
    np.savez(path, allow_pickle=True, **arrays)
    return path


def refusal(path: Path, inputs: dict[str, tuple[int, ...]] | None = None) -> str:
    with pytest.raises(ModelError) as caught:
        load_dataset(path, inputs or INPUTS)
    return str(caught.value).replace(str(path), "d")


@pytest.mark.parametrize("name", ["images", "x"])
def test_array_by_either_name(tmp_path: Path, name: str) -> None:
    data = load_dataset(npz(tmp_path, **{name: IMAGES}, labels=np.arange(4, dtype=np.uint8)), INPUTS)
    assert data.frames == 4
    assert data.labels is not None
    assert data.labels.tolist() == [0, 1, 2, 3]
    assert data.prepare(None)["x"].dtype == np.float32
    assert (data.prepare(None)["x"] == IMAGES).all()


def test_the_name_of_the_input_comes_first(tmp_path: Path) -> None:
    data = load_dataset(npz(tmp_path, images=IMAGES[:1], x=IMAGES), INPUTS)
    assert data.frames == 4


def test_limit_takes_the_first_frames(tmp_path: Path) -> None:
    data = load_dataset(npz(tmp_path, images=IMAGES, labels=np.arange(4)), INPUTS, limit=3)
    assert data.frames == 3
    assert data.labels is not None
    assert len(data.labels) == 3


def test_preprocessing_applies_to_images_in_slices(tmp_path: Path) -> None:
    data = load_dataset(npz(tmp_path, images=IMAGES), INPUTS)
    preprocessing = Preprocessing((0.5, 0.25, 0.0), (0.5, 1.0, 2.0))
    whole = preprocessing.apply(IMAGES)
    assert (data.prepare(preprocessing, 1, 3)["x"] == whole[1:3]).all()


def test_preprocessing_leaves_vectors_alone(tmp_path: Path) -> None:
    data = load_dataset(npz(tmp_path, v=np.ones((2, 5))), {"v": (5,)})
    assert (data.prepare(Preprocessing((0.5,), (0.5,)))["v"] == 1).all()


def test_several_inputs_by_their_names(tmp_path: Path) -> None:
    data = load_dataset(npz(tmp_path, x=IMAGES, v=np.ones((4, 5))), {"x": (3, 2, 2), "v": (5,)})
    assert list(data.arrays) == ["x", "v"]


def test_missing_path(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nothing") == "d: no such file or folder"


def test_text_file(tmp_path: Path) -> None:
    path = tmp_path / "d.npz"
    path.write_text("hello")
    assert refusal(path) == "d: not an .npz file, or cut short; allowed are an .npz file or a folder of images"


def test_file_cut_short(tmp_path: Path) -> None:
    path = npz(tmp_path, images=IMAGES)
    path.write_bytes(path.read_bytes()[:-30])
    assert refusal(path).startswith("d: not an .npz file, or cut short")


def test_damaged_array(tmp_path: Path) -> None:
    path = npz(tmp_path, images=IMAGES)
    content = bytearray(path.read_bytes())
    content[content.index(IMAGES.tobytes()) + 5] ^= 1
    path.write_bytes(content)
    assert refusal(path) == "d: array 'images' is damaged, allowed are arrays of numbers"


@given(st.data(), st.booleans())
def test_any_changed_byte_is_refused_or_changes_nothing(data: st.DataObject, packed: bool) -> None:
    stream = BytesIO()
    (np.savez_compressed if packed else np.savez)(stream, images=IMAGES)
    content = bytearray(stream.getvalue())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    with TemporaryDirectory() as folder:
        path = Path(folder, "d.npz")
        path.write_bytes(content)
        with suppress(ModelError):
            assert [array.tolist() for array in read_arrays(path).values()] == [IMAGES.tolist()]


@pytest.mark.parametrize("offset", [6, 8, 10], ids=["password", "compression", "version"])
def test_headers_that_ask_for_what_there_is_not(tmp_path: Path, offset: int) -> None:
    """A changed byte in the directory of the archive: flags, method of compression, version of the format."""
    path = npz(tmp_path, images=IMAGES)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + offset] ^= 0x61
    path.write_bytes(content)
    assert refusal(path).startswith(("d: array 'images' is damaged", "d: not an .npz file"))


REFUSED: dict[str, tuple[dict[str, AnyArray], str]] = {
    "other names": (
        {"pictures": IMAGES, "y": IMAGES},
        "it has the arrays pictures, y; the model needs 'images' or 'x'",
    ),
    "shape": ({"images": IMAGES[:, :2]}, "array 'images' is [4, 2, 2, 2], the model takes [n, 3, 2, 2]"),
    "one image": (
        {"images": IMAGES[0]},
        "array 'images' is [3, 2, 2], the model takes [n, 3, 2, 2]; it lacks the dimension of the frames",
    ),
    "channels last": (
        {"images": IMAGES.transpose(0, 2, 3, 1)},
        "array 'images' is [4, 2, 2, 3], the model takes [n, 3, 2, 2]; "
        "it has the channels last: transpose it with images.transpose(0, 3, 1, 2)",
    ),
    "empty": ({"images": IMAGES[:0]}, "array 'images' is [0, 3, 2, 2], allowed is at least one frame"),
    "scalar": ({"images": np.array(1)}, "array 'images' is [], the model takes [n, 3, 2, 2]"),
    "text": (
        {"images": np.array(["a"])},
        "array 'images' is of type <U1, allowed are integers and real numbers",
    ),
    "objects": (
        {"images": np.array([None])},
        "array 'images' holds Python objects, allowed are arrays of numbers",
    ),
    "complex": (
        {"images": IMAGES.astype(complex)},
        "array 'images' is of type complex128, allowed are integers and real numbers",
    ),
    "labels of reals": (
        {"images": IMAGES, "labels": np.ones(4)},
        "array 'labels' is float64 [4], allowed are integers, one for each image",
    ),
    "too few labels": ({"images": IMAGES, "labels": np.arange(3)}, "array 'labels' has 3 elements for 4 images"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(tmp_path: Path, case: str) -> None:
    arrays, message = REFUSED[case]
    assert refusal(npz(tmp_path, **arrays)) == f"d: {message}"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
def test_not_finite_names_the_first_place(tmp_path: Path, value: float) -> None:
    images = np.zeros((2000, 3, 2, 2))
    images[1500, 2, 0, 1] = images[1600] = value
    expected = f"d: array 'images' has {value} at [1500, 2, 0, 1], allowed are finite float32 numbers"
    assert refusal(npz(tmp_path, images=images)) == expected


def test_inputs_with_different_numbers_of_frames(tmp_path: Path) -> None:
    path = npz(tmp_path, x=IMAGES, v=np.ones((3, 5)))
    expected = "d: the inputs have [3, 4] frames, allowed is the same number in each"
    assert refusal(path, {"x": (3, 2, 2), "v": (5,)}) == expected


def test_folder_for_two_inputs(tmp_path: Path) -> None:
    expected = "d: a folder feeds one input, the model has 2 (x, v): use .npz"
    assert refusal(tmp_path, {"x": (3, 2, 2), "v": (5,)}) == expected


def test_folder_for_vectors(tmp_path: Path) -> None:
    expected = "d: a folder holds images, the model's input 'v' is [n, 5]: use .npz"
    assert refusal(tmp_path, {"v": (5,)}) == expected


def test_array_beside_the_inputs_may_be_anything_numeric(tmp_path: Path) -> None:
    data = load_dataset(npz(tmp_path, images=IMAGES, notes=np.array(["a"])), INPUTS)
    assert data.labels is None
