"""Marks are told from what is no digit, cut from their neighbours, and put in reading order."""

import random
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitcam.edge.frame import Box
from digitcam.edge.preprocess import Ink, find_ink
from digitcam.edge.segment import Candidate, find_marks, group_lines
from digitcam.edge.settings import PreprocessSettings, SegmentSettings
from digitcam.train.handwriting import draw_digit

Gray = NDArray[np.uint8]

SETTINGS = SegmentSettings()
BLANK = np.zeros((200, 300), np.uint8)


def ink_of(contrast: Gray) -> Ink:
    """Take every pixel of some contrast for ink."""
    return Ink(contrast, (contrast >= 20).astype(np.uint8) * 255, light_on_dark=False)


def found_in(contrast: Gray, settings: SegmentSettings = SETTINGS) -> list[Candidate]:
    return find_marks(ink_of(contrast), settings).digits


def drawn(*rectangles: tuple[int, int, int, int], level: int = 200, line: int = 4) -> Gray:
    """Draw the outlines of (x, y, width, height)."""
    contrast = BLANK.copy()
    for x, y, width, height in rectangles:
        contrast[y : y + height, x : x + width] = level
        contrast[y + line : y + height - line, x + line : x + width - line] = 0
    return contrast


# --- candidates ------------------------------------------------------------------------------


@settings(max_examples=40, derandomize=True, deadline=None)
@given(seed=st.integers(0, 10**6), height=st.integers(20, 90), count=st.integers(1, 4))
def test_boxes_are_tight_around_the_digits(seed: int, height: int, count: int) -> None:
    """Each digit drawn in one stroke is found once, with the box of its ink to the pixel."""
    rng = np.random.default_rng(seed)
    contrast = np.zeros((120, 500), np.uint8)
    for place in range(count):
        digit = draw_digit(int(rng.choice([0, 2, 3, 6, 8, 9])), rng, height)
        contrast[10 : 10 + height, 120 * place : 120 * place + digit.shape[1]] = digit
    mask = (contrast > 0).astype(np.uint8) * 255
    number, _, places, _ = cv2.connectedComponentsWithStats(mask)
    expected = {Box(*place[:4]) for place in places[1:number].tolist() if place[3] == height}
    found = {c.box for c in find_marks(Ink(contrast, mask, False), SETTINGS).digits}
    assert {box for box in found if box.height == height} == expected


def test_a_candidate_is_the_contrast_in_its_box() -> None:
    """A mark that stands alone is seen with its grey levels."""
    contrast = drawn((50, 40, 30, 60))
    contrast[50:80, 50:54] = 90
    (candidate,) = found_in(contrast)
    assert candidate.box == Box(50, 40, 30, 60)
    assert np.array_equal(candidate.contrast, contrast[40:100, 50:80])


@pytest.mark.parametrize(
    ("what", "contrast"),
    [
        ("too low", drawn((50, 40, 9, 9))),
        ("too wide", drawn((20, 40, 250, 40))),
        ("a thread", drawn((50, 10, 2, 180))),
        ("too faint", drawn((50, 40, 30, 60), level=30)),
        ("the frame of a form", drawn((10, 10, 280, 180), line=2)),
        ("a blob", drawn((50, 40, 60, 60), line=30)),
    ],
)
def test_what_is_no_digit_is_left_out(what: str, contrast: Gray) -> None:
    """Size, shape, contrast and fill tell a digit's mark from others."""
    assert found_in(contrast) == [], what


def test_a_bar_is_no_blob() -> None:
    """A 1 is a solid bar, and stays."""
    (candidate,) = found_in(drawn((50, 40, 8, 60)))
    assert candidate.box == Box(50, 40, 8, 60)


def test_holes_are_no_marks() -> None:
    """An 8 is one mark, not three."""
    contrast = BLANK.copy()
    cv2.circle(contrast, (100, 60), 20, (200,), 5)
    cv2.circle(contrast, (100, 100), 20, (200,), 5)
    assert len(found_in(contrast)) == 1


def test_a_mark_at_the_border_is_found() -> None:
    """A digit cut by the picture's edge has a box inside the picture."""
    contrast = np.roll(drawn((50, 40, 30, 60)), -65, axis=1)
    contrast[:, 200:] = 0
    (candidate,) = found_in(contrast)
    assert candidate.box == Box(0, 40, 15, 60)


def test_beside_a_cells_dark_edge_fainter_ink_counts() -> None:
    """The strongest ink of a cell that was cut out is its edge; pencil is found all the same."""
    digit = draw_digit(3, np.random.default_rng(3), 60)
    luma = np.full((96, 96), 225, np.uint8)
    luma[18:78, 34 : 34 + digit.shape[1]] -= (digit * (45 / 255)).astype(np.uint8)
    (alone,) = find_marks(find_ink(luma, PreprocessSettings()), SETTINGS).digits
    luma[:, :11] = 50
    (beside,) = find_marks(find_ink(luma, PreprocessSettings()), SETTINGS).digits
    assert beside.box == alone.box
    assert np.array_equal(beside.contrast, alone.contrast)


@pytest.mark.parametrize(("left", "kept"), [(30, True), (0, False)])
def test_a_seven_at_the_border_keeps_its_bar(left: int, kept: bool) -> None:
    """A bar along the border that ends on both sides is written; one that is cut off is ruled."""
    contrast = np.zeros((96, 96), np.uint8)
    cv2.line(contrast, (left, 2), (72, 2), (200,), 5)
    cv2.line(contrast, (72, 2), (45, 70), (200,), 6)
    (candidate,) = found_in(contrast)
    assert (candidate.box.width > 40) == kept


@pytest.mark.parametrize(("side", "expected"), [(100, 1), (200, 2)])
def test_a_thin_bar_in_a_cell_is_a_piece_of_its_line(side: int, expected: int) -> None:
    """Beside a thick digit in a small picture; in a large one it may be another pen's 1."""
    contrast = np.zeros((side, side), np.uint8)
    cv2.ellipse(contrast, (40, 50), (16, 28), 0, 0, 360, (200,), 7)
    contrast[30:62, 72:74] = 200
    assert len(found_in(contrast)) == expected


def test_no_ink_is_no_candidate() -> None:
    """A blank page has none."""
    assert found_in(BLANK) == []


def test_the_tallest_come_first_and_the_rest_is_left_out() -> None:
    """Where there are too many marks, the largest are read."""
    contrast = drawn((10, 10, 20, 30), (50, 10, 20, 50), (90, 10, 20, 20), (130, 10, 20, 40))
    assert [c.box.height for c in found_in(contrast)] == [50, 40, 30, 20]
    few = found_in(contrast, replace(SETTINGS, max_candidates=2))
    assert [c.box.height for c in few] == [50, 40]


def test_a_neighbours_ink_is_cut_away() -> None:
    """Ink of another mark in a digit's box is not given to the network, the digit's own is."""
    contrast = BLANK.copy()
    contrast[50:150, 50:56] = 200
    contrast[144:150, 50:120] = 200
    alone = contrast[50:150, 50:120].copy()
    neighbour = draw_digit(3, np.random.default_rng(1), 40)
    contrast[60:100, 80 : 80 + neighbour.shape[1]] = neighbour
    whole = contrast.copy()
    large, small = found_in(contrast)
    assert large.box == Box(50, 50, 70, 100)
    assert np.array_equal(large.contrast, alone)
    assert small.contrast.max() == neighbour.max()
    assert np.array_equal(contrast, whole)


@pytest.mark.parametrize("line", [2, 4])
def test_a_frame_around_digits_is_no_mark(line: int) -> None:
    """A frame is none of the digits it surrounds, however much of its box their ink fills."""
    digits = [(30 + 50 * i, y, 30, 60) for i in range(4) for y in (30, 110)]
    contrast = drawn(*digits, line=8)
    contrast |= drawn((10, 10, 250, 180), line=line)
    assert {c.box for c in found_in(contrast)} == {Box(*digit) for digit in digits}


def test_a_digit_in_a_closed_loop_is_found_with_it() -> None:
    """A mark inside another's hole is a mark of its own, and the loop stays one."""
    contrast = drawn((20, 20, 100, 160), line=10) | drawn((60, 80, 20, 40), line=6)
    assert {c.box for c in found_in(contrast)} == {Box(20, 20, 100, 160), Box(60, 80, 20, 40)}


def test_a_noisy_picture_is_bounded() -> None:
    """Thousands of specks give no more candidates than allowed."""
    noise = np.random.default_rng(1).integers(0, 256, (480, 640), np.uint8)
    contrast = np.asarray(cv2.GaussianBlur(noise, (0, 0), 3), np.uint8)
    contrast = np.where(contrast > 135, contrast, 0).astype(np.uint8)
    wanted = replace(SETTINGS, max_candidates=50)
    assert 0 < len(found_in(contrast, wanted)) <= 50


# --- reading order ---------------------------------------------------------------------------

Mark = tuple[int, int, int, int]


def read(*marks: Mark) -> list[list[int]]:
    """Group boxes into lines and tell them by their place in the arguments; any order will do."""
    numbers = [np.full((1, 1), number, np.uint8) for number in range(len(marks))]
    candidates = [
        Candidate(Box(*mark), number) for mark, number in zip(marks, numbers, strict=True)
    ]
    orders = []
    for seed in range(3):
        random.Random(seed).shuffle(candidates)
        lines = group_lines(candidates, SETTINGS)
        orders.append([[int(c.contrast[0, 0]) for c in line] for line in lines])
    assert orders[0] == orders[1] == orders[2]
    return orders[0]


def row(count: int, x: int, y: int, pitch: int = 30, slope: float = 0) -> list[Mark]:
    """Set digits of 20 x 40 side by side."""
    return [(x + i * pitch, y + round(i * pitch * slope), 20, 40) for i in range(count)]


def test_nothing_is_no_line() -> None:
    """Without marks there are no lines."""
    assert read() == []


def test_rows_are_read_from_top_to_bottom_and_left_to_right() -> None:
    """Two rows come in the order that a person reads."""
    assert read(*row(3, 10, 10), *row(4, 5, 70)) == [[0, 1, 2], [3, 4, 5, 6]]


@pytest.mark.parametrize("slope", [-0.2, -0.1, 0.1, 0.2])
def test_slanted_rows_stay_rows(slope: float) -> None:
    """A page held askew: over ten digits a row sinks or climbs by more than a row's height."""
    marks = [*row(10, 10, 200, slope=slope), *row(10, 10, 260, slope=slope)]
    assert read(*marks) == [list(range(10)), list(range(10, 20))]


def test_two_columns_are_two_lines_a_row() -> None:
    """Digits further apart than three heights are two numbers, the left one first."""
    left, right = row(2, 10, 10), row(2, 250, 16)
    below_left, below_right = row(2, 10, 80), row(2, 250, 74)
    assert read(*left, *right, *below_left, *below_right) == [[0, 1], [2, 3], [4, 5], [6, 7]]


def test_a_word_gap_does_not_part_a_line() -> None:
    """A space of a digit or two stays within the line."""
    assert read(*row(2, 10, 10), *row(2, 130, 12)) == [[0, 1, 2, 3]]


def test_uneven_heights_and_jitter_stay_one_line() -> None:
    """Handwriting is neither of one height nor on one line."""
    marks = (0, 10, 20, 40), (30, 20, 20, 26), (60, 4, 20, 44), (90, 14, 8, 30)
    assert read(*marks) == [[0, 1, 2, 3]]


@pytest.mark.parametrize(
    "sign",
    [
        pytest.param((58, 42, 6, 10), id="point"),
        pytest.param((58, 34, 8, 16), id="comma"),
        pytest.param((58, 40, 8, 16), id="low comma"),
        pytest.param((54, 28, 14, 6), id="dash"),
    ],
)
def test_punctuation_is_dropped_and_parts_nothing(sign: Mark) -> None:
    """1.2, 1,2 and 1-2 are a line of the digits alone, be the next a little higher or lower."""
    for shift in (-6, 0, 6):
        lines = read(*row(2, 0, 10), sign, *row(2, 72, 10 + shift))
        assert [i for line in lines for i in line if i != 2] == [0, 1, 3, 4]
        assert [0, 1, 3, 4] in lines


@settings(max_examples=80, derandomize=True, deadline=None)
@given(
    boxes=st.lists(
        st.tuples(*[st.integers(0, 600)] * 2, st.integers(4, 60), st.integers(10, 90)), max_size=25
    )
)
def test_every_mark_is_read_at_most_once(boxes: list[Mark]) -> None:
    """However marks lie, none comes twice, lines go left to right, and the tallest is kept."""
    candidates = [Candidate(Box(*box), np.zeros((1, 1), np.uint8)) for box in boxes]
    lines = group_lines(candidates, SETTINGS)
    read_marks = [id(c) for line in lines for c in line]
    assert len(set(read_marks)) == len(read_marks) <= len(boxes)
    assert all(lines)
    for line in lines:
        assert [c.box.x for c in line] == sorted(c.box.x for c in line)
    if candidates:
        assert id(max(candidates, key=lambda c: c.box.height)) in read_marks
