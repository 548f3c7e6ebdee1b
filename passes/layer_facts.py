"""What reports need to know of each layer, taken from the quantized level and carried along on the module."""

from __future__ import annotations

import math
from typing import Any

from xdsl.dialects.builtin import DictionaryAttr, FloatAttr, IntegerAttr, ModuleOp
from xdsl.ir import Operation

from pqc.dialects.location import node_name
from pqc.dialects.plain import from_attribute, to_attribute
from pqc.dialects.pq import EncodeOp, LookupOp
from pqc.dialects.qnn import Conv2dOp, GemmOp, quantized
from pqc.errors import InternalError
from pqc.numerics.grouping import Grouping
from pqc.numerics.lookup import largest_sum
from pqc.passes.attributes import CALIBRATED, ERROR, MEASUREMENTS, main_of
from pqc.passes.constants import constant_array
from pqc.planning.paper_cycles import Lanes, PaperCycles, PqLayer, pq_cycles
from pqc.planning.target import Target

LAYERS = "pqc.layers"
"""Module: a list with one record for each layer that accumulates."""


def lookup_facts(op: LookupOp) -> dict[str, Any]:
    """A product-quantized layer.

    Each of ``columns`` output positions adds up ``subspaces`` = groups * taps entries; each of ``encode_columns``
    positions is encoded with ``groups`` codebooks, which ``taps`` subspaces share. Folded subspaces are counted apart.
    """
    encode = op.codes.owner
    if not isinstance(encode, EncodeOp):
        raise InternalError(f"node {node_name(op)!r}: the codes of a lookup come from no pq.encode")
    _, outputs, rows, columns = op.accumulator.type.get_shape()
    _, prototypes, length = constant_array(encode.codebook).shape
    _, groups, encode_rows, encode_columns = encode.codes.type.get_shape()
    error = op.attributes.get(ERROR)
    _, channels, height, width = quantized(encode.x).get_shape()
    window = encode.window.data if op.window is None else op.window.data
    taps = 1 if op.window is None else window.kernel[0] * window.kernel[1]
    record: dict[str, Any] = {
        "node": node_name(op),
        "op": "pq",
        "pq": True,
        "prototypes": prototypes,
        "length": length,
        "grouping": (Grouping.WINDOW if op.window is None else Grouping.CHANNEL).value,
        "groups": groups,
        "taps": taps,
        "subspaces": groups * taps,
        "encode_columns": encode_rows * encode_columns,
        "columns": rows * columns,
        "outputs": outputs,
        "channels": channels,
        "height": height,
        "width": width,
        "kernel": list(window.kernel),
        "stride": window.strides[0],
        "prototype_bits": encode.prototype_bits.value.data,
        "table_bits": op.table_bits.value.data,
        "normalized_error": error.value.data if isinstance(error, FloatAttr) else None,
        "numerics": numerics_facts(op),
    }
    if encode.shared:
        record["shared_codebook"] = True
    if encode.folded_subspaces:
        calibrated = encode.attributes.get(CALIBRATED)
        known = calibrated.value.data if isinstance(calibrated, IntegerAttr) else 0
        record |= {"folded": len(encode.folded_subspaces) * taps, "folded_calibrated": known * taps}
    return record


def numerics_facts(op: LookupOp) -> dict[str, Any]:
    """How exact a product-quantized layer is, as far as it was measured, and how far its sums are from overflowing."""
    measured, reach = op.attributes.get(MEASUREMENTS), largest_sum(constant_array(op.table), constant_array(op.bias))
    return {
        "accumulator_margin_bits": op.accumulator_bits - 1 - math.log2(int(reach.max()) + 1),
        **(from_attribute(measured) if isinstance(measured, DictionaryAttr) else {}),
    }


def conventional_facts(op: Conv2dOp | GemmOp) -> dict[str, Any]:
    """A layer of the conventional unit."""
    shape = op.accumulator.type.get_shape()
    columns = 1
    for size in shape[2:]:
        columns *= size
    kind = "gemm" if isinstance(op, GemmOp) else "conv2d"
    return {"node": node_name(op), "op": kind, "pq": False, "columns": columns, "outputs": shape[1]}


def record_layers(module: ModuleOp) -> None:
    """Leave the facts on the module."""
    records: list[dict[str, Any]] = []
    op: Operation
    for op in main_of(module).body.block.ops:
        if isinstance(op, LookupOp):
            records.append(lookup_facts(op))
        elif isinstance(op, Conv2dOp | GemmOp):
            records.append(conventional_facts(op))
    module.attributes[LAYERS] = to_attribute(records)


def paper_cycles(module: ModuleOp, target: Target, frames: int) -> list[PaperCycles]:
    """The paper's cycles of every product-quantized layer that was recorded, for a batch of so many frames."""
    recorded: list[dict[str, Any]] = from_attribute(module.attributes[LAYERS])
    layers = [PqLayer.of_record(record).batch(frames) for record in recorded if record["pq"]]
    return [pq_cycles(layer, Lanes.of(target), target.bits_per_cycle) for layer in layers]
