"""Functions of one real number that networks have between their layers, in float32, by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from pqc.numerics.arrays import FloatArray

_NUMERATOR = (
    -1.60960333262415e-02,
    -2.95459980854025e-03,
    -7.34990630326855e-04,
    -5.69250639462346e-05,
    -2.10102402082508e-06,
    2.77068142495902e-08,
    -2.72614225801306e-10,
)
_DENOMINATOR = (
    -1.42647390514189e-02,
    -7.37332916720468e-03,
    -1.68282697438203e-03,
    -2.13374055278905e-04,
    -1.45660718464996e-05,
)
"""A rational approximation of the error function, odd over even powers of x, lowest first; beyond 4 it is 1."""


@dataclass(frozen=True)
class Function:
    """``evaluate(x, *parameters)`` for x of any shape, and ``slope`` likewise, its derivative."""

    operator: str
    """ONNX's operator; each parameter is an attribute of it."""
    evaluate: Callable[..., FloatArray]
    slope: Callable[..., FloatArray]
    parameters: Mapping[str, float] = field(default_factory=dict[str, float])
    """Their names, and what ONNX takes them to be where nothing is said."""


def _polynomial(x: FloatArray, coefficients: tuple[float, ...]) -> FloatArray:
    total = np.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = total * x + np.float32(coefficient)
    return total


def erf(x: FloatArray) -> FloatArray:
    """The error function, off by 5e-7 at most."""
    inside = np.clip(x, np.float32(-4), np.float32(4))
    square = inside * inside
    return inside * _polynomial(square, _NUMERATOR) / _polynomial(square, _DENOMINATOR)


def sigmoid(x: FloatArray) -> FloatArray:
    """``1 / (1 + exp(-x))``; neither end overflows."""
    small = np.exp(-np.abs(x))
    return np.where(x < 0, small, np.float32(1)) / (1 + small)


def softplus(x: FloatArray) -> FloatArray:
    """``log(1 + exp(x))``, without overflow."""
    return np.maximum(x, np.float32(0)) + np.log1p(np.exp(-np.abs(x)))


def hard_sigmoid(x: FloatArray, alpha: float, beta: float) -> FloatArray:
    """``min(max(alpha * x + beta, 0), 1)``."""
    return np.clip(x * np.float32(alpha) + np.float32(beta), np.float32(0), np.float32(1))


def elu(x: FloatArray, alpha: float) -> FloatArray:
    """``x``, or ``alpha * (exp(x) - 1)`` where x is negative."""
    return np.where(x < 0, np.float32(alpha) * np.expm1(np.minimum(x, 0)), x)


def celu(x: FloatArray, alpha: float) -> FloatArray:
    """``x``, or ``alpha * (exp(x / alpha) - 1)`` where x is negative."""
    return np.where(x < 0, np.float32(alpha) * np.expm1(np.minimum(x, 0) / np.float32(alpha)), x)


def selu(x: FloatArray, alpha: float, gamma: float) -> FloatArray:
    """``gamma`` times what :func:`elu` gives."""
    return np.float32(gamma) * elu(x, alpha)


def leaky_relu(x: FloatArray, alpha: float) -> FloatArray:
    """``x``, or ``alpha * x`` where x is negative."""
    return np.where(x < 0, np.float32(alpha) * x, x)


def thresholded_relu(x: FloatArray, alpha: float) -> FloatArray:
    """``x`` where it is above ``alpha``, else 0."""
    return np.where(x > np.float32(alpha), x, np.float32(0))


def softsign(x: FloatArray) -> FloatArray:
    """``x / (1 + |x|)``."""
    return x / (1 + np.abs(x))


def power(x: FloatArray, exponent: float) -> FloatArray:
    """``x`` to the power of ``exponent``; not a number where x is negative and the exponent no integer."""
    result: FloatArray = np.power(x, np.float32(exponent))
    return result


def _erf_slope(x: FloatArray) -> FloatArray:
    return np.float32(2 / math.sqrt(math.pi)) * np.exp(-x * x)


def _sigmoid_slope(x: FloatArray) -> FloatArray:
    y = sigmoid(x)
    return y * (1 - y)


def _hard_sigmoid_slope(x: FloatArray, alpha: float, beta: float) -> FloatArray:
    inside = x * np.float32(alpha) + np.float32(beta)
    return np.float32(alpha) * ((inside > 0) & (inside < 1))


def _elu_slope(x: FloatArray, alpha: float) -> FloatArray:
    return np.where(x < 0, np.float32(alpha) * np.exp(np.minimum(x, 0)), np.float32(1))


def _celu_slope(x: FloatArray, alpha: float) -> FloatArray:
    return np.where(x < 0, np.exp(np.minimum(x, 0) / np.float32(alpha)), np.float32(1))


def _selu_slope(x: FloatArray, alpha: float, gamma: float) -> FloatArray:
    return np.float32(gamma) * _elu_slope(x, alpha)


def _leaky_relu_slope(x: FloatArray, alpha: float) -> FloatArray:
    return np.where(x < 0, np.float32(alpha), np.float32(1))


def _thresholded_relu_slope(x: FloatArray, alpha: float) -> FloatArray:
    return (x > np.float32(alpha)).astype(np.float32)


def _softsign_slope(x: FloatArray) -> FloatArray:
    return 1 / np.square(1 + np.abs(x))


def _tanh_slope(x: FloatArray) -> FloatArray:
    return 1 - np.square(np.tanh(x))


def _neg_slope(x: FloatArray) -> FloatArray:
    return np.full_like(x, -1)


def _sqrt_slope(x: FloatArray) -> FloatArray:
    return np.float32(0.5) / np.sqrt(x)


def _power_slope(x: FloatArray, exponent: float) -> FloatArray:
    return np.float32(exponent) * power(x, exponent - 1)


FUNCTIONS: Mapping[str, Function] = {
    "abs": Function("Abs", np.abs, np.sign),
    "celu": Function("Celu", celu, _celu_slope, {"alpha": 1.0}),
    "elu": Function("Elu", elu, _elu_slope, {"alpha": 1.0}),
    "erf": Function("Erf", erf, _erf_slope),
    "exp": Function("Exp", np.exp, np.exp),
    "hard_sigmoid": Function("HardSigmoid", hard_sigmoid, _hard_sigmoid_slope, {"alpha": 0.2, "beta": 0.5}),
    "leaky_relu": Function("LeakyRelu", leaky_relu, _leaky_relu_slope, {"alpha": 0.01}),
    "neg": Function("Neg", np.negative, _neg_slope),
    "pow": Function("Pow", power, _power_slope, {"exponent": 1.0}),
    "selu": Function("Selu", selu, _selu_slope, {"alpha": 1.6732631921768188, "gamma": 1.0507010221481323}),
    "sigmoid": Function("Sigmoid", sigmoid, _sigmoid_slope),
    "softplus": Function("Softplus", softplus, sigmoid),
    "softsign": Function("Softsign", softsign, _softsign_slope),
    "sqrt": Function("Sqrt", np.sqrt, _sqrt_slope),
    "tanh": Function("Tanh", np.tanh, _tanh_slope),
    "thresholded_relu": Function("ThresholdedRelu", thresholded_relu, _thresholded_relu_slope, {"alpha": 1.0}),
}
"""By the name that ``onnx.function`` has for them; the exponent of a power is an input of its operator."""


def evaluate(name: str, x: FloatArray, parameters: tuple[float, ...]) -> FloatArray:
    """The function ``name`` of every element of ``x``, float32.

    Where a function is not defined or leaves float32 the result is no finite number.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        result: FloatArray = FUNCTIONS[name].evaluate(x, *parameters).astype(np.float32, copy=False)
    return result


def slope(name: str, x: FloatArray, parameters: tuple[float, ...]) -> FloatArray:
    """The derivative of the function ``name`` at every element of ``x``, float32."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        result: FloatArray = FUNCTIONS[name].slope(x, *parameters).astype(np.float32, copy=False)
    return result
