"""Printed lines out of the ink: rulings, underlines, the grids and boxes of forms.

Only marks that are much longer than digits, or large and mostly empty, are looked into: a page
without rulings pays nothing. Straight segments are found by the probabilistic Hough transform
(Matas, Galambos and Kittler 2000); along each, ink is taken away where it is no thicker than the
line, so that strokes that cross it stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from .frame import Box, GrayImage

MIN_LONG = 2.0
"""Least length of a ruled line, in heights of the mark that it is part of."""
WHOLE_WIDTH = 0.85
"""A line this long, as a part of the frame's width, is ruled in any case."""
MIN_GRID = 0.3
"""Least size of a grid, as a part of the frame's short side, and least length of its lines."""
MAX_GRID_FILL = 0.35
"""A grid's lines fill less of its box."""
MIN_GRID_LINES = 4
"""A grid, or a frame, has at least so many lines."""
MIN_GRID_PX = 120
"""Smaller grids are not told from digits."""
BORDERS = ((0.06, 0.33), (0.12, 0.9))
"""A line this near to the frame's border, as a part of the short side, and at least so long, as a
part of the side beside it, is cut off from a ruling or a grid; a steep one by the last pair, and by
the first one if it reaches the frame's side too: else it is the bar of a 7 at the border."""
MAX_THICKNESS_PX = 9
REACH_PX = 12
"""Rows that are looked at on either side of a line."""
THICKER = 1.5
"""Ink this much thicker than the line is a stroke that crosses it."""
MIN_INK = 0.7
"""Part of a line's columns that have ink."""
MIN_RUNGS, SQUARENESS = 2, 0.12
"""Sides of boxes between two ruled lines, and the cosine of the angle that they stand at."""
MIN_HALVED_PX = 200
"""Lines are looked for in half resolution in larger marks."""
MAX_LINES = 120

Segment = tuple[int, int, int, int]
"""Ends (x, y, x, y), px."""
Place = TypeVar("Place", float, NDArray[np.float64])
"""A column or row, px, or several."""


def suspects(places: Sequence[Sequence[int]], shape: tuple[int, ...]) -> list[int]:
    """Return which marks, as (x, y, width, height), are so long or large that they may be ruled."""
    height, width = shape[:2]
    least = _least_grid(shape)
    nearest, shortest = BORDERS[0]
    side = min(height, width)
    found = []
    for index, (x, y, w, h) in enumerate(places):
        long = w >= max(MIN_LONG * h, MIN_GRID * side)
        beside = min(y, height - y - h) <= nearest * side and w >= shortest * width
        upright = min(x, width - x - w) <= nearest * side and h >= BORDERS[1][1] * height
        if upright or (h > MAX_THICKNESS_PX and (long or beside or min(w, h) >= least)):
            found.append(index)
    return found


def _least_grid(shape: tuple[int, ...]) -> float:
    return max(MIN_GRID * min(shape[:2]), MIN_GRID_PX)


def remove_rulings(mask: GrayImage, box: Box, outlines: Sequence[cv2.typing.MatLike]) -> bool:
    """Take the ruled lines of one mark out of the ink, in place, and say whether there were any.

    Args:
        mask: (H, W) uint8, 255 ink, of the whole frame.
        box: The mark's.
        outlines: The mark's outer contour and those of its holes.
    """
    part = box.part_of(mask)
    own = np.zeros_like(part)
    cv2.fillPoly(own, outlines, (255,), offset=(-box.x, -box.y))
    cv2.bitwise_and(own, part, dst=own)
    sparse = cv2.countNonZero(own) <= MAX_GRID_FILL * own.size
    if min(own.shape) > MAX_THICKNESS_PX and not sparse:
        return False
    least = 0.6 * min(_least_grid(mask.shape), BORDERS[0][1] * min(mask.shape))
    lines = _segments(own, least)
    grid = min(own.shape) >= _least_grid(mask.shape) and len(_apart(lines)) >= MIN_GRID_LINES
    ruled = [line for line in lines if grid or _is_ruling(line, box, mask.shape)]
    if not ruled:
        return False
    spare = max(own.shape) if grid else REACH_PX // 2
    left = own.copy()
    erased = [line for line in ruled if _erase(left, line, spare)]
    if erased and not grid:
        _erase_rungs(left, _segments(own, 0.6 * min(own.shape)), erased)
    part[(own > 0) & (left == 0)] = 0
    return bool(erased)


def _segments(part: GrayImage, least: float) -> list[Segment]:
    """Return the straight segments in a mark that have a least length, the longest first."""
    least, scale = max(least, 20.0), 1
    if min(part.shape) >= MIN_HALVED_PX:
        scale = 2
        part = cv2.resize(part, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    votes = max(int(0.5 * least / scale), 12)
    found = cv2.HoughLinesP(
        part, 1, np.pi / 360, votes, minLineLength=least / scale, maxLineGap=6 / scale
    )
    # OpenCV gives None for none, which its type hints do not say.
    ends = (scale * np.reshape([] if found is None else found, (-1, 4))).astype(int).tolist()
    return sorted((tuple(line) for line in ends), key=_length, reverse=True)[:MAX_LINES]


def _length(line: Segment) -> float:
    return float(np.hypot(line[2] - line[0], line[3] - line[1]))


def _is_flat(line: Segment) -> bool:
    return abs(line[2] - line[0]) >= abs(line[3] - line[1])


def _is_ruling(line: Segment, box: Box, shape: tuple[int, ...]) -> bool:
    """Say whether a segment is too long for a digit of its mark, or cut off by the frame."""
    height, width = shape[:2]
    side = min(height, width)
    x, y = (line[0] + line[2]) / 2 + box.x, (line[1] + line[3]) / 2 + box.y
    length = _length(line)
    if not _is_flat(line):
        near, long = BORDERS[1]
        return min(x, width - x) <= near * side and length >= long * height
    if length >= min(MIN_LONG * box.height, WHOLE_WIDTH * width):
        return True
    left, right = sorted((line[0] + box.x, line[2] + box.x))
    reaches_side = min(left, width - 1 - right) <= BORDERS[0][0] * side
    return any(
        min(y, height - y) <= near * side and length >= long * width
        for near, long in (BORDERS if reaches_side else BORDERS[1:])
    )


def _apart(lines: Sequence[Segment]) -> list[Segment]:
    """Return the lines that are not beside a longer one."""
    kept: list[Segment] = []
    for line in lines:
        x, y = (line[0] + line[2]) / 2, (line[1] + line[3]) / 2
        flat = _is_flat(line)
        for other in kept:
            at = _at(other, x if flat else y)
            if _is_flat(other) == flat and abs(at - (y if flat else x)) <= MAX_THICKNESS_PX:
                break
        else:
            kept.append(line)
    return kept


def _at(line: Segment, place: Place) -> Place:
    """Return the row of a flat line in a column, or the column of a steep one in a row."""
    x, y, x2, y2 = line
    if not _is_flat(line):
        x, y, x2, y2 = y, x, y2, x2
    return y + (place - x) * (y2 - y) / max(abs(x2 - x), 1) * (1 if x2 >= x else -1)


def _erase(part: GrayImage, line: Segment, spare: int = 0) -> bool:
    """Take a line out where it is no thicker than itself, in place; False if it is no line.

    Args:
        part: (h, w) uint8, 255 ink.
        line: The segment that was found.
        spare: How far beyond its ends the line may go on, px.
    """
    ink = part if _is_flat(line) else part.T
    height, width = ink.shape
    first, last = sorted((line[0], line[2]) if _is_flat(line) else (line[1], line[3]))
    columns = np.arange(max(first - spare, 0), min(last + spare + 1, width))
    found = (columns >= first) & (columns <= last)
    rows = _at(line, columns.astype(np.float64))
    offsets = np.arange(-REACH_PX, REACH_PX + 1)
    reached = np.rint(rows).astype(np.intp) + offsets[:, None]
    window = (ink[reached.clip(0, height - 1), columns] > 0) & (reached >= 0) & (reached < height)
    # The nearest ink to the line, at most two rows off, is taken for its centre.
    near = np.array([0, 1, -1, 2, -2]) + REACH_PX
    nearest = near[window[near].argmax(axis=0)]
    inked = window[near].any(axis=0)
    above = _run(window[::-1], len(offsets) - 1 - nearest)
    below = _run(window, nearest)
    thickness = above + below - 1
    if inked[found].mean() < MIN_INK:
        return False
    usual = float(np.median(thickness[inked & found]))
    if usual > MAX_THICKNESS_PX:
        return False
    thin = inked & (thickness <= max(THICKER * usual, usual + 1))
    middle = np.arange(len(offsets))[:, None]
    line_ink = (middle > nearest - above) & (middle < nearest + below) & thin & window
    at, which = np.nonzero(line_ink)
    ink[reached[at, which], columns[which]] = 0
    return True


def _run(window: NDArray[np.bool_], start: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return how many rows of ink follow in each column from its start on, that one included."""
    rows = np.arange(len(window))[:, None]
    blank = ~window & (rows >= start)
    return np.where(blank.any(axis=0), blank.argmax(axis=0), len(window)) - start


def _erase_rungs(part: GrayImage, lines: Sequence[Segment], erased: Sequence[Segment]) -> None:
    """Take out the sides of boxes: two or more that stand square between two ruled lines."""
    rungs = [line for line in lines if _is_rung(line, erased)]
    if len(_apart(rungs)) >= MIN_RUNGS:
        for line in rungs:
            _erase(part, line)


def _is_rung(line: Segment, erased: Sequence[Segment]) -> bool:
    ends = ((line[0], line[1]), (line[2], line[3]))
    across = [other for other in erased if _is_flat(other) != _is_flat(line)]
    touching = (
        any(
            abs(_at(other, x if _is_flat(other) else y) - (y if _is_flat(other) else x))
            <= MAX_THICKNESS_PX
            for other in across
        )
        for x, y in ends
    )
    return bool(across) and _is_square(line, across[0]) and all(touching)


def _is_square(line: Segment, other: Segment) -> bool:
    """Say whether two segments stand at right angles, within 7 degrees."""
    (x, y), (u, v) = ((each[2] - each[0], each[3] - each[1]) for each in (line, other))
    return abs(x * u + y * v) <= SQUARENESS * _length(line) * _length(other)
