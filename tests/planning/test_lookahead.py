"""How far loads must run ahead, against a simulation of many frames."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pqc.planning.lookahead import lookahead_cycles, spare_bytes
from pqc.planning.paper_cycles import PaperCycles, lower_bound

LAYERS = st.lists(st.builds(PaperCycles, st.integers(1, 12), st.integers(1, 12)), min_size=1, max_size=6)


def frame_cycles(layers: list[PaperCycles], ahead: int, frames: int = 40) -> float:
    """Cycles of one more frame if so many cycles of loading may be done before what they are for begins."""
    settled = frames // 2
    loaded = wanted = now = before = 0
    for frame in range(frames):
        if frame == settled:
            before = now
        for layer in layers:
            # the layer goes on as fast as its tables come; the loads, as far ahead as they may
            wanted += layer.init
            took = max(layer.calc, wanted - loaded)
            loaded = min(wanted + ahead, loaded + took)
            now += took
    return (now - before) / (frames - settled)


@given(LAYERS)
def test_so_much_is_enough_and_less_is_not(layers: list[PaperCycles]) -> None:
    needed = lookahead_cycles(layers)
    bound = lower_bound(layers)
    assert frame_cycles(layers, needed) == bound
    if needed:
        assert frame_cycles(layers, needed - 1) > bound


def test_layers_alike_need_no_lookahead() -> None:
    assert lookahead_cycles([PaperCycles(3, 5)] * 4) == 0
    assert lookahead_cycles([PaperCycles(5, 3)] * 4) == 0


def test_a_stretch_may_go_from_one_frame_to_the_next() -> None:
    short, long = PaperCycles(9, 1), PaperCycles(1, 30)
    assert lookahead_cycles([short, long, short]) == 16


def test_a_quarter_of_what_is_not_needed_is_spare() -> None:
    layers = [PaperCycles(9, 1), PaperCycles(1, 30)]
    assert spare_bytes(layers, 80, 1000) == (1000 - 8 * 10) // 4
    assert spare_bytes(layers, 80, 50) == 0
    assert spare_bytes([], 80, 50) == 12
