"""``PQConv2d`` and ``PQLinear``: as torch's own layers, and computed by product quantization as the machine does it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pqc.errors import ModelError
from pqc.numerics.arrays import FloatArray
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric
from pqc.numerics.grouping import Cut, Grouping
from pqc.numerics.window import Window
from pqc.torch.initial import initial_layer
from pqc.torch.onnx_node import FrozenLayer, as_node
from pqc.torch.settings import PqSettings
from pqc.training.layers import Lookup, ProductQuantized, scaled_parameter
from pqc.training.lookup_function import Selection
from pqc.training.rounding import on_grid
from pqc.training.torch_library import Tensor, nn, torch

Pair = int | tuple[int, int]


def _pair(value: Pair) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


class PQConv2d(ProductQuantized):
    """A convolution by product quantization, [frames, channels, height, width] to [frames, outputs, rows, columns].

    Codebook, table and bias are learned. Going forward everything is rounded as the machine rounds it, going backward
    the choice of prototypes is smoothed over ``temperature`` (in units of the mean squared distance to the nearest
    one). Before anything else, :meth:`initialize` has to see what the layer will see; :meth:`from_conv` does that, too.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the result.
        kernel_size: rows and columns of the window, or one number for both.
        stride: as in ``torch.nn.Conv2d``.
        padding: zeros around the input, rows and columns.
        dilation: as in ``torch.nn.Conv2d``.
        bias: whether there is one.
        temperature: of the smoothing.
        options: the fields of :class:`pqc.torch.settings.PqSettings`, as ``prototypes=16, length=9``.

    Raises:
        ModelError: an option does not exist, or is out of its range.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        stride: Pair = 1,
        padding: Pair = 0,
        dilation: Pair = 1,
        bias: bool = True,
        *,
        temperature: float = 0.3,
        **options: Any,
    ) -> None:
        nn.Module.__init__(self)
        unknown = set(options) - set(PqSettings.__dataclass_fields__)
        if unknown:
            raise ModelError(f"{min(unknown)!r} is no option; they are {', '.join(PqSettings.__dataclass_fields__)}")
        self.settings = PqSettings(**options)
        self.frozen: FrozenLayer | None = None
        rows, columns = _pair(padding)
        self.window = Window(_pair(kernel_size), _pair(stride), (rows, columns, rows, columns), _pair(dilation))
        self.in_channels, self.out_channels = in_channels, out_channels
        self.selection = Selection(Metric[self.settings.metric.upper()], temperature)
        taps = math.prod(self.window.kernel)
        self.grouping = Grouping(self.settings.grouping) if taps > 1 else Grouping.WINDOW
        most = in_channels if self.grouping is Grouping.CHANNEL else in_channels * taps
        self.cut = Cut.of(self.grouping, in_channels, self.window, min(self.settings.length, most))
        prototypes = self.settings.prototypes
        self._learn(
            torch.zeros(self.cut.groups, prototypes, self.cut.length),
            torch.zeros(self.cut.subspaces, prototypes, out_channels),
            torch.zeros(out_channels),
        )
        self.bias.requires_grad_(bias)
        self.register_buffer("scale", torch.tensor(0.0, dtype=torch.float64))
        self.register_buffer("signed", torch.tensor(False))

    def _learn(self, codebook: Tensor, table: Tensor, bias: Tensor) -> None:
        """Make the parameters, with the units in which they are learned."""
        self.codebook, codebook_unit = scaled_parameter(codebook, (1,))
        self.table, table_unit = scaled_parameter(table, (1, 2))
        self.register_buffer("codebook_unit", codebook_unit)
        self.register_buffer("table_unit", table_unit)
        self.register_buffer("bias_unit", table_unit.mean())
        self.bias = nn.Parameter(bias / self.bias_unit)
        self.register_buffer("used", torch.zeros(table.shape[:2]))

    @classmethod
    def from_conv(cls, conv: Any, data: Tensor, **options: Any) -> PQConv2d:
        """The layer that takes the place of a ``torch.nn.Conv2d`` which sees ``data``, a batch of its inputs.

        Raises:
            ModelError: the convolution is grouped, or pads with something else than zeros.
        """
        if conv.groups != 1 or conv.padding_mode != "zeros" or isinstance(conv.padding, str):
            raise ModelError(
                f"{conv}: a convolution of one group that pads with a number of zeros can be product-quantized"
            )
        layer = cls(
            *(conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding, conv.dilation),
            bias=conv.bias is not None,
            **options,
        )
        layer.initialize(data, conv.weight, conv.bias)
        return layer.to(conv.weight.device)

    def initialize(self, x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None, seed: int = 0) -> None:
        """Fit prototypes by k-means to ``x``, a batch of inputs, and make the table of ``weight``, and the bias.

        Without ``weight`` [outputs, channels, rows, columns] it is random as in ``torch.nn.Conv2d``. The parameters
        stay the same objects, so that an optimizer may know them already.

        Raises:
            ModelError: ``x`` has another shape than the layer asks for, or holds numbers that are not finite.
        """
        if x.ndim != 4 or x.shape[1] != self.in_channels:
            raise ModelError(f"input {list(x.shape)}, it must be [frames, {self.in_channels}, height, width]")
        like = nn.Conv2d(self.in_channels, self.out_channels, self.window.kernel)
        given = like.weight if weight is None else weight
        settings = self.settings
        initial = initial_layer(
            _array(x),
            _array(given).reshape(self.out_channels, -1),
            self.window,
            self.cut,
            prototypes=settings.prototypes,
            activation_bits=settings.activation_bits,
            prototype_bits=settings.prototype_bits,
            seed=seed,
        )
        offset = torch.zeros(self.out_channels) if bias is None else bias.detach()
        self._set(torch.from_numpy(initial.codebook), torch.from_numpy(initial.table), offset)
        self.scale.fill_(initial.scale)
        self.signed.fill_(initial.element.signed)
        self.centre(x)

    def _set(self, codebook: Tensor, table: Tensor, bias: Tensor) -> None:
        """Give the parameters other values, and with them other units."""
        with torch.no_grad():
            for name, values, dimensions in (("codebook", codebook, (1,)), ("table", table, (1, 2))):
                learned, unit = scaled_parameter(values, dimensions)
                getattr(self, name).copy_(learned)
                getattr(self, f"{name}_unit").copy_(unit)
            self.used.zero_()
            self.bias_unit.copy_(self.table_unit.mean())
            self.bias.copy_(bias.to(self.bias_unit.device) / self.bias_unit)

    @property
    def lookup(self) -> Lookup:
        """Window, subvectors and grids.

        Raises:
            ModelError: the layer is not initialized.
        """
        scale, signed, settings = float(self.scale), bool(self.signed), self.settings
        if scale == 0:
            raise ModelError("a product-quantized layer is not initialized: call initialize with what it will see")
        shift = max(0, settings.activation_bits - settings.prototype_bits)
        return Lookup(
            window=self.window,
            grouping=self.grouping,
            length=self.cut.length,
            metric=self.selection.metric,
            scale=scale,
            shift=shift,
            codebook=Element(settings.activation_bits - shift, signed),
            table=Element(settings.table_bits, signed=True),
            accumulator_bits=settings.accumulator_bits,
        )

    def forward(self, x: Tensor) -> Tensor:
        """The result of ``x`` [frames, channels, height, width].

        Raises:
            ModelError: the layer is not initialized.
        """
        if self.frozen is not None:
            return as_node(x, self.frozen)
        result: Tensor = super().forward(on_grid(x, self.lookup.scale, self.element))
        return result

    def freeze(self) -> None:
        """From now on the layer is a node for torch's exporter, with the integers that it has."""
        with torch.no_grad():
            self.frozen = FrozenLayer.of(self.lookup, self.element, self.parameters_on_grid())

    def thaw(self) -> None:
        """The layer computes and learns again."""
        self.frozen = None

    @property
    def element(self) -> Element:
        """The integers of the grid that the input is brought onto."""
        return Element(self.settings.activation_bits, bool(self.signed))

    def extra_repr(self) -> str:
        """What torch prints of the layer."""
        return f"{self.in_channels}, {self.out_channels}, {self.window}, {self.settings}"


class PQLinear(PQConv2d):
    """A matrix product by product quantization, [frames, features] to [frames, outputs]; see :class:`PQConv2d`."""

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *, temperature: float = 0.3, **options: Any
    ) -> None:
        super().__init__(in_features, out_features, 1, bias=bias, temperature=temperature, **options)

    @classmethod
    def from_linear(cls, linear: Any, data: Tensor, **options: Any) -> PQLinear:
        """The layer that takes the place of a ``torch.nn.Linear`` which sees ``data``, a batch of its inputs."""
        layer = cls(linear.in_features, linear.out_features, linear.bias is not None, **options)
        layer.initialize(data, linear.weight, linear.bias)
        return layer.to(linear.weight.device)

    def initialize(self, x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None, seed: int = 0) -> None:
        """See :meth:`PQConv2d.initialize`; ``x`` is [frames, features], ``weight`` [outputs, features]."""
        super().initialize(_as_map(x), weight, bias, seed)

    def forward(self, x: Tensor) -> Tensor:
        """The result of ``x`` [frames, features]."""
        result: Tensor = super().forward(_as_map(x))
        return torch.flatten(result, 1)


def _as_map(x: Tensor) -> Tensor:
    """Features as the channels of a map of one position."""
    if x.ndim != 2:
        raise ModelError(f"input {list(x.shape)}, it must be [frames, features]")
    return x[:, :, None, None]


def _array(values: Tensor) -> FloatArray:
    return np.ascontiguousarray(values.detach().cpu().numpy(), np.float32)
