"""The operations that take the machine's time, by two means: the numpy definitions, and the same compiled.

The numpy functions of :mod:`pqc.numerics` say what each operation means. :mod:`pqc.numerics.compiled` computes the same
integers and is tested against them. ``PQC_KERNELS`` chooses: ``numpy``, ``numba``, or ``auto``, which is the default:
numpy for small work, because Numba takes about a second to start, and Numba for large work where it is installed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Protocol, TypeAlias

from pqc.numerics import convolution, encode, lookup
from pqc.numerics import requantize as vector
from pqc.numerics.arrays import IntArray
from pqc.numerics.choice import choice, numba_is_installed
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric
from pqc.numerics.requantize import Clip
from pqc.numerics.window import Window

LARGE_WORK = 20_000_000_000
"""Multiply-accumulate operations of prototype matching from which on ``auto`` takes Numba (benchmarks/kernels.py)."""


Encode: TypeAlias = Callable[[IntArray], IntArray]
"""x -> codes, see :func:`pqc.numerics.encode.encode`."""

Accumulate: TypeAlias = Callable[[IntArray, IntArray, IntArray | None], None]
"""accumulators, codes, bias -> , see :func:`pqc.numerics.lookup.accumulate`."""

Convolve: TypeAlias = Callable[[IntArray, IntArray, IntArray | None], None]
"""accumulators, x, bias -> , see :func:`pqc.numerics.convolution.accumulate`."""

Requantize: TypeAlias = Callable[[IntArray, IntArray, IntArray | None], None]
"""result, accumulators, residual -> , see :func:`pqc.numerics.requantize.requantize`.

Result and residual are [frames, outputs, rows, columns], the accumulators [frames, outputs, rows * columns].
"""


class Kernels(Protocol):
    """One means of computing.

    What has constants takes them once, and is then called for activations again and again. Arrays that an operation
    writes come first.
    """

    @property
    def name(self) -> str:
        """``numpy`` or ``numba``."""
        ...

    def encoder(
        self,
        codebook: IntArray,
        window: Window,
        output: tuple[int, int],
        starts: tuple[int, ...],
        grid: tuple[int, Element],
        metric: Metric,
    ) -> Encode:
        """See :func:`pqc.numerics.encode.encode`."""
        ...

    def accumulator(self, table: IntArray, accumulator_bits: int) -> Accumulate:
        """See :func:`pqc.numerics.lookup.accumulate`."""
        ...

    def convolver(self, weight: IntArray, window: Window, groups: int, output: tuple[int, int]) -> Convolve:
        """See :func:`pqc.numerics.convolution.accumulate`."""
        ...

    def requantizer(self, parameters: tuple[IntArray, IntArray, IntArray], clip: Clip) -> Requantize:
        """``parameters``: multiplier, shift and multiplier of the residual, [outputs] each."""
        ...

    def rescale(self, result: IntArray, x: IntArray, multiplier: int, shift: int, clip: Clip) -> None:
        """Write to ``result`` what :func:`pqc.numerics.requantize.rescale` gives."""
        ...

    def add(
        self, result: IntArray, left: IntArray, right: IntArray, multipliers: tuple[int, int], shift: int, clip: Clip
    ) -> None:
        """Write to ``result`` what :func:`pqc.numerics.requantize.add` gives."""
        ...


class NumpyKernels:
    """The definitions."""

    name = "numpy"

    def encoder(
        self,
        codebook: IntArray,
        window: Window,
        output: tuple[int, int],
        starts: tuple[int, ...],
        grid: tuple[int, Element],
        metric: Metric,
    ) -> Encode:
        """See :class:`Kernels`."""
        return lambda x: encode.encode(x, codebook, window, output, starts, grid, metric)

    def accumulator(self, table: IntArray, accumulator_bits: int) -> Accumulate:
        """See :class:`Kernels`."""
        return lambda accumulators, codes, bias: lookup.accumulate(accumulators, codes, table, bias, accumulator_bits)

    def convolver(self, weight: IntArray, window: Window, groups: int, output: tuple[int, int]) -> Convolve:
        """See :class:`Kernels`."""
        return lambda accumulators, x, bias: convolution.accumulate(
            accumulators, x, weight, window, groups, bias, output
        )

    def requantizer(self, parameters: tuple[IntArray, IntArray, IntArray], clip: Clip) -> Requantize:
        """See :class:`Kernels`."""
        multiplier, shift, by_residual = parameters

        def act(result: IntArray, accumulators: IntArray, residual: IntArray | None) -> None:
            added = None if residual is None else residual.reshape(accumulators.shape)
            values = vector.requantize(accumulators, multiplier, shift, clip, added, by_residual)
            result[...] = values.reshape(result.shape)

        return act

    def rescale(self, result: IntArray, x: IntArray, multiplier: int, shift: int, clip: Clip) -> None:
        """See :class:`Kernels`."""
        result[...] = vector.rescale(x, multiplier, shift, clip)

    def add(
        self, result: IntArray, left: IntArray, right: IntArray, multipliers: tuple[int, int], shift: int, clip: Clip
    ) -> None:
        """See :class:`Kernels`."""
        result[...] = vector.add(left, right, multipliers, shift, clip)


NUMPY: Kernels = NumpyKernels()
"""The definitions, which need nothing but numpy."""


@cache
def compiled_kernels() -> Kernels:
    """The compiled kernels; the first call imports Numba."""
    from pqc.numerics.compiled.kernels import CompiledKernels

    return CompiledKernels()


def matching_work(prototypes: int, length: int, metric: Metric) -> int:
    """How long the numpy definition takes for one code, in multiply-accumulate operations of the squared distance."""
    return prototypes * length * (1 if metric is Metric.L2 else 16)


def kernels_for(work: int) -> Kernels:
    """The kernels for so many multiply-accumulate operations of prototype matching.

    Raises:
        ModelError: see :func:`pqc.numerics.choice.choice`.
    """
    chosen = choice()
    if chosen == "numba" or (chosen == "auto" and work >= LARGE_WORK and numba_is_installed()):
        return compiled_kernels()
    return NUMPY
