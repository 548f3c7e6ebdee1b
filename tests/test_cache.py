"""The cache: what is kept comes back, what is damaged does not, and nobody needs the folder to stay."""

from __future__ import annotations

import shutil
from concurrent.futures import ProcessPoolExecutor
from errno import EACCES
from multiprocessing import get_context
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqc.cache import SUFFIX, Cache, current_cache, key_of, using_cache
from pqc.errors import ModelError
from pqc.numerics.arrays import AnyArray

KEY = key_of(["a"])
ARRAYS = {
    "table": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "codebook": np.array([[1, 2]], np.uint8),
    "error": np.array(0.1),
    "nothing": np.zeros((0, 3), np.int32),
}


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def cache(tmp_path: Path, said: list[str]) -> Cache:
    return Cache.open(tmp_path / "cache", said.append)


def entry(folder: Path, key: str = KEY) -> Path:
    return folder / "cache" / f"{key}{SUFFIX}"


def assert_same(found: dict[str, AnyArray] | None, wanted: dict[str, AnyArray]) -> None:
    assert found is not None
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)


def test_what_is_kept_comes_back(cache: Cache, said: list[str], tmp_path: Path) -> None:
    assert cache.get(KEY) is None
    cache.put(KEY, ARRAYS)
    assert_same(cache.get(KEY), ARRAYS)
    assert cache.get(key_of(["b"])) is None
    assert_same(Cache.open(tmp_path / "cache", said.append).get(KEY), ARRAYS)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [entry(tmp_path).name]
    assert said == []


@given(left=st.lists(st.text(max_size=3), max_size=4), right=st.lists(st.text(max_size=3), max_size=4))
def test_other_parts_have_another_key(left: list[str], right: list[str]) -> None:
    assert (key_of(left) == key_of(right)) == (left == right)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An entry as it is on disk."""
    folder = tmp_path_factory.mktemp("whole")
    Cache.open(folder / "cache", pytest.fail).put(KEY, ARRAYS)
    return entry(folder).read_bytes()


@given(place=st.integers(0, 10_000), change=st.integers(1, 255))
def test_no_changed_byte_is_trusted(
    whole: bytes, tmp_path_factory: pytest.TempPathFactory, place: int, change: int
) -> None:
    damaged = bytearray(whole)
    damaged[place % len(whole)] ^= change
    check_refused(tmp_path_factory.mktemp("changed"), bytes(damaged))


@given(length=st.integers(0, 10_000))
def test_no_torn_entry_is_trusted(whole: bytes, tmp_path_factory: pytest.TempPathFactory, length: int) -> None:
    check_refused(tmp_path_factory.mktemp("torn"), whole[: length % len(whole)])


def check_refused(folder: Path, data: bytes) -> None:
    """The entry is not trusted, which is said in one sentence, and the next one written takes its place."""
    said: list[str] = []
    cache = Cache.open(folder / "cache", said.append)
    entry(folder).write_bytes(data)
    assert cache.get(KEY) is None
    assert said == [f"{entry(folder)}: this entry of the cache is damaged and is computed again"]
    cache.put(KEY, ARRAYS)
    assert_same(cache.get(KEY), ARRAYS)
    assert len(said) == 1


def test_an_entry_under_the_name_of_another_is_not_taken_for_it(cache: Cache, said: list[str], tmp_path: Path) -> None:
    cache.put(KEY, ARRAYS)
    other = key_of(["b"])
    shutil.copy(entry(tmp_path), entry(tmp_path, other))
    assert cache.get(other) is None
    assert "damaged" in said[0]


def test_an_entry_that_cannot_be_read(cache: Cache, said: list[str], tmp_path: Path) -> None:
    entry(tmp_path).mkdir()
    assert cache.get(KEY) is None
    assert said == [f"{entry(tmp_path)}: cannot be read and is computed again: Is a directory"]


def test_the_folder_may_be_deleted_at_any_time(cache: Cache, said: list[str], tmp_path: Path) -> None:
    cache.put(KEY, ARRAYS)
    shutil.rmtree(tmp_path / "cache")
    assert cache.get(KEY) is None
    cache.put(KEY, ARRAYS)
    assert_same(cache.get(KEY), ARRAYS)
    assert said == []


def test_a_folder_that_cannot_be_written_any_more_is_told_of_once(
    cache: Cache, said: list[str], tmp_path: Path
) -> None:
    (tmp_path / "cache").rmdir()
    (tmp_path / "cache").write_text("a file")
    for _ in range(2):
        cache.put(KEY, ARRAYS)
    assert len(said) == 1
    assert said[0].startswith("the cache keeps nothing more: ")


def test_a_file_is_no_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match=r"file: this is a file, a folder is wanted for the cache$"):
        Cache.open(tmp_path / "file", pytest.fail)
    with pytest.raises(ModelError, match=r"file/inside: cannot be written, which a cache must be: Not a directory$"):
        Cache.open(tmp_path / "file" / "inside", pytest.fail)


def test_a_folder_that_cannot_be_written_is_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests as root may write to any folder, so that the system's answer is given here."""

    def refuse(**_: object) -> NoReturn:
        raise PermissionError(EACCES, "Permission denied")

    monkeypatch.setattr("pqc.cache.NamedTemporaryFile", refuse)
    with pytest.raises(ModelError, match=r"cannot be written, which a cache must be: Permission denied$"):
        Cache.open(tmp_path / "cache", pytest.fail)


def test_the_cache_of_a_context(cache: Cache) -> None:
    assert current_cache() is None
    with using_cache(cache):
        assert current_cache() is cache
        with using_cache(None):
            assert current_cache() is None
    assert current_cache() is None


def hammer(folder: Path, seed: int) -> list[str]:
    """Write and read the same few entries over and over, and delete some; what came out wrong."""
    wrong: list[str] = []
    cache = Cache.open(folder, wrong.append)
    random = np.random.default_rng(seed)
    for _ in range(150):
        number = int(random.integers(4))
        key, wanted = key_of([str(number)]), np.full(5000 * (number + 1), number)
        kept = cache.get(key)
        if kept is not None and not np.array_equal(kept["values"], wanted):
            wrong.append(f"entry {number} is another one")
        cache.put(key, {"values": wanted})
        if random.integers(10) == 0:
            (folder / f"{key}{SUFFIX}").unlink(missing_ok=True)
    return wrong


def test_processes_share_a_cache(tmp_path: Path) -> None:
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        runs = [pool.submit(hammer, tmp_path / "cache", seed) for seed in range(2)]
        assert [run.result() for run in runs] == [[], []]
    assert {path.suffix for path in (tmp_path / "cache").iterdir()} == {SUFFIX}
