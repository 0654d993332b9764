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
STROKE, OVER, APART = 0.2, 0.3, 0.2
"""Two strokes may be of one digit where the smaller is that long, in heights of the larger, that
much of the narrower one is over or under the other, and there is at most that much between."""
TALLER, BROADER = 1.4, 1.3
"""Both together are at most so many times as high as the larger, and so broad, in their height."""
STEP = 2
"""Ratio of one floor to the next; ink is surer somewhere than its floor by as much."""
TARGET = 2.0
SAME = 0.85
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

    @property
    def peak(self) -> int:
        """Strongest contrast, grey levels."""
        return int(cv2.norm(self.contrast, cv2.NORM_INF))


@dataclass(frozen=True)
class _Floor:
    """The pieces at one scale and one floor that have the size of a digit, alone or two joined."""

    level: Level
    floor: int
    contours: Sequence[cv2.typing.MatLike]
    members: list[tuple[int, ...]]
    """Which contours each of them is made of."""
    places: NDArray[np.int32]
    """(N, 4) left, top, width, height in px of the level."""
    peaks: NDArray[np.int32]
    """(N,) strongest contrast in each box."""
    longest: int
    """Longer side of the largest piece, whatever its size, px of the level."""


def find_marks(levels: Sequence[Level]) -> list[Mark]:
    """Return what may be digits, or several that touch; of two that are the same, one."""
    top = levels[-1].scale
    floors: list[_Floor] = []
    lined = {False: False, True: False}
    for level in levels:
        here, lined[level.light_on_dark] = _all_floors(
            level, level.scale == top, lined[level.light_on_dark]
        )
        floors += here
    counts = [len(each.members) for each in floors]
    if not sum(counts):
        return []
    scale = np.repeat([each.level.scale for each in floors], counts)
    floor = np.repeat([each.floor for each in floors], counts)
    boxes = np.concatenate([each.places for each in floors]) * scale[:, None]
    peaks = np.concatenate([each.peaks for each in floors])
    # Half-way up its edge a stroke is as wide as it was drawn; of two scales the finer shows more.
    unlike = np.abs(np.log2(floor / peaks) + TARGET) + np.log2(scale)
    unlike += np.repeat([not each.level.ruled for each in floors], counts)
    chosen = np.flatnonzero(_distinct(boxes, unlike))
    strongest = chosen[np.argsort(-peaks[chosen], kind="stable")[:MAX_MARKS]]
    starts = np.cumsum([0, *counts])
    where = np.searchsorted(starts, strongest, side="right") - 1
    return [_mark(floors[k], i - starts[k]) for i, k in zip(strongest, where, strict=True)]


def slender(ink: GrayImage) -> float:
    """Return the shorter over the longer axis of the ellipse that ink is like, 0 to 1."""
    moments = cv2.moments(ink)
    if not moments["m00"]:
        return 1.0
    pixel = moments["m00"] / 12
    across, down = moments["mu20"] + pixel, moments["mu02"] + pixel
    apart = float(np.hypot(across - down, 2 * moments["mu11"]))
    return float(np.sqrt(max(across + down - apart, 0) / (across + down + apart)))


def _all_floors(level: Level, last: bool, lined: bool) -> tuple[list[_Floor], bool]:
    """Return the pieces at each floor, and those without lines where there may be some.

    Args:
        level: The picture at one scale.
        last: Whether there is no coarser one.
        lined: Whether there may be lines at the next finer one.

    Returns:
        The pieces, and whether there may be lines.
    """
    found = list(_floors(level, last))
    longest = max((each.longest for each in found), default=0)
    lined = longest >= (LINE_PX if lined else 2 * LINE_PX)
    if lined:
        found += _floors(level.without_lines(), last)
    return [each for each in found if each.members], lined


def _floors(level: Level, last: bool) -> Iterator[_Floor]:
    """Yield the pieces at each floor of a level."""
    contrast, floor = level.contrast, level.floor
    peak = int(cv2.norm(contrast, cv2.NORM_INF))
    least, most = MIN_HEIGHT_PX, MAX_HEIGHT_PX
    if not level.ruled:
        most = LINE_PX * 4 // 3
    if level.scale > 1:
        least = most // 4 if level.ruled else LINE_PX // 2
    floors = []
    while floor * STEP <= peak + 1:
        floors.append(floor)
        floor *= STEP
    sure: list[tuple[int, int]] | None = None
    for floor in reversed(floors):
        mask = cv2.threshold(contrast, floor - 1, 255, cv2.THRESH_BINARY)[1]
        if floor == level.floor and sure is not None:
            mask = _reached(mask, sure)
        contours, hierarchy = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        if not contours:
            continue
        outer = np.flatnonzero(hierarchy[0, :, 3] < 0)
        sure = [tuple(contours[i][0, 0].tolist()) for i in outer]
        places = np.array([cv2.boundingRect(contours[i]) for i in outer], np.int32)
        longest = int(places[:, 2:].max())
        fits = _fits(places, least, 2 * longest if last else most)
        pairs, joined = _joined(places, fits, least)
        members = [(i,) for i in outer[fits].tolist()]
        members += [(int(outer[i]), int(outer[j])) for i, j in pairs.tolist()]
        places = np.concatenate([places[fits], joined])
        peaks = np.array([_peak(contrast, place) for place in places.tolist()], np.int32)
        kept = np.flatnonzero(peaks >= STEP * floor)
        members = [members[i] for i in kept]
        yield _Floor(level, floor, contours, members, places[kept], peaks[kept], longest)


def _reached(
    mask: GrayImage, sure: Sequence[tuple[int, int]], most: int = 256, reached: int = 128
) -> GrayImage:
    """Return what of a mask is connected with places that are ink at the next floor, too.

    So strokes start where ink is sure and go on where it is likely, and grain is none. Where there
    is more than grain, all is kept: its pieces cost less than to look for what reaches them.

    Args:
        mask: (h, w) uint8, 0 or 255; is changed.
        sure: Columns and rows.
        most: So many places are searched from, at most.
        reached: Grey level that tells what was reached from the rest.
    """
    if len(sure) > most:
        return mask
    for x, y in sure:
        if mask[y, x] == 255:
            cv2.floodFill(mask, None, (x, y), (reached,), flags=8)  # type: ignore[call-overload]
    return cv2.compare(mask, reached, cv2.CMP_EQ)  # type: ignore[call-overload, no-any-return]


def _fits(places: NDArray[np.int32], least: int, most: int) -> NDArray[np.bool_]:
    """Say which places have the size of a digit, or of a run of touching ones."""
    width, height = places[:, 2], places[:, 3]
    return (height >= least) & (height <= most) & (width <= MAX_ASPECT * height)  # type: ignore[no-any-return]


def _joined(
    places: NDArray[np.int32], fits: NDArray[np.bool_], least: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Find what may be two strokes of one digit: the bar of a 5, the stem of an open 4.

    Args:
        places: (N, 4) of all pieces.
        fits: (N,) which have the size of a digit.
        least: Lowest digit, px.

    Returns:
        (P, 2) pairs of pieces, and (P, 4) the places of each together.
    """
    width, height = places[:, 2], places[:, 3]
    near = np.flatnonzero(np.maximum(width, height) >= max(least // 2, 3))
    near = near[(width[near] <= 2 * MAX_HEIGHT_PX) & (height[near] <= MAX_HEIGHT_PX)]
    whole = near[fits[near]]
    nothing = np.zeros((0, 2), np.int64), np.zeros((0, 4), np.int32)
    if not len(whole) or len(near) > MAX_MARKS:
        return nothing
    x, y, w, h = places[whole].T[:, :, None]
    left, top, wide, high = places[near].T[:, None]
    across = np.minimum(x + w, left + wide) - np.maximum(x, left)
    apart = np.maximum(y, top) - np.minimum(y + h, top + high)
    together = np.maximum(y + h, top + high) - np.minimum(y, top)
    breadth = np.maximum(x + w, left + wide) - np.minimum(x, left)
    smaller = (w * h > wide * high) | ((w * h == wide * high) & (whole[:, None] < near))
    stroke = (np.maximum(wide, high) >= STROKE * h) & (across >= OVER * np.minimum(w, wide))
    one = (apart <= APART * h) & (together <= TALLER * h) & (breadth <= BROADER * together)
    i, j = np.nonzero(smaller & stroke & one)
    pairs = np.stack([whole[i], near[j]], axis=1)
    first, second = places[pairs[:, 0]], places[pairs[:, 1]]
    corner = np.minimum(first[:, :2], second[:, :2])
    end = np.maximum(first[:, :2] + first[:, 2:], second[:, :2] + second[:, 2:])
    return pairs, np.concatenate([corner, end - corner], axis=1)


def _peak(contrast: GrayImage, place: Sequence[int]) -> int:
    x, y, width, height = place
    return int(cv2.norm(contrast[y : y + height, x : x + width], cv2.NORM_INF))


def _distinct(boxes: NDArray[np.int32], unlike: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which of the boxes are kept: the best first, and none that is the same as one."""
    same: list[list[int]] = [[] for _ in boxes]
    for i, j in _same(boxes).tolist():
        same[i].append(j)
        same[j].append(i)
    kept = np.zeros(len(boxes), bool)
    left_out = [False] * len(boxes)
    for i in np.argsort(unlike, kind="stable").tolist():
        if not left_out[i]:
            kept[i] = True
            for j in same[i]:
                left_out[j] = True
    return kept


def _same(boxes: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return (P, 2) which boxes are the same, by a sweep to the right."""
    order = np.argsort(boxes[:, 0], kind="stable")
    left, top, width, height = boxes[order].T
    right, bottom, area = left + width, top + height, width * height
    reach = left + width * (1 - SAME)
    pairs = []
    for apart in range(1, len(order)):
        first, second = slice(None, -apart), slice(apart, None)
        near = left[second] <= reach[first]
        if not near.any():
            break
        wide = np.minimum(right[first], right[second]) - left[second]
        high = np.minimum(bottom[first], bottom[second]) - np.maximum(top[first], top[second])
        shared = np.maximum(wide, 0) * np.maximum(high, 0)
        found = np.flatnonzero(shared >= SAME * (area[first] + area[second] - shared))
        pairs.append(np.stack([order[found], order[found + apart]], axis=1))
    return np.concatenate(pairs) if pairs else np.zeros((0, 2), np.int64)


def _mark(pieces: _Floor, index: int) -> Mark:
    """Cut a piece out: within its outline, and the soft edge around it."""
    x, y, width, height = pieces.places[index].tolist()
    level = pieces.level
    inside = np.zeros((height, width), np.uint8)
    for member in pieces.members[index]:
        outline = [pieces.contours[member]]
        cv2.drawContours(inside, outline, 0, (255,), cv2.FILLED, offset=(-x, -y))
    inside = cv2.dilate(inside, np.ones((3, 3), np.uint8))
    contrast = cv2.bitwise_and(level.contrast[y : y + height, x : x + width], inside)
    scale = level.scale
    box = Box(x * scale, y * scale, width * scale, height * scale)
    return Mark(box, contrast, pieces.floor, level)  # type: ignore[arg-type]
