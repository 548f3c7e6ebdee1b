"""Finished work on disk: a line of JSON for each piece, appended and never changed.

Whenever the process ends, by whatever means, the file holds all pieces that were finished, and at most one torn line
at its end, which is dropped when the file is opened again.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias, cast

from pqc.errors import ModelError

Record: TypeAlias = Mapping[str, Any]
"""Plain JSON values by name."""

HEADER: dict[str, Any] = {"exploration": 1}
"""The first line: what this file is, and the version of its layout."""

KEY = "key"

REFUSED = "refused"
"""In a record: why there are no figures, in one sentence."""


class Store:
    """The records of one folder by key; open for one process at a time.

    Raises:
        ModelError: the file cannot be opened, is in use, or is not one that this class wrote.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.dropped = False
        """Whether the file ended in a line that was cut short."""
        self._records: dict[str, Record] = {}
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise ModelError(f"{path}: cannot be opened: {error.strerror}") from None
        try:
            self._lock()
            self._read()
        except ModelError:
            self.close()
            raise

    def __enter__(self) -> Store:
        """The store itself, open already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file, so that another process may open it."""
        os.close(self._file)

    def get(self, key: str) -> Record | None:
        """What was recorded under ``key``; None: nothing yet."""
        return self._records.get(key)

    def add(self, key: str, record: Record) -> None:
        """Record something under a new key; when this returns it is on disk.

        Raises:
            ModelError: the file cannot be written.
        """
        self._append({KEY: key, **record})
        self._records[key] = dict(record)

    def _append(self, record: Record) -> None:
        line = _line(record)
        try:
            written = os.write(self._file, line)
            os.fsync(self._file)
        except OSError as error:
            raise ModelError(f"{self.path}: cannot be written: {error.strerror}") from None
        if written != len(line):
            raise ModelError(f"{self.path}: cannot be written: {written} of {len(line)} bytes were")

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ModelError(f"{self.path}: another process is at work on this folder") from None
        except OSError as error:
            raise ModelError(f"{self.path}: cannot be locked: {error.strerror}") from None

    def _read(self) -> None:
        *lines, rest = self.path.read_bytes().split(b"\n")
        records = [_parse(line) for line in lines]
        ours = records[0] == HEADER if records else _line(HEADER).startswith(rest)
        if not ours:
            raise ModelError(f"{self.path}: not a file of this version of pqc explore; use another folder")
        # After a loss of power a line may have its length and not its content.
        damaged = records[-1:] == [None]
        self.dropped = damaged or rest != b""
        whole = len(records) - damaged
        if self.dropped:
            os.ftruncate(self._file, sum(len(line) + 1 for line in lines[:whole]))
        if not whole:
            self._append(HEADER)
        for number, record in enumerate(records[1:whole], start=2):
            if record is None or not isinstance(record.get(KEY), str):
                raise ModelError(f"{self.path}: line {number} is damaged; delete the line, or use another folder")
            self._records[cast("str", record.pop(KEY))] = record


def _line(record: Record) -> bytes:
    return json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def _parse(line: bytes) -> dict[str, Any] | None:
    """The JSON object in a line; None if there is none."""
    try:
        value = json.loads(line)
    except ValueError:  # no JSON, or no UTF-8
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None
