"""What the benchmark of the kernels measures is the same for both means."""

from __future__ import annotations

from kernels import best_nanoseconds, encoding, every_operation, looking_up

from pqc.numerics.kernels import NUMPY, compiled_kernels


def test_both_means_do_the_same_operations() -> None:
    numpy, numba = every_operation(NUMPY, 1), every_operation(compiled_kernels(), 1)
    assert {name: elements for name, (_, elements) in numpy.items()} == {name: n for name, (_, n) in numba.items()}


def test_elements_are_codes() -> None:
    action, elements = encoding(NUMPY, 2, (4, 5), 9)
    assert elements == 2 * 4 * 5 * 5
    assert best_nanoseconds(action, elements) > 0
    assert looking_up(NUMPY, 2, (4, 5), 3)[1] == 2 * 12 * 5 * 5
