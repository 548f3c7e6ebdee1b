"""The PQA paper's analytical model: cycles and area of its accelerator and of the conventional one it compares with.

Activations, layers without PQ and everything after the accumulators are outside this model, as in the paper.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from math import ceil, floor
from typing import Literal

from pqc.planning.target_keys import Target


@dataclass(frozen=True)
class Lanes:
    """What the paper's area and cycles depend on; in the paper encode and lookup have equally many subspace lanes."""

    output: int
    encode_subspace: int
    lookup_subspace: int
    length: int
    prototype: int

    @staticmethod
    def of(target: Target) -> Lanes:
        """The lanes of ``target``."""
        encode, lookup = target.encode, target.lookup
        return Lanes(
            lookup.output_lanes,
            encode.subspace_lanes,
            lookup.subspace_lanes,
            encode.length_lanes,
            encode.prototype_lanes,
        )

    def trimmed(self, prototypes: int, length: int) -> Lanes:
        """The same without lanes that so many prototypes of this length leave idle, as the paper's sweep has it."""
        return replace(self, length=min(self.length, length), prototype=min(self.prototype, prototypes))


@dataclass(frozen=True)
class PaperCycles:
    """Cycles of one layer: table load, computation, and both together when they overlap."""

    init: int
    calc: int

    @property
    def cycles(self) -> int:
        """The layer's cycles: the next tables load while this layer computes."""
        return max(self.init, self.calc)

    @property
    def bound(self) -> Literal["memory", "compute"]:
        """What the layer waits for."""
        return "memory" if self.init > self.calc else "compute"


class AreaRule(Enum):
    """How many DSP blocks the distance unit has."""

    RELEASED = "released"
    """As the paper's released model counts: output, subspace and length lanes."""
    PROTOTYPE_LANES = "prototype-lanes"
    """Two for each squarer: prototype, subspace and length lanes."""
    NO_DSP = "no-dsp"
    """None, as for the L1 distance."""


def layer_cycles(
    columns: int,
    subspaces: int,
    prototypes: int,
    length: int,
    outputs: int,
    prototype_bits: int,
    table_bits: int,
    target: Target,
) -> PaperCycles:
    """Cycles of one PQ layer on ``target``; ``columns`` are the output positions of one frame."""
    encode, lookup = target.encode, target.lookup
    match = _up(length, encode.length_lanes) * _up(prototypes, encode.prototype_lanes)
    gather = _up(outputs, lookup.output_lanes)
    groups = match * _up(subspaces, encode.subspace_lanes), gather * _up(subspaces, lookup.subspace_lanes)
    entries = outputs * prototypes * subspaces
    bits = subspaces * prototypes * length * prototype_bits + entries * table_bits
    init = max(1, _up(entries, lookup.output_lanes * lookup.subspace_lanes), _up(bits, target.bits_per_cycle))
    return PaperCycles(init, columns * max(groups))


def conventional_cycles(
    channels: int, outputs: int, height: int, width: int, kernel: tuple[int, int], stride: int, bits_per_cycle: int
) -> PaperCycles:
    """Cycles of one convolution on the paper's conventional accelerator.

    As in the released model a kernel of fewer than three columns is billed as that part of a pass. Its figures come
    from floating point, rounded down, in this order of factors: in exact arithmetic some would be one cycle more.
    """
    strips = ceil(width / stride / 4)
    calc = floor(_up(outputs, 48) * (height / stride) * strips * (kernel[1] / 3) * kernel[0] * _up(channels, 8))
    return PaperCycles(_up(16 * outputs * channels * kernel[0] * kernel[1], bits_per_cycle), calc)


CONVENTIONAL_AREA = 27360.0
"""Area of the paper's conventional accelerator in CLBs: 3 * 2304 DSP + 4 * 1152 M20K + 330 * 48."""


def area(lanes: Lanes, rule: AreaRule | None = None) -> float:
    """Area of the PQ units in CLBs.

    Without a ``rule`` it is the released one, or, where encode and lookup have different numbers of subspace lanes
    (which the released rule cannot tell apart), the one that counts by prototype lanes.
    """
    equal = lanes.encode_subspace == lanes.lookup_subspace
    chosen = rule or (AreaRule.RELEASED if equal else AreaRule.PROTOTYPE_LANES)
    blocks = {
        AreaRule.RELEASED: lanes.output * lanes.encode_subspace * lanes.length,
        AreaRule.PROTOTYPE_LANES: 2 * lanes.prototype * lanes.encode_subspace * lanes.length,
        AreaRule.NO_DSP: 0,
    }[chosen]
    memories = 2 * _up(lanes.lookup_subspace * lanes.output, 2)
    # A regression over synthesized designs with one number of subspace lanes; two numbers share its slope evenly.
    subspace = (lanes.encode_subspace + lanes.lookup_subspace) / 2
    extra = (
        54.0152229 * lanes.output
        + 197.18071766 * subspace
        + 59.99415826 * lanes.length
        + 54.0152229 * lanes.prototype
        - 1248.8141835982537
    )
    return 3 * blocks + 4 * memories + extra


def performance_per_area(cycles: float, area_clb: float, conventional: int) -> float:
    """How much more work per cycle and CLB than the conventional accelerator, which takes ``conventional`` cycles."""
    return (conventional / cycles) * (CONVENTIONAL_AREA / area_clb)


def _up(value: int, divisor: int) -> int:
    return -(-value // divisor)
