"""The lanes that give a set of product-quantized layers the most performance per area, by the paper's model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import product

import numpy as np

from pqc.numerics.arrays import FloatArray, IntArray
from pqc.planning.paper_area import AreaRule, area, performance_per_area
from pqc.planning.paper_cycles import Lanes, PqLayer, encode_cycles, load_cycles, lookup_cycles


class Overlap(Enum):
    """Which work runs at the same time when frame follows frame; each is a bound on the cycles of one more frame."""

    LAYER = "layer"
    """A layer computes while its tables load, as in the paper: the sum of max(load, encode, lookup)."""
    NETWORK = "network"
    """Loads run ahead as far as they like: max(sum of loads, sum of max(encode, lookup))."""
    UNITS = "units"
    """Encode and lookup work on different layers too: the largest of the sums of loads, encodes and lookups."""


@dataclass(frozen=True)
class Workload:
    """What lanes are searched for.

    ``bits_per_cycle`` is what the external memory delivers; ``conventional`` are the cycles of the same layers on the
    paper's conventional accelerator.
    """

    layers: tuple[PqLayer, ...]
    bits_per_cycle: int
    conventional: int


@dataclass(frozen=True)
class LaneChoice:
    """Lanes with the cycles of one frame, their area in CLBs, and performance per area against the conventional one."""

    lanes: Lanes
    cycles: int
    area_clb: float
    performance_per_area: float


SMALLEST_LOOKUP = Lanes(output=32, encode_subspace=1, lookup_subspace=16, length=1, prototype=1)
"""The smallest lookup unit of the paper's sweep, with any encode unit. The area's regression says nothing about
smaller ones: below a few lanes it is negative, and the best performance per area would be that of no accelerator."""


def evaluate(work: Workload, lanes: Lanes, rule: AreaRule, overlap: Overlap) -> LaneChoice:
    """The figures of one choice of lanes."""
    side = _lookup_side(work, work.layers, lanes.output, lanes.lookup_subspace)
    encode = np.array([encode_cycles(layer, lanes) for layer in work.layers], np.int64)
    cycles = int(_network_cycles(side, encode, np.ones(len(work.layers), np.int64), overlap))
    clb = area(lanes, rule)
    return LaneChoice(lanes, cycles, clb, performance_per_area(cycles, clb, work.conventional))


def best_lanes(work: Workload, rule: AreaRule, overlap: Overlap, least: Lanes = SMALLEST_LOOKUP) -> LaneChoice:
    """The best of all choices of lanes that have at least those of ``least``; on ties, one of them.

    Exact over all whole numbers of lanes up to those that some layer has work for. Of the encode lanes, on which
    loading does not depend, only numbers that save some layer a round can be best, because area grows with every
    lane. The choices of lookup lanes are visited in the order of what each could reach with the smallest
    encode unit and no encoding, until that is below what was found.

    Raises:
        ValueError: there are no layers.
    """
    if not work.layers:
        raise ValueError("no layers to choose lanes for")
    kinds = Counter(work.layers)
    layers, counts = list(kinds), np.array(list(kinds.values()), np.int64)
    encoders = list(_encode_lanes(layers, least))
    encode = np.array([[encode_cycles(layer, lanes) for layer in layers] for lanes in encoders], np.int64)
    # Without encoding nothing is faster, and no encode unit is smaller than the first: a bound for each lookup unit.
    nothing = np.zeros((1, len(layers)), np.int64)
    sides = [
        (_best_encoder(work, side, encoders[:1], nothing, counts, rule, overlap).performance_per_area, side)
        for side in _lookup_sides(work, layers, least)
    ]
    sides.sort(key=lambda entry: -entry[0])
    best = _best_encoder(work, sides[0][1], encoders, encode, counts, rule, overlap)
    for reach, side in sides[1:]:
        if reach <= best.performance_per_area:
            break
        found = _best_encoder(work, side, encoders, encode, counts, rule, overlap)
        best = max(best, found, key=lambda choice: choice.performance_per_area)
    return best


@dataclass(frozen=True)
class _LookupSide:
    """Lookup lanes, and the cycles [layers] of loading and of lookup that follow from them alone."""

    output: int
    subspace: int
    load: IntArray
    lookup: IntArray

    def lanes(self, encoder: Lanes) -> Lanes:
        """These lookup lanes together with the encode lanes of ``encoder``."""
        return Lanes(self.output, encoder.encode_subspace, self.subspace, encoder.length, encoder.prototype)


def _lookup_side(work: Workload, layers: Sequence[PqLayer], output: int, subspace: int) -> _LookupSide:
    lanes = Lanes(output, 1, subspace, 1, 1)
    load = np.array([load_cycles(layer, lanes, work.bits_per_cycle) for layer in layers], np.int64)
    lookup = np.array([lookup_cycles(layer, lanes) for layer in layers], np.int64)
    return _LookupSide(output, subspace, load, lookup)


def _lookup_sides(work: Workload, layers: Sequence[PqLayer], least: Lanes) -> Iterator[_LookupSide]:
    """All lookup lanes from the least to as many as the layers have use for."""
    outputs = max(least.output, *(layer.outputs for layer in layers))
    subspaces = max(least.lookup_subspace, *(layer.subspaces for layer in layers))
    for output, subspace in product(range(least.output, outputs + 1), range(least.lookup_subspace, subspaces + 1)):
        yield _lookup_side(work, layers, output, subspace)


def _encode_lanes(layers: Sequence[PqLayer], least: Lanes) -> Iterator[Lanes]:
    """The least encode lanes, and those of which one less would cost some layer a round; the fewest first."""
    axes = (
        _useful((layer.codebooks for layer in layers), least.encode_subspace),
        _useful((layer.prototypes for layer in layers), least.prototype),
        _useful((layer.length for layer in layers), least.length),
    )
    for subspace, prototype, length in product(*axes):
        yield Lanes(1, subspace, 1, length, prototype)


def _useful(counts: Iterable[int], least: int) -> list[int]:
    """The smallest number of lanes for every number of rounds that some count can take, none below ``least``."""
    lanes = {-(-count // rounds) for count in set(counts) for rounds in range(1, count + 1)}
    return sorted({least, *(number for number in lanes if number > least)})


def _best_encoder(
    work: Workload,
    side: _LookupSide,
    encoders: Sequence[Lanes],
    encode: IntArray,
    counts: IntArray,
    rule: AreaRule,
    overlap: Overlap,
) -> LaneChoice:
    """The best encode lanes for given lookup lanes; ``encode`` [encoders, layers] are their cycles."""
    cycles = _network_cycles(side, encode, counts, overlap)
    areas: FloatArray = np.array([area(side.lanes(encoder), rule) for encoder in encoders])
    index = int((cycles * areas).argmin())
    taken, clb = int(cycles[index]), float(areas[index])
    gain = performance_per_area(taken, clb, work.conventional)
    return LaneChoice(side.lanes(encoders[index]), taken, clb, gain)


def _network_cycles(side: _LookupSide, encode: IntArray, counts: IntArray, overlap: Overlap) -> IntArray:
    """Cycles [...] of one frame for ``encode`` cycles [..., layers] and ``counts`` [layers] of each layer."""
    compute = np.maximum(encode, side.lookup)
    if overlap is Overlap.LAYER:
        return np.maximum(side.load, compute) @ counts
    if overlap is Overlap.NETWORK:
        return np.maximum(side.load @ counts, compute @ counts)
    return np.maximum(np.maximum(side.load @ counts, side.lookup @ counts), encode @ counts)
