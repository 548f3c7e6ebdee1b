"""Files that a user wrote."""

from __future__ import annotations

from pathlib import Path

from pqc.errors import ModelError


def read_text(path: Path, what: str) -> str:
    """The text of a file; ``what`` it should be ("a schedule") is said where it is none.

    Raises:
        ModelError: it cannot be read, or is no text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file") from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ModelError(f"{path}: not text in UTF-8, which {what} is") from None
