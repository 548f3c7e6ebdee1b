"""Which means of computing is taken, see :mod:`pqc.numerics.kernels`; it imports neither numpy nor Numba."""

from __future__ import annotations

import importlib.util
import os

from pqc.errors import ModelError

VARIABLE = "PQC_KERNELS"
"""The environment variable that chooses."""

CHOICES = ("auto", "numpy", "numba")
"""Its values."""


def numba_is_installed() -> bool:
    """Whether there is Numba."""
    return importlib.util.find_spec("numba") is not None


def choice() -> str:
    """What the environment asks for.

    Raises:
        ModelError: it is none of ``CHOICES``, or Numba where that is not installed.
    """
    chosen = os.environ.get(VARIABLE, "auto")
    if chosen not in CHOICES:
        raise ModelError(f"{VARIABLE}={chosen}, allowed are {', '.join(CHOICES)}")
    if chosen == "numba" and not numba_is_installed():
        raise ModelError(f"{VARIABLE}=numba, but Numba is not installed; pip install numba, or take {VARIABLE}=auto")
    return chosen


def in_words() -> str:
    """What will be taken, for a person.

    Raises:
        ModelError: see :func:`choice`.
    """
    chosen = choice()
    if chosen != "auto":
        return f"{chosen}, by {VARIABLE}"
    return "numba for large work, numpy for small" if numba_is_installed() else "numpy; numba is not installed"
