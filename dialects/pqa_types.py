"""Types and attributes of the ``pqa`` dialect: regions of memory, tokens, and the fields of an instruction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from xdsl.dialects.builtin import IntAttr, StringAttr
from xdsl.ir import Attribute, Data, ParametrizedAttribute, SSAValue, TypeAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from pqc.dialects.rules import expect
from pqc.isa.fields import Memory

MEMORIES = {memory.name.lower(): memory for memory in Memory}
"""The memories, as the text spells them."""

PAIR = ("_height", "_width")
"""Ends of the names of two fields that the text writes as one pair."""


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
    """An instruction's fields that are no addresses: ``<subspaces = 16, kernel = [3, 3]>``; zeros are left out.

    ``NAME_offset`` is a number of bytes behind the start of the region that the address field NAME points to. Fields
    ``NAME_height`` and ``NAME_width`` that follow each other are written as one pair.
    """

    name = "pqa.fields"

    @staticmethod
    def of(values: Mapping[str, int]) -> FieldsAttr:
        """The fields that are not zero."""
        return FieldsAttr(tuple((name, int(value)) for name, value in values.items() if value))

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> tuple[tuple[str, int], ...]:
        """Parse ``<name = value, name = [height, width], ...>``."""

        def one() -> list[tuple[str, int]]:
            name = parser.parse_identifier("field")
            parser.parse_punctuation("=")
            pair = parser.parse_optional_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_integer)
            if pair is None:
                return [(name, parser.parse_integer())]
            if len(pair) != len(PAIR):
                parser.raise_error(f"{name} has {len(pair)} values, allowed are [height, width] or one number")
            return [(f"{name}{end}", value) for end, value in zip(PAIR, pair, strict=True)]

        values = [field for some in parser.parse_comma_separated_list(parser.Delimiter.ANGLE, one) for field in some]
        if len({name for name, _ in values}) < len(values):
            parser.raise_error("a field is named twice")
        return tuple(values)

    def print_parameter(self, printer: Printer) -> None:
        """Print ``<name = value, name = [height, width], ...>``."""
        with printer.in_angle_brackets():
            printer.print_string(", ".join(_written(self.data)))


def _written(fields: Sequence[tuple[str, int]]) -> Iterator[str]:
    """Each field, and two that are a pair as one."""
    rest = pairwise((*fields, ("", 0)))
    for (name, value), (following, other) in rest:
        stem = name.removesuffix(PAIR[0])
        if stem and (name, following) == (stem + PAIR[0], stem + PAIR[1]):
            yield f"{stem} = [{value}, {other}]"
            next(rest)  # which starts at the second of the pair
        else:
            yield f"{name} = {value}"


def region_type(value: SSAValue) -> RegionType:
    """The type of a region.

    Raises:
        VerifyException: the value is none.
    """
    kind = value.type
    if not isinstance(kind, RegionType):
        raise VerifyException(f"{kind} is not a region")
    return kind
