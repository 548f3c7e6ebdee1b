"""Memories in the ``pqa`` dialect: regions, what defines them, and the program around."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from enum import IntEnum

from xdsl.dialects.builtin import IntAttr, IntegerAttr, StringAttr, i64
from xdsl.ir import Attribute, Data, ParametrizedAttribute, Region, TypeAttribute
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
from xdsl.traits import NoTerminator
from xdsl.utils.exceptions import VerifyException

from pqc.dialects.blob import BlobAttr
from pqc.dialects.pq_types import I64_ATTR, QuantizedType, expect
from pqc.isa.fields import Memory


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
        return Memory[self.memory.data.upper()]

    def verify(self) -> None:
        """A memory that exists, and at least one byte of it."""
        if self.memory.data.upper() not in Memory.__members__:
            allowed = ", ".join(memory.name.lower() for memory in Memory)
            raise VerifyException(f"memory {self.memory.data!r}, allowed are {allowed}")
        if self.size.data < 1:
            raise VerifyException(f"a region of {self.size.data} bytes")

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

        return tuple(parser.parse_comma_separated_list(parser.Delimiter.ANGLE, one))

    def print_parameter(self, printer: Printer) -> None:
        """Print ``<name = value, ...>``."""
        with printer.in_angle_brackets():
            printer.print_string(", ".join(f"{name} = {value}" for name, value in self.data))


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
    traits = traits_def(NoTerminator())
    assembly_format = "$target `accumulator_bits` $accumulator_bits attr-dict-with-keyword $body"

    def __init__(self, target: str, accumulator_bits: int, body: Region) -> None:
        super().__init__(
            properties={"target": StringAttr(target), "accumulator_bits": IntegerAttr(accumulator_bits, i64)},
            regions=[body],
        )


class RegionOp(IRDLOperation, abc.ABC):
    """Shared by the operations that define a region; ``address`` is there once memory is allocated."""

    address = opt_prop_def(I64_ATTR)
    region = result_def(RegionType)

    @property
    def start(self) -> int | None:
        """First byte in the memory, once it is known."""
        return None if self.address is None else self.address.value.data

    def place(self, address: int) -> None:
        """Set the first byte in the memory."""
        self.properties["address"] = IntegerAttr(address, i64)


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
        elements = 1
        for size in self.tensor.get_shape()[1:]:
            elements *= size
        expected = RegionType.of(Memory.DRAM, elements * self.tensor.element.storage_bytes)
        expect(self.region.type == expected, f"tensor {self.label.data!r} is {self.region.type}, it takes {expected}")
        expect(self.kind.value.data in list(TensorKind), f"kind = {self.kind.value.data}, allowed are 0 to 2")


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
        expected = RegionType.of(Memory.DRAM, self.data.array.nbytes)
        expect(self.region.type == expected, f"constant {self.data.label.data!r} is {self.region.type}, not {expected}")


@irdl_op_definition
class AllocateOp(RegionOp):
    """A piece of an on-chip buffer."""

    name = "pqa.allocate"
    assembly_format = "(`at` $address^)? attr-dict `:` type($region)"

    def __init__(self, memory: Memory, size: int) -> None:
        super().__init__(result_types=[RegionType.of(memory, size)])

    def verify_(self) -> None:
        """On chip: DRAM holds tensors and constants."""
        expect(self.region.type.kind is not Memory.DRAM, "DRAM holds tensors and constants, a buffer cannot be there")
