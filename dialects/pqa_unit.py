"""What every instruction of the ``pqa`` dialect is: fields, regions behind its addresses, tokens, and their rules."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from typing import cast

from xdsl.dialects.builtin import ArrayAttr, DenseArrayBase, IntegerAttr, StringAttr, i32
from xdsl.ir import Block, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import HasParent
from xdsl.utils.exceptions import VerifyException

from pqc.dialects.pqa_memory import ConstantOp, ProgramOp, RegionOp
from pqc.dialects.pqa_types import FieldsAttr, RegionType, TokenType, region_type
from pqc.isa.access import Access, accesses
from pqc.isa.fields import Address, EncodingError, Field, Memory, Unit
from pqc.isa.instructions import Instruction
from pqc.isa.legality import clash, complaints

INSTRUCTIONS = {kind.mnemonic: kind for kind in Instruction.registry.values()}
"""The instruction table by mnemonic."""


KEPT = 1 << 16
"""Instructions whose check is kept: every pass verifies them all, and few of them change."""


@lru_cache(KEPT)
def checked_accesses(instruction: Instruction, accumulator_bits: int) -> tuple[Access, ...]:
    """What an instruction touches.

    Raises:
        VerifyException: its fields do not fit its word, or make no sense.
    """
    try:
        instruction.encode()
    except EncodingError as error:
        raise VerifyException(str(error)) from error
    for complaint in complaints(instruction):
        raise VerifyException(f"pqa.{instruction.mnemonic}: {complaint}")
    return accesses(instruction, accumulator_bits)


class UnitOp(IRDLOperation, abc.ABC):
    """One instruction, its addresses as regions and its order as tokens."""

    regions_used = var_operand_def(RegionType)
    after = var_operand_def(TokenType)
    bound = prop_def(ArrayAttr[StringAttr])
    fields = prop_def(FieldsAttr)
    token = result_def(TokenType)
    traits = traits_def(HasParent(ProgramOp))
    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    def __init__(
        self, regions: Mapping[str, SSAValue], fields: Mapping[str, int], after: Sequence[SSAValue] = ()
    ) -> None:
        places = {name: place for place, name in enumerate(self.instruction_type().fields)}
        # one order, whatever put the fields together; the verifier refuses names that there are not
        ordered = sorted(fields, key=lambda name: places.get(name.removesuffix("_offset"), len(places)))
        super().__init__(
            operands=[list(regions.values()), list(after)],
            properties={
                "bound": ArrayAttr(StringAttr(name) for name in regions),
                "fields": FieldsAttr.of({name: fields[name] for name in ordered}),
            },
            result_types=[TokenType()],
        )

    @classmethod
    def instruction_type(cls) -> type[Instruction]:
        """The instruction of the table whose mnemonic is the operation's name."""
        return INSTRUCTIONS[cls.name.removeprefix("pqa.")]

    @classmethod
    @cache
    def address_fields(cls) -> Mapping[str, Field]:
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
        buffer = self._buffer() if "buffer" in self.instruction_type().fields else None
        unplaced = _unplaced(type(self), self.fields.data, buffer)
        if not addresses and not wait and not signal:
            return unplaced
        placed = {name: addresses.get(name, 0) + getattr(unplaced, name) for name in self.address_fields()}
        return replace(unplaced, wait=wait, signal=signal, **placed)

    def _buffer(self) -> Memory:
        region = self.region_of.get("address")
        if region is None:
            raise VerifyException(f"{self.name} needs an address: the region that it loads to")
        return region_type(region).kind

    def wait_for(self, tokens: Sequence[SSAValue]) -> None:
        """Set the tokens that this operation waits for."""
        regions = list(self.regions_used)
        self.operands = [*regions, *tokens]
        self.properties["operandSegmentSizes"] = DenseArrayBase.from_list(i32, [len(regions), len(tokens)])

    def accumulator_bits(self) -> int:
        """Accumulator width of the program around; 32 where there is none.

        Raises:
            VerifyException: the program, which is verified after its instructions, does not say it.
        """
        parent = self.parent_op()
        if not isinstance(parent, ProgramOp):
            return 32
        bits = parent.properties.get("accumulator_bits")
        if not isinstance(bits, IntegerAttr):
            raise VerifyException("the program around has no accumulator_bits")
        return cast(IntegerAttr, bits).value.data

    def verify_(self) -> None:
        """The fields fit the instruction and make sense, and each access stays inside its region."""
        regions = self._verified_regions()
        instruction = self.instruction({})
        touched = checked_accesses(instruction, self.accumulator_bits())
        for access in touched:
            self._verify_access(access, regions)
        written = touched[-1]
        for read in touched[:-1]:
            if regions[read.field] is regions[written.field] and clash(instruction, read, written):
                raise VerifyException(f"{self.name}: {written.field} overwrites what {read.field} has yet to read")
        unused = regions.keys() - {access.field for access in touched}
        if unused:
            raise VerifyException(f"{self.name} does not use {', '.join(sorted(unused))}")

    def _verified_regions(self) -> dict[str, SSAValue]:
        """Regions that the program defines, one for each address field; tokens of its instructions."""
        names, used = [name.data for name in self.bound], self.regions_used
        if not len(names) == len(used) == len(set(names)):
            raise VerifyException(f"{self.name} needs one region for each address field, and each field once")
        regions = dict(zip(names, used, strict=True))
        allowed = self.address_fields()
        for name, value in regions.items():
            if name not in allowed:
                raise VerifyException(f"{self.name} has no address field {name!r}, allowed are {', '.join(allowed)}")
            if not isinstance(value.owner, RegionOp):
                raise VerifyException(f"{name} is not a region of the program")
        for token in self.after:
            if not isinstance(token.owner, UnitOp | Block):
                raise VerifyException(f"{self.name} waits for what is no instruction")
        return regions

    def _verify_access(self, access: Access, regions: Mapping[str, SSAValue]) -> None:
        """In the memory, inside the region, no constant overwritten, and no byte written twice."""
        region = regions.get(access.field)
        if region is None:
            raise VerifyException(f"{self.name} uses {access.field!r}, and no region is bound to it")
        kind = region_type(region)
        if kind.kind is not access.memory:
            raise VerifyException(
                f"{access.field} is in {kind.memory.data}, it must be in {access.memory.name.lower()}"
            )
        if access.end > kind.size.data:
            raise VerifyException(f"{access.field} ends at byte {access.end} of a region of {kind.size.data} bytes")
        if access.written and isinstance(region.owner, ConstantOp):
            raise VerifyException(f"{access.field} is a constant, it cannot be written")
        if access.written and access.overlaps_itself:
            raise VerifyException(f"{self.name} writes some bytes of {access.field} twice")

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

    @classmethod
    def parse(cls, parser: Parser) -> UnitOp:
        """Parse the form shown at the top."""

        def region() -> tuple[str, SSAValue]:
            name = parser.parse_identifier("address field")
            parser.parse_punctuation("=")
            return name, _parse_defined(parser)

        named = parser.parse_comma_separated_list(parser.Delimiter.NONE, region)
        if len({name for name, _ in named}) < len(named):
            parser.raise_error("an address field is named twice")
        fields = FieldsAttr.parse_parameter(parser)
        tokens: list[SSAValue] = []
        if parser.parse_optional_keyword("after") is not None:
            tokens = parser.parse_comma_separated_list(parser.Delimiter.PAREN, lambda: _parse_defined(parser))
        attributes = parser.parse_optional_attr_dict()
        op = cls(dict(named), dict(fields), tokens)
        op.attributes |= attributes
        return op


@lru_cache(KEPT)
def _unplaced(kind: type[UnitOp], fields: tuple[tuple[str, int], ...], buffer: Memory | None) -> Instruction:
    """The instruction with these fields whose regions all start at zero; equal ones are one object.

    Raises:
        VerifyException: a field has no such name or no such value.
    """
    given = dict(fields)
    values: dict[str, int] = {}
    for name, field in kind.instruction_type().fields.items():
        if isinstance(field.bits, Address):
            values[name] = given.pop(f"{name}_offset", 0)
        elif name == "buffer" and buffer is not None:
            values[name] = buffer
        else:
            values[name] = _value(kind, field, given.pop(name, 0))
    if given:
        raise VerifyException(f"{kind.name} has no field {', '.join(map(repr, given))}")
    return kind.instruction_type()(wait=0, signal=0, **values)


def _value(kind: type[UnitOp], field: Field, value: int) -> int:
    try:
        return field.type(value)
    except ValueError:
        raise VerifyException(f"{kind.name}: {field.name} = {value} is not a {field.type.__name__}") from None


def _parse_defined(parser: Parser) -> SSAValue:
    """Parse a value that is defined further up, so that its type need not be repeated."""
    operand = parser.parse_unresolved_operand()
    defined = parser.ssa_values.get(operand.operand_name, ())
    if operand.index >= len(defined):
        parser.raise_error(
            f"%{operand.operand_name} is not defined before its use", operand.span.start, operand.span.end
        )
    return defined[operand.index]
