"""Whether a runtime that computes in float32 finds the same codes and sums as integers do."""

from __future__ import annotations

from pqc.dialects.location import node_name
from pqc.dialects.pq import ConvolutionOp
from pqc.errors import ModelError
from pqc.numerics.encode import Metric, largest_key
from pqc.numerics.lookup import largest_sum
from pqc.passes.constants import constant_array

EXACT = 1 << 24
"""Float32 holds every integer up to this one."""


def check_exact(op: ConvolutionOp) -> None:
    """Check that neither distances nor sums of a convolution in the integer form leave what float32 holds exactly.

    Raises:
        ModelError: they could.
    """
    codebook, table = constant_array(op.codebook), constant_array(op.table)
    element = op.prototype_element
    if op.config.distance is Metric.L2:
        distance = largest_key(codebook, element.minimum, element.maximum, 0)
    else:
        distance = codebook.shape[2] * (element.maximum - element.minimum)
    reach = int(largest_sum(table, constant_array(op.bias)).max())
    for what, largest in (("distances to prototypes", distance), ("sums of table entries and bias", reach)):
        if largest > EXACT:
            raise ModelError(
                f"node {node_name(op)!r}: {what} can reach {largest}, float32, in which ONNX runtimes compute them, is "
                f"exact up to {EXACT}"
            )
