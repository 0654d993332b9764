"""Ink to marks: every connected piece of ink, at every scale and every floor, that may be a digit.

No one floor and no one scale serves a pale pencil beside a heavy grid and a marker: pieces are
taken at a ladder of floors and scales (a coarse component tree; Matas et al. 2002, "Robust wide
baseline stereo from maximally stable extremal regions"), and those that are the same twice are kept
once. What each is, and which of those that overlap holds, is for the networks to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from typing import Any

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

    @cached_property
    def peak(self) -> int:
        """Strongest contrast, grey levels."""
        return int(cv2.norm(self.contrast, cv2.NORM_INF))

    @cached_property
    def slender(self) -> float:
        """The shorter over the longer axis of the ellipse that its ink is like, 0 to 1."""
        moments = cv2.moments(self.contrast)
        if not moments["m00"]:
            return 1.0
        pixel = moments["m00"] / 12
        across, down = moments["mu20"] + pixel, moments["mu02"] + pixel
        apart = float(np.hypot(across - down, 2 * moments["mu11"]))
        return float(np.sqrt(max(across + down - apart, 0) / (across + down + apart)))

    @cached_property
    def tight_box(self) -> Box:
        """Around what is half-way up the edge of its strokes, at any floor; px of the frame."""
        least = self.peak * 2**-TARGET
        strong = cv2.threshold(self.contrast, least - 1, 255, cv2.THRESH_BINARY)[1]
        x, y, width, height = cv2.boundingRect(strong)
        if not width:
            return self.box
        scale = self.level.scale
        left, top = self.box.x + x * scale, self.box.y + y * scale
        return Box(left, top, width * scale, height * scale)


@dataclass(frozen=True)
class _Floor:
    """The pieces at one scale and one floor."""

    level: Level
    floor: int
    least: int
    """Height of the lowest digit, px of the level."""
    most: int
    """Height of the highest digit, px of the level."""
    outlines: Sequence[cv2.typing.MatLike]
    places: NDArray[np.int32]
    """(N, 4) left, top, width, height of each piece in px of the level."""
    tallest: int
    """Height of the highest piece, px of the level."""
    longest: int
    """Longer side of the largest piece, px of the level."""


def find_marks(levels: Sequence[Level]) -> list[Mark]:
    """Return what may be digits, or several that touch; of two that are the same, one."""
    last = levels[-1].scale
    found: list[_Floor] = []
    lined = {False: False, True: False}
    for level in levels:
        light = level.light_on_dark
        here, lined[light] = _all_floors(level, level.scale == last, lined[light])
        found += here
    floors = [each for each in found if each.tallest >= each.least]
    if not floors:
        return []
    pieces = np.concatenate([each.places for each in floors])
    of = np.repeat(np.arange(len(floors)), [len(each.places) for each in floors])
    members = _members(floors, of, pieces)
    of = of[members[:, 0]]
    boxes = _around(*(pieces[each] for each in members.T))
    outlines = [outline for each in floors for outline in each.outlines]
    return [
        _mark(floors[of[i]], [outlines[k] for k in set(members[i].tolist())], boxes[i].tolist())
        for i in _chosen(floors, of, boxes).tolist()
    ]


def _all_floors(level: Level, last: bool, lined: bool) -> tuple[list[_Floor], bool]:
    """Return the pieces at each floor, and those without lines where there may be some.

    Args:
        level: The picture at one scale.
        last: Whether there is no coarser one.
        lined: Whether there may be lines at the next finer one.

    Returns:
        The pieces, and whether there may be lines.
    """
    line = LINE_PX if lined else 2 * LINE_PX
    floors = _floors(level, last, line)
    lined = bool(floors) and floors[-1].longest >= line
    if lined:
        floors += _floors(level.without_lines(), last, line)
    return floors, lined


def _floors(level: Level, last: bool, line: int) -> list[_Floor]:
    """Return the pieces at each floor of a level, the highest first.

    They lie within those of the floor below: where these are all too low, no more are looked for.
    """
    peak = int(cv2.norm(level.contrast, cv2.NORM_INF))
    ladder = [level.floor]
    while ladder[-1] * STEP <= peak + 1:
        ladder.append(ladder[-1] * STEP)
    found: list[_Floor] = []
    if len(ladder) < 2 or _is_bare(level, line):
        return found
    for floor in ladder[1:-1]:
        if found and found[-1].tallest < found[-1].least:
            break
        found.append(_pieces(level, floor, last))
    sure = found[0].outlines if found else None
    found.insert(0, _pieces(level, level.floor, last, sure))
    return found[::-1]


def _sizes(level: Level) -> tuple[int, int]:
    """Return the height of the lowest and of the highest digit, px of the level."""
    most = MAX_HEIGHT_PX if level.ruled else LINE_PX * 4 // 3
    if level.scale == 1:
        return MIN_HEIGHT_PX, most
    return most // 4 if level.ruled else LINE_PX // 2, most


def _is_bare(level: Level, line: int) -> bool:
    """Say whether a level has no ink, sure or not, as high as a digit or as long as a line.

    The finest is not asked: it seldom is, and to tell costs more there than to look for marks.
    """
    if level.scale == 1:
        return False
    mask = cv2.threshold(level.contrast, level.floor - 1, 255, cv2.THRESH_BINARY)[1]
    places = cv2.connectedComponentsWithStats(mask)[2][1:]
    wide, tall = places[:, cv2.CC_STAT_WIDTH], places[:, cv2.CC_STAT_HEIGHT]
    return bool(tall.max() < _sizes(level)[0] and wide.max() < line)


def _pieces(
    level: Level, floor: int, last: bool, sure: Sequence[cv2.typing.MatLike] | None = None
) -> _Floor:
    """Return the pieces at a floor; of the lowest, those that hold one that is sure."""
    mask = cv2.threshold(level.contrast, floor - 1, 255, cv2.THRESH_BINARY)[1]
    if sure is not None:
        mask = _reached(mask, sure)  # type: ignore[arg-type]
    contours, hierarchy = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    outlines = list(compress(contours, (hierarchy[0, :, 3] < 0).tolist()))
    places = np.array(list(map(cv2.boundingRect, outlines)), np.int32)
    widest, tallest = places[:, 2:].max(axis=0).tolist()
    longest = max(widest, tallest)
    least, most = _sizes(level)
    if last:
        most = 2 * longest
    return _Floor(level, floor, least, most, outlines, places, tallest, longest)


def _reached(mask: GrayImage, sure: Sequence[cv2.typing.MatLike], most: int = 256) -> GrayImage:
    """Return what of a mask is connected with pieces that are ink at the next floor, too.

    So strokes start where ink is sure and go on where it is likely, and grain is none. Where there
    is more than grain, all is kept: its pieces cost less than to look for what reaches them.

    Args:
        mask: (h, w) uint8, 0 or 255.
        sure: Outlines of the pieces.
        most: So many are searched from, at most.
    """
    if len(sure) > most:
        return mask
    height, width = mask.shape
    reached = np.zeros((height + 2, width + 2), np.uint8)
    flags = 8 | cv2.FLOODFILL_MASK_ONLY | 255 << 8
    for outline in sure:
        x, y = outline[0, 0].tolist()
        if not reached[y + 1, x + 1]:
            cv2.floodFill(mask, reached, (x, y), (255,), flags=flags)
    return reached[1:-1, 1:-1]


def _members(
    floors: Sequence[_Floor], of: NDArray[np.int64], places: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Find what has the size of a digit, or of a run of touching ones: pieces, or two joined.

    Args:
        floors: What was found at each.
        of: (N,) at which of them each piece is.
        places: (N, 4) of all pieces.

    Returns:
        (M, 2) two pieces each, twice the same for one alone; floor by floor, those alone first.
    """
    least, most = np.array([(each.least, each.most) for each in floors])[of].T
    width, height = places[:, 2], places[:, 3]
    fits = (height >= least) & (height <= most) & (width <= MAX_ASPECT * height)
    alone = np.flatnonzero(fits)
    members = np.concatenate([np.stack([alone, alone], axis=1), _joined(of, places, fits, least)])
    return members[np.argsort(of[members[:, 0]], kind="stable")]  # type: ignore[no-any-return]


def _joined(
    of: NDArray[np.int64],
    places: NDArray[np.int32],
    fits: NDArray[np.bool_],
    least: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Find what may be two strokes of one digit: the bar of a 5, the stem of an open 4.

    Args:
        of: (N,) at which floor each piece is.
        places: (N, 4) of all pieces.
        fits: (N,) which have the size of a digit.
        least: (N,) lowest digit at their floor, px.

    Returns:
        (P, 2) pairs of pieces, the larger one first.
    """
    width, height = places[:, 2], places[:, 3]
    fair = np.maximum(width, height) >= np.maximum(least // 2, 3)
    fair &= (width <= 2 * MAX_HEIGHT_PX) & (height <= MAX_HEIGHT_PX)
    near = np.flatnonzero(fair & (np.bincount(of, fair)[of] <= MAX_MARKS))
    # Side by side, pieces of two floors do not meet.
    left = places[near, 0] + of[near] * (places[:, ::2].sum(axis=1).max() + 1)
    i, j = (near[k] for k in _meeting(left, left + width[near]))
    area = width * height
    swap = (area[i] < area[j]) | ((area[i] == area[j]) & (i > j))
    first, second = np.where(swap, j, i), np.where(swap, i, j)
    whole = fits[first]
    first, second = first[whole], second[whole]
    x, y, w, h = places[first].T
    left, top, wide, high = places[second].T
    across = np.minimum(x + w, left + wide) - np.maximum(x, left)
    apart = np.maximum(y, top) - np.minimum(y + h, top + high)
    together = np.maximum(y + h, top + high) - np.minimum(y, top)
    breadth = np.maximum(x + w, left + wide) - np.minimum(x, left)
    stroke = (np.maximum(wide, high) >= STROKE * h) & (across >= OVER * np.minimum(w, wide))
    one = (apart <= APART * h) & (together <= TALLER * h) & (breadth <= BROADER * together)
    kept = np.flatnonzero(stroke & one)
    kept = kept[np.lexsort((second[kept], first[kept]))]
    return np.stack([first[kept], second[kept]], axis=1)


def _meeting(
    left: NDArray[Any], reach: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find all pairs of which the second starts within the first's reach, from its left on."""
    order = np.argsort(left, kind="stable")
    index = np.arange(len(order))
    count = np.searchsorted(left[order], reach[order], side="right") - index - 1
    first = np.repeat(index, count)
    second = np.arange(1, len(first) + 1) + first - np.repeat(np.cumsum(count) - count, count)
    return order[first], order[second]


def _around(first: NDArray[np.int32], second: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return (N, 4) what is around two places each."""
    corner = np.minimum(first[:, :2], second[:, :2])
    end = np.maximum(first[:, :2] + first[:, 2:], second[:, :2] + second[:, 2:])
    return np.concatenate([corner, end - corner], axis=1)


def _chosen(
    floors: Sequence[_Floor], of: NDArray[np.int64], boxes: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Return which of what was found at floors is kept, what stands out most first."""
    contrasts = [floors[k].level.contrast for k in of.tolist()]
    inks = [
        contrast[y : y + height, x : x + width]
        for contrast, (x, y, width, height) in zip(contrasts, boxes.tolist(), strict=True)
    ]
    peaks = np.array([cv2.norm(ink, cv2.NORM_INF) for ink in inks])
    masses = np.array([cv2.norm(ink, cv2.NORM_L1) for ink in inks])
    each = [(floor.floor, floor.level.scale, not floor.level.ruled) for floor in floors]
    floor, scale, bare = np.array(each)[of].T
    # Half-way up its edge a stroke is as wide as it was drawn; of two scales the finer shows more,
    # unless strokes are hollow there, for they are broader than its block.
    unlike = np.abs(np.log2(floor / peaks) + TARGET) + np.log2(scale) + bare
    unlike -= 6 * np.log2(masses * scale**2)
    sure = np.flatnonzero(peaks >= STEP * floor)
    kept = sure[_distinct(boxes[sure] * scale[sure, None], unlike[sure])]
    return kept[np.argsort(-peaks[kept], kind="stable")[:MAX_MARKS]]  # type: ignore[no-any-return]


def _distinct(boxes: NDArray[np.int64], unlike: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return which of the boxes are kept: the best first, and none that is the same as one."""
    order = np.argsort(unlike, kind="stable")
    pairs = np.sort(_same(boxes[order]), axis=1)
    left_out = [False] * len(boxes)
    for better, worse in pairs[np.argsort(pairs[:, 0])].tolist():
        if not left_out[better]:
            left_out[worse] = True
    return np.sort(order[~np.array(left_out, bool)])


def _same(boxes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (P, 2) which boxes are the same."""
    left, top, width, height = boxes.T
    right, bottom, area = left + width, top + height, width * height
    i, j = _meeting(left, left + width * (1 - SAME))
    wide = np.minimum(right[i], right[j]) - left[j]
    high = np.minimum(bottom[i], bottom[j]) - np.maximum(top[i], top[j])
    shared = np.maximum(wide, 0) * np.maximum(high, 0)
    found = shared >= SAME * (area[i] + area[j] - shared)
    return np.stack([i[found], j[found]], axis=1)


def _mark(pieces: _Floor, outlines: Sequence[cv2.typing.MatLike], box: Sequence[int]) -> Mark:
    """Cut what is within outlines, and the soft edge around it."""
    x, y, width, height = box
    inside = np.zeros((height, width), np.uint8)
    for outline in outlines:
        cv2.drawContours(inside, [outline], 0, (255,), cv2.FILLED, offset=(-x, -y))
    cv2.dilate(inside, None, inside)  # type: ignore[call-overload]
    contrast = cv2.bitwise_and(pieces.level.contrast[y : y + height, x : x + width], inside)
    scale = pieces.level.scale
    whole = Box(x * scale, y * scale, width * scale, height * scale)
    return Mark(whole, contrast, pieces.floor, pieces.level)  # type: ignore[arg-type]
