"""Choose which layers become product-quantized, and how.

    %y = onnx.conv %x, %w, %b  ->  %y = onnx.conv %x, %w, %b {pq.config = #pq.config<prototypes = 16, ...>}

By default, as in the paper, all convolutions do except those that read a network input and grouped (depthwise) ones;
matrix products stay conventional. A network that holds ``pq.convolution`` has been through the choice already: no
further layer is chosen unless a pattern asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from math import prod
from typing import Any

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import BlockArgument, SSAValue
from xdsl.passes import ModulePass

from pqc.dialects.location import node_name
from pqc.dialects.onnx import ConvOp, GemmOp, PadOp, ReshapeOp, SliceOp, TransposeOp, shape_of
from pqc.dialects.pq import ConvolutionOp, OnGridOp
from pqc.dialects.pq_types import ConfigAttr
from pqc.errors import ModelError
from pqc.numerics.encode import Metric
from pqc.numerics.grouping import Codebooks, Grouping
from pqc.passes.as_convolution import as_convolution
from pqc.passes.attributes import CONFIG, choices_of, target_of
from pqc.passes.value_names import values_by_name
from pqc.planning.layer_choices import check_patterns, chosen
from pqc.planning.target import Target
from pqc.problems import NodeProblem, collecting, of_target, refusal


def network_input(value: SSAValue) -> BlockArgument | None:
    """The network input that ``value`` is, moved or brought onto a grid at most; None if it is none."""
    while isinstance(value.owner, ReshapeOp | TransposeOp | PadOp | SliceOp | OnGridOp):
        value = value.owner.x
    return value if isinstance(value, BlockArgument) else None


def reads_network_input(value: SSAValue) -> bool:
    """Whether ``value`` is a network input, moved or brought onto a grid at most."""
    return network_input(value) is not None


def is_default_choice(op: ConvOp | GemmOp) -> bool:
    """Whether the paper would product-quantize this layer."""
    if not isinstance(op, ConvOp) or op.group.value.data != 1:
        return False
    return not reads_network_input(op.x)


def can_be_quantized(op: ConvOp | GemmOp) -> bool:
    """Whether product quantization is defined for the layer: every layer but grouped convolutions."""
    return not isinstance(op, ConvOp) or op.group.value.data == 1


def _check_metric(metric: str, target: Target) -> None:
    """Refuse a metric that the target has not."""
    if metric not in target.encode.metrics:
        found = f"metric {metric!r}: the target's encode unit has {', '.join(target.encode.metrics)}"
        raise refusal(found, "", "choose another metric or target")


CONFIGURED = ("prototypes", "length", "grouping", "codebooks", "metric", "prototype_bits", "table_bits")
"""What may be chosen for a single layer."""


@dataclass(frozen=True)
class SelectPqPass(ModulePass):
    """Choose the product-quantized layers: all convolutions but the first and depthwise ones, as in the paper.

    ``include`` and ``exclude`` are patterns over ONNX node names (``*`` matches anything) that override the default;
    the choices on the module override both, and everything else here, layer by layer.
    """

    name = "select-pq"
    prototypes: int = 16
    length: int = 9
    grouping: str = "window"
    codebooks: str = "separate"
    metric: str = "l2"
    prototype_bits: int = 8
    table_bits: int = 8
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Attach the configuration.

        Raises:
            ModelError: a pattern matches no layer; the grouping or the kind of codebooks does not exist.
            ProblemsError: layers cannot be product-quantized and are to be, or with a metric that the target has not.
        """
        if self.grouping not in tuple(Grouping):
            raise ModelError(f"grouping {self.grouping!r}, allowed are {', '.join(Grouping)}")
        if self.codebooks not in tuple(Codebooks):
            raise ModelError(f"codebooks {self.codebooks!r}, allowed are {', '.join(Codebooks)}")
        layers = [layer for layer in op.walk() if isinstance(layer, ConvOp | GemmOp)]
        names = [node_name(layer) for layer in layers]
        for pattern in (*self.include, *self.exclude):
            if not any(fnmatchcase(name, pattern) for name in names):
                raise ModelError(f"no layer's node name matches {pattern!r}; the layers are {', '.join(names)}")
        choices, target = choices_of(op), target_of(op)
        check_patterns(choices, names, list(values_by_name(op)))
        present = {node_name(layer): layer.config for layer in op.walk() if isinstance(layer, ConvolutionOp)}
        if not present:
            _check_metric(self.metric, target)
        # a model that gives grids or tables says what it wants, and may come without calibration frames
        decided = bool(present) or any(isinstance(layer, OnGridOp) for layer in op.walk())
        problems: list[NodeProblem] = []
        for name, config in present.items():
            with collecting(problems, name):
                _check_metric(config.metric.data, target)
        for layer, name in zip(layers, names, strict=True):
            with collecting(problems, name):
                self._choose(layer, chosen(choices, name), target, by_default=not decided and is_default_choice(layer))
        if problems:
            raise of_target(problems, target.name)

    def _choose(self, layer: ConvOp | GemmOp, said: Mapping[str, Any], target: Target, *, by_default: bool) -> None:
        """Attach the configuration to a layer that is to have one; ``said`` is what choices say of it."""
        if not self._wanted(layer, node_name(layer), said.get("pq"), by_default=by_default):
            return
        convolution = layer if isinstance(layer, ConvOp) else as_convolution(layer)
        here = replace(self, **{key: value for key, value in said.items() if key in CONFIGURED})
        _check_metric(here.metric, target)
        convolution.attributes[CONFIG] = here.configuration(convolution)

    def configuration(self, layer: ConvOp) -> ConfigAttr:
        """How ``layer`` is cut: subvectors no longer than what there is to cut.

        One tap is a window whose elements are the channels: both groupings are the same there, and cut by window the
        encode unit visits only the pixels that are looked at.
        """
        _, channels, *kernel = shape_of(layer.weight)
        grouping = Grouping(self.grouping) if prod(kernel) > 1 else Grouping.WINDOW
        length = min(self.length, channels if grouping is Grouping.CHANNEL else channels * prod(kernel))
        metric, bits = Metric[self.metric.upper()], (self.prototype_bits, self.table_bits)
        return ConfigAttr.of(self.prototypes, length, *bits, metric, grouping, Codebooks(self.codebooks))

    def _wanted(self, layer: ConvOp | GemmOp, name: str, said: bool | None, *, by_default: bool) -> bool:
        """Whether a layer becomes product-quantized; ``said`` is what choices say of it, if anything."""
        excluded = any(fnmatchcase(name, pattern) for pattern in self.exclude)
        included = any(fnmatchcase(name, pattern) for pattern in self.include)
        wanted = included and not excluded if said is None else said
        if said is None and not included and not excluded:
            return by_default
        if wanted and not can_be_quantized(layer):
            raise refusal("a grouped convolution cannot be product-quantized", "", "exclude it")
        return wanted
