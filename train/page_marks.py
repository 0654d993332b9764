"""What the marks are that the device finds on a rendered page, told by whose every pixel is."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from digitcam.edge.reading.ink import find_ink
from digitcam.edge.reading.marks import Mark, find_marks

from .pages.page import Kind, Page
from .paper import REJECT, SEVERAL

WHOLE, PIECE = 0.8, 0.5
"""Parts of a digit's ink from which a mark is that digit, and up to which it is no digit; what lies
between may pass for either."""
PURE, MIXED = 0.8, 0.6
"""Parts of a mark's ink that are one digit's, from which it is that digit, and up to which it is
none."""
IN_TOUCH = 0.6
"""Part of a digit's ink from which a mark holds it as one of several."""
ALIKE = frozenset("OoIl|")
"""Letters and signs that nothing but what stands around them tells from digits."""


def marks_of(page: Page) -> tuple[list[Mark], NDArray[np.int64]]:
    """Find the marks of a page as the device does, and tell what each is.

    Returns:
        The marks, and (N,) labels, indices of paper.CLASSES; -1 where it cannot be said.
    """
    luma = cv2.cvtColor(page.image, cv2.COLOR_BGR2GRAY)
    marks = find_marks(find_ink(luma))  # type: ignore[arg-type]
    return marks, label_marks(marks, page)


def label_marks(marks: Sequence[Mark], page: Page) -> NDArray[np.int64]:
    """Tell what marks are: (N,) indices of paper.CLASSES, -1 where it cannot be said."""
    amounts = np.bincount(page.owner.ravel(), minlength=len(page.characters) + 1)
    digits = np.array([False, *(c.label.isdigit() and not c.struck for c in page.characters)], bool)
    alike = np.array([False, *(c.label in ALIKE for c in page.characters)], bool)
    struck = np.array([False, *(c.label.isdigit() and c.struck for c in page.characters)], bool)
    # Without the line that strikes it out, a digit looks like any other.
    doubtful = {True: alike, False: alike | struck}
    return np.array(
        [_label(mark, page, amounts, digits, doubtful[mark.level.ruled]) for mark in marks],
        np.int64,
    )


def _label(
    mark: Mark,
    page: Page,
    amounts: NDArray[np.int64],
    digits: NDArray[np.bool_],
    alike: NDArray[np.bool_],
) -> int:
    """Tell what one mark is.

    Args:
        mark: As the device found it.
        page: Where it was found.
        amounts: (C + 1,) pixels of nobody and of each character.
        digits: (C + 1,) whether each is a digit that may be read.
        alike: (C + 1,) whether each looks like one.
    """
    inside = pixels_of(mark, page)
    box = mark.box
    place = np.s_[box.y : box.y + inside.shape[0], box.x : box.x + inside.shape[1]]
    kinds = np.bincount(page.kind[place][inside], minlength=len(Kind))
    owned = np.bincount(page.owner[place][inside], minlength=len(amounts))
    ink = kinds.sum() - kinds[Kind.BARE] - kinds[Kind.TEXTURE]
    owned[0] = 0
    part = owned / np.maximum(amounts, 1)
    held = np.flatnonzero(digits & (part >= IN_TOUCH))
    if len(held) > 1:
        return SEVERAL if owned[held].sum() >= PURE * ink else -1
    best = int(owned.argmax())
    share = owned[best] / max(ink, 1)
    if digits[best]:
        if part[best] >= WHOLE and share >= PURE:
            return int(page.characters[best - 1].label)
        return REJECT if part[best] <= PIECE or share <= MIXED else -1
    return -1 if alike[best] and share >= MIXED else REJECT


def pixels_of(mark: Mark, page: Page) -> NDArray[np.bool_]:
    """Return which of the page's pixels in the mark's box are the mark's own."""
    inside = (mark.contrast >= mark.floor).view(np.uint8)
    scale = mark.level.scale
    if scale > 1:
        inside = inside.repeat(scale, axis=0).repeat(scale, axis=1)
    height, width = page.kind.shape
    return inside[: height - mark.box.y, : width - mark.box.x].view(bool)
