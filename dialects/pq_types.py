"""Types of the ``pq`` dialect, shared by everything below the float level.

A quantized activation is ``!pq.tensor<?x16x32x32xui8, 0.021>``: integers of an element type, each standing for
integer * scale. Codes are ``!pq.codes<[?, 16, 32, 32], 16>``: the index of one of 16 prototypes for each frame,
subspace and position.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import DYNAMIC_INDEX, ArrayAttr, FloatData, IntAttr
from xdsl.ir import Attribute, ParametrizedAttribute, SSAValue, TypeAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from pqc.dialects.pq_attributes import ConfigAttr, GridAttr, WindowAttr, parse_scale, spell_float
from pqc.dialects.rules import expect, expect_range, spell_shape
from pqc.isa.instructions import Encode
from pqc.numerics.element import Element
from pqc.numerics.shapes import MOST_DIMENSIONS

__all__ = ["CodesType", "ConfigAttr", "GridAttr", "QuantizedType", "WindowAttr", "codes_type", "quantized"]


@irdl_attr_definition
class QuantizedType(ParametrizedAttribute, TypeAttribute):
    """A quantized activation tensor; the first dimension counts frames and is ``?``."""

    name = "pq.tensor"
    shape: ArrayAttr[IntAttr]
    grid: GridAttr

    @staticmethod
    def of(shape: Sequence[int], element: Element, scale: float) -> QuantizedType:
        """The type of a tensor of ``shape`` (frames included, as DYNAMIC_INDEX) on the grid of ``scale``."""
        return QuantizedType(ArrayAttr(IntAttr(size) for size in shape), GridAttr.of(element, scale))

    def get_shape(self) -> tuple[int, ...]:
        """All dimensions; DYNAMIC_INDEX for the frames."""
        return tuple(size.data for size in self.shape)

    @property
    def element(self) -> Element:
        """The integers' type."""
        return self.grid.integers

    @property
    def scale(self) -> float:
        """What one step stands for."""
        return self.grid.scale.data

    def verify(self) -> None:
        """The frames are dynamic, all else is not."""
        shape = self.get_shape()
        expect(
            2 <= len(shape) <= MOST_DIMENSIONS and shape[0] == DYNAMIC_INDEX and min(shape[1:]) >= 1,
            f"shape {spell_shape(shape)} is not that of ? frames with 1 to {MOST_DIMENSIONS - 1} dimensions",
        )

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        """Parse ``<?x16xui8, 0.021>``."""
        with parser.in_angle_brackets():
            shape, element = parser.parse_ranked_shape()
            parser.parse_punctuation(",")
            grid = GridAttr.new((element, FloatData(parse_scale(parser))))
        return (ArrayAttr(IntAttr(size) for size in shape), grid)

    def print_parameters(self, printer: Printer) -> None:
        """Print ``<?x16xui8, 0.021>``."""
        with printer.in_angle_brackets():
            printer.print_string(f"{spell_shape(self.get_shape())}x")
            printer.print_attribute(self.grid.element)
            printer.print_string(f", {spell_float(self.scale)}")


@irdl_attr_definition
class CodesType(ParametrizedAttribute, TypeAttribute):
    """Codes [frames, subspaces, rows, columns], each below the number of prototypes."""

    name = "pq.codes"
    shape: ArrayAttr[IntAttr]
    prototypes: IntAttr

    @staticmethod
    def of(shape: Sequence[int], prototypes: int) -> CodesType:
        """The type of codes of ``shape`` (frames included, as DYNAMIC_INDEX)."""
        return CodesType(ArrayAttr(IntAttr(size) for size in shape), IntAttr(prototypes))

    def get_shape(self) -> tuple[int, ...]:
        """All dimensions; DYNAMIC_INDEX for the frames."""
        return tuple(size.data for size in self.shape)

    def verify(self) -> None:
        """The frames are dynamic, all else is not; the prototypes can be counted by the encode unit."""
        shape = self.get_shape()
        expect(
            len(shape) == 4 and shape[0] == DYNAMIC_INDEX and min(shape[1:]) >= 1,
            f"shape {spell_shape(shape)} is not that of ? frames of subspaces, rows and columns",
        )
        expect_range("prototypes", self.prototypes.data, 1, Encode.fields["prototypes"].bits.maximum)

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        """Parse ``<[?, 16, 32, 32], 16>``."""
        with parser.in_angle_brackets():
            sizes = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, lambda: _parse_size(parser))
            parser.parse_punctuation(",")
            return (ArrayAttr(IntAttr(size) for size in sizes), IntAttr(parser.parse_integer()))

    def print_parameters(self, printer: Printer) -> None:
        """Print ``<[?, 16, 32, 32], 16>``."""
        sizes = ", ".join("?" if size == DYNAMIC_INDEX else str(size) for size in self.get_shape())
        with printer.in_angle_brackets():
            printer.print_string(f"[{sizes}], {self.prototypes.data}")


def _parse_size(parser: AttrParser) -> int:
    return DYNAMIC_INDEX if parser.parse_optional_punctuation("?") is not None else parser.parse_integer()


def quantized(value: SSAValue) -> QuantizedType:
    """The type of a quantized activation.

    Raises:
        VerifyException: the value is none.
    """
    kind = value.type
    if not isinstance(kind, QuantizedType):
        raise VerifyException(f"{kind} is not a quantized tensor")
    return kind


def codes_type(value: SSAValue) -> CodesType:
    """The type of codes.

    Raises:
        VerifyException: the value is none.
    """
    kind = value.type
    if not isinstance(kind, CodesType):
        raise VerifyException(f"{kind} are not codes")
    return kind
