"""A layer as one node of the domain ``ai.pqc`` in what torch exports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pqc.frontend.pq_domain import DOMAIN, convolution_name
from pqc.numerics.element import Element
from pqc.training.layers import Lookup
from pqc.training.torch_library import Tensor, torch


@dataclass(frozen=True)
class FrozenLayer:
    """A layer that learns no more: what it looks like, and its integers."""

    lookup: Lookup
    element: Element
    """The integers of the input's grid."""
    constants: tuple[Tensor, Tensor, Tensor, Tensor]
    """Codebook, table, bias and step in the types that store them."""

    @staticmethod
    def of(lookup: Lookup, element: Element, parameters: tuple[Tensor, Tensor, Tensor, Tensor]) -> FrozenLayer:
        """The layer whose codebook, table, bias and step are ``parameters``, integers as real numbers."""
        kinds = (lookup.codebook.storage, lookup.table.storage, np.dtype(np.int32), np.dtype(np.float32))
        arrays = [values.detach().cpu().numpy() for values in parameters]
        codebook, table, bias, step = (
            torch.from_numpy(array.astype(kind)) for array, kind in zip(arrays, kinds, strict=True)
        )
        return FrozenLayer(lookup, element, (codebook, table, bias, step))

    @property
    def name(self) -> str:
        """The operator, as torch calls it."""
        return f"{DOMAIN}::{convolution_name(self.lookup.grouping, self.lookup.metric)}"

    @property
    def attributes(self) -> dict[str, Any]:
        """The node's attributes; the ends of their names tell torch their types."""
        window = self.lookup.window
        return {
            "scale_t": torch.tensor(self.lookup.scale, dtype=torch.float64),
            "bits_i": self.element.bits,
            "signed_i": int(self.element.signed),
            "kernel_shape_i": list(window.kernel),
            "strides_i": list(window.strides),
            "pads_i": list(window.pads),
            "dilations_i": list(window.dilations),
            "shift_i": self.lookup.shift,
            "prototype_bits_i": self.lookup.codebook.bits,
            "table_bits_i": self.lookup.table.bits,
        }


class _Node(torch.autograd.Function):
    """Computes nothing: the exporter asks for the shape alone."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, layer: FrozenLayer, shape: tuple[int, int, int]) -> Tensor:
        return x.new_zeros(len(x), *shape)

    @staticmethod
    def symbolic(graph: Any, x: Any, layer: FrozenLayer, shape: tuple[int, int, int]) -> Any:
        """The node."""
        constants = [graph.op("Constant", value_t=values) for values in layer.constants]
        result = graph.op(layer.name, x, *constants, **layer.attributes)
        return result.setType(x.type().with_sizes([None, *shape]))


def as_node(x: Tensor, layer: FrozenLayer) -> Tensor:
    """The node that does to ``x`` what ``layer`` does."""
    height, width = (int(size) for size in x.shape[2:])
    outputs = int(layer.constants[1].shape[2])
    result: Tensor = _Node.apply(x, layer, (outputs, *layer.lookup.window.output_size(height, width)))
    return result
