"""Memories in the ``pqa`` dialect: regions, what defines them, and the program around."""

from __future__ import annotations

import abc
import math
from collections.abc import Sequence
from enum import IntEnum
from typing import cast

from xdsl.dialects.builtin import IntegerAttr, StringAttr, UnitAttr, i64
from xdsl.ir import Operation, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import HasParent, IsolatedFromAbove, IsTerminator, NoTerminator
from xdsl.utils.exceptions import VerifyException

from pqc.dialects.blob import BlobAttr
from pqc.dialects.pq_types import QuantizedType
from pqc.dialects.pqa_types import RegionType, TokenType, region_type
from pqc.dialects.rules import I64_ATTR, expect, expect_range
from pqc.isa.fields import Memory
from pqc.isa.instructions import Fill, Load
from pqc.isa.records import MAXIMUM_BATCH


class TensorKind(IntEnum):
    """What a tensor in DRAM is to the world outside."""

    INPUT = 0
    OUTPUT = 1
    INTERMEDIATE = 2


@irdl_op_definition
class ProgramOp(IRDLOperation):
    """A program for one target: regions and operations on units, in program order.

    It processes ``batch`` frames (one where it is not said) each time it is executed, and is executed again and again.
    DRAM behind the constants belongs to one execution, the other memories stay. The arguments of the body are tokens
    of the execution before, those that its ``pqa.repeat`` names, in that order; they are there at the start.
    """

    name = "pqa.program"
    target = prop_def(StringAttr)
    accumulator_bits = prop_def(I64_ATTR)
    batch = opt_prop_def(I64_ATTR)
    body = region_def("single_block")
    traits = traits_def(NoTerminator(), IsolatedFromAbove())
    assembly_format = "$target `accumulator_bits` $accumulator_bits (`batch` $batch^)? attr-dict-with-keyword $body"

    def __init__(self, target: str, accumulator_bits: int, body: Region, batch: int = 1) -> None:
        super().__init__(
            properties={
                "target": StringAttr(target),
                "accumulator_bits": IntegerAttr(accumulator_bits, i64),
                "batch": None if batch == 1 else IntegerAttr(batch, i64),
            },
            regions=[body],
        )

    @property
    def frames(self) -> int:
        """Frames that one execution processes.

        Raises:
            VerifyException: the program, which is verified after its tensors, says it in another way.
        """
        batch = self.properties.get("batch")
        if batch is None:
            return 1
        if not isinstance(batch, IntegerAttr):
            raise VerifyException(f"batch = {batch}, it must be a number")
        return cast(IntegerAttr, batch).value.data

    @property
    def repeated(self) -> Sequence[SSAValue]:
        """The tokens handed to the next execution."""
        last = self.body.block.last_op
        return last.tokens if isinstance(last, RepeatOp) else ()

    def verify_(self) -> None:
        """Accumulators that hardware can have, and a body of regions and instructions alone."""
        expect_range("accumulator_bits", self.accumulator_bits.value.data, 8, 32)
        expect_range("batch", self.frames, 1, MAXIMUM_BATCH)
        for argument in self.body.block.args:
            expect(
                isinstance(argument.type, TokenType),
                f"a program takes {argument.type}, it can take tokens alone: its inputs are tensors",
            )
        taken, handed = len(self.body.block.args), len(self.repeated)
        expect(taken == handed, f"a program takes {taken} tokens of the execution before and hands on {handed}")
        for op in self.body.block.ops:
            inside = op.name.startswith("pqa.") and op.name != self.name
            expect(inside, f"{op.name} is no region and no instruction, it cannot be in a program")


@irdl_op_definition
class RepeatOp(IRDLOperation):
    """The end of a program: the tokens that the next execution takes as the arguments of the body."""

    name = "pqa.repeat"
    tokens = var_operand_def(TokenType)
    traits = traits_def(HasParent(ProgramOp), IsTerminator())
    assembly_format = "$tokens attr-dict `:` type($tokens)"

    def __init__(self, tokens: Sequence[SSAValue]) -> None:
        super().__init__(operands=[tokens])

    def verify_(self) -> None:
        """Each token once, from an instruction of this execution."""
        expect(len(self.tokens) >= 1, "pqa.repeat hands on no token, leave it out")
        expect(len(set(self.tokens)) == len(self.tokens), "pqa.repeat hands on a token twice")
        for token in self.tokens:
            expect(isinstance(token.owner, Operation), "pqa.repeat hands on a token of the execution before")


class RegionOp(IRDLOperation, abc.ABC):
    """Shared by the operations that define a region; ``address`` is there once memory is allocated."""

    address = opt_prop_def(I64_ATTR)
    region = result_def(RegionType)
    traits = traits_def(HasParent(ProgramOp))

    @property
    def start(self) -> int | None:
        """First byte in the memory, once it is known."""
        return None if self.address is None else self.address.value.data

    def place(self, address: int) -> None:
        """Set the first byte in the memory."""
        self.properties["address"] = IntegerAttr(address, i64)

    @property
    def region_type(self) -> RegionType:
        """The memory and the number of bytes."""
        return region_type(self.region)

    def verify_(self) -> None:
        """Every byte has an address that fits an instruction's field."""
        kind = self.region_type
        field = Load.fields["dram"] if kind.kind is Memory.DRAM else Fill.fields["destination"]
        limit = field.bits.maximum + 1
        start = self.start or 0
        expect(
            start >= 0 and start + kind.size.data <= limit,
            f"bytes [{start}, {start + kind.size.data}) of {kind.memory.data}, allowed are [0, {limit})",
        )


@irdl_op_definition
class TensorOp(RegionOp):
    """A tensor in DRAM: an input or output of the program, or what one layer hands to the next.

    Frame f of a batch lies f frames behind the start of the region.
    """

    name = "pqa.tensor"
    label = prop_def(StringAttr)
    kind = prop_def(I64_ATTR)
    tensor = prop_def(QuantizedType)
    assembly_format = "$label `kind` $kind $tensor (`at` $address^)? attr-dict `:` type($region)"

    def __init__(self, label: str, kind: TensorKind, tensor: QuantizedType, size: int) -> None:
        super().__init__(
            properties={"label": StringAttr(label), "kind": IntegerAttr(kind, i64), "tensor": tensor},
            result_types=[RegionType.of(Memory.DRAM, size)],
        )

    def verify_(self) -> None:
        """A region of DRAM as large as the tensor, for each frame that an execution processes."""
        super().verify_()
        parent = self.parent_op()
        elements = math.prod(self.tensor.get_shape()[1:]) * (parent.frames if isinstance(parent, ProgramOp) else 1)
        expected = RegionType.of(Memory.DRAM, elements * self.tensor.element.storage_bytes)
        expect(self.region.type == expected, f"tensor {self.label.data!r} is {self.region.type}, it takes {expected}")
        expect_range("kind", self.kind.value.data, min(TensorKind), max(TensorKind))


@irdl_op_definition
class ConstantOp(RegionOp):
    """Bytes of the program file, in DRAM."""

    name = "pqa.constant"
    data = prop_def(BlobAttr)
    assembly_format = "$data (`at` $address^)? attr-dict `:` type($region)"

    def __init__(self, data: BlobAttr) -> None:
        super().__init__(properties={"data": data}, result_types=[RegionType.of(Memory.DRAM, data.array.nbytes)])

    def verify_(self) -> None:
        """A region of DRAM as large as the constant."""
        super().verify_()
        size = self.data.array.nbytes
        expect(size >= 1, f"constant {self.data.label.data!r} is empty")
        expected = RegionType.of(Memory.DRAM, size)
        expect(self.region.type == expected, f"constant {self.data.label.data!r} is {self.region.type}, not {expected}")


@irdl_op_definition
class AllocateOp(RegionOp):
    """A piece of an on-chip buffer; if it is ``persistent``, nothing else ever lies there."""

    name = "pqa.allocate"
    persistent = opt_prop_def(UnitAttr)
    assembly_format = "(`persistent` $persistent^)? (`at` $address^)? attr-dict `:` type($region)"

    def __init__(self, memory: Memory, size: int, *, persistent: bool = False) -> None:
        super().__init__(
            properties={"persistent": UnitAttr() if persistent else None}, result_types=[RegionType.of(memory, size)]
        )

    def verify_(self) -> None:
        """On chip: DRAM holds tensors and constants."""
        super().verify_()
        expect(self.region_type.kind is not Memory.DRAM, "DRAM holds tensors and constants, a buffer cannot be there")
