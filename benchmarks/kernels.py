"""Each operation of the machine by each means of computing, and what Numba costs before it computes anything.

    OPENBLAS_NUM_THREADS=1 python benchmarks/kernels.py

One thread, 32 frames, the layers of ResNet-20 and some others; the time is that of the processor, the best of several.
``numpy`` are the definitions, with the squared distance as a matrix product (BLAS). ``LARGE_WORK`` in
``pqc/numerics/kernels.py`` follows from the last lines: below it numpy is done before Numba has started.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

import numpy as np
from timing import ROOT

from pqc.numerics.arrays import IntArray
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric, starts_of
from pqc.numerics.kernels import LARGE_WORK, NUMPY, Kernels, compiled_kernels
from pqc.numerics.requantize import Clip
from pqc.numerics.window import Window

FRAMES = 32
ROUNDS = 7
U8 = Element(8, False)
THREE_BY_THREE = Window((3, 3), (1, 1), (1, 1, 1, 1))

STARTING = """
import time
start = time.process_time()
from pqc.numerics.kernels import compiled_kernels
compiled_kernels()
imported = time.process_time()
from kernels import every_operation
every_operation(compiled_kernels(), 1)
print(imported - start, time.process_time() - imported)
"""

Action = Callable[[], object]


def values(element: Element, *shape: int) -> IntArray:
    """Seeded integers of an element type."""
    drawn = np.random.default_rng(0).integers(element.minimum, element.maximum, shape, endpoint=True)
    return drawn.astype(element.storage)


def encoding(
    kernels: Kernels, frames: int, layer: tuple[int, int], length: int, metric: Metric = Metric.L2, bits: int = 8
) -> tuple[Action, int]:
    """Prototype matching in a layer of (channels, size), 16 prototypes; its codes."""
    channels, size = layer
    element = Element(bits, False)
    x = values(element, frames, channels, size, size)
    subspaces = -(-channels * 9 // length)
    codebook = values(element, subspaces, 16, length).astype(np.int32)
    encode = kernels.encoder(
        codebook, THREE_BY_THREE, (size, size), starts_of(0, length, subspaces), (0, element), metric
    )
    return lambda: encode(x), frames * subspaces * size * size


def looking_up(kernels: Kernels, frames: int, layer: tuple[int, int], length: int) -> tuple[Action, int]:
    """Lookups in a layer of (channels, size); the codes."""
    channels, size = layer
    subspaces = -(-channels * 9 // length)
    codes = values(Element(4, False), frames, subspaces, size * size)
    table = values(Element(8, True), subspaces, 16, channels).astype(np.int32)
    accumulators, bias = np.zeros((frames, channels, size * size), np.int16), np.zeros(channels, np.int32)
    accumulate = kernels.accumulator(table, 16)
    return lambda: accumulate(accumulators, codes, bias), codes.size


def convolving(kernels: Kernels, frames: int) -> tuple[Action, int]:
    """The first convolution of ResNet-20; its products."""
    x = values(Element(8, True), frames, 3, 32, 32)
    weight = values(Element(8, True), 16, 3, 3, 3).astype(np.int32)
    accumulators, bias = np.zeros((frames, 16, 1024), np.int32), np.zeros(16, np.int32)
    convolve = kernels.convolver(weight, THREE_BY_THREE, 1, (32, 32))
    return lambda: convolve(accumulators, x, bias), accumulators.size * 27


def requantizing(kernels: Kernels, frames: int, residual: bool) -> tuple[Action, int]:
    """Requantization in the first layers of ResNet-20; its results."""
    accumulators = values(Element(16, True), frames, 16, 1024)
    result = np.zeros((frames, 16, 1, 1024), np.uint8)
    parameters = (np.full(16, 20000, np.int32), np.full(16, 18, np.int32), np.full(16, 300, np.int32))
    requantize = kernels.requantizer(parameters, Clip.full(U8))
    added = values(U8, *result.shape) if residual else None
    return lambda: requantize(result, accumulators, added), result.size


def every_operation(kernels: Kernels, frames: int) -> dict[str, tuple[Action, int]]:
    """What is measured, and how many elements each gives; the first call of everything has been made."""
    layers = [(16, 32), (32, 16), (64, 8)]
    found = {f"encode {c}x{s}x{s}, length 9": encoding(kernels, frames, (c, s), 9) for c, s in layers}
    found |= {f"encode 16x32x32, length {n}": encoding(kernels, frames, (16, 32), n) for n in (3, 16)}
    found |= {f"encode 16x32x32, {m.name.lower()}": encoding(kernels, frames, (16, 32), 9, m) for m in Metric if m}
    found["encode 16x32x32, 16 bits"] = encoding(kernels, frames, (16, 32), 9, Metric.L2, 16)
    found |= {f"lookup {c}x{s}x{s}": looking_up(kernels, frames, (c, s), 9) for c, s in layers}
    found["convolve 3x32x32"] = convolving(kernels, frames)
    found |= {f"requantize{' + residual' * r}": requantizing(kernels, frames, bool(r)) for r in (0, 1)}
    for action, _ in found.values():
        action()
    return found


def best_nanoseconds(action: Action, elements: int) -> float:
    """Processor time of one element."""
    times: list[float] = []
    for _ in range(ROUNDS):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return min(times) / elements * 1e9


def starting(cache: str) -> tuple[float, float]:
    """Seconds of processor time to import Numba, and to compile all that is measured here or to read it from disk."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'benchmarks'}"}
    done = subprocess.run([sys.executable, "-c", STARTING], env=environment, capture_output=True, text=True, check=True)
    imported, ready = done.stdout.split()
    return float(imported), float(ready)


def by_both_means() -> Iterator[tuple[str, float, float]]:
    """Each operation with the nanoseconds of an element by the definition and by the compiled kernel."""
    definitions, fast = every_operation(NUMPY, FRAMES), every_operation(compiled_kernels(), FRAMES)
    for name, measured in definitions.items():
        yield name, best_nanoseconds(*measured), best_nanoseconds(*fast[name])


def main() -> int:
    """Print the table."""
    print(f"{'ns an element (a code, a product, a result)':44} {'numpy':>8} {'numba':>8} {'times':>6}")
    for name, slow, quick in by_both_means():
        print(f"{name:44} {slow:8.2f} {quick:8.2f} {slow / quick:6.1f}")
    with tempfile.TemporaryDirectory() as cache:
        for what in ("compiled", "read from disk"):
            imported, ready = starting(cache)
            print(f"Numba imported in {imported:.2f} s, all kernels of this table {what} in {ready:.2f} s")
    numpy_seconds = best_nanoseconds(*encoding(NUMPY, FRAMES, (16, 32), 9)) * LARGE_WORK / (16 * 9) / 1e9
    print(f"numpy takes {numpy_seconds:.1f} s of one processor for the work from which on Numba is taken")
    return 0


if __name__ == "__main__":
    sys.exit(main())
