"""The parameter record that a requantize instruction reads for each output: eight bytes, little-endian."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqc.errors import ProgramError
from pqc.numerics.arrays import AnyArray, IntArray
from pqc.numerics.fixed_point import is_shift
from pqc.numerics.requantize import MAXIMUM_SHIFT

PARAMETERS: np.dtype[np.void] = np.dtype(
    [("residual_multiplier", "<i4"), ("multiplier", "<u2"), ("shift", "u1"), ("zero", "u1")]
)
"""One output's record."""

PARAMETER_BYTES = PARAMETERS.itemsize
"""Bytes of one record."""

Parameters: TypeAlias = tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int32]]
"""(multiplier, shift, residual multiplier), each [outputs] int32."""


def pack_parameters(multiplier: IntArray, shift: IntArray, residual_multiplier: IntArray | None = None) -> bytes:
    """The records of [outputs] channels; without a residual its multiplier is 0.

    Raises:
        ValueError: the arrays differ in length, or a value does not fit its field.
    """
    records = np.zeros(multiplier.shape[0], PARAMETERS)
    _fill(records, "multiplier", multiplier, 0, (1 << 16) - 1)
    _fill(records, "shift", shift, 0, MAXIMUM_SHIFT)
    if residual_multiplier is not None:
        _fill(records, "residual_multiplier", residual_multiplier, -(1 << 31), (1 << 31) - 1)
    return records.tobytes()


def _fill(records: AnyArray, name: str, values: IntArray, minimum: int, maximum: int) -> None:
    if values.shape != records.shape:
        raise ValueError(f"{name} has shape {values.shape}, allowed is {records.shape}")
    if values.size and not (minimum <= int(values.min()) and int(values.max()) <= maximum):
        raise ValueError(f"{name} in [{values.min()}, {values.max()}], allowed is [{minimum}, {maximum}]")
    records[name] = values


def unpack_parameters(data: bytes | npt.NDArray[np.uint8]) -> Parameters:
    """What :func:`pack_parameters` wrote; ``data`` holds whole records."""
    records: AnyArray = np.frombuffer(bytes(data), PARAMETERS)
    return (
        records["multiplier"].astype(np.int32),
        records["shift"].astype(np.int32),
        records["residual_multiplier"].astype(np.int32),
    )


def check_shifts(parameters: Parameters) -> None:
    """Check that no multiplier is needed, which a target that only shifts does not have.

    Raises:
        ProgramError: one is, for the first output that is named.
    """
    multiplier, _, residual = parameters
    for name, values in (("multiplier", multiplier), ("residual multiplier", residual)):
        wrong = [output for output, value in enumerate(values.tolist()) if not is_shift(value)]
        if wrong:
            found = values[wrong[0]]
            raise ProgramError(
                f"the {name} of output {wrong[0]} is {found}, a target that only shifts has no multiplier: allowed are "
                "powers of two"
            )
