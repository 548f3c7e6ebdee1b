"""Typed views of values, and the checks that several dialects share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.builtin import IntegerType, TensorType, f32, i64
from xdsl.ir import Attribute, Block, SSAValue
from xdsl.utils.exceptions import VerifyException

from pqc.dialects.blob import ConstantOp
from pqc.dialects.constants import check_elements
from pqc.dialects.pq_types import codes_type, quantized
from pqc.dialects.pqa_types import region_type
from pqc.dialects.rules import element_of, integer_format, integer_type, output_size, tensor_type
from pqc.numerics.element import Element
from pqc.numerics.window import Window

ELEMENTS = st.builds(Element, st.integers(1, 16), st.booleans())


def value(kind: Attribute) -> SSAValue:
    return Block(arg_types=[kind]).args[0]


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (tensor_type, "i64 is not a tensor"),
        (quantized, "i64 is not a quantized tensor"),
        (codes_type, "i64 are not codes"),
        (region_type, "i64 is not a region"),
    ],
)
def test_values_of_other_types_are_refused(view: Callable[[SSAValue], Attribute], message: str) -> None:
    with pytest.raises(VerifyException, match=message):
        view(value(i64))


@given(ELEMENTS)
def test_element_types_in_the_ir(element: Element) -> None:
    assert element_of(integer_type(element)) == element
    assert str(integer_type(element)) == str(element)


@pytest.mark.parametrize("kind", [i64, IntegerType(8), f32, TensorType(f32, [1])])
def test_other_types_are_no_elements(kind: Attribute) -> None:
    with pytest.raises(VerifyException, match="is not one of ui1 to ui16 and si1 to si16"):
        element_of(kind)
    assert integer_format(f32)[0] == 0


@given(st.integers(1, 12), st.integers(1, 9), st.integers(1, 4), st.integers(1, 3), st.integers(0, 3))
def test_a_window_fits_exactly_where_there_is_room(
    size: int, kernel: int, stride: int, dilation: int, pad: int
) -> None:
    window = Window((kernel, kernel), (stride, stride), (pad, 0, 0, pad), (dilation, dilation))
    fits = (kernel - 1) * dilation < size + pad
    if fits:
        rows, columns = output_size(window, size, size)
        assert rows == columns == len(range(0, size + pad - (kernel - 1) * dilation, stride))
        return
    with pytest.raises(VerifyException, match="does not fit a map"):
        output_size(window, size, size)


@given(ELEMENTS, ELEMENTS, st.booleans())
def test_values_of_constants(stored: Element, wanted: Element, low: bool) -> None:
    extreme = stored.minimum if low else stored.maximum
    op = ConstantOp("w", np.array([0, extreme]).astype(stored.storage))
    held = op.result.type.get_element_type()
    wide_enough = element_of(held).bits >= wanted.bits and stored.signed == wanted.signed
    if wide_enough and wanted.minimum <= extreme <= wanted.maximum:
        check_elements("weight", op.result, wanted, [2])
        return
    with pytest.raises(VerifyException, match="the weight"):
        check_elements("weight", op.result, wanted, [2])
