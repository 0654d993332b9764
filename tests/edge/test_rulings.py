"""Printed lines go, strokes that touch or cross them stay."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitcam.edge.preprocess import Ink
from digitcam.edge.segment import find_marks
from digitcam.edge.settings import SegmentSettings
from digitcam.train.handwriting import draw_digit

Gray = NDArray[np.uint8]
SIZE = (480, 640)


def written(seed: int, places: list[tuple[int, int]], height: int = 60) -> Gray:
    """Draw a digit at each place; nothing else is in the plane."""
    rng = np.random.default_rng(seed)
    plane = np.zeros(SIZE, np.uint8)
    for x, y in places:
        digit = draw_digit(9, rng, height)
        plane[y : y + digit.shape[0], x : x + digit.shape[1]] = digit
    return (plane > 127).astype(np.uint8) * np.uint8(200)


def marks(contrast: Gray) -> list[tuple[int, int, int, int]]:
    ink = Ink(contrast, (contrast >= 20).astype(np.uint8) * np.uint8(255), light_on_dark=False)
    found = find_marks(ink, SegmentSettings()).digits
    boxes = [(m.box.x, m.box.y, m.box.width, m.box.height) for m in found]
    return sorted(box for box in boxes if box[3] > 20)


PLACES = [(60, 100), (160, 100), (260, 100), (360, 100), (460, 100)]


@pytest.mark.parametrize("thickness", [2, 4])
@pytest.mark.parametrize("slope", [-0.08, 0.0, 0.05])
def test_digits_on_a_ruled_line_are_marks_of_their_own(thickness: int, slope: float) -> None:
    """A line through the stems of digits joins them; without it each is found again, whole."""
    digits = written(1, PLACES)
    ruled = digits.copy()
    ends = (10, round(150 - 310 * slope)), (630, round(150 + 310 * slope))
    cv2.line(ruled, *ends, (200,), thickness)
    found = marks(ruled)
    assert len(found) == len(PLACES)
    for (x, y, w, h), (x2, y2, w2, h2) in zip(found, marks(digits), strict=True):
        assert abs(x - x2) + abs(y - y2) + abs(x + w - x2 - w2) <= 12
        assert abs(h - h2) <= 10


@pytest.mark.parametrize("angle", [0, 6, 25])
def test_a_grid_vanishes(angle: float) -> None:
    """The lines of a table go, at any angle; the digits in its cells stay."""
    digits = written(2, [(170 + 64 * i, 90 + 64 * j) for i in range(5) for j in range(4)], 40)
    table = digits.copy()
    for k in range(6):
        cv2.line(table, (150 + 64 * k, 75), (150 + 64 * k, 331), (200,), 3)
    for k in range(5):
        cv2.line(table, (150, 75 + 64 * k), (470, 75 + 64 * k), (200,), 3)
    turn = cv2.getRotationMatrix2D((320, 240), angle, 1)
    turned, plain = (cv2.warpAffine(plane, turn, SIZE[::-1]) for plane in (table, digits))
    assert len(marks(np.asarray(turned, np.uint8))) == len(marks(np.asarray(plain, np.uint8))) == 20


def test_a_box_around_a_digit_vanishes() -> None:
    """A form's box that a digit touches is taken off it."""
    digits = written(3, [(300, 200)], 90)
    boxed = digits.copy()
    cv2.rectangle(boxed, (240, 140), (420, 289), (200,), 2)
    (found,), (plain,) = marks(boxed), marks(digits)
    assert np.abs(np.subtract(found, plain)).max() <= 4


def test_a_page_without_lines_is_left_alone() -> None:
    """Digits, bars of 7s and touching ones among them, lose nothing."""
    plane = np.zeros(SIZE, np.uint8)
    for x in range(100, 400, 40):  # A row of 7s that touch.
        cv2.line(plane, (x, 100), (x + 40, 100), (200,), 5)
        cv2.line(plane, (x + 38, 100), (x + 15, 170), (200,), 5)
    digits = written(4, [(100, 250), (200, 250), (300, 250)], 120)
    both = cv2.bitwise_or(plane, digits)
    assert len(marks(np.asarray(digits, np.uint8))) == 3
    assert len(marks(np.asarray(both, np.uint8))) >= 3


@settings(max_examples=25, derandomize=True, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_digit_alone_is_never_ruled(seed: int) -> None:
    """A digit that fills its picture keeps every pixel."""
    rng = np.random.default_rng(seed)
    digit = draw_digit(int(rng.integers(10)), rng, 90)
    plane = np.pad(np.where(digit > 127, 200, 0).astype(np.uint8), 20)
    ink = Ink(plane, (plane > 0).astype(np.uint8) * np.uint8(255), light_on_dark=False)
    found = find_marks(ink, SegmentSettings())
    assert (
        sum(int((m.contrast > 0).sum()) for m in (*found.digits, *found.bits)) == (plane > 0).sum()
    )
