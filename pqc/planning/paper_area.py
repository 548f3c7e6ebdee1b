"""The PQA paper's area model, and the performance per area that follows from it.

Source: the analytical model that the paper's authors released (arXiv 2305.18334). In CLBs, with o output, s subspace,
l length and p prototype lanes:

    area  = 3 * DSP + 4 * M20K + EXTRA
    M20K  = ceil(s * o / 2) * 2                             a bank for each pair of lanes, twice because loads overlap
    EXTRA = 54.0152229 * o + 197.18071766 * s + 59.99415826 * l + 54.0152229 * p - 1248.8141835982537

EXTRA is a linear regression over synthesized designs, all of which have as many subspace lanes for encode as for
lookup. Widths of prototypes and table entries, their memories and the depth of a bank are no part of the model.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

from pqc.planning.paper_conventional import CONVENTIONAL_AREA
from pqc.planning.paper_cycles import Lanes
from pqc.planning.target_keys import Target


class AreaRule(Enum):
    """How DSP blocks are counted, and which subspace lanes count where encode and lookup have different numbers."""

    RELEASED = "released"
    """As the paper's released model has it: DSP = o * s * l. It knows one number of subspace lanes: where there are
    two the larger one counts everywhere, which is the area of the smallest design of that model that has them."""
    PROTOTYPE_LANES = "prototype-lanes"
    """Two DSPs for each squarer of the distance unit: DSP = 2 * p * s * l with the encode unit's subspace lanes. Banks
    are those of the lookup unit; two numbers of subspace lanes share the slope of the regression evenly."""
    PROTOTYPE_LANES_LARGER = "prototype-lanes-larger"
    """As before, but the larger number of subspace lanes counts in the regression."""
    NO_DSP = "no-dsp"
    """No DSPs, as the released model has it for the L1 distance; banks and regression as for prototype lanes. It is
    taken for the largest difference, too: that is the same subtractors, with comparators where L1 has adders. The
    released regression knows no such design, and a comparator is no larger than an adder."""


CLOCK_FACTORS = {"equal": 1.0, "module-default": 259 / 300, "synthesized": 188.7 / 300}
"""What the clock does to performance per area. The paper's tables give both accelerators 300 MHz; the released code
names 259 MHz as default of the PQ unit, and 188.7 MHz (5.3 ns) as synthesized for 16 lanes of each kind."""


def area(lanes: Lanes, rule: AreaRule | None = None) -> float:
    """Area of the PQ units in CLBs.

    Without a ``rule`` it is the released one, or, where encode and lookup have different numbers of subspace lanes
    (which the released rule cannot tell apart), the one that counts by prototype lanes.
    """
    equal = lanes.encode_subspace == lanes.lookup_subspace
    chosen = rule or (AreaRule.RELEASED if equal else AreaRule.PROTOTYPE_LANES)
    larger = max(lanes.encode_subspace, lanes.lookup_subspace)
    if chosen is AreaRule.RELEASED:
        lanes = replace(lanes, encode_subspace=larger, lookup_subspace=larger)
    subspace = (lanes.encode_subspace + lanes.lookup_subspace) / 2
    if chosen is AreaRule.PROTOTYPE_LANES_LARGER:
        subspace = larger
    memories = 2 * -(-lanes.lookup_subspace * lanes.output // 2)
    extra = (
        54.0152229 * lanes.output
        + 197.18071766 * subspace
        + 59.99415826 * lanes.length
        + 54.0152229 * lanes.prototype
        - 1248.8141835982537
    )
    return 3 * dsp_blocks(lanes, chosen) + 4 * memories + extra


def area_of(target: Target) -> float:
    """Area of the PQ units of ``target`` in CLBs: without DSPs if its encode unit squares nothing, that is, lacks l2.

    A target that has l2 has its multipliers, whatever distance a program uses.
    """
    return area(Lanes.of(target), None if "l2" in target.encode.metrics else AreaRule.NO_DSP)


def dsp_blocks(lanes: Lanes, rule: AreaRule) -> int:
    """DSP blocks of the distance unit."""
    if rule is AreaRule.NO_DSP:
        return 0
    if rule is AreaRule.RELEASED:
        return lanes.output * lanes.encode_subspace * lanes.length
    return 2 * lanes.prototype * lanes.encode_subspace * lanes.length


def performance_per_area(cycles: float, area_clb: float, conventional: int) -> float:
    """How much more work per cycle and CLB than the conventional accelerator, which takes ``conventional`` cycles."""
    return (conventional / cycles) * (CONVENTIONAL_AREA / area_clb)
