"""Layers with parameters, as the machine will compute them: all that it rounds is rounded going forward."""

from __future__ import annotations

from dataclasses import dataclass

from pqc.numerics.element import Element
from pqc.numerics.encode import Metric
from pqc.numerics.grouping import Cut, Grouping
from pqc.numerics.window import Window
from pqc.training.lookup_function import Selection, looked_up, use_of
from pqc.training.patches import padded, subvectors
from pqc.training.rounding import on_grid, rounded, straight_through, table_step, weight_step
from pqc.training.torch_library import Tensor, functional, nn, torch


def scaled_parameter(values: Tensor, dimensions: tuple[int, ...], terms: int = 1) -> tuple[Tensor, Tensor]:
    """``values`` in units of their spread along ``dimensions``, and these units: then one learning rate fits all.

    No unit is less than a tenth of the mean one, so that what hardly varies does not move at random. Where ``terms``
    values are added up, their sum spreads by the square root of that number, but a step that moves all of them the same
    way moves it by all of them: units are smaller by that root, so that the sum moves by the same part of its spread.
    """
    spread = (values - values.mean(dim=dimensions, keepdim=True)).square().mean(dim=dimensions, keepdim=True).sqrt()
    mean = spread.mean()
    unit = spread.clamp_min(float(mean) / 10 if mean > 0 else 1.0) / terms**0.5
    return nn.Parameter(values / unit), unit


@dataclass(frozen=True)
class Lookup:
    """What a product-quantized layer looks like: its window, its subvectors and the grids of its integers."""

    window: Window
    grouping: Grouping
    length: int
    metric: Metric
    scale: float
    """The real value of one unit of the input."""
    shift: int
    """Bits the input loses on its way to the codebook's grid."""
    codebook: Element
    table: Element
    accumulator_bits: int


class ProductQuantized(nn.Module):
    """A convolution by product quantization: codebook, table and bias are learned."""

    def __init__(self, lookup: Lookup, codebook: Tensor, table: Tensor, bias: Tensor, temperature: float) -> None:
        nn.Module.__init__(self)
        self.lookup = lookup
        self.selection = Selection(lookup.metric, temperature)
        self.codebook, unit = scaled_parameter(codebook, (1,))
        self.register_buffer("codebook_unit", unit)
        self.table, unit = scaled_parameter(table, (1, 2), len(table))
        self.register_buffer("table_unit", unit)
        self.register_buffer("bias_unit", unit.mean())
        self.bias = nn.Parameter(bias / self.bias_unit)
        self.register_buffer("used", torch.zeros(table.shape[:2]))

    def centre(self, x: Tensor) -> None:
        """Learn entries as what they add to their subspace's mean for ``x``, and the sum of means with the bias.

        Exactly one entry of each subspace is looked up, so that all entries of an output together move its sums as the
        bias does, and hundreds of times as far as any other direction: they would forbid steps that are long enough for
        the rest. The result stays the same.
        """
        with torch.no_grad():
            codebook = self.parameters_on_grid()[0]
            vectors, every = self._vectors(x, codebook)
            used = use_of(vectors, every, self.selection.metric)
            moved = ((used - self.used)[:, :, None] * (self.table * self.table_unit)).sum(dim=(0, 1))
            self.bias += moved / self.bias_unit
            self.used.copy_(used)

    def parameters_on_grid(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Codebook in units of its grid, table and bias in units of the step, and the step [outputs]."""
        codebook = rounded(self.codebook * self.codebook_unit, self.lookup.codebook)
        table = self.table * self.table_unit
        bias = self.bias * self.bias_unit - (self.used[:, :, None] * table).sum(dim=(0, 1))
        step = table_step(table, bias, self.lookup.table, self.lookup.accumulator_bits)
        return codebook, rounded(table / step, self.lookup.table), straight_through(bias / step, 1.0), step

    def forward(self, x: Tensor) -> Tensor:
        """The result before residual and bounds, [frames, outputs, rows, columns], of ``x`` on its grid."""
        codebook, table, bias, step = self.parameters_on_grid()
        sums = looked_up(*self._vectors(x, codebook), table, self.selection)
        rows, columns = self.lookup.window.output_size(x.shape[2], x.shape[3])
        return ((sums + bias) * step).view(len(x), rows, columns, -1).permute(0, 3, 1, 2)

    def _vectors(self, x: Tensor, codebook: Tensor) -> tuple[Tensor, Tensor]:
        """The subvectors of ``x`` and the codebook of each subspace, both on the codebook's grid."""
        lookup = self.lookup
        units = rounded(x * (1 / (lookup.scale * 2.0**lookup.shift)), lookup.codebook)
        cut = Cut.of(lookup.grouping, x.shape[1], lookup.window, lookup.length)
        return subvectors(units, lookup.window, cut), codebook.repeat(cut.subspaces // len(codebook), 1, 1)


@dataclass(frozen=True)
class Multiplied:
    """The integers of a layer that multiplies."""

    bits: int
    """Of its weights, on a power-of-two grid of each output."""
    scale: float
    """The real value of one unit of the input."""


class Weighted(nn.Module):
    """A layer with weights; without ``integers`` they stay real."""

    def __init__(self, weight: Tensor, bias: Tensor, integers: Multiplied | None) -> None:
        nn.Module.__init__(self)
        self.integers = integers
        self.weight, unit = scaled_parameter(weight, tuple(range(weight.ndim)), weight[0].numel())
        self.register_buffer("unit", unit)
        self.bias = nn.Parameter(bias / unit.flatten())

    def constants(self) -> tuple[Tensor, Tensor]:
        """Weight and bias as real numbers that the machine holds exactly."""
        weight, bias = self.weight * self.unit, self.bias * self.unit.flatten()
        if self.integers is None:
            return weight, bias
        element = Element(self.integers.bits, signed=True)
        step = weight_step(weight, element)
        start = straight_through(bias, step * self.integers.scale)
        return on_grid(weight, step.view(-1, *[1] * (weight.ndim - 1)), element), start


class Convolution(Weighted):
    """A convolution with multiplications."""

    def __init__(self, weight: Tensor, bias: Tensor, integers: Multiplied | None, window: Window, group: int) -> None:
        super().__init__(weight, bias, integers)
        self.window, self.group = window, group

    def forward(self, x: Tensor) -> Tensor:
        """The result before residual and bounds, [frames, outputs, rows, columns]."""
        window = self.window
        weight, bias = self.constants()
        return functional.conv2d(padded(x, window), weight, bias, window.strides, (0, 0), window.dilations, self.group)


class Linear(Weighted):
    """A matrix product."""

    def forward(self, x: Tensor) -> Tensor:
        """The result before residual and bounds, [frames, outputs]."""
        return functional.linear(x, *self.constants())
