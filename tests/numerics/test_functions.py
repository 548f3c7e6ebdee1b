"""Functions of one number in float32, against Python's own in double precision."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from pqc.numerics.functions import FUNCTIONS, evaluate

X = np.concatenate([np.linspace(-9, 9, 401), [-80, -20, 20, 80, 1e-6, -1e-6]]).astype(np.float32)

SELU = (1.6732631921768188, 1.0507010221481323)

FORMULAS: dict[str, tuple[tuple[float, ...], Callable[[float], float]]] = {
    "abs": ((), abs),
    "celu": ((2.0,), lambda x: max(x, 0) + min(0, 2 * math.expm1(x / 2))),
    "elu": ((0.5,), lambda x: x if x >= 0 else 0.5 * math.expm1(x)),
    "erf": ((), math.erf),
    "exp": ((), math.exp),
    "hard_sigmoid": ((0.25, 0.375), lambda x: min(max(0.25 * x + 0.375, 0), 1)),
    "leaky_relu": ((0.125,), lambda x: x if x >= 0 else 0.125 * x),
    "neg": ((), lambda x: -x),
    "pow": ((3.0,), lambda x: x**3),
    "selu": (SELU, lambda x: SELU[1] * (x if x >= 0 else SELU[0] * math.expm1(x))),
    "sigmoid": ((), lambda x: 1 / (1 + math.exp(-x))),
    "softplus": ((), lambda x: math.log1p(math.exp(x)) if x < 30 else x),
    "softsign": ((), lambda x: x / (1 + abs(x))),
    "sqrt": ((), lambda x: math.sqrt(x) if x >= 0 else math.nan),
    "tanh": ((), math.tanh),
    "thresholded_relu": ((0.5,), lambda x: x if x > 0.5 else 0.0),
}


def test_every_function_is_tried() -> None:
    assert set(FORMULAS) == set(FUNCTIONS)


@pytest.mark.parametrize("name", FORMULAS)
def test_functions_follow_their_formulas(name: str) -> None:
    parameters, formula = FORMULAS[name]
    found = evaluate(name, X, parameters)
    assert found.dtype == np.float32
    with np.errstate(over="ignore"):
        expected = np.array([formula(float(x)) for x in X]).astype(np.float32)
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=5e-7)


def test_the_error_function_is_as_near_as_it_says() -> None:
    x = np.linspace(-5, 5, 20001).astype(np.float32)
    assert np.abs(evaluate("erf", x, ()) - [math.erf(float(one)) for one in x]).max() < 5e-7


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "tanh", "elu", "celu", "softsign", "erf"])
def test_the_ends_of_float32_are_no_trouble(name: str) -> None:
    ends = np.array([-3e38, 3e38], np.float32)
    parameters = tuple(FUNCTIONS[name].parameters.values())
    assert np.isfinite(evaluate(name, ends, parameters)).all()
