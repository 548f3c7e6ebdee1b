"""How much is looked at follows from how much there is."""

from __future__ import annotations

import pytest

from pqc.codebook.fit_options import (
    LEAST_TUNING_POSITIONS,
    STEPS_TIMES_ENTRIES,
    USUAL_FRAMES,
    USUAL_STEPS,
    FitOptions,
    usual_steps,
)


@pytest.mark.parametrize("frames", [1, 100, USUAL_FRAMES])
def test_few_frames_change_nothing(frames: int) -> None:
    assert FitOptions().for_frames(frames) == FitOptions()


def test_more_frames_are_looked_at_in_proportion() -> None:
    options = FitOptions(kmeans_samples=10, tuning_positions=100, refit_positions=1000, seed=3)
    assert options.for_frames(6 * USUAL_FRAMES) == FitOptions(
        kmeans_samples=60, tuning_positions=600, refit_positions=12_000, seed=3
    )
    assert options.for_frames(3 * USUAL_FRAMES // 2).refit_positions == 2250


def test_steps_of_tuning() -> None:
    columns = 64
    few = LEAST_TUNING_POSITIONS // columns
    assert usual_steps(few - 1, columns, 256) == 0
    assert usual_steps(few, columns, 256) == USUAL_STEPS
    # a step on so many entries takes longer
    assert usual_steps(few, columns, 2 * STEPS_TIMES_ENTRIES // USUAL_STEPS) == USUAL_STEPS // 2
    assert usual_steps(2 * USUAL_FRAMES, columns, 256) == 2 * USUAL_STEPS
    assert usual_steps(40 * USUAL_FRAMES, columns, 256) == 4 * USUAL_STEPS
