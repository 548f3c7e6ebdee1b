"""Memories in the ``pqa`` dialect: regions, what defines them, and the program around."""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping, Sequence
from enum import IntEnum

from xdsl.dialects.builtin import IntAttr, IntegerAttr, StringAttr, UnitAttr, i64
from xdsl.ir import Attribute, Data, ParametrizedAttribute, Region, SSAValue, TypeAttribute
from xdsl.irdl import (
    IRDLOperation,
    irdl_attr_definition,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
)
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.traits import HasParent, IsolatedFromAbove, NoTerminator
from xdsl.utils.exceptions import VerifyException

from pqc.dialects.blob import BlobAttr
from pqc.dialects.pq_types import QuantizedType
from pqc.dialects.rules import I64_ATTR, expect, expect_range
from pqc.isa.fields import Memory
from pqc.isa.instructions import Fill, Load

MEMORIES = {memory.name.lower(): memory for memory in Memory}
"""The memories, as the text spells them."""


@irdl_attr_definition
class RegionType(ParametrizedAttribute, TypeAttribute):
    """Bytes of one memory: ``!pqa.region<activation, 4096>``."""

    name = "pqa.region"
    memory: StringAttr
    size: IntAttr

    @staticmethod
    def of(memory: Memory, size: int) -> RegionType:
        """``size`` bytes of ``memory``."""
        return RegionType(StringAttr(memory.name.lower()), IntAttr(size))

    @property
    def kind(self) -> Memory:
        """The memory."""
        return MEMORIES[self.memory.data]

    def verify(self) -> None:
        """A memory that exists, and at least one byte of it."""
        expect(self.memory.data in MEMORIES, f"memory {self.memory.data!r}, allowed are {', '.join(MEMORIES)}")
        expect(self.size.data >= 1, f"a region of {self.size.data} bytes, it must have at least one")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        """Parse ``<activation, 4096>``."""
        with parser.in_angle_brackets():
            memory = parser.parse_identifier("memory")
            parser.parse_punctuation(",")
            return (StringAttr(memory), IntAttr(parser.parse_integer()))

    def print_parameters(self, printer: Printer) -> None:
        """Print ``<activation, 4096>``."""
        with printer.in_angle_brackets():
            printer.print_string(f"{self.memory.data}, {self.size.data}")


@irdl_attr_definition
class TokenType(ParametrizedAttribute, TypeAttribute):
    """That an operation is done."""

    name = "pqa.token"


@irdl_attr_definition
class FieldsAttr(Data[tuple[tuple[str, int], ...]]):
    """An instruction's fields that are no addresses: ``<subspaces = 16, outputs = 32>``; zeros are left out.

    ``NAME_offset`` is a number of bytes behind the start of the region that the address field NAME points to.
    """

    name = "pqa.fields"

    @staticmethod
    def of(values: Mapping[str, int]) -> FieldsAttr:
        """The fields that are not zero."""
        return FieldsAttr(tuple((name, int(value)) for name, value in values.items() if value))

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> tuple[tuple[str, int], ...]:
        """Parse ``<name = value, ...>``."""

        def one() -> tuple[str, int]:
            name = parser.parse_identifier("field")
            parser.parse_punctuation("=")
            return name, parser.parse_integer()

        values = parser.parse_comma_separated_list(parser.Delimiter.ANGLE, one)
        if len({name for name, _ in values}) < len(values):
            parser.raise_error("a field is named twice")
        return tuple(values)

    def print_parameter(self, printer: Printer) -> None:
        """Print ``<name = value, ...>``."""
        with printer.in_angle_brackets():
            printer.print_string(", ".join(f"{name} = {value}" for name, value in self.data))


def region_type(value: SSAValue) -> RegionType:
    """The type of a region.

    Raises:
        VerifyException: the value is none.
    """
    kind = value.type
    if not isinstance(kind, RegionType):
        raise VerifyException(f"{kind} is not a region")
    return kind


class TensorKind(IntEnum):
    """What a tensor in DRAM is to the world outside."""

    INPUT = 0
    OUTPUT = 1
    INTERMEDIATE = 2


@irdl_op_definition
class ProgramOp(IRDLOperation):
    """A program for one target: regions and operations on units, in program order."""

    name = "pqa.program"
    target = prop_def(StringAttr)
    accumulator_bits = prop_def(I64_ATTR)
    body = region_def("single_block")
    traits = traits_def(NoTerminator(), IsolatedFromAbove())
    assembly_format = "$target `accumulator_bits` $accumulator_bits attr-dict-with-keyword $body"

    def __init__(self, target: str, accumulator_bits: int, body: Region) -> None:
        super().__init__(
            properties={"target": StringAttr(target), "accumulator_bits": IntegerAttr(accumulator_bits, i64)},
            regions=[body],
        )

    def verify_(self) -> None:
        """Accumulators that hardware can have, and a body of regions and instructions alone."""
        expect_range("accumulator_bits", self.accumulator_bits.value.data, 8, 32)
        expect(not self.body.block.args, "a program takes no arguments: its inputs are tensors")
        for op in self.body.block.ops:
            inside = op.name.startswith("pqa.") and op.name != self.name
            expect(inside, f"{op.name} is no region and no instruction, it cannot be in a program")


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
    """A tensor in DRAM: an input or output of the program, or what one layer hands to the next."""

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
        """A region of DRAM as large as the tensor."""
        super().verify_()
        elements = math.prod(self.tensor.get_shape()[1:])
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
