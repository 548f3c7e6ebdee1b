"""The ``pqa`` dialect: memories, units and the order between them.

A region is a piece of one memory, live from its definition to its last use. Every operation on a unit is one
instruction of the instruction table: its operands are the regions that the instruction's address fields point to, its
fields are the instruction's others, its result is a token, and ``after`` names the tokens it waits for::

    %t2 = pqa.lookup table = %table, bias = %bias, accumulator = %sums <subspaces = 16, ...> after (%t0, %t1)
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import ArrayAttr, DenseArrayBase, StringAttr, i32
from xdsl.ir import Dialect, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    prop_def,
    result_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from pqc.dialects.pq_types import expect
from pqc.dialects.pqa_memory import AllocateOp, ConstantOp, FieldsAttr, ProgramOp, RegionType, TensorOp, TokenType
from pqc.isa.access import accesses
from pqc.isa.fields import Address, EncodingError, Field, Memory, Unit
from pqc.isa.instructions import Instruction

INSTRUCTIONS = {kind.mnemonic: kind for kind in Instruction.registry.values()}
"""The instruction table by mnemonic."""


class UnitOp(IRDLOperation, abc.ABC):
    """One instruction, its addresses as regions and its order as tokens."""

    regions_used = var_operand_def(RegionType)
    after = var_operand_def(TokenType)
    bound = prop_def(ArrayAttr[StringAttr])
    fields = prop_def(FieldsAttr)
    token = result_def(TokenType)
    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    def __init__(
        self, regions: Mapping[str, SSAValue], fields: Mapping[str, int], after: Sequence[SSAValue] = ()
    ) -> None:
        super().__init__(
            operands=[list(regions.values()), list(after)],
            properties={"bound": ArrayAttr(StringAttr(name) for name in regions), "fields": FieldsAttr.of(fields)},
            result_types=[TokenType()],
        )

    @classmethod
    def instruction_type(cls) -> type[Instruction]:
        """The instruction of the table whose mnemonic is the operation's name."""
        return INSTRUCTIONS[cls.name.removeprefix("pqa.")]

    @classmethod
    def address_fields(cls) -> dict[str, Field]:
        """The instruction's address fields."""
        return {n: f for n, f in cls.instruction_type().fields.items() if isinstance(f.bits, Address)}

    @property
    def unit(self) -> Unit:
        """Where it executes."""
        return self.instruction_type().unit

    @property
    def region_of(self) -> dict[str, SSAValue]:
        """The region behind each address field in use."""
        return {name.data: value for name, value in zip(self.bound, self.regions_used, strict=True)}

    def instruction(self, addresses: Mapping[str, int], wait: int = 0, signal: int = 0) -> Instruction:
        """The instruction with each region starting at ``addresses[field]``; fields left out are zero."""
        given = dict(self.fields.data)
        values: dict[str, int] = {}
        for name, field in self.instruction_type().fields.items():
            if isinstance(field.bits, Address):
                values[name] = addresses.get(name, 0) + given.pop(f"{name}_offset", 0)
            elif name == "buffer":
                values[name] = self._buffer()
            else:
                values[name] = field.type(given.pop(name, 0))
        if given:
            raise VerifyException(f"{self.name} has no field {', '.join(map(repr, given))}")
        return self.instruction_type()(wait=wait, signal=signal, **values)

    def _buffer(self) -> Memory:
        kind = self.region_of["address"].type
        assert isinstance(kind, RegionType)
        return kind.kind

    def wait_for(self, tokens: Sequence[SSAValue]) -> None:
        """Set the tokens that this operation waits for."""
        regions = list(self.regions_used)
        self.operands = [*regions, *tokens]
        self.properties["operandSegmentSizes"] = DenseArrayBase.from_list(i32, [len(regions), len(tokens)])

    def accumulator_bits(self) -> int:
        """Accumulator width of the program around; 32 where there is none."""
        parent = self.parent_op()
        return parent.accumulator_bits.value.data if isinstance(parent, ProgramOp) else 32

    def verify_(self) -> None:
        """The fields fit the instruction, and each access stays inside its region."""
        expect(len(self.bound) == len(self.regions_used), "one region for each address field that is bound")
        regions = self.region_of
        allowed = self.address_fields()
        for name in regions:
            expect(name in allowed, f"{self.name} has no address field {name!r}, allowed are {', '.join(allowed)}")
        expect(
            "buffer" not in self.instruction_type().fields or "address" in regions, "a load needs a region to load to"
        )
        try:
            instruction = self.instruction({})
            instruction.encode()
        except (EncodingError, ValueError) as error:
            raise VerifyException(str(error)) from error
        for access in accesses(instruction, self.accumulator_bits()):
            expect(access.field in regions, f"{self.name} uses {access.field!r}, and no region is bound to it")
            kind = regions[access.field].type
            assert isinstance(kind, RegionType)
            expect(
                kind.kind is access.memory,
                f"{access.field} is in {kind.kind.name.lower()}, not in {access.memory.name.lower()}",
            )
            expect(
                access.end <= kind.size.data,
                f"{access.field} ends at byte {access.end} of a region of {kind.size.data} bytes",
            )

    def print(self, printer: Printer) -> None:
        """Print the form shown at the top."""
        for index, (name, value) in enumerate(self.region_of.items()):
            printer.print_string(f"{', ' if index else ' '}{name} = ")
            printer.print_ssa_value(value)
        printer.print_string(" ")
        self.fields.print_parameter(printer)
        if self.after:
            printer.print_string(" after ")
            with printer.in_parens():
                printer.print_list(self.after, printer.print_ssa_value)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_list([value.type for value in self.regions_used], printer.print_attribute)

    @classmethod
    def parse(cls, parser: Parser) -> UnitOp:
        """Parse the form shown at the top."""

        def region() -> tuple[str, object]:
            name = parser.parse_identifier("address field")
            parser.parse_punctuation("=")
            return name, parser.parse_unresolved_operand()

        named = parser.parse_comma_separated_list(parser.Delimiter.NONE, region)
        fields = FieldsAttr(FieldsAttr.parse_parameter(parser))
        tokens = []
        if parser.parse_optional_keyword("after") is not None:
            tokens = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_unresolved_operand)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        position = parser.pos
        types = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)
        values = parser.resolve_operands([value for _, value in named], types, position)
        after = parser.resolve_operands(tokens, [TokenType()] * len(tokens), position)
        op = cls({name: value for (name, _), value in zip(named, values, strict=True)}, dict(fields.data), after)
        op.attributes |= attributes
        return op


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
    """Pick the nearest prototypes of a tile and send the codes to the FIFO."""

    name = "pqa.encode"


@irdl_op_definition
class LookupOp(UnitOp):
    """Take codes from the FIFO and accumulate table entries."""

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
)
"""One operation for each instruction of the table."""

Pqa = Dialect("pqa", [ProgramOp, TensorOp, ConstantOp, AllocateOp, *UNIT_OPS], [RegionType, TokenType, FieldsAttr])
"""The dialect."""
