"""What marks of a page are, told by whose every pixel is."""

from dataclasses import replace

import numpy as np
import pytest

from digitcam.edge.frame import Box
from digitcam.edge.reading.ink import Level
from digitcam.edge.reading.marks import Mark
from digitcam.train.page_marks import label_marks
from digitcam.train.pages.page import Kind, Page, PageCharacter
from digitcam.train.pages.plan import random_plan
from digitcam.train.paper import REJECT, SEVERAL

SIZE = (60, 200)
FIRST, SECOND = Box(20, 10, 20, 40), Box(42, 10, 20, 40)
BOTH, HALF, MOST = Box(20, 10, 42, 40), Box(20, 10, 20, 20), Box(20, 10, 20, 28)


def page(*characters: tuple[str, Box, bool]) -> Page:
    """Return a page on which characters are filled boxes, perhaps struck out."""
    kind, owner = np.zeros(SIZE, np.uint8), np.zeros(SIZE, np.uint16)
    for number, (label, box, _) in enumerate(characters, 1):
        place = np.s_[box.y : box.bottom, box.x : box.right]
        kind[place] = Kind.DIGIT if label.isdigit() else Kind.WRITING
        owner[place] = number
    written = tuple(PageCharacter(label, box, -1, struck) for label, box, struck in characters)
    plan = random_plan(np.random.default_rng(0))
    nothing: frozenset[str] = frozenset()
    image = np.zeros((*SIZE, 3), np.uint8)
    return Page(image, kind, owner, written, (), False, plan, nothing, nothing)


def mark(box: Box, *, ruled: bool = True) -> Mark:
    contrast = np.full((box.height, box.width), 100, np.uint8)
    level = replace(Level(contrast, 1, 6, False), ruled=ruled)
    return Mark(box, contrast, 50, level)


TWO = page(("3", FIRST, False), ("5", SECOND, False))


@pytest.mark.parametrize(
    ("where", "box", "label"),
    [
        (TWO, FIRST, 3),
        (TWO, SECOND, 5),
        (TWO, BOTH, SEVERAL),
        (TWO, HALF, REJECT),
        (TWO, MOST, -1),  # may pass for either
        (TWO, Box(120, 10, 20, 40), REJECT),  # bare paper
        (page(("A", FIRST, False)), FIRST, REJECT),
        (page(("O", FIRST, False)), FIRST, -1),  # nothing tells it from a 0
        (page(("3", FIRST, True)), FIRST, REJECT),
    ],
)
def test_a_mark_is_what_most_of_its_ink_is_of(where: Page, box: Box, label: int) -> None:
    """A digit, several, none of them, or it cannot be said."""
    assert label_marks([mark(box)], where).tolist() == [label]


def test_a_digit_that_was_struck_out_looks_like_any_other_without_the_line() -> None:
    """The mark alone does not say that it was."""
    struck = page(("3", FIRST, True))
    assert label_marks([mark(FIRST, ruled=False)], struck).tolist() == [-1]
    letter = page(("A", FIRST, True))
    assert label_marks([mark(FIRST, ruled=False)], letter).tolist() == [REJECT]
