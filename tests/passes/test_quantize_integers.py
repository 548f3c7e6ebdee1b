"""A `pq.convolution` of integers is quantized as it is, or refused with the name of its node."""

from __future__ import annotations

import numpy as np
import pytest
from support.integer_layer import module
from xdsl.dialects.builtin import ModuleOp

from pqc.dialects.qnn import RequantizeOp
from pqc.dialects.registry import make_context
from pqc.errors import ModelError
from pqc.interpreter.reference import dequantize_outputs, quantize_inputs, run_reference
from pqc.passes.constants import constant_array
from pqc.passes.pipeline import run_pipeline
from pqc.passes.quantize import QuantizePass


def quantize(made: ModuleOp) -> None:
    run_pipeline(make_context(), made, [QuantizePass()])


@pytest.mark.parametrize(("step", "target"), [(0.25, "pqa"), (0.75, "pqa"), (2.0, "pqa-shift")])
def test_integers_are_taken_as_they_are(step: float, target: str) -> None:
    made = module(np.array([3, -7], np.int32), step, target)
    frames = np.random.default_rng(0).uniform(0, 3, (5, 2, 3, 3)).astype(np.float32)
    (real,) = run_reference(made, [frames])
    quantize(made)
    (found,) = dequantize_outputs(made, run_reference(made, quantize_inputs(made, [frames])))
    np.testing.assert_array_equal(found, real)


def test_a_step_becomes_a_shift_where_the_target_has_nothing_else() -> None:
    made = module(np.array([3, -7], np.int32), 2.0**-3, "pqa-shift")
    quantize(made)
    (requantize,) = (op for op in made.walk() if isinstance(op, RequantizeOp))
    assert constant_array(requantize.multiplier).tolist() == [1, 1]
    assert constant_array(requantize.shift).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("bias", "step", "target", "message"),
    [
        ([3, 32568], 1.0, "pqa", "sums of output channel 1 can reach 32768, accumulators of 16 bits hold 32767"),
        ([-32762, 0], 1.0, "pqa", "sums of output channel 0 can reach 32768, accumulators of 16 bits hold 32767"),
        ([0, 0], 0.75, "pqa-shift", "the step of output channel 0 is 0.75, no power of two times its result's scale"),
        ([0, 0], 2.0**13, "pqa-shift", r"needs a scale 2\^15 times its result's"),
    ],
)
def test_integers_that_cannot_be_computed_are_refused(bias: list[int], step: float, target: str, message: str) -> None:
    with pytest.raises(ModelError, match=f"^node 'layer7': .*{message}"):
        quantize(module(np.array(bias, np.int32), step, target))


def test_the_largest_sum_may_be_reached() -> None:
    quantize(module(np.array([32761, -32567], np.int32), 1.0))
