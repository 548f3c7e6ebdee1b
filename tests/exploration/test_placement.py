"""Labels beside points: near, inside, and over nothing else."""

from __future__ import annotations

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from pqc.exploration.placement import DISTANCES, Box, along_steps, place_labels

FRAME = Box(0, 0, 400, 300)
SIZE, MARK = (14.0, 10.0), 7.0

places = st.tuples(st.integers(10, 390).map(float), st.integers(10, 290).map(float))


@given(st.lists(places, min_size=1, max_size=8), st.lists(places, max_size=30))
def test_labels_lie_inside_and_cover_neither_each_other_nor_labelled_points(
    marks: list[tuple[float, float]], points: list[tuple[float, float]]
) -> None:
    centres = place_labels(marks, points, FRAME, SIZE, MARK)
    boxes = [Box.around(x, y, *SIZE) for x, y in centres]
    assert len(boxes) == len(marks)
    assert all(FRAME.holds(box) for box in boxes)
    assert all(a.overlap(b) == 0 for a, b in itertools.combinations(boxes, 2))
    assert all(box.overlap(Box.around(*mark, MARK, MARK)) == 0 for box in boxes for mark in marks)
    farthest = 2 * (MARK + SIZE[0] / 2 + DISTANCES[-1] * SIZE[1])
    assert all(math.dist(mark, centre) <= farthest for mark, centre in zip(marks, centres, strict=True))


def test_a_lone_label_is_near() -> None:
    (centre,) = place_labels([(100, 100)], [], FRAME, SIZE, MARK)
    assert math.dist(centre, (100, 100)) <= (MARK + SIZE[1]) / 2 + 1


def test_a_label_stands_nearer_to_its_own_point_than_to_another_one() -> None:
    marks = [(100.0, 100.0), (111.0, 100.0), (128.0, 100.0)]
    for mark, centre in zip(marks, place_labels(marks, [], FRAME, SIZE, MARK), strict=True):
        assert min(marks, key=lambda other: math.dist(other, centre)) == mark


def test_points_are_avoided_where_there_is_room() -> None:
    crowd = [(100 + dx, 100 + dy) for dx in range(0, 60, 4) for dy in range(-40, 60, 4)]
    ((x, y),) = place_labels([(100, 100)], crowd, FRAME, SIZE, MARK)
    assert x < 100
    assert all(Box.around(x, y, *SIZE).overlap(Box.around(*point, MARK, MARK)) == 0 for point in crowd)


def test_boxes() -> None:
    box = Box.around(1, 2, 4, 2)
    assert box == Box(-1, 1, 3, 3)
    assert box.overlap(Box(2, 0, 9, 2)) == 1
    assert box.overlap(Box(3, 1, 9, 9)) == 0
    assert box.holds(Box(-1, 1, 0, 2))
    assert not box.holds(Box(-1, 1, 0, 4))


@given(st.lists(places, max_size=5))
def test_points_along_steps_leave_no_gap(corners: list[tuple[float, float]]) -> None:
    found = along_steps(corners, 3.0)
    walked = [*corners[:1], *found, *corners[-1:]]
    assert all(math.dist(a, b) <= 3.0 + 1e-9 for a, b in itertools.pairwise(walked))
    assert all(any(x == cx for cx, _ in corners) or any(y == cy for _, cy in corners) for x, y in found)
