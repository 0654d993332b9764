"""Boxes, digits, lines and readings, and their JSON form."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from digitcam.edge.frame import (
    Box,
    Digit,
    Line,
    Reading,
    enclosing_box,
    fits,
    is_whole,
    only_ones,
)

sides = st.integers(1, 5000)


@st.composite
def boxes(draw: st.DrawFn, width: int = 1280, height: int = 960) -> Box:
    """Draw a box inside an image of this size."""
    x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    return Box(x, y, draw(st.integers(1, width - x)), draw(st.integers(1, height - y)))


@settings(derandomize=True, deadline=None)
@given(data=st.data(), source=st.tuples(sides, sides), target=st.tuples(sides, sides))
def test_a_scaled_box_stays_inside(
    data: st.DataObject, source: tuple[int, int], target: tuple[int, int]
) -> None:
    """However an image was reduced or enlarged, a box in it holds a pixel of the image as given."""
    box = data.draw(boxes(*source))
    scaled = box.scaled(target[0] / source[0], target[1] / source[1], *target)
    assert 0 <= scaled.x < scaled.right <= target[0]
    assert 0 <= scaled.y < scaled.bottom <= target[1]


@settings(derandomize=True, deadline=None)
@given(box=boxes(), factor=st.floats(1, 10))
def test_scaling_moves_edges_by_half_a_pixel_at_most(box: Box, factor: float) -> None:
    """An enlarged box has its edges where they belong, rounded to pixels."""
    scaled = box.scaled(factor, factor, round(1280 * factor), round(960 * factor))
    for found, exact in zip(
        (scaled.x, scaled.y, scaled.right, scaled.bottom),
        (box.x, box.y, box.right, box.bottom),
        strict=True,
    ):
        assert abs(found - exact * factor) <= 0.5


@settings(derandomize=True, deadline=None)
@given(parts=st.lists(boxes(), min_size=1, max_size=5))
def test_the_enclosing_box_is_the_smallest_around_all(parts: list[Box]) -> None:
    """Each side of it touches one of the boxes, and none sticks out."""
    around = enclosing_box(parts)
    assert around.x == min(part.x for part in parts)
    assert around.y == min(part.y for part in parts)
    assert around.right == max(part.right for part in parts)
    assert around.bottom == max(part.bottom for part in parts)


@settings(derandomize=True, deadline=None)
@given(box=boxes(), other=boxes())
def test_boxes_share_the_pixels_that_are_in_both(box: Box, other: Box) -> None:
    """Counted column by column and row by row, whichever of the two is asked."""
    columns = set(range(box.x, box.right)) & set(range(other.x, other.right))
    rows = set(range(box.y, box.bottom)) & set(range(other.y, other.bottom))
    assert box.intersection(other) == other.intersection(box) == len(columns) * len(rows)
    assert box.intersection(box) == box.area


def test_a_shifted_box_keeps_its_size() -> None:
    """Right and down are positive, and left and up negative."""
    assert Box(5, 7, 10, 20).shifted(2, -3) == Box(7, 4, 10, 20)


def test_a_line_is_as_certain_as_its_least_certain_digit() -> None:
    """A line's text, confidence and box come from its digits."""
    line = Line((Digit(4, 0.9, Box(1, 2, 10, 20)), Digit(2, 0.625, Box(15, 1, 5, 20))))
    assert (line.text, line.confidence, line.box) == ("42", 0.625, Box(1, 1, 19, 21))


def test_the_json_form() -> None:
    """A reading becomes the documented object, key by key in that order, and survives JSON."""
    line = Line((Digit(7, 0.98765432, Box(3, 4, 10, 20)),))
    reading = Reading((line, line), 3, 640, 480, {"decode": 1.23456, "total": 2.0}, "sha256:ab")
    digit = {"digit": 7, "confidence": 0.9877, "box": [3, 4, 10, 20]}
    row = {"text": "7", "confidence": 0.9877, "box": [3, 4, 10, 20], "digits": [digit]}
    expected = {
        "width": 640,
        "height": 480,
        "text": "7\n7",
        "lines": [row, row],
        "rejected": 3,
        "timing_ms": {"decode": 1.235, "total": 2.0},
        "model": "sha256:ab",
    }
    found = reading.as_dict()
    assert list(found) == list(expected)
    assert json.loads(json.dumps(found)) == expected


UNTOLD = Digit(None, 0.51239, Box(15, 1, 5, 20), ((3, 0.51239), (8, 0.4)))


def test_what_cannot_be_told_stays_in_its_line() -> None:
    """It is `?` in the text, counts in box and confidence, and is none of the told digits."""
    line = Line((Digit(4, 0.9, Box(1, 2, 10, 20)), UNTOLD, Digit(2, 0.8, Box(25, 2, 10, 20))))
    assert (line.text, line.is_whole) == ("4?2", False)
    assert (line.confidence, line.told_confidence) == (0.51239, 0.8)
    assert line.box == Box(1, 1, 34, 21)
    assert [digit.digit for digit in line.told] == [4, 2]
    assert Line(line.told).is_whole


def test_the_json_of_what_cannot_be_told() -> None:
    """The digit is null, and the two likeliest stand beside it."""
    form = json.loads(json.dumps(UNTOLD.as_dict()))
    likeliest = [{"digit": 3, "confidence": 0.5124}, {"digit": 8, "confidence": 0.4}]
    expected = {
        "digit": None,
        "confidence": 0.5124,
        "box": [15, 1, 5, 20],
        "likeliest": likeliest,
    }
    assert form == expected
    assert list(form) == list(expected)


@given(st.text("0123456789", min_size=1), st.data())
def test_what_is_left_open_fits_what_is_told(number: str, data: st.DataObject) -> None:
    """A number fits itself with whatever digits left open, and one whose told digits differ not."""
    opened = [
        "".join("?" if data.draw(st.booleans()) else sign for sign in number) for _ in range(2)
    ]
    assert fits(opened[0], number)
    assert fits(number, opened[0])
    assert fits(opened[0], opened[1])
    assert is_whole(opened[0]) == (opened[0] == number)
    assert not fits(opened[0], number + "0")
    place = data.draw(st.integers(0, len(number) - 1))
    other = number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]
    assert not fits(other, number)
    assert fits(opened[0], other) == (opened[0][place] == "?")


def test_ones_are_ones_whatever_stands_beside_them() -> None:
    """What cannot be told makes a stroke no surer a digit."""
    assert [only_ones(text) for text in ("1", "1?1", "12", "?2")] == [True, True, False, False]


def test_an_empty_reading_has_no_text() -> None:
    """Nothing read is an empty string, not a failure."""
    assert Reading((), 0, 1, 1).text == ""
