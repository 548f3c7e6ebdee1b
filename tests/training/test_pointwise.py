"""Functions of one number in torch against those of the float level, and their gradients against its slopes."""

from __future__ import annotations

import numpy as np
import pytest

from pqc.numerics import functions
from pqc.training.pointwise import FUNCTIONS
from pqc.training.torch_library import torch

X = np.concatenate([np.linspace(-5, 5, 64), [0.03, -0.03]]).astype(np.float32)


def test_every_function_is_known() -> None:
    assert set(FUNCTIONS) == set(functions.FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_slopes_agree(name: str) -> None:
    parameters = (3.0,) if name == "pow" else tuple(functions.FUNCTIONS[name].parameters.values())
    numbers = np.abs(X) if name == "sqrt" else X
    x = torch.from_numpy(numbers).requires_grad_()
    y = FUNCTIONS[name](x, *parameters)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    found = functions.evaluate(name, numbers, parameters)
    np.testing.assert_allclose(found, y.detach().numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(functions.slope(name, numbers, parameters), gradient.numpy(), rtol=1e-4, atol=1e-5)
