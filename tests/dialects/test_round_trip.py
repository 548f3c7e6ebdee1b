"""What is printed can be read back, and reading hostile text ends in one sentence, never in another error."""

from __future__ import annotations

import contextlib
import re
from io import StringIO
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.builtin import DYNAMIC_INDEX, ModuleOp
from xdsl.ir import Attribute
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import ParseError, VerifyException

from pqc.dialects.blob import FOLDER, BlobStore
from pqc.dialects.pq_types import CodesType, ConfigAttr, GridAttr, QuantizedType, WindowAttr
from pqc.dialects.pqa import UNIT_OPS
from pqc.dialects.pqa_types import FieldsAttr, RegionType
from pqc.dialects.registry import DIALECTS, make_context
from pqc.isa.fields import Memory
from pqc.isa.instructions import Instruction
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric
from pqc.numerics.grouping import Grouping
from pqc.numerics.window import Window

CASES = Path(__file__).parent.parent / "filecheck" / "dialects"
POSITIVE = ("blob", "pq", "qnn", "pqa", "pqa-stream")
BlobStore.load(CASES / FOLDER)

Drawn = TypeVar("Drawn")


def text(module: ModuleOp, *, generic: bool = False) -> str:
    stream = StringIO()
    Printer(stream, print_generic_format=generic, print_debuginfo=True).print_op(module)
    return stream.getvalue()


def read(source: str) -> ModuleOp:
    module = Parser(make_context(), source).parse_module()
    module.verify()
    return module


def case(name: str) -> str:
    return (CASES / f"{name}.mlir").read_text()


def pair(values: st.SearchStrategy[Drawn]) -> st.SearchStrategy[tuple[Drawn, Drawn]]:
    return st.tuples(values, values)


SIZES = st.integers(1, 2**40)
ELEMENTS = st.builds(Element, st.integers(1, 16), st.booleans())
SCALES = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
SHAPES = st.one_of(st.tuples(SIZES), st.tuples(SIZES, SIZES, SIZES)).map(lambda sizes: (DYNAMIC_INDEX, *sizes))
WINDOWS = st.builds(
    Window,
    pair(SIZES),
    pair(SIZES),
    st.tuples(*[st.integers(0, 99)] * 4),
    pair(SIZES),
)
BITS = st.integers(2, 16)
METRICS, GROUPINGS = st.sampled_from(Metric), st.sampled_from(Grouping)
NAMES = st.sampled_from(sorted({name for kind in Instruction.registry.values() for name in kind.fields}))
ATTRIBUTES: st.SearchStrategy[Attribute] = st.one_of(
    WINDOWS.map(WindowAttr),
    st.builds(GridAttr.of, ELEMENTS, SCALES),
    st.builds(ConfigAttr.of, st.integers(2, 4096), st.integers(1, 1024), BITS, BITS, METRICS, GROUPINGS),
    st.builds(QuantizedType.of, SHAPES, ELEMENTS, SCALES),
    st.builds(CodesType.of, st.tuples(st.just(DYNAMIC_INDEX), SIZES, SIZES, SIZES), st.integers(1, (1 << 16) - 1)),
    st.builds(RegionType.of, st.sampled_from(Memory), SIZES),
    st.dictionaries(NAMES, st.integers(-(2**70), 2**70)).map(FieldsAttr.of),
)


@given(ATTRIBUTES)
def test_attributes_and_types_are_read_back(attribute: Attribute) -> None:
    assert Parser(make_context(), str(attribute)).parse_attribute() == attribute


@pytest.mark.parametrize("name", POSITIVE)
@pytest.mark.parametrize("generic", [False, True], ids=["custom", "generic"])
def test_operations_are_read_back_with_their_locations(name: str, generic: bool) -> None:
    module = read(case(name))
    printed = text(module, generic=generic)
    again = read(printed)
    assert again.is_structurally_equivalent(module)
    assert text(again, generic=generic) == printed


def test_every_operation_is_tested() -> None:
    ops = {op.name for name in POSITIVE for op in read(case(name)).walk()}
    ours = {op.name for dialect in DIALECTS if dialect.name != "onnx" for op in dialect.operations}
    assert ours <= ops


def test_every_instruction_has_an_operation() -> None:
    assert {op.instruction_type() for op in UNIT_OPS} == set(Instruction.registry.values())


NUMBERS = ["-1", "0", "1", "2", "3", "255", "65536", "4294967296", "9223372036854775807", "0.5"]
WORDS = ["?", "x", "tensor<3xf32>", "si8", '"l2"', "[]", "{}", "%x", "-", "<", ">", "array<i64: 1>", "loc(unknown)", ""]
TOKENS = re.compile(r'"[^"]*"|[us]?i\d+|x|[A-Za-z_.]+|\d+(?:\.\d+)?|[^\sA-Za-z0-9]')
OURS = re.compile(r'^ *(?:%\w+ = "?(?:blob|pqa?|qnn)\.|"?pqa\.repeat).*$', re.MULTILINE)
SOURCES = [source for name in POSITIVE for source in (case(name), text(read(case(name)), generic=True))]


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A text in which one token of one of our operations stands for another; what xDSL itself reads stays whole."""
    source = draw(st.sampled_from(SOURCES))
    line = draw(st.sampled_from(list(OURS.finditer(source))))
    token = draw(st.sampled_from(list(TOKENS.finditer(source, *line.span()))))
    put = draw(st.sampled_from(NUMBERS if token[0][0].isdigit() else [*NUMBERS, *WORDS]))
    return f"{source[: token.start()]} {put} {source[token.end() :]}"


@given(damaged())
def test_hostile_text_is_refused_in_one_sentence(source: str) -> None:
    with contextlib.suppress(ParseError, VerifyException):
        read(source)


@pytest.mark.parametrize("name", ["accumulator_bits", "data"])
@pytest.mark.parametrize("put", ["", ' = "text"'])
def test_properties_that_other_operations_look_at(name: str, put: str) -> None:
    source = {
        "accumulator_bits": """
            "pqa.program"() <{target = "t"NAME}> ({
              %0 = pqa.allocate : !pqa.region<activation, 4>
              %1 = pqa.fill destination = %0 <planes = 1, rows = 1, columns = 1>
            }) : () -> ()""",
        "data": """
            func.func @f(%x: !pq.tensor<?x5xui8, 0.5>) {
              %0 = qnn.gemm %x, %w, %w weight_bits 8 :
                !pq.tensor<?x5xui8, 0.5>, tensor<1x5xsi8>, tensor<1x5xsi8> -> tensor<?x1xsi32>
              %w = "blob.constant"() <{NAME}> : () -> tensor<1x5xsi8>
              func.return
            }""",
    }[name]
    comma = ", " if name == "accumulator_bits" else ""
    with pytest.raises(VerifyException, match=f"no {name}|not a blob.constant"):
        read(source.replace("NAME", f"{comma}{name}{put}" if put else ""))


def test_numbers_of_any_size() -> None:
    huge = "1" + "0" * 400
    with pytest.raises(ParseError, match="is too large"):
        Parser(make_context(), f"#pq.grid<ui8, {huge}>").parse_attribute()
    with pytest.raises(VerifyException, match="does not fit u32"):
        read(
            f"""pqa.program "t" accumulator_bits 16 {{
                %0 = pqa.allocate : !pqa.region<activation, 4>
                %1 = pqa.fill destination = %0 <columns = {huge}>
            }}"""
        )
