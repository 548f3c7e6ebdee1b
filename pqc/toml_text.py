"""TOML in, plain values out; whatever is wrong with a text is a ``TOMLDecodeError``."""

from __future__ import annotations

import tomllib
from typing import Any


def parse_toml(text: str) -> dict[str, Any]:
    """The values in ``text``.

    Raises:
        TOMLDecodeError: it is no TOML, or Python cannot hold it: nested too deeply, or a number of thousands of digits.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError:
        raise tomllib.TOMLDecodeError("Nested too deeply") from None
    except ValueError as error:
        raise tomllib.TOMLDecodeError(f"Invalid number: {str(error).partition(':')[0]}") from None
