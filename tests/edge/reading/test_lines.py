"""Digits become numbers, in the order in which a person reads."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitcam.edge.frame import Box
from digitcam.edge.reading.lines import LEAST_GAP, MAX_GAP, group_numbers
from digitcam.edge.reading.neighbours import as_array

WIDE, HIGH = 24, 40


def row(*spaces: float, x: int = 10, y: int = 0, high: int = HIGH) -> list[Box]:
    """Lay digits side by side with so many heights between."""
    boxes = [Box(x, y, WIDE, high)]
    for space in spaces:
        boxes.append(Box(boxes[-1].right + round(space * high), y, WIDE, high))
    return boxes


def numbers(boxes: Sequence[Box], others: Sequence[Box] = ()) -> list[list[Box]]:
    found = group_numbers(as_array(boxes), as_array(others))
    return [[boxes[i] for i in number] for number in found]


@settings(max_examples=50, derandomize=True, deadline=None)
@given(
    rows=st.integers(1, 6),
    count=st.integers(1, 8),
    space=st.floats(0.05, 0.5),
    between=st.floats(0.15, 1.5),
    seed=st.integers(0, 999),
)
def test_rows_are_read_from_the_top_and_from_the_left(
    rows: int, count: int, space: float, between: float, seed: int
) -> None:
    """Whatever the order in which digits were found, and however close the rows are."""
    expected = [row(*[space] * (count - 1), y=round(i * (1 + between) * HIGH)) for i in range(rows)]
    every = [box for each in expected for box in each]
    np.random.default_rng(seed).shuffle(every)  # type: ignore[arg-type]
    assert numbers(every) == expected


def test_numbers_of_one_row_are_read_from_the_left() -> None:
    """Two columns of a page, the right one a little higher, are read row by row."""
    left = [row(0.2, 0.2, y=y) for y in (6, 86)]
    right = [row(0.2, 0.2, x=600, y=y) for y in (0, 80)]
    every = [box for each in (*right, *left) for box in each]
    assert numbers(every) == [left[0], right[0], left[1], right[1]]


@pytest.mark.parametrize("wide", [1.0, 1.5, 2.4])
def test_a_wide_space_parts_two_numbers(wide: float) -> None:
    """Far wider than those beside it, though no space is too wide for a number."""
    boxes = row(0.2, 0.3, wide, 0.25)
    assert numbers(boxes) == [boxes[:3], boxes[3:]]


@pytest.mark.parametrize("space", [0.1, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("count", [3, 6])
def test_evenly_wide_spaces_are_one_number(count: int, space: float) -> None:
    """As on forms with a box a digit."""
    boxes = row(*[space] * (count - 1))
    assert numbers(boxes) == [boxes]


@pytest.mark.parametrize(("space", "together"), [(0.3, True), (1.4, True), (1.6, False)])
def test_two_digits_are_one_number_unless_far_apart(space: float, together: bool) -> None:
    """No other space tells what is usual."""
    boxes = row(space)
    assert numbers(boxes) == ([boxes] if together else [boxes[:1], boxes[1:]])


def test_a_small_space_parts_nothing() -> None:
    """However narrow the others are, digits of one hand may stand so far apart."""
    boxes = row(0.02, 0.02, LEAST_GAP - 0.05, 0.02)
    assert numbers(boxes) == [boxes]


def test_no_number_goes_on_over_a_gap() -> None:
    """Spaces beyond the widest part numbers, evenly wide or not."""
    boxes = row(*[MAX_GAP + 0.1] * 3)
    assert numbers(boxes) == [[box] for box in boxes]


def test_a_sign_parts_two_numbers() -> None:
    """A mark that is no digit, such as a minus of a digit's height or a letter, stands between."""
    boxes = row(0.8, 0.8, 0.8)
    sign = Box(boxes[1].right + 7, 0, 18, HIGH)
    assert numbers(boxes) == [boxes]
    assert numbers(boxes, [sign]) == [boxes[:2], boxes[2:]]


@pytest.mark.parametrize(
    "sign", [Box(200, 0, 18, HIGH), Box(-40, 0, 18, HIGH), Box(90, 80, 18, 40)]
)
def test_a_sign_elsewhere_parts_nothing(sign: Box) -> None:
    """Behind a number, before it and in another row it is not between."""
    boxes = row(0.3, 0.3)
    assert numbers(boxes, [sign]) == [boxes]


def test_digits_of_other_sizes_are_other_numbers() -> None:
    """A small number beside a large one is its own."""
    large, small = row(0.2, 0.2, high=100), row(0.2, 0.2, x=200, y=30, high=HIGH)
    assert numbers([*large, *small]) == [large, small]


def test_a_slanting_number_is_one() -> None:
    """Each digit a quarter of its height lower than the last."""
    boxes = [box.shifted(0, HIGH // 4 * i) for i, box in enumerate(row(*[0.3] * 6))]
    assert numbers(boxes) == [boxes]


def test_every_digit_is_in_one_number() -> None:
    """On a crowded page none is lost and none is read twice."""
    rng = np.random.default_rng(2)
    places = rng.integers(0, 500, (200, 2)).tolist()
    boxes = [
        Box(x, y, 20, int(high))
        for (x, y), high in zip(places, rng.integers(10, 60, 200), strict=True)
    ]
    found = group_numbers(as_array(boxes), as_array(boxes[:20]))
    assert sorted(i for number in found for i in number) == list(range(200))


def test_an_empty_page_has_no_lines() -> None:
    """Signs alone are no numbers."""
    assert group_numbers(as_array([]), as_array([Box(0, 0, 10, 10)])) == []
