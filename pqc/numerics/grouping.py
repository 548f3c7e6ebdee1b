"""Which elements of a window form a subvector, and in which order subvectors and codebooks are counted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from pqc.numerics.arrays import AnyArray
from pqc.numerics.window import Window, patches


class Grouping(StrEnum):
    """How windows are cut into subvectors of ``length`` elements; the last one is padded with zeros."""

    WINDOW = "window"
    """Consecutive elements in (channel, kernel row, kernel column) order, as in the paper; a codebook for each."""
    CHANNEL = "channel"
    """``length`` channels at one tap; the taps share a codebook for each group of channels, so that a pixel is encoded
    once for all windows that see it."""


class Codebooks(StrEnum):
    """Whose prototypes they are."""

    SEPARATE = "separate"
    """Every subspace has its own, or with channel grouping every group of channels."""
    SHARED = "shared"
    """All subspaces of a layer share one codebook, as in the paper's released kernel; tables stay separate."""


@dataclass(frozen=True)
class Cut:
    """The subvectors of a window over a map: subspace ``tap * groups + group`` has codebook ``group``.

    Cut by window, there is one tap that holds the whole window.
    """

    groups: int
    """Subvectors of one tap: codebooks, unless all share one."""
    taps: int
    """Subspaces that share a codebook."""
    length: int
    """Elements of a subvector."""

    @staticmethod
    def of(grouping: Grouping, channels: int, window: Window, length: int) -> Cut:
        """How a ``window`` over ``channels`` is cut into subvectors of ``length`` elements."""
        area = window.kernel[0] * window.kernel[1]
        if grouping is Grouping.CHANNEL:
            return Cut(-(-channels // length), area, length)
        return Cut(-(-channels * area // length), 1, length)

    @property
    def subspaces(self) -> int:
        """Subvectors of one window."""
        return self.groups * self.taps

    def elements(self, x: AnyArray) -> AnyArray:
        """Window elements in the order of the subvectors: [rows, subspaces * length, columns].

        ``x`` [rows, elements, columns] has them in (channel, kernel row, kernel column) order. What lies behind the
        last one of a tap is zero.
        """
        rows, count, columns = x.shape
        by_tap = x.reshape(rows, count // self.taps, self.taps, columns).transpose(0, 2, 1, 3)
        missing = self.groups * self.length - by_tap.shape[2]
        if missing:
            by_tap = np.pad(by_tap, ((0, 0), (0, 0), (0, missing), (0, 0)))
        return by_tap.reshape(rows, self.subspaces * self.length, columns)

    def subvectors(self, x: AnyArray, window: Window) -> AnyArray:
        """The subvectors of every window over ``x`` [frames, channels, height, width].

        The result is [frames, subspaces, length, rows * columns].
        """
        seen = patches(x, window)
        frames, channels, height, width, rows, columns = seen.shape
        flat = seen.reshape(frames, channels * height * width, rows * columns)
        return self.elements(flat).reshape(frames, self.subspaces, self.length, rows * columns)

    def for_taps(self, codebook: AnyArray) -> AnyArray:
        """The codebook as every subspace sees it: [subspaces, prototypes, length].

        ``codebook`` is [groups, prototypes, length], or [1, prototypes, length] where all groups share one.
        """
        return np.tile(codebook, (self.subspaces // len(codebook), 1, 1))
