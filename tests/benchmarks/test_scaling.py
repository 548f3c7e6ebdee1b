"""The exponent of growth, and what is measured of a process."""

from __future__ import annotations

import subprocess

import pytest
from scaling import Growth, Usage, exponent, used_by


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
def test_the_exponent_of_a_power(power: float) -> None:
    sizes = (1, 2, 4, 8)
    assert exponent(sizes, [3 * size**power for size in sizes]) == pytest.approx(power, abs=1e-9)


def test_growth_is_linear_if_both_exponents_are() -> None:
    sizes = (1, 2, 4)
    flat, square = [Usage(2.0, 1.0, 100)] * 3, [Usage(2.0, 1.0, 100 * size**2) for size in sizes]
    assert Growth("compile", "times as deep", sizes, tuple(flat)).linear
    grown = Growth("compile", "times as deep", sizes, tuple(square))
    assert not grown.linear
    assert grown.time_exponent == pytest.approx(0, abs=1e-9)
    assert grown.memory_exponent == pytest.approx(2)


def test_a_process_takes_time_and_memory() -> None:
    usage = used_by("--version")
    assert usage.seconds > 0
    assert usage.wall > 0
    assert usage.bytes > 1 << 20


def test_a_process_that_fails_is_no_measurement() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        used_by("run", "there-is-no-such-program.bin")
