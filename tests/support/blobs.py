"""The constants of the tests that are written as IR.

Each folder of `tests/filecheck` has a table: small arrays by name. From `tests`, `python -m support.blobs` writes them
to the folder `blobs` beside the IR and prints the digest by which the IR names each.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pqc.dialects.blob import FOLDER as BLOBS
from pqc.dialects.blob import BlobStore, element_type
from pqc.numerics.arrays import AnyArray

FOLDER = Path(__file__).parent.parent / "filecheck"


def cycle(dtype: str, low: int, high: int, *shape: int) -> AnyArray:
    """``low``, ``low + 1``, ... ``high``, and again from ``low`` on, in row-major order."""
    return (np.arange(int(np.prod(shape))) % (high - low + 1) + low).astype(dtype).reshape(shape)


def full(dtype: str, value: float, *shape: int) -> AnyArray:
    """One value everywhere."""
    return np.full(shape, value, dtype)


DIALECTS: Mapping[str, AnyArray] = {
    "codebook": cycle("u1", 0, 15, 2, 4, 9),
    "signed codebook": cycle("i1", -8, 7, 2, 4, 9),
    "channel codebook": cycle("u1", 0, 15, 1, 4, 2),
    "table": cycle("i1", -8, 7, 2, 4, 3),
    "table for 9 taps": cycle("i1", -8, 7, 9, 4, 3),
    "padding": full("u1", 3, 1),
    "padding too large": full("u1", 4, 1),
    "float table for 9 taps": cycle("f4", -8, 7, 9, 4, 3),
    "float table": cycle("f4", -8, 7, 2, 4, 3),
    "bias": cycle("i4", -1, 1, 3),
    "float bias": cycle("f4", -1, 1, 3),
    "16-bit bias": cycle("i2", -1, 1, 3),
    "16-bit table": cycle("i2", -8, 7, 2, 4, 3),
    "largest bias": full("i4", 2**31 - 1, 3),
    "step": full("f4", 0.25, 3),
    "step of zero": cycle("f4", 0, 2, 3),
    "infinite step": full("f4", np.inf, 3),
    "weight": cycle("i1", -8, 7, 3, 2, 3, 3),
    "depthwise weight": cycle("i1", -8, 7, 3, 1, 3, 3),
    "matrix": cycle("i1", -8, 7, 3, 5),
    "unsigned matrix": cycle("u1", 0, 7, 3, 5),
    "multiplier": full("i4", 16384, 3),
    "shift": full("i4", 20, 3),
    "residual multiplier": full("i4", -65536, 3),
    "multiplier too large": full("i4", 65536, 3),
    "shift too long": full("i4", 41, 3),
    "bytes": cycle("u1", 0, 255, 64),
    "map": cycle("i1", -8, 7, 1, 4),
    "map for 2 channels": cycle("i1", -8, 7, 2, 4),
    "map for 3 elements": cycle("i1", -8, 7, 1, 3),
}

PASSES: Mapping[str, AnyArray] = {
    "weight": cycle("f4", -1, 2, 2, 2, 1, 1),
    "2x2 weight": cycle("f4", -1, 2, 2, 2, 2, 2),
    "grouped": cycle("f4", 1, 2, 2, 1, 1, 1),
    "matrix": cycle("f4", -1, 2, 2, 2),
    "wide matrix": cycle("f4", -1, 2, 2, 32),
    "vector": cycle("f4", 1, 2, 2),
    "codebook": cycle("u1", 0, 3, 2, 2, 1),
    "channel codebook": cycle("u1", 1, 3, 1, 2, 2),
    "table": cycle("f4", -4, 4, 2, 2, 2),
    "table for 4 taps": cycle("f4", -4, 4, 4, 2, 2),
    "integer weight": cycle("i1", -1, 2, 2, 2, 1, 1),
    "integer matrix": cycle("i1", -1, 2, 2, 2),
    "integer table": cycle("i1", -4, 4, 2, 2, 2),
    "integer table for 4 taps": cycle("i1", -4, 4, 4, 2, 2),
    "padding": full("u1", 1, 1),
    "step": full("f4", 0.25, 2),
    "integer vector at the limit": full("i4", 2**15 - 7, 2),
    "integer vector": cycle("i4", 1, 2, 2),
    "map": cycle("i1", -4, 3, 1, 4),
    "map for 2 channels": cycle("i1", -4, 3, 2, 4),
    "map of 64": cycle("i1", -4, 3, 1, 64),
    "map of 64 for 2 channels": cycle("i1", -4, 2, 2, 64),
    "map of 128": cycle("i1", -4, 3, 1, 128),
    "bytes": cycle("u1", 0, 255, 8),
    "16 bytes": cycle("u1", 0, 255, 16),
    "32 bytes": cycle("u1", 0, 255, 32),
    "48 bytes": cycle("u1", 0, 255, 48),
    "64 bytes": cycle("u1", 0, 255, 64),
}

TABLES: Mapping[str, Mapping[str, AnyArray]] = {"dialects": DIALECTS, "passes": PASSES}
"""The table of each folder of `tests/filecheck`."""


def write() -> None:
    """Write all tables and print the digests; what is no longer declared is deleted."""
    for area, table in TABLES.items():
        folder = FOLDER / area / BLOBS
        digests = {name: BlobStore.put(array) for name, array in table.items()}
        BlobStore.save(digests.values(), folder)
        for path in folder.glob("*.npy"):
            if path.stem not in digests.values():
                path.unlink()
        for name, digest in digests.items():
            array = table[name]
            sizes = "".join(f"{size}x" for size in array.shape)
            print(f'{area}: <"{name}", "{digest}"> : tensor<{sizes}{element_type(array.dtype)}>')


if __name__ == "__main__":
    write()
