"""Rows that touch: what is written over one another is parted, along the way of least ink.

Digits of one row that touch are read at once, and nothing is cut. Those of two rows that touch at
one place are one mark too, and no reader of words can tell its rows.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ..frame import Box, GrayImage
from .marks import Mark

TALL = 1.8
"""Marks so many times as high as the picture's digits may be several rows."""
LOWEST = 0.5
"""Least height of a row, in heights of the picture's digits."""


def part_rows(mark: Mark, height: float) -> list[Mark]:
    """Part a mark into its rows, if it is high enough for two.

    Args:
        mark: Several digits that touch.
        height: Of the picture's digits, px of the frame.

    Returns:
        The rows, from top to bottom, two at least; nothing where the mark is too low for two.
    """
    scale = mark.level.scale
    margin = round(LOWEST * height / scale)
    if mark.box.height < TALL * height or mark.contrast.shape[0] < 2 * margin + 1:
        return []
    below = _seam(mark.contrast, margin) <= np.arange(mark.contrast.shape[0])[:, None]
    rows = []
    for part in (~below, below):
        contrast = cv2.bitwise_and(mark.contrast, mark.contrast, mask=part.view(np.uint8))
        x, y, wide, high = cv2.boundingRect(contrast)
        if not wide:
            return []
        box = Box(mark.box.x + x * scale, mark.box.y + y * scale, wide * scale, high * scale)
        ink: GrayImage = contrast[y : y + high, x : x + wide]  # type: ignore[assignment]
        row = replace(mark, box=box, contrast=ink)
        rows += part_rows(row, height) or [row]
    return rows


def _seam(ink: NDArray[np.uint8], margin: int) -> NDArray[np.int64]:
    """Return the row of each column at which a way of least ink goes from left to right.

    Args:
        ink: (h, w).
        margin: Rows above and below that it keeps clear of.
    """
    cost = ink[margin : len(ink) - margin].astype(np.int64)
    high, wide = cost.shape
    total = np.zeros((wide, high), np.int64)
    total[0] = cost[:, 0]
    padded = np.full(high + 2, np.iinfo(np.int64).max)
    for column in range(1, wide):
        padded[1:-1] = total[column - 1]
        total[column] = cost[:, column] + np.minimum(
            np.minimum(padded[:-2], padded[2:]), padded[1:-1]
        )
    way = np.zeros(wide, np.int64)
    way[-1] = total[-1].argmin()
    for column in range(wide - 2, -1, -1):
        first = max(way[column + 1] - 1, 0)
        way[column] = first + total[column, first : way[column + 1] + 2].argmin()
    return way + margin
