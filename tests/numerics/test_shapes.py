"""The shape rules of the float level: what they give, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.integers import WINDOWS

from pqc.numerics import shapes
from pqc.numerics.shapes import FRAMES, ShapeError
from pqc.numerics.window import Window

IMAGE = (FRAMES, 6, 8, 10)
FEATURES = (FRAMES, 12)
LARGE = Window((9, 9))

GIVEN: list[tuple[shapes.Shape, shapes.Shape]] = [
    (shapes.activation(IMAGE), IMAGE),
    (shapes.convolution(IMAGE, (4, 3, 3, 3), (4,), Window((3, 3), (2, 2), (1, 1, 1, 1)), 2), (FRAMES, 4, 4, 5)),
    (shapes.gemm(FEATURES, (5, 12), (5,)), (FRAMES, 5)),
    (shapes.batch_normalization(IMAGE, [(6,)] * 4), IMAGE),
    (shapes.residual(IMAGE, IMAGE), IMAGE),
    (shapes.addition(IMAGE, IMAGE), IMAGE),
    (shapes.addition(IMAGE, (6,)), IMAGE),
    (shapes.pooling(IMAGE, Window((2, 3), (2, 3))), (FRAMES, 6, 4, 3)),
    (shapes.global_pooling(IMAGE), (FRAMES, 6, 1, 1)),
    (shapes.reshape(IMAGE, (FRAMES, 480)), (FRAMES, 480)),
    (shapes.transpose(IMAGE, [0, 2, 3, 1]), (FRAMES, 8, 10, 6)),
    (shapes.slicing(IMAGE, [1, 0, 1], [1, 2, 4], [5, 4, 3]), (FRAMES, 5, 4, 3)),
    (shapes.padding(IMAGE, [0, 1, 2], [3, 0, 1]), (FRAMES, 9, 9, 13)),
    (shapes.concatenation([IMAGE, (FRAMES, 2, 8, 10)], 1), (FRAMES, 8, 8, 10)),
]

REFUSED: list[tuple[Callable[[], object], str]] = [
    (lambda: shapes.activation((FRAMES, 3, 3)), r"2 or 4 dimensions, this one is \?x3x3"),
    (lambda: shapes.activation((FRAMES, 0)), r"are at least 1, this activation is \?x0"),
    (lambda: shapes.image(FEATURES), r"must be \[frames, channels, height, width\], it is \?x12"),
    (lambda: shapes.convolution(IMAGE, (4, 6, 3), (4,), Window((3, 3)), 1), "the weight must be .* it is 4x6x3"),
    (lambda: shapes.convolution(IMAGE, (4, 6, 1, 1), (4,), Window((1, 1)), 4), "group 4 does not divide 6 input"),
    (lambda: shapes.convolution(IMAGE, (3, 3, 1, 1), (3,), Window((1, 1)), 2), "and 3 output channels"),
    (lambda: shapes.convolution(IMAGE, (4, 6, 1, 1), (4,), Window((1, 1)), 2), "wants 12 channels, not 6"),
    (lambda: shapes.convolution(IMAGE, (4, 6, 1, 1), (5,), Window((1, 1)), 1), "the bias must have one value"),
    (lambda: shapes.convolution(IMAGE, (4, 6, 9, 9), (4,), LARGE, 1), r"a window of 9x9 .* does not fit on \?x6x8x10"),
    (
        lambda: shapes.convolution(IMAGE, (4, 6, 1, 1), (4,), Window((1, 1), pads=(1, 0, 0, 0)), 1),
        r"pads \[1, 0, 0, 0\] put a whole window of 1x1 on \?x6x8x10 into the padding; a Pad in front",
    ),
    (lambda: shapes.gemm(IMAGE, (5, 12), (5,)), r"must be \[frames, features\]"),
    (lambda: shapes.gemm(FEATURES, (12, 5), (12,)), r"must be \[outputs, 12\], it is 12x5"),
    (lambda: shapes.gemm(FEATURES, (5, 12), (12,)), "the bias must have one value for each of the 5 channels"),
    (lambda: shapes.batch_normalization(IMAGE, [(6,), (6,), (5,), (6,)]), "the mean must .* it is 5"),
    (lambda: shapes.residual(IMAGE, FEATURES), "the residual must be"),
    (lambda: shapes.addition(IMAGE, (10,)), "must have the same shape, or be 6 values, one per channel"),
    (lambda: shapes.pooling(IMAGE, Window((2, 2), pads=(2, 0, 0, 0))), "must be smaller than the window, 2x2"),
    (lambda: shapes.pooling(IMAGE, LARGE), "does not fit on"),
    (
        lambda: shapes.pooling(IMAGE, Window((2, 1), pads=(1, 0, 1, 0), dilations=(9, 1))),
        r"dilations \[9, 1\] put a whole window of \?x6x8x10 into the padding",
    ),
    (lambda: shapes.reshape(IMAGE, (FRAMES, 481)), "has not as many elements per frame"),
    (lambda: shapes.reshape(IMAGE, (2, 240)), "has not as many elements per frame"),
    (lambda: shapes.transpose(IMAGE, [1, 0, 2, 3]), r"perm must be an order of 0\.\.3 with 0 first"),
    (lambda: shapes.transpose(IMAGE, [0, 1, 1, 3]), r"it is \[0, 1, 1, 3\]"),
    (lambda: shapes.slicing(IMAGE, [0, 0], [1, 1], [1, 1]), "one value for each of the 3 dimensions"),
    (lambda: shapes.slicing(IMAGE, [0, 0, 1], [1, 1, 3], [1, 1, 4]), r"4 elements from 1 in steps of 3 .* 0\.\.9"),
    (lambda: shapes.padding(IMAGE, [0, 0], [0, 0]), "one value for each of the 3 dimensions"),
    (lambda: shapes.padding(IMAGE, [0, 0, 0], [0, -1, 0]), "must not be negative"),
    (lambda: shapes.concatenation([], 1), "at least one operand"),
    (lambda: shapes.concatenation([IMAGE], 0), r"axis must be within 1\.\.3, it is 0"),
    (lambda: shapes.concatenation([IMAGE, (FRAMES, 6, 9, 10)], 1), "differ in more than dimension 1"),
]


@pytest.mark.parametrize(("found", "expected"), GIVEN)
def test_result_shapes(found: shapes.Shape, expected: shapes.Shape) -> None:
    assert found == expected


@pytest.mark.parametrize(("rule", "message"), REFUSED)
def test_operands_that_do_not_go_together_are_refused(rule: Callable[[], object], message: str) -> None:
    with pytest.raises(ShapeError, match=message) as caught:
        rule()
    assert "\n" not in str(caught.value)


@given(WINDOWS, st.integers(1, 4), st.integers(1, 9))
def test_every_convolution_window_reaches_over_the_map(window: Window, height: int, width: int) -> None:
    rows, columns = window.output_size(height, width)
    if min(rows, columns) < 1:
        return
    reaching = all(
        first < size and first + window.extent[axis] > 0
        for axis, count, size in ((0, rows, height), (1, columns, width))
        for first in (index * window.strides[axis] - window.pads[axis] for index in range(count))
    )
    arguments = ((FRAMES, 1, height, width), (1, 1, *window.kernel), (1,), window, 1)
    if reaching:
        assert shapes.convolution(*arguments) == (FRAMES, 1, rows, columns)
        return
    with pytest.raises(ShapeError, match="into the padding"):
        shapes.convolution(*arguments)


@given(WINDOWS, st.integers(1, 4), st.integers(1, 9))
def test_no_pooling_window_lies_wholly_in_the_padding(window: Window, height: int, width: int) -> None:
    rows_spanned, columns_spanned = window.extent
    top, left, bottom, right = window.pads
    pads = (top % rows_spanned, left % columns_spanned, bottom % rows_spanned, right % columns_spanned)
    window = replace(window, pads=pads)
    try:
        _, _, rows, columns = shapes.pooling((FRAMES, 1, height, width), window)
    except ShapeError:
        return
    for axis, count, size in ((0, rows, height), (1, columns, width)):
        for index in range(count):
            first = index * window.strides[axis] - window.pads[axis]
            taps = [first + tap * window.dilations[axis] for tap in range(window.kernel[axis])]
            assert any(0 <= tap < size for tap in taps)
