"""Results of long work, kept in a folder by the digest of everything that they follow from.

The folder may be deleted at any time, and any number of processes may use it at once: an entry is written beside its
place and moved there when it is whole, and what is read is checked against its own digest. An entry that does not pass
is computed again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np

from pqc.errors import ModelError
from pqc.isa.program import write_whole
from pqc.numerics.arrays import AnyArray

MAGIC = b"pqc cache 1\n"
"""What every entry begins with; the number says how entries are written."""

SUFFIX = ".entry"
"""Of the files that hold entries."""

_DIGEST_BYTES = 32


class Cache:
    """Arrays by name, kept under a key. ``say`` is told in one sentence what is wrong with the folder, if anything."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._say = say
        self._writes = True

    @staticmethod
    def open(folder: Path, say: Callable[[str], None]) -> Cache:
        """The cache in ``folder``, which is made if it is not there.

        Raises:
            ModelError: it is a file, or nothing can be written there.
        """
        if folder.exists() and not folder.is_dir():
            raise ModelError(f"{folder}: this is a file, a folder is wanted for the cache")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise ModelError(f"{folder}: cannot be written, which a cache must be: {error.strerror}") from None
        return Cache(folder, say)

    def get(self, key: str) -> dict[str, AnyArray] | None:
        """What was kept under ``key``; None where there is nothing, or nothing that can be trusted."""
        path = self._path(key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._say(f"{path}: cannot be read and is computed again: {error.strerror}")
            return None
        start = len(MAGIC) + _DIGEST_BYTES
        content = data[start:]
        if data[:start] != MAGIC + _digest(key, content):
            self._say(f"{path}: this entry of the cache is damaged and is computed again")
            return None
        with np.load(BytesIO(content), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}

    def put(self, key: str, arrays: Mapping[str, AnyArray]) -> None:
        """Keep ``arrays`` under ``key``; where that is impossible, say so once and go on without."""
        if not self._writes:
            return
        buffer = BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        content = buffer.getvalue()
        try:
            # somebody may have deleted the folder since
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._path(key), MAGIC + _digest(key, content) + content)
        except (OSError, ModelError) as error:
            self._writes = False
            self._say(f"the cache keeps nothing more: {error}")

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{SUFFIX}"


def key_of(parts: Sequence[str]) -> str:
    """The key that stands for ``parts``: another one for other parts, or the same in another order."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


_CURRENT: ContextVar[Cache | None] = ContextVar("pqc_cache", default=None)


@contextmanager
def using_cache(cache: Cache | None) -> Generator[None, None, None]:
    """Inside, long work looks into ``cache`` first."""
    token = _CURRENT.set(cache)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def current_cache() -> Cache | None:
    """The cache that long work is to use, None where there is none."""
    return _CURRENT.get()


def _digest(key: str, content: bytes) -> bytes:
    """Of an entry's content and of its key, so that an entry under another's name is not taken for it."""
    digest = hashlib.sha256(key.encode())
    digest.update(content)
    return digest.digest()
