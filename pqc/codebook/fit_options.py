"""How much is looked at when a layer is fitted, and how hard."""

from __future__ import annotations

from dataclasses import dataclass, replace

USUAL_STEPS = 200
"""Steps of tuning, where there is neither too little to learn from nor too much to compute."""

LEAST_TUNING_POSITIONS = 16384
"""Positions below which prototypes that are tuned suit these positions, and no others."""

STEPS_TIMES_ENTRIES = USUAL_STEPS * 4096
"""Steps times entries an output, at most: some ten seconds of a core."""

USUAL_FRAMES = 4096
"""Frames beyond which more is looked at, see :meth:`FitOptions.for_frames`."""

MOST_STEPS = 4
"""By how much tuning gets longer with more frames, at most."""


@dataclass(frozen=True)
class FitOptions:
    """How much is looked at, and how hard; the defaults are what measured best within the time they take."""

    kmeans_samples: int = 8192
    """Subvectors of each subspace that k-means sees."""
    kmeans_iterations: int = 15
    """Lloyd's iterations."""
    tuning_steps: int | None = None
    """Steps of gradient descent on the prototypes after k-means; None: :func:`usual_steps`."""
    tuning_positions: int = 65536
    """Positions that the tuning draws its batches from."""
    refit_positions: int = 65536
    """Positions in the least squares: up to twice as many for large tables, fewer for the largest ones
    (:func:`affordable_positions`)."""
    ridge: float = 0.02
    """Pull towards the plain table, relative to the mean number of positions on one prototype."""
    bound_rounds: int = 2
    """Rounds of the refit that looks only at what the bounds behind the layer let through."""
    seed: int = 0
    """Of every random choice."""

    def for_frames(self, frames: int) -> FitOptions:
        """The same with more to look at, in proportion, where there are more than :data:`USUAL_FRAMES` frames.

        The refit looks at up to twice as many: it costs least, and gains most.
        """
        share = max(frames, USUAL_FRAMES)
        refit = min(share * share // USUAL_FRAMES, 2 * share)
        return replace(
            self,
            kmeans_samples=self.kmeans_samples * share // USUAL_FRAMES,
            tuning_positions=self.tuning_positions * share // USUAL_FRAMES,
            refit_positions=self.refit_positions * refit // USUAL_FRAMES,
        )


def usual_steps(frames: int, columns: int, entries: int) -> int:
    """How many steps of tuning pay: none where there is little to learn from, fewer where a step takes long.

    A layer sees ``columns`` positions of each frame, and has so many table ``entries`` for each output.
    """
    if frames * columns < LEAST_TUNING_POSITIONS:
        return 0
    longer = min(max(frames / USUAL_FRAMES, 1.0), MOST_STEPS)
    return int(min(USUAL_STEPS, STEPS_TIMES_ENTRIES // entries) * longer)
