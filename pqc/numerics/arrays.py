"""Array types used throughout the numerics."""

from __future__ import annotations

import tokenize
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

AnyArray: TypeAlias = npt.NDArray[Any]
"""Any numpy array."""

IntArray: TypeAlias = npt.NDArray[np.integer[Any]]
"""An array of integers of any width."""

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
"""An array of floats of any width."""

HEADER_FAULTS = (SyntaxError, tokenize.TokenError, RecursionError)
"""What numpy lets through, besides ``ValueError``, when the header of an array in a file is damaged: it is Python."""
