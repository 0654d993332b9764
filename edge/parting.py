"""Wide marks to pieces: cuts along the paths through a mark that cross the least ink.

Touching digits are parted by over-segmentation: more cuts are made than there are digits, and the
classifier's scores choose among them (Casey and Lecolinet 1996, "A Survey of Methods and Strategies
in Character Segmentation"). A cut is a path from top to bottom, found for every column that it may
pass half-way down, in all marks of a frame at once: one family of paths crosses the least ink, the
other the narrowest necks of the shape, such as the wall that two rings have in common.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from .frame import GrayImage

ROWS = 24
"""Marks are brought to this height before they are cut."""
MAX_COLUMNS = 12 * ROWS
"""Wider marks are narrowed to this."""
INK_PART = 0.35
"""Part of the peak contrast from which a pixel counts as ink."""
SIDESTEP = 0.25
"""Cost of a step to the side, in pixels of ink."""
MIN_PIECE = 0.12
"""Narrowest piece, in heights of the mark."""
MAX_CROSSED = 0.6
"""Most ink that a cut crosses, in heights of the mark."""
MAX_NECK = 0.75
"""The same where what strokes enclose counts as ink."""
CLOSE = 1.0
"""Paths are one whose columns differ by so little on average."""
MAX_CUTS = 16

Path = NDArray[np.int32]
"""(height,) first column to the right of a cut, for every row of the mark."""


def find_cuts(contrasts: Sequence[GrayImage]) -> list[list[Path]]:
    """Return where marks may be cut, from left to right, for each mark.

    Args:
        contrasts: (h, w) uint8 each, the mark's ink alone, 0 elsewhere.
    """
    if not contrasts:
        return []
    small = [_reduced(contrast) for contrast in contrasts]
    widest = max(ink.shape[1] for ink in small)
    cost = np.full((2 * len(small), ROWS, widest), np.float32(ROWS))
    for index, ink in enumerate(small):
        cost[2 * index, :, : ink.shape[1]] = ink
        cost[2 * index + 1, :, : ink.shape[1]] = _filled(ink)
    down, up = _cheapest(cost), _cheapest(cost[:, ::-1])[:, ::-1]
    middle = ROWS // 2
    through = down[:, middle] + up[:, middle] - cost[:, middle]
    cuts = []
    for index, contrast in enumerate(contrasts):
        columns = small[index].shape[1]
        paths = []
        for plane, most in ((2 * index, MAX_CROSSED), (2 * index + 1, MAX_NECK)):
            valleys = _valleys(through[plane, :columns], most * ROWS)
            upper = _trace(down[plane, : middle + 1], valleys)
            lower = _trace(up[plane, middle:][::-1], valleys)[:, ::-1]
            paths.append(np.concatenate([upper, lower[:, 1:]], axis=1))
        cuts.append(_enlarged(_ordered(*paths), contrast.shape, columns))
    return cuts


def piece(contrast: GrayImage, left: Path | None, right: Path | None) -> GrayImage:
    """Return the ink between two cuts, in an array of the mark's size; None is the mark's side."""
    columns = np.arange(contrast.shape[1], dtype=np.int32)
    inside = np.ones(contrast.shape, bool)
    if left is not None:
        inside &= columns >= left[:, None]
    if right is not None:
        inside &= columns < right[:, None]
    return np.where(inside, contrast, np.uint8(0))


def _reduced(contrast: GrayImage) -> NDArray[np.float32]:
    """Return (ROWS, w) float32, 1 ink and 0 paper."""
    height, width = contrast.shape
    columns = min(max(round(width * ROWS / height), 4), MAX_COLUMNS)
    small = cv2.resize(contrast, (columns, ROWS), interpolation=cv2.INTER_AREA)
    floor = max(INK_PART * cv2.norm(contrast, cv2.NORM_INF), 1)
    return (small / np.float32(2 * floor)).clip(0, 1)


def _filled(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fill what strokes enclose: between two rings the way is short then, across one it is long."""
    mask = (ink >= 0.5).view(np.uint8)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(mask, outlines, -1, (1,), cv2.FILLED)
    return np.maximum(ink, mask)


def _ordered(paths: NDArray[np.intp], others: NDArray[np.intp]) -> NDArray[np.intp]:
    """Join both, without others that run close to one of the first, from left to right."""
    apart = np.abs(others[:, None] - paths).mean(axis=2)
    new = others[(apart > CLOSE).all(axis=1)]
    paths = np.concatenate([paths, new])
    paths = paths[np.argsort(paths.sum(axis=1), kind="stable")]
    return np.maximum.accumulate(paths, axis=0)


def _cheapest(cost: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the least cost of a path from the top row to each cell, (N, rows, columns)."""
    total = cost.copy()
    for row in range(1, total.shape[1]):
        above = total[:, row - 1]
        best = above.copy()
        np.minimum(best[:, 1:], above[:, :-1] + SIDESTEP, out=best[:, 1:])
        np.minimum(best[:, :-1], above[:, 1:] + SIDESTEP, out=best[:, :-1])
        total[:, row] += best
    return total


def _valleys(through: NDArray[np.float32], most: float) -> NDArray[np.intp]:
    """Return the columns where a cut is cheaper than those beside it, at most ``most``."""
    reach, margin = round(MIN_PIECE * ROWS), round(MIN_PIECE * ROWS)
    lowest = cv2.erode(through[None], np.ones((1, 2 * reach + 1), np.uint8))[0]
    level = (through <= lowest + SIDESTEP / 2) & (through <= most)
    edges = np.flatnonzero(np.diff(level, prepend=False, append=False))
    middles = (edges[::2] + edges[1::2] - 1) // 2
    middles = middles[(middles >= margin) & (middles < len(through) - margin)]
    cheapest = middles[np.argsort(through[middles], kind="stable")[:MAX_CUTS]]
    return np.sort(cheapest)


def _trace(total: NDArray[np.float32], columns: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the paths from the top row to ``columns`` in the last row, (cuts, rows)."""
    rows, width = total.shape
    paths = np.empty((len(columns), rows), np.intp)
    paths[:, -1] = columns
    steps = np.array([0, -1, 1])
    penalty = np.array([0, SIDESTEP, SIDESTEP], np.float32)
    for row in range(rows - 2, -1, -1):
        reached = paths[:, row + 1, None] + steps
        reached = np.clip(reached, 0, width - 1)
        best = (total[row][reached] + penalty).argmin(axis=1)
        paths[:, row] = reached[np.arange(len(columns)), best]
    return paths


def _enlarged(paths: NDArray[np.intp], shape: tuple[int, ...], columns: int) -> list[Path]:
    """Bring paths to a mark's own resolution."""
    height, width = shape
    rows = np.arange(height) * ROWS // height
    at = (paths[:, rows] + 0.5) * (width / columns)
    return list(np.rint(at).astype(np.int32))
