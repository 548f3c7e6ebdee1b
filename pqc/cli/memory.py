"""How Python looks after its memory during a command."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager

NEW_OBJECTS = 200_000
"""So many objects more than before are there when Python looks for cycles of them; by default it is 700.

A compilation makes many objects that stay, and looking through them again and again takes a tenth of its time.
"""


@contextmanager
def rare_collections() -> Generator[None, None, None]:
    """Inside, Python looks for cycles of unused objects less often."""
    before = gc.get_threshold()
    gc.set_threshold(NEW_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
