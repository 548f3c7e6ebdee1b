"""A network at the float level of the intermediate representation, as a torch module: operation by operation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Operation, SSAValue

from pqc.dialects import onnx
from pqc.dialects.blob import ConstantOp
from pqc.dialects.pq import ConvolutionOp
from pqc.errors import InternalError
from pqc.numerics.arrays import AnyArray
from pqc.numerics.element import Element
from pqc.passes.attributes import Grids, main_of, target_of
from pqc.passes.constants import constant_array
from pqc.passes.value_ranges import PASSING_ON
from pqc.training.layers import Convolution, Linear, Lookup, Multiplied, ProductQuantized
from pqc.training.operations import OPERATIONS
from pqc.training.rounding import on_grid
from pqc.training.torch_library import Layer, Tensor, nn, torch

Step = Callable[..., Tensor]

PROTOTYPE_RATE = 0.01
"""Learning rate of prototypes relative to that of tables. Where one moves, codes change, and the tables of all later
layers with what they see; fitting has put prototypes in their place already."""

CONVENTIONAL_RATE = 0.1
"""The same of layers that multiply, for the same reason."""


class Network(nn.Module):
    """Executes a module's function; with grids every activation is rounded as the machine rounds it.

    Args:
        module: at the float level; for ``rounded`` behind calibrate-ranges.
        rounded: bring activations and weights onto their grids; else everything is real, as in the imported network.
        temperature: see :class:`pqc.training.lookup_function.Selection`.
        weight_bits: of the layers that multiply.
    """

    def __init__(self, module: ModuleOp, *, rounded: bool, temperature: float = 0.3, weight_bits: int = 8) -> None:
        nn.Module.__init__(self)
        self._grids = Grids(module) if rounded else None
        self._target = target_of(module)
        self._temperature = temperature
        self._weight_bits = weight_bits
        block = main_of(module).body.block
        self._arguments = tuple(block.args)
        self._steps: list[tuple[Operation, Step]] = []
        self._returned: tuple[SSAValue, ...] = ()
        self.layers = nn.ModuleList()
        self.layer_of: dict[Operation, Layer] = {}
        for op in block.ops:
            if isinstance(op, ReturnOp):
                self._returned = tuple(op.operands)
            elif not isinstance(op, ConstantOp):
                self._steps.append((op, self._step(op)))

    def forward(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """The outputs for a batch of every input."""
        return self.traced(inputs)[0]

    def traced(self, inputs: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """The outputs, and what each layer with parameters gave, residual and bounds included."""
        found: list[Tensor] = []
        values: dict[SSAValue, Tensor] = {}
        for argument, x in zip(self._arguments, inputs, strict=True):
            values[argument] = self._on_grid(argument, x)
        for op, step in self._steps:
            operands = [values[operand] for operand in op.operands if operand in values]
            result = op.results[0]
            y = step(*operands)
            if op in self.layer_of:
                found.append(y)
            values[result] = y if isinstance(op, (*PASSING_ON, onnx.ConcatOp)) else self._on_grid(result, y)
        return [values[value] for value in self._returned], found

    def centre(self, inputs: Sequence[Tensor]) -> None:
        """:meth:`ProductQuantized.centre` in every layer, for what it sees of a batch."""

        def centre(layer: ProductQuantized, seen: tuple[Tensor, ...]) -> None:
            layer.centre(seen[0])

        layers = [layer for layer in self.layers if isinstance(layer, ProductQuantized)]
        hooks = [layer.register_forward_pre_hook(centre) for layer in layers]
        with torch.no_grad():
            self(inputs)
        for hook in hooks:
            hook.remove()

    def rates(self) -> list[float]:
        """For each parameter, in their order, how fast it learns relative to a table."""
        return [
            PROTOTYPE_RATE if name == "codebook" else 1.0 if isinstance(layer, ProductQuantized) else CONVENTIONAL_RATE
            for layer in self.layers
            for name, _ in layer.named_parameters()
        ]

    def _on_grid(self, value: SSAValue, x: Tensor) -> Tensor:
        if self._grids is None:
            return x
        grid = self._grids[value]
        return on_grid(x, grid.scale.data, grid.integers)

    def _step(self, op: Operation) -> Step:
        if isinstance(op, onnx.ConvOp | onnx.GemmOp | ConvolutionOp):
            layer = self._layer(op)
            self.layers.append(layer)
            self.layer_of[op] = layer
            return _finished(op, layer)
        operation = OPERATIONS.get(type(op))
        if operation is None:
            raise InternalError(f"training does not know {op.name}")
        return operation(op)

    def _layer(self, op: onnx.ConvOp | onnx.GemmOp | ConvolutionOp) -> Layer:
        if isinstance(op, ConvolutionOp):
            return self._product_quantized(op)
        weight, bias = tensor(constant_array(op.weight)), tensor(constant_array(op.bias))
        integers = None if self._grids is None else Multiplied(self._weight_bits, self._grids[op.x].scale.data)
        if isinstance(op, onnx.GemmOp):
            return Linear(weight, bias, integers)
        return Convolution(weight, bias, integers, op.window, op.group.value.data)

    def _product_quantized(self, op: ConvolutionOp) -> Layer:
        config = op.config
        lookup = Lookup(
            window=op.window.data,
            grouping=config.grouped,
            length=config.length.data,
            metric=config.distance,
            scale=op.grid.scale.data,
            shift=op.shift.value.data,
            codebook=Element(config.prototype_bits.data, op.grid.integers.signed),
            table=Element(config.table_bits.data, signed=True),
            accumulator_bits=self._target.accumulator_bits,
        )
        codebook = tensor(constant_array(op.codebook).astype(np.float32))
        table, bias = (tensor(constant_array(value)).float() for value in (op.table, op.bias))
        if op.step is None:
            # exactly one entry of a subspace counts, so that its middle belongs to the bias
            middle = (table.amax(dim=1) + table.amin(dim=1)) / 2
            table, bias = table - middle[:, None], bias + middle.sum(dim=0)
        else:
            step = tensor(constant_array(op.step))
            table, bias = table * step, bias * step
        return ProductQuantized(lookup, codebook, table, bias, self._temperature)


def tensor(array: AnyArray) -> Tensor:
    """A copy of a constant."""
    return torch.from_numpy(np.array(array))


def _finished(op: Any, layer: Layer) -> Step:
    """The layer, then the residual, then the bounds."""
    low = None if op.low is None else float(op.low.value.data)
    high = None if op.high is None else float(op.high.value.data)

    def run(x: Tensor, residual: Tensor | None = None) -> Tensor:
        y = layer(x)
        if residual is not None:
            y = y + residual
        return y if (low, high) == (None, None) else y.clamp(low, high)

    return run
