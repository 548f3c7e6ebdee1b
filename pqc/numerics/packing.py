"""Bit packing: integers of any width, least significant bit first, without gaps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pqc.numerics.arrays import IntArray


def packed_bytes(count: int, bits: int) -> int:
    """Bytes that ``count`` integers of ``bits`` bits take."""
    return (count * bits + 7) // 8


def pack(values: IntArray, bits: int) -> npt.NDArray[np.uint8]:
    """Pack ``values`` (in row-major order) at ``bits`` bits each; negative ones in two's complement.

    Raises:
        ValueError: a value does not fit.
    """
    flat = values.astype(np.int64).reshape(-1)
    if flat.size and not (-(1 << bits - 1) <= int(flat.min()) and int(flat.max()) < 1 << bits):
        raise ValueError(f"values in [{flat.min()}, {flat.max()}] do not fit {bits} bits")
    columns = (flat[:, None] >> np.arange(bits)) & 1
    return np.packbits(columns.astype(np.uint8).reshape(-1), bitorder="little")


def unpack(data: npt.NDArray[np.uint8], count: int, bits: int, signed: bool) -> npt.NDArray[np.int32]:
    """The ``count`` integers that :func:`pack` wrote, int32."""
    if bits in (8, 16):
        return data[: packed_bytes(count, bits)].view(f"<{'i' if signed else 'u'}{bits // 8}").astype(np.int32)
    columns = np.unpackbits(data[: packed_bytes(count, bits)], bitorder="little", count=count * bits)
    weights = np.int64(1) << np.arange(bits, dtype=np.int64)
    values = columns.reshape(count, bits).astype(np.int64) @ weights
    if signed:
        values -= (values >> (bits - 1)) << bits
    return values.astype(np.int32)
