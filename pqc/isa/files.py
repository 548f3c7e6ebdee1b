"""Reading the bytes of a file, or saying why that cannot be done."""

from __future__ import annotations

from pathlib import Path

from pqc.errors import ModelError


def read_file(path: Path | str, most: int = -1) -> bytes:
    """The bytes of a file, or the first ``most`` of them.

    Raises:
        ModelError: there is no such file, or it cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return file.read(most)
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file") from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from None
