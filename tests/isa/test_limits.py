"""What a field holds is said by its width alone, at every level."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from pqc.isa.fields import Instruction
from pqc.isa.instructions import Convolve, Encode, Lookup, Pool
from pqc.isa.limits import LimitError, check_field, check_window
from pqc.numerics.window import Window

ONE = Window((1, 1))
LARGEST = Window((255, 255), (255, 255), (255, 255, 255, 255), (255, 255))


@pytest.mark.parametrize("instruction", [Convolve, Encode, Pool])
def test_the_largest_window(instruction: type[Instruction]) -> None:
    check_window(LARGEST, instruction)
    check_window(Window((65_535, 65_535)), Pool)


@pytest.mark.parametrize(
    ("window", "instruction", "message"),
    [
        (Window((256, 1)), Convolve, "kernel size = 256, allowed are 0 to 255"),
        (Window((1, 256)), Encode, "kernel size = 256, allowed are 0 to 255"),
        (Window((1, 65_536)), Pool, "kernel size = 65536, allowed are 0 to 65535"),
        (replace(ONE, strides=(256, 1)), Pool, "stride = 256, allowed are 0 to 255"),
        (replace(ONE, dilations=(1, 300)), Convolve, "dilation = 300, allowed are 0 to 255"),
        *(
            (replace(ONE, pads=pads), Pool, "pad = 256, allowed are 0 to 255")
            for pads in ((256, 0, 0, 0), (0, 0, 0, 256))
        ),
    ],
)
def test_windows_beyond_the_fields(window: Window, instruction: type[Instruction], message: str) -> None:
    with pytest.raises(LimitError, match=f"^{re.escape(message)}$"):
        check_window(window, instruction)


def test_a_count_beyond_its_field() -> None:
    check_field("outputs", 65_535, Lookup, "outputs")
    with pytest.raises(LimitError, match=r"^outputs = 65536, allowed are 0 to 65535$"):
        check_field("outputs", 65_536, Lookup, "outputs")
