"""How much of the table buffer the loads of a network need to run ahead of the computation.

Layers take turns in being bound by their loads and by their computation. A frame takes no longer than the busier of
the two totals if the buffer holds what is loaded ahead where they differ most.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from pqc.planning.paper_cycles import PaperCycles


def lookahead_cycles(layers: Sequence[PaperCycles]) -> int:
    """Cycles of loading that must be done ahead for the busier of loads and computation never to wait.

    Frames follow each other, so that a stretch of layers may begin in one frame and end in the next. Where computation
    is the busier, it waits at the end of a stretch that loads longer than it computes, unless the difference was loaded
    before; where loads are, they wait in a stretch that computes longer than it loads, unless there is room for the
    difference.
    """
    ahead = [layer.init - layer.calc for layer in layers]
    if sum(ahead) > 0:
        ahead = [-cycles for cycles in ahead]
    # over two rounds, a stretch of at most one round is the difference of two running totals
    lowest = worst = 0
    for total in accumulate(ahead * 2):
        worst = max(worst, total - lowest)
        lowest = min(lowest, total)
    return worst


def spare_bytes(layers: Sequence[PaperCycles], bits_per_cycle: int, capacity: int) -> int:
    """Bytes of a table buffer of ``capacity`` that loads need not run ahead into: a quarter of the rest.

    The rest of it is for what this does not see: that tables come and go in blocks, of which one is in use and one on
    its way, and that they find room as blocks.
    """
    needed = lookahead_cycles(layers) * bits_per_cycle // 8
    return max(0, capacity - needed) // 4
