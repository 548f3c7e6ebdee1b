"""Attributes of the ``pq`` dialect: a sliding window, a grid of integers, and how a layer is product-quantized."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xdsl.dialects.builtin import FloatData, IntAttr, IntegerType, StringAttr
from xdsl.ir import Attribute, Data, ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer

from pqc.dialects.rules import element_of, expect, expect_range, integer_type
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric
from pqc.numerics.grouping import Codebooks, Grouping
from pqc.numerics.window import Window

METRICS = tuple(metric.name.lower() for metric in Metric)
"""How the text spells the metrics."""


def check_metric(name: str) -> None:
    """Raise VerifyException unless there is a metric of this name."""
    expect(name in METRICS, f"metric {name!r}, allowed are {', '.join(METRICS)}")


def check_grouping(name: str) -> None:
    """Raise VerifyException unless there is a grouping of this name."""
    expect(name in tuple(Grouping), f"grouping {name!r}, allowed are {', '.join(Grouping)}")


def check_codebooks(name: str) -> None:
    """Raise VerifyException unless codebooks can be this."""
    expect(name in tuple(Codebooks), f"codebooks {name!r}, allowed are {', '.join(Codebooks)}")


def spell_float(value: float) -> str:
    """The shortest text that parses back to ``value``, always with a decimal point."""
    text = repr(value)
    mantissa, exponent, power = text.partition("e")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}{exponent}{power}"


def parse_scale(parser: AttrParser) -> float:
    """Parse a number."""
    number = parser.parse_number()
    try:
        return float(number)
    except OverflowError:
        parser.raise_error(f"{number} is too large")


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
        if min(*kernel, *strides, *dilations) < 1 or min(pads) < 0:
            parser.raise_error("kernel sizes, strides and dilations are at least 1, pads at least 0")
        return Window(
            (kernel[0], kernel[1]),
            (strides[0], strides[1]),
            (pads[0], pads[1], pads[2], pads[3]),
            (dilations[0], dilations[1]),
        )

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
        scale = self.scale.data
        expect(scale > 0 and math.isfinite(scale), f"scale = {scale}, it must be positive and finite")

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

    The bits are those of a prototype's and of a table's element. ``grouping = channel`` may stand behind the length;
    without it subvectors are cut from the window. Then ``codebooks = shared`` may follow; without it they are separate.
    """

    name = "pq.config"
    prototypes: IntAttr
    length: IntAttr
    grouping: StringAttr
    codebooks: StringAttr
    prototype_bits: IntAttr
    table_bits: IntAttr
    metric: StringAttr

    @staticmethod
    def of(
        prototypes: int,
        length: int,
        prototype_bits: int,
        table_bits: int,
        metric: Metric,
        grouping: Grouping = Grouping.WINDOW,
        codebooks: Codebooks = Codebooks.SEPARATE,
    ) -> ConfigAttr:
        """A configuration from plain numbers."""
        return ConfigAttr(
            IntAttr(prototypes),
            IntAttr(length),
            StringAttr(grouping.value),
            StringAttr(codebooks.value),
            IntAttr(prototype_bits),
            IntAttr(table_bits),
            StringAttr(metric.name.lower()),
        )

    @property
    def distance(self) -> Metric:
        """The metric."""
        return Metric[self.metric.data.upper()]

    @property
    def grouped(self) -> Grouping:
        """Which elements form a subvector."""
        return Grouping(self.grouping.data)

    @property
    def sharing(self) -> Codebooks:
        """Whether all subspaces share one codebook."""
        return Codebooks(self.codebooks.data)

    def with_bits(self, *, prototypes: int | None = None, tables: int | None = None) -> ConfigAttr:
        """The same with other bits of a prototype's or of a table's element."""
        sizes = self.prototypes.data, self.length.data
        bits = prototypes or self.prototype_bits.data, tables or self.table_bits.data
        return ConfigAttr.of(*sizes, *bits, self.distance, self.grouped, self.sharing)

    def verify(self) -> None:
        """Numbers in the ranges that the hardware's fields and the learning allow."""
        check_metric(self.metric.data)
        check_grouping(self.grouping.data)
        check_codebooks(self.codebooks.data)
        for what, value, low, high in (
            ("prototypes", self.prototypes.data, 2, 4096),
            ("length", self.length.data, 1, 1024),
            ("prototype bits", self.prototype_bits.data, 2, 16),
            ("table bits", self.table_bits.data, 2, 16),
        ):
            expect_range(what, value, low, high)

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        """Parse the form shown above."""
        with parser.in_angle_brackets():
            parser.parse_keyword("prototypes")
            parser.parse_punctuation("=")
            prototypes = parser.parse_integer()
            parser.parse_punctuation(",")
            parser.parse_keyword("length")
            parser.parse_punctuation("=")
            length = parser.parse_integer()
            parser.parse_punctuation(",")
            grouping = _parse_choice(parser, "grouping", Grouping.WINDOW)
            codebooks = _parse_choice(parser, "codebooks", Codebooks.SEPARATE)
            parser.parse_keyword("bits")
            parser.parse_punctuation("=")
            bits = parse_integers(parser)
            parser.parse_punctuation(",")
            metric = parser.parse_identifier("metric")
        if len(bits) != 2:
            parser.raise_error("bits are those of a prototype's and of a table's element")
        numbers = IntAttr(bits[0]), IntAttr(bits[1])
        choices = StringAttr(grouping), StringAttr(codebooks)
        return (IntAttr(prototypes), IntAttr(length), *choices, *numbers, StringAttr(metric))

    def print_parameters(self, printer: Printer) -> None:
        """Print the form shown above."""
        bits = [self.prototype_bits.data, self.table_bits.data]
        choices = "" if self.grouped is Grouping.WINDOW else f"grouping = {self.grouping.data}, "
        choices += "" if self.sharing is Codebooks.SEPARATE else f"codebooks = {self.codebooks.data}, "
        with printer.in_angle_brackets():
            printer.print_string(
                f"prototypes = {self.prototypes.data}, length = {self.length.data}, {choices}bits = {bits}, "
                f"{self.metric.data}"
            )


def _parse_choice(parser: AttrParser, name: str, default: str) -> str:
    """``grouping = channel,``, or nothing for the default."""
    if parser.parse_optional_keyword(name) is None:
        return str(default)
    parser.parse_punctuation("=")
    choice = parser.parse_identifier(name)
    parser.parse_punctuation(",")
    return choice
