"""The picture of growth has a panel for each step."""

from __future__ import annotations

import struct

from growth_picture import draw_growth
from scaling import Growth, Usage


def test_panels_stand_side_by_side() -> None:
    growth = Growth("pqc compile", "times as deep", (1, 2), (Usage(1.0, 1.0, 10), Usage(2.0, 2.0, 20)))
    one, two = draw_growth([growth]), draw_growth([growth, growth])
    assert one.startswith(b"\x89PNG")
    width, doubled = (struct.unpack(">I", picture[16:20])[0] for picture in (one, two))
    assert doubled == 2 * width
