"""Layers that read what comes from another stage: in the whole network they are no first ones."""

from __future__ import annotations

import glob
from collections.abc import Container
from dataclasses import replace

from pqc.dialects.location import node_name
from pqc.dialects.onnx import ConvOp
from pqc.dialects.pq import ConvolutionOp, OnGridOp
from pqc.frontend.importer import ImportedModel
from pqc.passes.attributes import main_of
from pqc.passes.options import PqOptions
from pqc.passes.select_pq import can_be_quantized, network_input


def is_decided(imported: ImportedModel) -> bool:
    """Whether the model gives grids or tables, and so says itself which layers are product-quantized."""
    return any(isinstance(op, OnGridOp | ConvolutionOp) for op in imported.module.walk())


def as_inner_layers(imported: ImportedModel, options: PqOptions, declared: Container[str]) -> PqOptions:
    """Options that product-quantize what reads another stage as if it read no input of the network.

    Args:
        imported: a part of a network.
        options: those for the whole.
        declared: the names of inputs that are those of the whole network.
    """
    args = main_of(imported.module).body.block.args
    stand_ins = {value for name, value in zip(imported.input_names, args, strict=True) if name not in declared}
    if is_decided(imported):
        return options
    convolutions = (op for op in imported.module.walk() if isinstance(op, ConvOp) and can_be_quantized(op))
    inner = [node_name(op) for op in convolutions if network_input(op.x) in stand_ins]
    return replace(options, include=(*options.include, *map(glob.escape, inner)))
