"""Ink to marks: every connected piece of ink, at every scale and every floor, that may be a digit.

No one floor and no one scale serves a pale pencil beside a heavy grid and a marker: pieces are
taken at a ladder of floors and scales (a coarse component tree; Matas et al. 2002, "Robust wide
baseline stereo from maximally stable extremal regions"), and those that are the same twice are kept
once. What each is, and which of those that overlap holds, is for the networks to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..frame import Box, GrayImage
from .ink import LINE_PX, Level

MIN_HEIGHT_PX = 8
"""Lower marks hold no digit that can be told, px of the frame."""
MAX_HEIGHT_PX = 96
"""Higher marks are seen at the next scale, px of the level."""
MAX_ASPECT = 8
"""Width over height of the longest run of touching digits."""
MAX_MARKS = 1024
"""Most marks of a picture; those that stand out most come first."""
STEP = 2
"""Ratio of one floor to the next; ink is surer somewhere than its floor by as much."""
SAME = 0.8
"""Intersection over union of the boxes of two marks that are the same."""


@dataclass(frozen=True)
class Mark:
    """A piece of ink that may be a digit."""

    box: Box
    """In px of the frame."""
    contrast: GrayImage
    """(h, w) uint8: its own ink alone, 0 elsewhere, in px of its level."""
    floor: int
    """Contrast from which it is one piece."""
    level: Level
    """Where it was found."""


@dataclass(frozen=True)
class _Floor:
    """The pieces at one scale and one floor that have the size of a digit."""

    level: Level
    floor: int
    contours: Sequence[cv2.typing.MatLike]
    places: NDArray[np.int32]
    """(N, 4) left, top, width, height in px of the level."""
    peaks: NDArray[np.int32]
    """(N,) strongest contrast in each box."""
    longest: int
    """Longer side of the largest piece, whatever its size, px of the level."""


def find_marks(levels: Sequence[Level]) -> list[Mark]:
    """Return what may be digits, or several that touch; of two that are the same, one."""
    top = levels[-1].scale
    floors = [each for level in levels for each in _all_floors(level, level.scale == top)]
    counts = [len(each.contours) for each in floors]
    if not sum(counts):
        return []
    scale = np.repeat([each.level.scale for each in floors], counts)
    floor = np.repeat([each.floor for each in floors], counts)
    boxes = np.concatenate([each.places for each in floors]) * scale[:, None]
    peaks = np.concatenate([each.peaks for each in floors])
    # Half-way up its edge a stroke is as wide as it was drawn; of two scales the finer shows more.
    unlike = np.abs(np.log2(floor / peaks) + 1.5) + np.log2(scale)
    unlike += np.repeat([not each.level.ruled for each in floors], counts)
    chosen = np.flatnonzero(_distinct(boxes, unlike))
    strongest = chosen[np.argsort(-peaks[chosen], kind="stable")[:MAX_MARKS]]
    starts = np.cumsum([0, *counts])
    where = np.searchsorted(starts, strongest, side="right") - 1
    return [_mark(floors[k], i - starts[k]) for i, k in zip(strongest, where, strict=True)]


def _all_floors(level: Level, last: bool) -> Iterator[_Floor]:
    """Yield the pieces at each floor of a level, and those without its lines if there may be any."""
    longest = 0
    for each in _floors(level, last):
        longest = max(longest, each.longest)
        if len(each.contours):
            yield each
    if longest >= 2 * LINE_PX:
        yield from (each for each in _floors(level.without_lines(), last) if len(each.contours))


def _floors(level: Level, last: bool) -> Iterator[_Floor]:
    """Yield the pieces at each floor of a level."""
    contrast, floor = level.contrast, level.floor
    peak = int(cv2.norm(contrast, cv2.NORM_INF))
    least, most = MIN_HEIGHT_PX, MAX_HEIGHT_PX
    if not level.ruled:
        most = LINE_PX * 4 // 3
    if level.scale > 1:
        least = most // 4 if level.ruled else most // 2
    while floor * STEP <= peak + 1:
        mask = cv2.threshold(contrast, floor - 1, 255, cv2.THRESH_BINARY)[1]
        contours, hierarchy = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        if contours:
            outer = np.flatnonzero(hierarchy[0, :, 3] < 0)
            places = np.array([cv2.boundingRect(contours[i]) for i in outer], np.int32)
            width, height = places[:, 2], places[:, 3]
            longest = int(places[:, 2:].max())
            fits = (height >= least) & (width <= MAX_ASPECT * height)
            if not last:
                fits &= height <= most
            outer, places = outer[fits], places[fits]
            peaks = np.array([_peak(contrast, place) for place in places.tolist()], np.int32)
            sure = peaks >= STEP * floor
            kept = [contours[i] for i in outer[sure]]
            yield _Floor(level, floor, kept, places[sure], peaks[sure], longest)
        floor *= STEP


def _peak(contrast: GrayImage, place: Sequence[int]) -> int:
    x, y, width, height = place
    return int(cv2.norm(contrast[y : y + height, x : x + width], cv2.NORM_INF))


def _distinct(boxes: NDArray[np.int32], unlike: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which of the boxes have no other that is the same and better, by a sweep."""
    order = np.argsort(boxes[:, 0], kind="stable")
    left, top, width, height = boxes[order].T
    right, bottom, area = left + width, top + height, width * height
    worse = unlike[order]
    kept = np.ones(len(order), bool)
    reach = width * (1 - SAME)
    for apart in range(1, len(order)):
        first, second = slice(None, -apart), slice(apart, None)
        if (left[second] - left[first] > reach[first]).all():
            break
        wide = np.minimum(right[first], right[second]) - left[second]
        high = np.minimum(bottom[first], bottom[second]) - np.maximum(top[first], top[second])
        shared = np.maximum(wide, 0) * np.maximum(high, 0)
        same = shared >= SAME * (area[first] + area[second] - shared)
        later = worse[second] >= worse[first]
        kept[second] &= ~(same & later)
        kept[first] &= ~(same & ~later)
    found = np.empty(len(order), bool)
    found[order] = kept
    return found


def _mark(pieces: _Floor, index: int) -> Mark:
    """Cut a piece out: within its outline, and the soft edge around it."""
    x, y, width, height = pieces.places[index].tolist()
    level = pieces.level
    inside = np.zeros((height, width), np.uint8)
    cv2.drawContours(inside, pieces.contours, index, (255,), cv2.FILLED, offset=(-x, -y))
    inside = cv2.dilate(inside, np.ones((3, 3), np.uint8))
    contrast = cv2.bitwise_and(level.contrast[y : y + height, x : x + width], inside)
    scale = level.scale
    box = Box(x * scale, y * scale, width * scale, height * scale)
    return Mark(box, contrast, pieces.floor, level)  # type: ignore[arg-type]
