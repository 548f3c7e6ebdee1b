"""Rounding with a derivative: the value that the machine will hold going forward, the real one going backward."""

from __future__ import annotations

from typing import Any

from pqc.numerics.element import Element
from pqc.training.torch_library import Tensor, once_differentiable, torch


class _Rounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, low: int, high: int) -> Tensor:
        rounded = torch.floor(x + 0.5)
        ctx.save_for_backward((rounded >= low) & (rounded <= high))
        return rounded.clamp_(low, high)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (inside,) = ctx.saved_tensors
        return gradient * inside, None, None


def rounded(x: Tensor, element: Element) -> Tensor:
    """``x``, in units of a grid, rounded half up and saturated to ``element``; what saturates has no gradient."""
    result: Tensor = _Rounded.apply(x, element.minimum, element.maximum)
    return result


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return torch.floor(x + 0.5)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient


def straight_through(x: Tensor, step: Tensor | float) -> Tensor:
    """``x`` rounded half up to multiples of ``step``, however large; the gradient is that of ``x``."""
    result: Tensor = _StraightThrough.apply(x / step)
    return result * step


def on_grid(x: Tensor, step: Tensor | float, element: Element) -> Tensor:
    """``x`` brought onto the grid of ``element`` times ``step``, which broadcasts against it."""
    return rounded(x / step, element) * step


def weight_step(weight: Tensor, element: Element) -> Tensor:
    """The finest power of two for each output that holds its weights [outputs, ...] in ``element``: [outputs]."""
    largest = weight.detach().abs().flatten(1).amax(dim=1)
    return _power_of_two_at_least(largest / element.maximum)


def table_step(table: Tensor, bias: Tensor, element: Element, accumulator_bits: int) -> Tensor:
    """The power of two for each output that rounds its table with the least error, [outputs].

    ``table`` [subspaces, prototypes, outputs] and ``bias`` [outputs] are real. It is the finest one that holds every
    entry, or half of it where saturating a few entries costs less than rounding all of them; and coarse enough that no
    sum of entries and bias, as they are rounded, can leave ``accumulator_bits``.
    """
    entries, offset = table.detach(), bias.detach()
    whole = _power_of_two_at_least(entries.abs().amax(dim=(0, 1)) / element.maximum)
    errors = torch.stack([_error(entries, step, element) for step in (whole, whole / 2)])
    step = torch.where(errors[1] < errors[0], whole / 2, whole)
    limit = (1 << accumulator_bits - 1) - 1
    while bool((too_far := _reach(entries, offset, step, element) > limit).any()):
        step = torch.where(too_far, 2 * step, step)
    return step


def _reach(entries: Tensor, offset: Tensor, step: Tensor, element: Element) -> Tensor:
    """The largest sum that rounded entries and the bias can make for each output, in units of ``step``."""
    integers = rounded(entries / step, element)
    return integers.abs().amax(dim=1).sum(dim=0) + torch.floor(offset / step + 0.5).abs()


def _error(entries: Tensor, step: Tensor, element: Element) -> Tensor:
    return (on_grid(entries, step, element) - entries).square().sum(dim=(0, 1))


def _power_of_two_at_least(x: Tensor) -> Tensor:
    """The least power of two that is not smaller, element by element; 2^-24 for zero."""
    exponent = torch.ceil(torch.log2(x.clamp_min(2.0**-24)) - 1e-6)
    return torch.exp2(exponent)
