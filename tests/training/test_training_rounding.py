"""Rounding with a derivative: going forward the machine's integers, going backward all that is not saturated."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pqc.numerics.element import Element
from pqc.numerics.lookup import largest_sum
from pqc.training.rounding import on_grid, rounded, table_step, weight_step
from pqc.training.torch_library import torch

elements = st.builds(Element, bits=st.integers(2, 8), signed=st.booleans())


@given(elements, st.integers(0, 1000), st.sampled_from([0.25, 1.0, 4.0]))
def test_rounds_as_the_machine_does(element: Element, seed: int, scale: float) -> None:
    x = np.random.default_rng(seed).normal(scale=60, size=50).astype(np.float32)
    wanted = element.quantize(x, scale) * np.float32(scale)
    assert np.array_equal(on_grid(torch.from_numpy(x), scale, element).numpy(), wanted)


def test_what_is_saturated_has_no_gradient() -> None:
    x = torch.tensor([-1.0, 0.4, 2.6, 300.0], requires_grad=True)
    rounded(x, Element(8, signed=False)).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, 1.0, 1.0, 0.0]


@given(st.integers(2, 8), st.integers(0, 1000))
def test_a_weight_s_step_is_the_finest_power_of_two_that_holds_it(bits: int, seed: int) -> None:
    element = Element(bits, signed=True)
    weight = torch.from_numpy(np.random.default_rng(seed).normal(size=(4, 3, 2)).astype(np.float32))
    step = weight_step(weight, element)
    assert torch.equal(torch.exp2(torch.log2(step).round()), step)
    largest = weight.abs().flatten(1).amax(dim=1)
    assert bool((largest <= step * element.maximum * 1.0001).all())
    assert bool((largest > step / 2 * element.maximum).all())


@given(st.integers(2, 8), st.integers(9, 16), st.integers(1, 40), st.integers(0, 1000))
def test_no_sum_of_a_table_s_entries_leaves_the_accumulator(
    bits: int, accumulator_bits: int, subspaces: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    table = torch.from_numpy(random.normal(size=(subspaces, 4, 3)).astype(np.float32))
    bias = torch.from_numpy(random.normal(scale=9, size=3).astype(np.float32))
    element = Element(bits, signed=True)
    step = table_step(table, bias, element, accumulator_bits)
    entries = rounded(table / step, element).numpy().astype(np.int32)
    start = torch.floor(bias / step + 0.5).numpy().astype(np.int32)
    assert (largest_sum(entries, start) < 1 << (accumulator_bits - 1)).all()
