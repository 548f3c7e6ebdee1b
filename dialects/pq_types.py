"""Attributes and types of the ``pq`` dialect, shared by everything below the float level.

A quantized activation is ``!pq.tensor<?x16x32x32xui8, 0.021>``: integers of an element type, each standing for
integer * scale. Codes are ``!pq.codes<?x16x32x32, 16>``: one prototype index for each frame, subspace and position.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    ArrayAttr,
    FloatData,
    IntAttr,
    IntegerAttr,
    IntegerType,
    Signedness,
    StringAttr,
    i64,
)
from xdsl.ir import Attribute, Data, ParametrizedAttribute, TypeAttribute
from xdsl.irdl import (
    irdl_attr_definition,
)
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from pqc.numerics.element import Element
from pqc.numerics.encode import Metric
from pqc.numerics.window import Window

I64_ATTR = IntegerAttr.constr(type=i64)
"""An integer property; prints without its type."""


def integer_type(element: Element) -> IntegerType:
    """The IR type of an element type."""
    return IntegerType(element.bits, Signedness.SIGNED if element.signed else Signedness.UNSIGNED)


def element_of(kind: Attribute) -> Element:
    """The element type of an IR integer type.

    Raises:
        VerifyException: not a signed or unsigned integer of 1 to 16 bits.
    """
    if not isinstance(kind, IntegerType) or kind.signedness.data is Signedness.SIGNLESS or kind.width.data > 16:
        raise VerifyException(f"element type {kind} is not one of ui1 to ui16 and si1 to si16")
    return Element(kind.width.data, kind.signedness.data is Signedness.SIGNED)


def spell_float(value: float) -> str:
    """The shortest text that parses back to ``value``, always with a decimal point."""
    text = repr(value)
    mantissa, exponent, power = text.partition("e")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}{exponent}{power}"


def parse_scale(parser: AttrParser) -> float:
    """Parse a number."""
    return float(parser.parse_number())


def parse_integers(parser: AttrParser) -> tuple[int, ...]:
    """``[1, 2, 3]``."""
    return tuple(parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_integer))


@irdl_attr_definition
class WindowAttr(Data[Window]):
    """A sliding window: ``#pq.window<[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]>``."""

    name = "pq.window"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Window:
        """Parse the four lists."""
        with parser.in_angle_brackets():
            kernel = parse_integers(parser)
            parser.parse_keyword("strides")
            strides = parse_integers(parser)
            parser.parse_keyword("pads")
            pads = parse_integers(parser)
            parser.parse_keyword("dilations")
            dilations = parse_integers(parser)
        if (len(kernel), len(strides), len(pads), len(dilations)) != (2, 2, 4, 2):
            parser.raise_error("a window has 2 kernel sizes, 2 strides, 4 pads and 2 dilations")
        try:
            return Window(
                (kernel[0], kernel[1]),
                (strides[0], strides[1]),
                (pads[0], pads[1], pads[2], pads[3]),
                (dilations[0], dilations[1]),
            )
        except ValueError as error:
            parser.raise_error(str(error))

    def print_parameter(self, printer: Printer) -> None:
        """Print the four lists."""
        w = self.data
        with printer.in_angle_brackets():
            printer.print_string(
                f"{list(w.kernel)} strides {list(w.strides)} pads {list(w.pads)} dilations {list(w.dilations)}"
            )


@irdl_attr_definition
class GridAttr(ParametrizedAttribute):
    """Where a tensor's real values will lie: ``#pq.grid<ui8, 0.021>`` is integers of ui8 times 0.021."""

    name = "pq.grid"
    element: IntegerType
    scale: FloatData

    @staticmethod
    def of(element: Element, scale: float) -> GridAttr:
        """The grid of ``element`` with ``scale``."""
        return GridAttr(integer_type(element), FloatData(scale))

    @property
    def integers(self) -> Element:
        """The element type."""
        return element_of(self.element)

    def verify(self) -> None:
        """The scale is positive and the element type is an activation's."""
        element_of(self.element)
        if not self.scale.data > 0:
            raise VerifyException(f"scale = {self.scale.data}, it must be positive")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        """Parse ``<ui8, 0.021>``."""
        with parser.in_angle_brackets():
            element = parser.parse_attribute()
            parser.parse_punctuation(",")
            return (element, FloatData(parse_scale(parser)))

    def print_parameters(self, printer: Printer) -> None:
        """Print ``<ui8, 0.021>``."""
        with printer.in_angle_brackets():
            printer.print_attribute(self.element)
            printer.print_string(f", {spell_float(self.scale.data)}")


@irdl_attr_definition
class ConfigAttr(ParametrizedAttribute):
    """How a layer is product-quantized: ``#pq.config<prototypes = 16, length = 9, bits = [8, 8], l2>``.

    The bits are those of a prototype's and of a table's element.
    """

    name = "pq.config"
    prototypes: IntAttr
    length: IntAttr
    prototype_bits: IntAttr
    table_bits: IntAttr
    metric: StringAttr

    @staticmethod
    def of(prototypes: int, length: int, prototype_bits: int, table_bits: int, metric: Metric) -> ConfigAttr:
        """A configuration from plain numbers."""
        numbers = (IntAttr(v) for v in (prototypes, length, prototype_bits, table_bits))
        return ConfigAttr(*numbers, StringAttr(metric.name.lower()))

    @property
    def distance(self) -> Metric:
        """The metric."""
        return Metric[self.metric.data.upper()]

    def verify(self) -> None:
        """Numbers in the ranges that the hardware's fields and the learning allow."""
        if self.metric.data.upper() not in Metric.__members__:
            raise VerifyException(
                f"metric {self.metric.data!r}, allowed are {', '.join(m.name.lower() for m in Metric)}"
            )
        for what, value, low, high in (
            ("prototypes", self.prototypes.data, 2, 4096),
            ("length", self.length.data, 1, 1024),
            ("prototype bits", self.prototype_bits.data, 2, 16),
            ("table bits", self.table_bits.data, 2, 16),
        ):
            if not low <= value <= high:
                raise VerifyException(f"{what} = {value}, allowed are {low} to {high}")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        """Parse the form shown above."""
        with parser.in_angle_brackets():
            parser.parse_characters("prototypes")
            parser.parse_punctuation("=")
            prototypes = parser.parse_integer()
            parser.parse_punctuation(",")
            parser.parse_characters("length")
            parser.parse_punctuation("=")
            length = parser.parse_integer()
            parser.parse_punctuation(",")
            parser.parse_characters("bits")
            parser.parse_punctuation("=")
            bits = parse_integers(parser)
            parser.parse_punctuation(",")
            metric = parser.parse_identifier("metric")
        if len(bits) != 2:
            parser.raise_error("bits are those of a prototype's and of a table's element")
        return (IntAttr(prototypes), IntAttr(length), IntAttr(bits[0]), IntAttr(bits[1]), StringAttr(metric))

    def print_parameters(self, printer: Printer) -> None:
        """Print the form shown above."""
        bits = [self.prototype_bits.data, self.table_bits.data]
        with printer.in_angle_brackets():
            printer.print_string(
                f"prototypes = {self.prototypes.data}, length = {self.length.data}, bits = {bits}, {self.metric.data}"
            )


def _print_shape(printer: Printer, shape: Sequence[int]) -> None:
    printer.print_string("x".join("?" if size == DYNAMIC_INDEX else str(size) for size in shape))


@irdl_attr_definition
class QuantizedType(ParametrizedAttribute, TypeAttribute):
    """A quantized activation tensor; the first dimension counts frames and is ``?``."""

    name = "pq.tensor"
    shape: ArrayAttr[IntAttr]
    grid: GridAttr

    @staticmethod
    def of(shape: Sequence[int], element: Element, scale: float) -> QuantizedType:
        """The type of a tensor of ``shape`` (frames included, as DYNAMIC_INDEX) on the grid of ``element`` and ``scale``."""
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
        if len(shape) not in (2, 4) or shape[0] != DYNAMIC_INDEX or min(shape[1:]) < 1:
            raise VerifyException(f"shape {list(shape)} is not [?, features] or [?, channels, rows, columns]")

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
            _print_shape(printer, self.get_shape())
            printer.print_string("x")
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


def expect(condition: bool, message: str) -> None:
    """Raise VerifyException with ``message`` unless the condition holds."""
    if not condition:
        raise VerifyException(message)
