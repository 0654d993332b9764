"""What marks are where the digits that are written have boxes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.bundle import DIGIT_CLASSES
from digitcam.edge.frame import Box

REJECT, SEVERAL = len(DIGIT_CLASSES), len(DIGIT_CLASSES) + 1
"""Labels of what is no digit, and of several at once."""
SAME = 0.65
"""Intersection over union from which a mark may be the digit that stands there."""
COVERED = 0.7
"""Part of a digit's width and height that a mark has if the digit is in it."""
REACHED, WIDER = 0.3, 1.25
"""Part of another digit's box, and width in widths of its own digit, of a mark that reaches out."""
BESIDE = 0.1
"""Most of a mark that lies in a digit's box, if it is no piece of the digit."""
SMALL = 0.35
"""Lower pieces, in heights of their digit, are bits."""
MIN_SEVERAL = 0.45
"""Narrower marks, in their heights, do not hold several digits."""
BAR = 0.28
"""What is narrower, in its heights, may pass for a 1 and is not taught as no digit."""


def labels_of(boxes: Sequence[Box], digits: Sequence[tuple[Box, int]]) -> list[int | None]:
    """Return what marks are, given the digits that are written; None where it cannot be said.

    Of all marks that might be a digit, the one that fits its box best is. What holds the middles of
    two is several, and so is what reaches into the digit beside. What lies beside digits, and small
    bits of them, are none. Larger pieces are left open: half a 0 may pass for a 1, half an 8 for
    a 0.
    """
    if not boxes or not digits:
        return [_other_label(box, []) for box in boxes]
    places = [place for place, _ in digits]
    fits = overlaps(boxes, places)
    best = fits.max(axis=0)
    labels: list[int | None] = []
    for box, row in zip(boxes, fits, strict=True):
        closest = int(row.argmax())
        if row[closest] >= SAME and row[closest] == best[closest]:
            labels.append(digits[closest][1])
        else:
            labels.append(_other_label(box, [places[i] for i in np.flatnonzero(row)]))
    return labels


def overlaps(boxes: Sequence[Box], places: Sequence[Box]) -> NDArray[np.float64]:
    """Return (boxes, places) intersections over union."""
    ours, theirs = (
        np.array([(box.x, box.y, box.right, box.bottom) for box in part])
        for part in (boxes, places)
    )
    low = np.maximum(ours[:, None, :2], theirs[:, :2])
    high = np.minimum(ours[:, None, 2:], theirs[:, 2:])
    both = np.maximum(high - low, 0).prod(axis=2)
    own, other = ((part[:, 2:] - part[:, :2]).prod(axis=1) for part in (ours, theirs))
    fits: NDArray[np.float64] = both / (own[:, None] + other - both)
    return fits


def _other_label(box: Box, places: Sequence[Box]) -> int | None:
    """Return what a mark is that is not the best one of a digit, given the digits it overlaps."""
    held = [place for place in places if _holds_middle(box, place)]
    if len(held) > 1 or (held and _reaches_beyond(box, held[0], places)):
        return SEVERAL if box.width > MIN_SEVERAL * box.height else None
    if held or box.width < BAR * box.height:
        return None
    shared = [place for place in places if box.intersection(place) > BESIDE * box.area]
    is_piece = any(box.height >= SMALL * place.height for place in shared)
    return None if is_piece else REJECT


def _holds_middle(box: Box, place: Box) -> bool:
    """Say whether a mark stands over the middle of a digit's box and is not a piece of it."""
    x, y = place.x + place.width / 2, place.center_y
    over = box.x < x < box.right and box.y < y < box.bottom
    return over and box.height >= COVERED * place.height and box.width >= COVERED * place.width


def _reaches_beyond(box: Box, own: Box, places: Sequence[Box]) -> bool:
    """Say whether a mark is wider than its digit and holds a part of another, too."""
    return box.width >= WIDER * own.width and any(
        box.intersection(place) - own.intersection(place) >= REACHED * place.area
        for place in places
        if place != own
    )
