"""Steps of integer tables: what one unit of a sum counts for on the machine."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pqc.numerics.quantization import requantization
from pqc.passes.integer_tables import effective_steps

SCALES = st.floats(1e-6, 1e2)


@given(st.lists(SCALES, min_size=1, max_size=5), SCALES, st.none() | SCALES)
def test_steps_are_requantized_as_the_scales_that_they_come_from(
    scales: list[float], result_scale: float, residual_scale: float | None
) -> None:
    scale = np.minimum(np.array(scales), result_scale * 1e4)
    wanted = requantization(scale, result_scale, residual_scale)
    steps = effective_steps(scale, wanted, result_scale)
    assert steps.dtype == np.float32
    found = requantization(steps.astype(np.float64), result_scale, residual_scale)
    np.testing.assert_array_equal(found.multiplier, wanted.multiplier)
    np.testing.assert_array_equal(found.shift, wanted.shift)
    np.testing.assert_array_equal(found.residual_multiplier, wanted.residual_multiplier)
    arrives = wanted.multiplier > 0
    np.testing.assert_allclose(steps[arrives], scale[arrives], rtol=1)


def test_a_scale_that_counts_for_nothing_stays() -> None:
    scale = np.array([1e-20, 0.5])
    steps = effective_steps(scale, requantization(scale, 1.0, None), 1.0)
    np.testing.assert_array_equal(steps, scale.astype(np.float32))
