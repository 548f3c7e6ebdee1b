"""Cycles of product-quantized layers: window grouping is the paper's, channel grouping encodes pixels."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pqc.numerics.grouping import Grouping
from pqc.planning.paper_cycles import (
    Lanes,
    PaperCycles,
    PqLayer,
    encode_cycles,
    load_cycles,
    lookup_cycles,
    lower_bound,
    paper_sum,
    pq_cycles,
    pq_layer,
)

lanes_strategy = st.builds(Lanes, *[st.integers(1, 70)] * 5)


def convolution(
    grouping: Grouping, *, channels: int = 32, kernel: int = 3, stride: int = 1, length: int = 8
) -> PqLayer:
    """A convolution of a 16x16 map to 64 channels, padded so that stride 1 keeps the size; 32 prototypes."""
    size = -(-16 // stride)
    return pq_layer(
        channels=channels,
        outputs=64,
        size=(16, 16),
        kernel=(kernel, kernel),
        result=(size, size),
        prototypes=32,
        length=length,
        prototype_bits=8,
        table_bits=5,
        grouping=grouping,
    )


def test_channel_grouping_by_hand() -> None:
    layer = convolution(Grouping.CHANNEL, stride=2)
    assert (layer.columns, layer.encoded) == (64, 256)
    assert (layer.codebooks, layer.subspaces) == (4, 36)
    lanes = Lanes(output=32, encode_subspace=2, lookup_subspace=18, length=8, prototype=16)
    assert encode_cycles(layer, lanes) == 256 * 2 * 2
    assert lookup_cycles(layer, lanes) == 64 * 2 * 2
    assert pq_cycles(layer, lanes, 751).calc == 1024
    # each codebook is loaded once for all taps, the table once for each tap
    assert layer.bits == 4 * 32 * 8 * 8 + 36 * 32 * 64 * 5
    assert load_cycles(layer, lanes, 751) == -(-layer.bits // 751)
    assert load_cycles(layer, lanes, 10**9) == 36 * 32 * 64 // (32 * 18)


def test_a_ninth_of_the_encoding() -> None:
    lanes = Lanes(1, 1, 1, 1, 1)
    window, channel = (convolution(grouping, channels=8) for grouping in Grouping)
    assert encode_cycles(window, lanes) == 9 * encode_cycles(channel, lanes)
    assert lookup_cycles(window, lanes) == lookup_cycles(channel, lanes)


@given(st.integers(1, 70), st.integers(1, 20), lanes_strategy, st.integers(1, 10_000))
def test_groupings_agree_on_1x1_convolutions(channels: int, length: int, lanes: Lanes, bits: int) -> None:
    window, channel = (convolution(grouping, channels=channels, kernel=1, length=length) for grouping in Grouping)
    assert window == channel
    assert pq_cycles(window, lanes, bits) == pq_cycles(channel, lanes, bits)


@given(lanes_strategy, lanes_strategy, st.sampled_from(Grouping), st.integers(1, 10_000))
def test_more_lanes_never_cost_cycles(lanes: Lanes, more: Lanes, grouping: Grouping, bits: int) -> None:
    layer = convolution(grouping)
    wider = Lanes(*(max(pair) for pair in zip(vars(lanes).values(), vars(more).values(), strict=True)))
    few, many = pq_cycles(layer, lanes, bits), pq_cycles(layer, wider, bits)
    assert many.init <= few.init
    assert many.calc <= few.calc


@given(lanes_strategy, st.integers(1, 10_000))
def test_trimmed_lanes_lose_nothing(lanes: Lanes, bits: int) -> None:
    layer = convolution(Grouping.WINDOW)
    assert pq_cycles(layer, lanes.trimmed(layer.prototypes, layer.length), bits) == pq_cycles(layer, lanes, bits)


@given(st.lists(st.builds(PaperCycles, st.integers(1, 99), st.integers(1, 99))))
def test_lower_bound_is_below_the_sum(layers: list[PaperCycles]) -> None:
    assert lower_bound(iter(layers)) <= paper_sum(iter(layers))


def test_bound_names_what_takes_longer() -> None:
    assert PaperCycles(2, 1).bound == "memory"
    assert PaperCycles(1, 1).bound == "compute"
    assert PaperCycles(2, 1).cycles == 2


def test_bits_count_prototypes_and_tables_at_their_widths() -> None:
    layer = convolution(Grouping.WINDOW)
    assert replace(layer, prototype_bits=0).bits == layer.table_entries * 5
    assert replace(layer, table_bits=0).bits == layer.codebook_entries * 8
