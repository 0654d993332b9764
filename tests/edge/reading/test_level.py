"""The angle of a page's lines, and the page turned level."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitcam.edge import Recognizer
from digitcam.edge.frame import Box
from digitcam.edge.reading.level import box_back, estimate_tilt, is_inside, upright
from digitcam.train.scene import render_rows

ANGLES = (-45, -30, -12, 0, 12, 30, 45)


def page(rows: tuple[str, ...], seed: int = 3) -> np.ndarray:
    image = render_rows(rows, np.random.default_rng(seed), height_px=44).image
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)


def turned(box: Box, degrees: float, centre: float = 320) -> Box:
    """Return the upright box around a mark whose page is turned; its ink fills an ellipse."""
    turn = np.deg2rad(degrees)
    x, y = box.x + box.width / 2 - centre, box.center_y - centre
    across = np.hypot(box.width * np.cos(turn), box.height * np.sin(turn))
    down = np.hypot(box.width * np.sin(turn), box.height * np.cos(turn))
    left = centre + x * np.cos(turn) - y * np.sin(turn) - across / 2
    top = centre + x * np.sin(turn) + y * np.cos(turn) - down / 2
    return Box(round(left), round(top), round(across), round(down))


@pytest.mark.parametrize("degrees", ANGLES)
@pytest.mark.parametrize("rows", [("31415926",), ("314", "15926", "53589")])
def test_the_angle_of_rows_is_found(rows: tuple[str, ...], degrees: float) -> None:
    """One number or several, turned by any angle up to 45 degrees, off by four at most."""
    scene = render_rows(rows, np.random.default_rng(3), height_px=44)
    boxes = [turned(Box(d.x, d.y, d.width, d.height), degrees) for d in scene.digits]
    assert abs(estimate_tilt(boxes) - degrees) <= 4


def test_a_few_marks_have_no_angle() -> None:
    """A lone digit or three say nothing."""
    boxes = [Box(10, 10, 20, 40), Box(50, 40, 20, 40), Box(90, 70, 20, 40)]
    for count in range(4):
        assert estimate_tilt(boxes[:count]) == 0


def test_scattered_marks_have_no_angle() -> None:
    """Where neighbours lie in all directions, the page is taken as it is."""
    rng = np.random.default_rng(4)
    boxes = [Box(int(x), int(y), 20, 30) for x, y in rng.integers(0, 400, (40, 2))]
    assert estimate_tilt(boxes) == 0


def test_the_angle_nearest_to_level_is_taken_of_a_table() -> None:
    """Rows and columns are alike in a square table."""
    turn = np.deg2rad(20)
    places = [(60 * i, 60 * j) for i in range(5) for j in range(5)]
    boxes = [
        Box(
            round(500 + x * np.cos(turn) - y * np.sin(turn)),
            round(200 + x * np.sin(turn) + y * np.cos(turn)),
            30,
            40,
        )
        for x, y in places
    ]
    assert abs(estimate_tilt(boxes) - 20) < 2


@settings(max_examples=50, derandomize=True, deadline=None)
@given(
    degrees=st.floats(-45, 45),
    x=st.integers(0, 250),
    y=st.integers(0, 150),
    width=st.integers(1, 50),
    height=st.integers(1, 50),
)
def test_boxes_come_back(degrees: float, x: int, y: int, width: int, height: int) -> None:
    """What lies in a box of the frame lies in the box that comes back from the turned frame."""
    _, back = upright(np.zeros((200, 300), np.uint8), degrees)
    forth = cv2.invertAffineTransform(back)
    corners = np.array(
        [[x, y, 1], [x + width, y, 1], [x, y + height, 1], [x + width, y + height, 1]]
    )
    places = corners @ np.asarray(forth).T
    left, top = np.floor(places.min(axis=0)).astype(int)
    right, bottom = np.ceil(places.max(axis=0)).astype(int)
    found = box_back(Box(int(left), int(top), int(right - left), int(bottom - top)), back, 300, 200)
    assert found.x <= x
    assert found.y <= y
    assert found.right >= min(x + width, 300)
    assert found.bottom >= min(y + height, 200)
    assert found.right <= 300
    assert found.bottom <= 200


def test_what_lies_beyond_the_frame_is_told() -> None:
    """The corners of a turned frame show nothing that was there; its middle does."""
    page, back = upright(np.zeros((100, 200), np.uint8), 30)
    height, width = page.shape
    assert is_inside(Box(width // 2, height // 2, 4, 4), back, 200, 100)
    for x, y in ((0, 0), (width - 4, 0), (0, height - 4), (width - 4, height - 4)):
        assert not is_inside(Box(x, y, 4, 4), back, 200, 100)


def test_nothing_is_cut_off() -> None:
    """The corners of the frame are in the turned one."""
    luma = np.full((100, 200), 128, np.uint8)
    luma[:4, :4] = luma[-4:, -4:] = 255
    turned, _ = upright(luma, 30)
    assert (turned > 200).sum() >= 20


@pytest.mark.parametrize("degrees", [-40, 25])
def test_a_turned_page_reads_as_the_level_one(recognizer: Recognizer, degrees: float) -> None:
    """Lines come in reading order, boxes lie in the picture as given."""
    level = page(("31415", "92653"))
    turned, _ = upright(level, -degrees)
    reading = recognizer.read(turned)
    assert reading.text == recognizer.read(level).text
    height, width = turned.shape
    for line in reading.lines:
        for digit in line.digits:
            assert 0 <= digit.box.x < digit.box.right <= width
            assert 0 <= digit.box.y < digit.box.bottom <= height
