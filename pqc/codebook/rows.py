"""What a layer sees and should give at some positions, a row for each: what every fit of a layer begins with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pqc.codebook.bounds import Bounds
from pqc.codebook.importance import Importance
from pqc.codebook.sampling import at_positions, sample_by_shares, sample_positions, sample_vectors
from pqc.numerics.arrays import FloatArray, IntArray
from pqc.numerics.element import Element, dequantize
from pqc.numerics.gradients import spread
from pqc.numerics.grouping import Cut
from pqc.numerics.window import Window


@dataclass(frozen=True)
class LayerData:
    """What a layer sees and should give, for the same calibration frames."""

    activations: IntArray
    """[frames, channels, height, width], as the layers before it give them, already quantized."""
    scale: float
    """The real value of one unit of the activations."""
    window: Window
    weight: FloatArray
    """[outputs, elements], elements in the order of the window."""
    target: FloatArray
    """[frames, outputs, columns]: the float network's result before bounds, with the shortcut where one is added."""
    element: Element
    """The integers that activations are."""
    exact: FloatArray | None = None
    """As the activations: what the float network has there."""
    shortcut: IntArray | None = None
    """[frames, outputs, columns]: what is actually added to the result, already quantized."""
    shortcut_scale: float = 1.0
    """The real value of one unit of the shortcut."""
    low: float = -np.inf
    """Where bounds behind the layer begin to hide the sum of result and shortcut from below: for a ReLU 0."""
    high: float = np.inf
    """The same from above."""
    importance: Importance | None = None
    """What of the result matters; None: everything alike."""

    def positions(self, count: int, seed: int) -> IntArray:
        """``count`` positions of the result, ascending; all where all are alike and few.

        The more a position matters, the more often it is there.
        """
        if self.importance is not None:
            return sample_by_shares(self.importance.shares(), count, seed)
        frames, _, columns = self.target.shape
        return sample_positions(frames, columns, count, seed)

    def pixels(self, count: int, seed: int) -> IntArray:
        """The same of the input's pixels, which matter as much as all windows that see them."""
        frames, _, height, width = self.activations.shape
        if self.importance is None:
            return sample_positions(frames, height * width, count, seed)
        rows, columns = self.window.output_size(height, width)
        windows = self.importance.shares().reshape(frames, 1, 1, 1, rows, columns)
        taps = np.broadcast_to(windows, (frames, 1, *self.window.kernel, rows, columns))
        return sample_by_shares(spread(taps, self.window, (height, width)).reshape(-1), count, seed)

    def output_metric(self) -> FloatArray:
        """How much it matters in which direction a result is wrong, [outputs, outputs]."""
        return np.eye(self.target.shape[1]) if self.importance is None else self.importance.metric()


@dataclass(frozen=True)
class Rows:
    """The data at some positions: what the layer should give, the shortcut taken off.

    A position that was drawn several times is one row, which counts as often: where there are few positions, there are
    few rows, however many were drawn.
    """

    times: IntArray
    """[positions], how often each was drawn."""
    frames: IntArray
    """[positions], the frame that each lies in."""
    vectors: IntArray
    """[subspaces, positions, length]"""
    target: FloatArray
    """[positions, outputs]"""
    bounds: Bounds
    """Of the target."""


def rows_at(data: LayerData, cut: Cut, positions: IntArray) -> Rows:
    """The data at ``positions``, each of them once, windows cut into subvectors by ``cut``."""
    columns = data.target.shape[2]
    positions, times = np.unique(positions, return_counts=True)
    vectors = sample_vectors(data.activations, data.window, cut, positions)
    target, bounds = at_positions(data.target, positions), Bounds(data.low, data.high)
    if data.shortcut is not None:
        added = dequantize(at_positions(data.shortcut, positions), data.shortcut_scale)
        target, bounds = target - added, Bounds(_less(data.low, added), _less(data.high, added))
    return Rows(times, positions // columns, vectors, target, bounds)


def _less(bound: float, added: FloatArray) -> FloatArray | float:
    """Where a bound on the sum cuts off what is added to; no bound stays none."""
    return bound - added if np.isfinite(bound) else bound
