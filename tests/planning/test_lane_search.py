"""The lanes that are found are the best that there are, and those of the paper where its grid holds the best."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pqc.numerics.grouping import Grouping
from pqc.planning.lane_search import SMALLEST_LOOKUP, LaneChoice, Overlap, Workload, best_lanes, evaluate
from pqc.planning.paper_model import (
    AreaRule,
    Lanes,
    PqLayer,
    conventional_cycles,
    lower_bound,
    paper_sum,
    pq_cycles,
    pq_layer,
)

DDR, HBM = 751, 8534
STAGES = (
    *[(16, 16, 32, 1)] * 6,
    (16, 32, 32, 2),
    *[(32, 32, 16, 1)] * 5,
    (32, 64, 16, 2),
    *[(64, 64, 8, 1)] * 5,
)
"""ResNet-20's 3x3 convolutions but the first: channels, outputs, map, stride."""


def resnet20(prototypes: int, length: int, grouping: Grouping, bits: tuple[int, int], bits_per_cycle: int) -> Workload:
    layers = [
        pq_layer(
            channels=channels,
            outputs=outputs,
            size=(size, size),
            kernel=(3, 3),
            result=(size // stride, size // stride),
            prototypes=prototypes,
            length=length,
            prototype_bits=bits[0],
            table_bits=bits[1],
            grouping=grouping,
        )
        for channels, outputs, size, stride in STAGES
    ]
    conventional = paper_sum(
        conventional_cycles(channels, outputs, size, size, (3, 3), stride, bits_per_cycle)
        for channels, outputs, size, stride in STAGES
    )
    return Workload(tuple(layers), bits_per_cycle, conventional)


def test_figures_of_one_choice() -> None:
    work = resnet20(16, 9, Grouping.WINDOW, (8, 16), DDR)
    lanes = Lanes(output=32, encode_subspace=16, lookup_subspace=16, length=9, prototype=16)
    cycles = [pq_cycles(layer, lanes, DDR) for layer in work.layers]
    assert evaluate(work, lanes, AreaRule.RELEASED, Overlap.LAYER).cycles == paper_sum(cycles) == 17183
    assert evaluate(work, lanes, AreaRule.RELEASED, Overlap.NETWORK).cycles == lower_bound(cycles) == 11776
    assert evaluate(work, lanes, AreaRule.RELEASED, Overlap.LAYER).performance_per_area == pytest.approx(1.35, abs=0.01)


layers_strategy = st.builds(
    PqLayer,
    columns=st.integers(1, 20),
    encoded=st.integers(1, 20),
    subspaces=st.integers(1, 6),
    codebooks=st.integers(1, 4),
    prototypes=st.integers(2, 5),
    length=st.integers(1, 3),
    outputs=st.integers(1, 18),
    prototype_bits=st.just(8),
    table_bits=st.integers(4, 8),
)


@given(
    st.lists(layers_strategy, min_size=1, max_size=3),
    st.sampled_from([1, 20, 1000]),
    st.sampled_from(AreaRule),
    st.sampled_from(Overlap),
    st.builds(Lanes, st.integers(15, 17), *[st.integers(1, 2)] * 4),
)
@settings(max_examples=30)
def test_nothing_is_better(
    layers: list[PqLayer], bits_per_cycle: int, rule: AreaRule, overlap: Overlap, least: Lanes
) -> None:
    # Enough output lanes keep the regression positive, as it is where it means something.
    least = replace(least, lookup_subspace=least.lookup_subspace + 3)
    work = Workload(tuple(layers), bits_per_cycle, 1000)
    found = best_lanes(work, rule, overlap, least)
    outputs, subspaces = (max(getattr(layer, name) for layer in layers) for name in ("outputs", "subspaces"))
    most = Lanes(max(least.output, outputs), 4, max(least.lookup_subspace, subspaces), 3, 5)
    ranges = [range(low, high + 1) for low, high in zip(vars(least).values(), vars(most).values(), strict=True)]
    choices = [evaluate(work, Lanes(*lanes), rule, overlap) for lanes in product(*ranges)]
    assert found == evaluate(work, found.lanes, rule, overlap)
    assert found.performance_per_area == pytest.approx(max(choice.performance_per_area for choice in choices))


def test_overlaps_are_ordered() -> None:
    work = resnet20(32, 8, Grouping.CHANNEL, (8, 16), DDR)
    lanes = replace(SMALLEST_LOOKUP, encode_subspace=2, length=8, prototype=32)
    cycles = [evaluate(work, lanes, AreaRule.NO_DSP, overlap).cycles for overlap in Overlap]
    assert cycles == sorted(cycles, reverse=True)
    assert len(set(cycles)) > 1


def test_window_grouping_ends_at_the_point_of_the_paper() -> None:
    found = best_lanes(resnet20(16, 9, Grouping.WINDOW, (8, 16), HBM), AreaRule.RELEASED, Overlap.LAYER)
    assert found.lanes == Lanes(output=32, encode_subspace=16, lookup_subspace=16, length=9, prototype=16)
    assert found.performance_per_area == pytest.approx(1.96, abs=0.01)


@pytest.mark.parametrize(("bits", "bits_per_cycle"), [((8, 8), DDR), ((6, 5), DDR), ((8, 16), HBM)])
def test_channel_grouping_needs_few_encode_lanes(bits: tuple[int, int], bits_per_cycle: int) -> None:
    work = resnet20(32, 8, Grouping.CHANNEL, bits, bits_per_cycle)

    def best(overlap: Overlap) -> LaneChoice:
        return best_lanes(work, AreaRule.PROTOTYPE_LANES, overlap)

    lanes = Lanes(output=32, encode_subspace=2, lookup_subspace=18, length=8, prototype=32)
    assert best(Overlap.NETWORK).lanes == best(Overlap.UNITS).lanes == lanes
    # the strided layers encode four pixels for each column, which only another layer's lookup can hide
    assert best(Overlap.NETWORK).performance_per_area == pytest.approx(3.77, abs=0.02)
    assert best(Overlap.UNITS).performance_per_area == pytest.approx(4.10, abs=0.02)


def test_no_layers() -> None:
    with pytest.raises(ValueError, match="no layers"):
        best_lanes(Workload((), DDR, 1), AreaRule.RELEASED, Overlap.LAYER)
