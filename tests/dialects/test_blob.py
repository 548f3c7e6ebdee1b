"""Constants by digest: what is kept, what is written, and what is refused when it is read."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from xdsl.dialects.builtin import StringAttr, TensorType, f32
from xdsl.ir import Block
from xdsl.utils.exceptions import VerifyException

from pqc.dialects.blob import BlobAttr, BlobStore, ConstantOp, constant_of, constants_scope, element_type
from pqc.errors import ModelError
from pqc.numerics.arrays import AnyArray


@pytest.mark.parametrize(
    "array",
    [np.arange(6, dtype=np.int16).reshape(2, 3), np.float32(2.5).reshape(()), np.zeros((2, 0), np.uint8)],
    ids=["matrix", "scalar", "empty"],
)
def test_arrays_keep_shape_type_and_content(array: AnyArray) -> None:
    kept = BlobStore.get(BlobStore.put(array))
    assert kept is not None
    assert (kept.shape, kept.dtype) == (array.shape, array.dtype)
    np.testing.assert_array_equal(kept, array)


def test_a_digest_depends_on_content_type_and_shape_alone() -> None:
    array = np.arange(6, dtype="<i4").reshape(2, 3)
    same = [array.astype(">i4"), np.asfortranarray(array), np.repeat(array, 2, axis=1)[:, ::2]]
    assert {BlobStore.put(other) for other in same} == {BlobStore.put(array)}
    different = [array.reshape(3, 2), array.astype(np.uint32), array + 1]
    assert BlobStore.put(array) not in {BlobStore.put(other) for other in different}


def test_what_is_kept_cannot_be_changed() -> None:
    array = np.arange(4, dtype=np.int32)
    kept = BlobAttr.of("w", array).array
    array[0] = 9
    assert kept[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 9


def test_bounds() -> None:
    assert BlobAttr.of("w", np.array([3, -7, 5], np.int8)).bounds == (-7, 5)
    with pytest.raises(VerifyException, match="constant 'w' is empty"):
        _ = BlobAttr.of("w", np.zeros(0, np.int8)).bounds


def test_constants_of_doubles_are_floats() -> None:
    op = ConstantOp("w", np.array([0.1, 0.2]))
    assert op.result.type == TensorType(f32, [2])
    assert op.label == "w"
    op.verify()
    np.testing.assert_array_equal(op.array, np.array([0.1, 0.2], np.float32))


@pytest.mark.parametrize("dtype", [np.float16, np.complex64, np.bool_, "U3"])
def test_other_types_are_no_constants(dtype: str) -> None:
    with pytest.raises(VerifyException, match="constants are float32 or integers, not"):
        element_type(np.dtype(dtype))


def test_constant_of() -> None:
    op = ConstantOp("w", np.arange(3, dtype=np.int8))
    np.testing.assert_array_equal(constant_of(op.result), np.arange(3))
    assert constant_of(Block(arg_types=[op.result.type]).args[0]) is None


def test_missing_array() -> None:
    with pytest.raises(VerifyException, match=r"constant 'w' \(no\) is not in the folder 'blobs'"):
        _ = BlobAttr(StringAttr("w"), StringAttr("no")).array


def test_files_hold_what_was_saved(tmp_path: Path) -> None:
    array = np.linspace(0, 1, 7, dtype=np.float32)
    key = BlobStore.put(array)
    folder = tmp_path / "deep" / "blobs"
    BlobStore.save([key, key], folder)
    assert [path.name for path in folder.iterdir()] == [f"{key}.npy"]
    np.testing.assert_array_equal(np.load(folder / f"{key}.npy"), array)
    before = (folder / f"{key}.npy").stat().st_mtime_ns
    BlobStore.save([key], folder)
    assert (folder / f"{key}.npy").stat().st_mtime_ns == before
    BlobStore.load(folder)


def test_files_of_another_process_are_read(tmp_path: Path) -> None:
    array = np.arange(5, dtype=np.int8)
    key = BlobStore.put(array)
    BlobStore.save([key], tmp_path)
    with constants_scope():
        assert BlobStore.get(key) is None
        BlobStore.load(tmp_path)
        np.testing.assert_array_equal(BlobStore.get(key), array)


def test_a_scope_forgets_what_came_and_leaves_alone_what_was_there() -> None:
    outside = BlobStore.put(np.arange(3, dtype=np.int8))
    with constants_scope():
        inside = BlobStore.put(np.arange(77, dtype=np.int8))
        assert BlobStore.bounds(inside) == (0, 76)
        with constants_scope():
            assert BlobStore.get(inside) is None
        assert BlobStore.get(inside) is not None
        assert BlobStore.get(outside) is None
    assert BlobStore.get(inside) is None
    assert BlobStore.bounds(outside) == (0, 2)


def test_a_scope_belongs_to_its_thread() -> None:
    def in_a_scope(value: int) -> bool:
        with constants_scope():
            key = BlobStore.put(np.full(5, value, np.int16))
            together.wait(timeout=60)
            alone = all(BlobStore.get(other) is None for other in keys if other != key)
            together.wait(timeout=60)
            return alone and BlobStore.get(key) is not None

    keys = {BlobStore.put(np.full(5, value, np.int16)) for value in (-1, -2)}
    together = Barrier(2)
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(in_a_scope, (-1, -2))) == [True, True]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file")
    with pytest.raises(ModelError, match="deeper: cannot be made"):
        BlobStore.save([], tmp_path / "blobs" / "deeper")


def written(array: AnyArray, *, pickled: bool = False) -> bytes:
    data = io.BytesIO()
    np.save(data, array, allow_pickle=pickled)
    return data.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an array that pqc wrote"),
        (b"not numpy's format", "not an array that pqc wrote"),
        (written(np.arange(9))[:-1], "not an array that pqc wrote"),
        (written(np.array([{"code": "run me"}]), pickled=True), "not an array that pqc wrote"),
        (written(np.array(["text"])), "constants are float32 or integers"),
        (written(np.arange(9)), "the content does not have the digest in the name"),
    ],
    ids=["empty", "garbage", "short", "pickle", "text", "changed"],
)
def test_damaged_files_are_refused(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "0123456789abcdef.npy"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=message) as caught:
        BlobStore.load(tmp_path)
    assert str(path) in str(caught.value)


def test_an_array_that_is_not_known_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="constant 0123456789abcdef cannot be written"):
        BlobStore.save([BlobStore.put(np.ones(3, np.float32)), "0123456789abcdef"], tmp_path / "blobs")
    assert not (tmp_path / "blobs").exists()
