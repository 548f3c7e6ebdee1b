"""Where to put the labels of points in a picture so that they cover neither each other nor the points."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

DIRECTIONS = 16
"""Directions in which a label may stand from its point."""

DISTANCES = (1.0, 1.8, 2.8, 4.0)
"""How far off, in heights of a label, the near ones first."""

OVER_LABEL, OUTSIDE, OVER_MARK, ASTRAY, OVER_POINT, FARTHER = 1e6, 1e5, 1e3, 1e2, 30.0, 5.0
"""What it costs to cover another label, to leave the frame, to cover a labelled point, to stand nearer to another
labelled point than to one's own, to cover a point without label, and to be farther off by the height of a label."""


@dataclass(frozen=True)
class Box:
    """A rectangle."""

    left: float
    bottom: float
    right: float
    top: float

    @staticmethod
    def around(x: float, y: float, width: float, height: float) -> Box:
        """The rectangle of this size around a centre."""
        return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)

    @property
    def area(self) -> float:
        """Width times height."""
        return (self.right - self.left) * (self.top - self.bottom)

    def overlap(self, other: Box) -> float:
        """The common area."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(0.0, width) * max(0.0, height)

    def holds(self, other: Box) -> bool:
        """Whether the other rectangle lies inside."""
        return (
            self.left <= other.left
            and self.bottom <= other.bottom
            and self.right >= other.right
            and self.top >= other.top
        )


def place_labels(
    marks: Sequence[tuple[float, float]],
    points: Sequence[tuple[float, float]],
    frame: Box,
    size: tuple[float, float],
    mark: float,
) -> list[tuple[float, float]]:
    """Centres of labels, one for each of ``marks``, placed one after the other wherever it is best.

    Args:
        marks: the points that get a label, as (x, y) in the unit of a screen.
        points: other points that are better not covered.
        frame: where labels should stay.
        size: width and height of a label.
        mark: width and height of the picture of a point.
    """
    around_marks = [Box.around(*centre, mark, mark) for centre in marks]
    around_points = [Box.around(*centre, mark, mark) for centre in points]
    placed: list[Box] = []
    centres: list[tuple[float, float]] = []
    for own in marks:

        def cost(place: tuple[float, float], own: tuple[float, float] = own) -> float:
            box, distance = Box.around(*place, *size), math.dist(place, own)
            covered = (
                OVER_LABEL * sum(box.overlap(other) for other in placed)
                + OVER_MARK * sum(box.overlap(other) for other in around_marks)
                + OVER_POINT * sum(box.overlap(other) for other in around_points)
            )
            astray = any(math.dist(place, other) < distance for other in marks)
            outside = not frame.holds(box)
            return covered / box.area + ASTRAY * astray + OUTSIDE * outside + FARTHER * distance / size[1]

        best = min(_candidates(own, size, mark), key=cost)
        placed.append(Box.around(*best, *size))
        centres.append(best)
    return centres


def along_steps(corners: Sequence[tuple[float, float]], distance: float) -> list[tuple[float, float]]:
    """Points, no farther apart than ``distance``, along steps that go across first and then up or down."""
    found: list[tuple[float, float]] = []
    for (x, y), (next_x, next_y) in itertools.pairwise(corners):
        across, along = math.ceil(abs(next_x - x) / distance), math.ceil(abs(next_y - y) / distance)
        found += [(x + (next_x - x) * step / across, y) for step in range(1, across + 1)]
        found += [(next_x, y + (next_y - y) * step / along) for step in range(1, along + 1)]
    return found


def _candidates(own: tuple[float, float], size: tuple[float, float], mark: float) -> list[tuple[float, float]]:
    """Centres around a point; among equally good ones the upper right one, which people expect, comes first."""
    found: list[tuple[float, float]] = []
    for distance, step in itertools.product(DISTANCES, range(DIRECTIONS)):
        angle = math.pi / 4 + 2 * math.pi * step / DIRECTIONS
        # Around a rectangle and not a circle, so that the nearest labels touch the point's picture and no more.
        cosine, sine = math.cos(angle), math.sin(angle)
        longest = max(abs(cosine), abs(sine))
        across = (mark + size[0]) / 2 + (distance - 1) * size[1]
        along = (mark + size[1]) / 2 + (distance - 1) * size[1]
        found.append((own[0] + across * cosine / longest, own[1] + along * sine / longest))
    return found
