"""The ``pqa`` dialect: memories, units and the order between them.

A region is a piece of one memory, live from its definition to its last use. Every operation on a unit is one
instruction of the instruction table: its operands are the regions that the instruction's address fields point to, its
fields are the instruction's others, its result is a token, and ``after`` names the tokens it waits for::

    %t2 = pqa.lookup table = %table, bias = %bias, accumulator = %sums <subspaces = 16, ...> after (%t0, %t1)

A program is executed again and again. A token may come from the execution before: then it is an argument of the
program's body, and the ``pqa.repeat`` at its end names the token that the next execution gets.
"""

from __future__ import annotations

from xdsl.ir import Dialect
from xdsl.irdl import irdl_op_definition

from pqc.dialects.pqa_memory import AllocateOp, ConstantOp, ProgramOp, RepeatOp, TensorOp
from pqc.dialects.pqa_types import FieldsAttr, RegionType, TokenType
from pqc.dialects.pqa_unit import UnitOp


@irdl_op_definition
class LoadOp(UnitOp):
    """Copy from DRAM to a buffer."""

    name = "pqa.load"


@irdl_op_definition
class StoreOp(UnitOp):
    """Copy from the activation buffer to DRAM."""

    name = "pqa.store"


@irdl_op_definition
class EncodeOp(UnitOp):
    """Pick the nearest prototypes of a tile and send the codes to the FIFO or to the activation buffer."""

    name = "pqa.encode"


@irdl_op_definition
class LookupOp(UnitOp):
    """Take codes from the FIFO or from a map of codes and accumulate table entries."""

    name = "pqa.lookup"


@irdl_op_definition
class ConvolveOp(UnitOp):
    """Convolve a tile on the conventional unit."""

    name = "pqa.convolve"


@irdl_op_definition
class RequantizeOp(UnitOp):
    """Turn accumulators into activations."""

    name = "pqa.requantize"


@irdl_op_definition
class AddOp(UnitOp):
    """Add two activation tiles."""

    name = "pqa.add"


@irdl_op_definition
class RescaleOp(UnitOp):
    """Bring an activation tile onto another grid."""

    name = "pqa.rescale"


@irdl_op_definition
class PoolOp(UnitOp):
    """Pool a tile."""

    name = "pqa.pool"


@irdl_op_definition
class FillOp(UnitOp):
    """Write one value to a tile."""

    name = "pqa.fill"


@irdl_op_definition
class MapOp(UnitOp):
    """Replace each element of a tile by its entry of a table."""

    name = "pqa.map"


@irdl_op_definition
class MultiplyOp(UnitOp):
    """Multiply two activation tiles."""

    name = "pqa.multiply"


UNIT_OPS: tuple[type[UnitOp], ...] = (
    LoadOp,
    StoreOp,
    EncodeOp,
    LookupOp,
    ConvolveOp,
    RequantizeOp,
    AddOp,
    RescaleOp,
    PoolOp,
    FillOp,
    MapOp,
    MultiplyOp,
)
"""One operation for each instruction of the table."""

Pqa = Dialect(
    "pqa", [ProgramOp, RepeatOp, TensorOp, ConstantOp, AllocateOp, *UNIT_OPS], [RegionType, TokenType, FieldsAttr]
)
"""The dialect."""
