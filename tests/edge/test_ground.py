"""The ground on the sides of a mark tells ink from shadows and edges."""

import cv2
import numpy as np
import pytest

from digitcam.edge.frame import Box, GrayImage
from digitcam.edge.ground import continues, ground_step, is_bump
from digitcam.edge.preprocess import find_ink
from digitcam.edge.recognize import Recognizer
from digitcam.edge.segment import Candidate, find_marks
from digitcam.edge.settings import PreprocessSettings, SegmentSettings


def marks_of(luma: GrayImage) -> list[float]:
    """Return the step of the ground at each mark."""
    ink = find_ink(luma, PreprocessSettings())
    return [ground_step(luma, ink.mask, mark) for mark in find_marks(ink, SegmentSettings()).digits]


def paper(left: int = 190, right: int = 190) -> GrayImage:
    """Return 640 x 480 px, of which the left and the right half are one grey each."""
    luma = np.full((480, 640), left, np.uint8)
    luma[:, 320:] = right
    return luma


def test_ink_on_paper_has_one_ground() -> None:
    """A pen's stroke differs from the paper on all sides alike."""
    luma = paper()
    cv2.line(luma, (300, 150), (310, 230), (60,), 7)
    (step,) = marks_of(luma)
    assert step < 0.05


def test_other_ink_is_no_ground() -> None:
    """Neighbours close by and a ruled line below change nothing."""
    luma = paper()
    for x in (260, 290, 320):
        cv2.line(luma, (x, 150), (x, 230), (60,), 7)
    luma[238:242] = 130
    assert max(marks_of(luma)) < 0.05


def test_a_soft_shadow_is_a_small_step() -> None:
    """Light that falls off over the page is far from the limit."""
    luma = np.tile(np.linspace(200, 90, 640).astype(np.uint8), (480, 1))
    cv2.line(luma, (320, 150), (320, 230), (40,), 7)
    (step,) = marks_of(luma)
    assert step < 0.2


def test_what_stands_between_two_grounds_is_told() -> None:
    """A dark gap between a sheet and a darker table is as wide a step as they differ."""
    luma = paper(200, 120)
    luma[150:230, 316:326] = 50
    mark = Candidate(Box(316, 150, 10, 80), np.full((80, 10), 110, np.uint8))
    nothing = np.zeros_like(luma)
    assert ground_step(luma, nothing, mark) == pytest.approx(80 / 110, abs=0.01)


def test_a_mark_that_fills_the_frame_tells_nothing() -> None:
    """Without ground there is no step."""
    luma = np.full((40, 20), 90, np.uint8)
    mark = Candidate(Box(0, 0, 20, 40), luma)
    assert ground_step(luma, np.zeros_like(luma), mark) == 0


def test_the_edge_of_a_shadow_is_no_one(recognizer: Recognizer) -> None:
    """A dark rim between paper and a hand is not read, the same stroke on paper is."""
    luma = paper(205, 120)
    luma[140:240, 312:324] = 45
    luma = cv2.GaussianBlur(luma, (0, 0), 1)
    assert recognizer.read(luma).text == ""
    alone = paper(205, 205)
    alone[140:240, 312:324] = 45
    assert recognizer.read(cv2.GaussianBlur(alone, (0, 0), 1)).text == "1"


def test_a_piece_of_a_ruled_line_continues() -> None:
    """A faint line above and below a darker piece of it is seen; a stroke by itself has none."""
    ruled, alone = paper(), paper()
    ruled[:, 300:304] = 165
    for luma in (ruled, alone):
        luma[200:240, 300:304] = 150
    mark = Candidate(Box(300, 200, 4, 40), np.full((40, 4), 40, np.uint8))
    assert continues(ruled, mark)
    assert not continues(alone, mark)


def test_a_one_that_stands_on_a_line_does_not_continue() -> None:
    """Ruled lines that cross its ends are no continuation."""
    luma = paper()
    luma[150:230, 300:307] = 60
    luma[230:233] = luma[147:150] = 120
    mark = Candidate(Box(300, 150, 7, 80), np.full((80, 7), 130, np.uint8))
    assert not continues(luma, mark)


def test_a_bump_of_a_ruled_line_is_told_from_a_one_across_it() -> None:
    """What is hardly higher than the line that passes through it is a bump; a stroke is not."""
    luma = paper()
    luma[198:203] = 110
    bump, one = Box(300, 194, 5, 13), Box(300, 180, 5, 40)
    for box in (bump, one):
        marked = luma.copy()
        marked[box.y : box.bottom, box.x : box.right] = 100
        contrast = np.full((box.height, box.width), 90, np.uint8)
        assert is_bump(marked, Candidate(box, contrast)) == (box is bump)
