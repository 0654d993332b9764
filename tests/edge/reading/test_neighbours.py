"""What stands beside what, by boxes that were laid by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from digitcam.edge.frame import Box
from digitcam.edge.reading.neighbours import as_array, inside, spaces


def boxes(*places: tuple[int, int, int, int]) -> NDArray[np.float64]:
    return as_array([Box(*place) for place in places])


ROW = boxes((0, 0, 20, 40), (30, 0, 20, 40), (90, 0, 20, 40))


def test_no_boxes_are_an_array_all_the_same() -> None:
    """Nothing has four columns, too."""
    assert as_array([]).shape == (0, 4)


def test_gaps_are_in_heights_to_the_right() -> None:
    """From each to all that follow it, and never back."""
    none = np.inf
    expected = [[none, 0.25, 1.75], [none, none, 1.0], [none, none, none]]
    assert spaces(ROW, ROW)[1].tolist() == expected


@pytest.mark.parametrize(
    ("other", "gap"),
    [
        ((30, 0, 20, 80), 10 / 80),  # the higher one counts
        ((30, 0, 20, 90), np.inf),  # less than 0.45 as high
        ((30, 20, 20, 40), 0.25),  # half a height lower
        ((30, 30, 20, 40), np.inf),  # shares less than 0.4 of the height
        ((15, 0, 20, 40), -5 / 40),  # overlaps
        ((0, 0, 20, 40), np.inf),  # the same
        ((5, 0, 10, 40), np.inf),  # inside
        ((-30, 0, 20, 40), np.inf),  # left of it
    ],
)
def test_what_is_beside_a_mark(other: tuple[int, int, int, int], gap: float) -> None:
    """Marks of one row are alike in height and share rows; those inside one another are not."""
    assert spaces(boxes((0, 0, 20, 40)), boxes(other))[1][0, 0] == gap


def test_spaces_to_both_sides() -> None:
    """What stands right of one stands left of the other, as far away."""
    left, right = spaces(ROW, ROW)
    assert left.tolist() == right.T.tolist()
    left, right = spaces(boxes((60, 0, 20, 40)), ROW)
    assert left.tolist() == [[1.0, 0.25, np.inf]]
    assert right.tolist() == [[np.inf, np.inf, 0.25]]


@pytest.mark.parametrize("count", [0, 3])
def test_where_nothing_is_nothing_is_beside(count: int) -> None:
    """Empty pages and lone marks have no neighbours."""
    assert [each.shape for each in spaces(ROW[:count], ROW[:0])] == [(count, 0)] * 2
    assert [each.shape for each in spaces(ROW[:0], ROW)] == [(0, 3)] * 2


def test_the_part_of_a_box_that_lies_in_another() -> None:
    """Of its own area; in itself a box does not lie."""
    part = inside(boxes((0, 0, 100, 100), (10, 10, 20, 20), (90, 0, 20, 100)))
    assert part.tolist() == [[0, 0.04, 0.1], [1, 0, 0], [0.5, 0, 0]]
