"""Area by each rule, and how the rules relate."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqc.planning.paper_area import AreaRule, area, area_of, dsp_blocks, performance_per_area
from pqc.planning.paper_conventional import CONVENTIONAL_AREA, KernelPasses, conventional_cycles
from pqc.planning.paper_cycles import Lanes
from pqc.planning.target import load_target

POINT = Lanes(output=32, encode_subspace=16, lookup_subspace=16, length=9, prototype=8)

lanes_strategy = st.builds(Lanes, *[st.integers(1, 70)] * 5)


def test_the_rules_at_a_point_of_the_paper() -> None:
    assert area(POINT) == area(POINT, AreaRule.RELEASED) == pytest.approx(20479, abs=1)
    assert area(POINT, AreaRule.PROTOTYPE_LANES) == pytest.approx(13567, abs=1)
    assert area(POINT, AreaRule.NO_DSP) == pytest.approx(6655, abs=1)


def test_released_rule_and_squarers_agree_where_the_paper_says() -> None:
    lanes = replace(POINT, prototype=16)
    assert dsp_blocks(lanes, AreaRule.RELEASED) == dsp_blocks(lanes, AreaRule.PROTOTYPE_LANES)


@given(lanes_strategy)
def test_lanes_that_differ(lanes: Lanes) -> None:
    larger = max(lanes.encode_subspace, lanes.lookup_subspace)
    equal = replace(lanes, encode_subspace=larger, lookup_subspace=larger)
    assert area(lanes, AreaRule.RELEASED) == area(equal, AreaRule.RELEASED)
    assert area(lanes) == area(lanes, AreaRule.RELEASED if lanes == equal else AreaRule.PROTOTYPE_LANES)
    assert area(lanes, AreaRule.NO_DSP) < area(lanes, AreaRule.PROTOTYPE_LANES)
    assert area(lanes, AreaRule.PROTOTYPE_LANES) <= area(lanes, AreaRule.PROTOTYPE_LANES_LARGER)
    assert area(equal, AreaRule.PROTOTYPE_LANES) == area(equal, AreaRule.PROTOTYPE_LANES_LARGER)


@given(lanes_strategy, st.sampled_from(sorted(vars(POINT))), st.sampled_from(AreaRule))
def test_a_lane_more_never_makes_it_smaller(lanes: Lanes, name: str, rule: AreaRule) -> None:
    assert area(replace(lanes, **{name: vars(lanes)[name] + 1}), rule) >= area(lanes, rule)


@pytest.mark.parametrize(("metrics", "rule"), [('["l2", "l1"]', None), ('["l1"]', "no-dsp"), ('["linf"]', "no-dsp")])
def test_a_target_that_squares_nothing_has_no_multipliers(metrics: str, rule: str | None) -> None:
    """The released model says so of l1; of the largest difference it says nothing, and we take the same rule."""
    target = load_target("pqa", [f"encode.metrics={metrics}"])
    assert area_of(target) == area(Lanes.of(target), None if rule is None else AreaRule(rule))


def test_presets_without_squares_are_smaller() -> None:
    assert area_of(load_target("pqa-l1")) == area_of(load_target("pqa-linf")) < area_of(load_target("pqa")) / 2


def test_performance_per_area_is_work_over_cycles_and_area() -> None:
    assert performance_per_area(100, CONVENTIONAL_AREA, 100) == 1
    assert performance_per_area(50, CONVENTIONAL_AREA / 2, 100) == 4


def test_conventional_accelerator() -> None:
    assert CONVENTIONAL_AREA == 27360
    # stage 1 of ResNet-20: one block of outputs, 32 rows, 8 strips, 3 kernel rows, 2 blocks of channels
    assert conventional_cycles(16, 16, 32, 32, (3, 3), 1, 751).calc == 32 * 8 * 3 * 2
    assert conventional_cycles(16, 16, 32, 32, (3, 3), 1, 751).init == -(-16 * 16 * 16 * 9 // 751)


@given(st.integers(1, 99), st.integers(1, 99), st.integers(1, 40), st.integers(1, 5))
def test_kernel_passes(channels: int, outputs: int, size: int, kernel: int) -> None:
    billed = {
        passes: conventional_cycles(channels, outputs, size, size, (kernel, kernel), 1, 10**9, passes).calc
        for passes in KernelPasses
    }
    assert billed[KernelPasses.FRACTION] <= billed[KernelPasses.WHOLE] <= 3 * billed[KernelPasses.FRACTION] + 3
    if kernel == 3:
        assert billed[KernelPasses.FRACTION] == billed[KernelPasses.WHOLE]
