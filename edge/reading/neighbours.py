"""What stands beside what: one answer that words, lines and beliefs ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..frame import Box

ALIKE = 0.45
"""Marks of one row are at least so much alike in height."""
WITHIN = 0.7
"""Part of a mark's box that lies in that of the mark it is a piece of."""
LEVEL = 0.4
"""Part of the lower mark's height that marks of one row share."""


@dataclass(frozen=True)
class Sides:
    """The nearest marks of one row on either side of each mark."""

    index: NDArray[np.int64]
    """(N, 2) which mark stands left and right of each, -1 for none."""
    gap: NDArray[np.float64]
    """(N, 2) space between, in heights of the higher of the two; infinite for none."""


def as_array(boxes: Sequence[Box]) -> NDArray[np.float64]:
    """Return (N, 4): left, top, width, height."""
    return np.array([box.as_list() for box in boxes], np.float64).reshape(-1, 4)


def gaps(boxes: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (N, M) space from each box to the next to its right, in heights of the higher one.

    Infinite where the other does not stand to the right of it in the same row.
    """
    x, y, w, h = boxes.T[:, :, None]
    left, top, width, height = others.T[:, None]
    shared = np.minimum(y + h, top + height) - np.maximum(y, top)
    low, high = np.minimum(h, height), np.maximum(h, height)
    in_row = (low >= ALIKE * high) & (shared >= LEVEL * low)
    beyond = (left + width / 2 > x + w / 2) & (left + width > x + w)
    space = (left - (x + w)) / high
    return np.where(in_row & beyond & (space > -0.5), space, np.inf)


def sides(
    boxes: NDArray[np.float64],
    others: NDArray[np.float64],
    apart: NDArray[np.bool_] | None = None,
) -> Sides:
    """Find the nearest marks of one row on either side of each of ``boxes`` among ``others``.

    Args:
        boxes: (N, 4) of marks.
        others: (M, 4) of what may stand beside them.
        apart: (N, M) which of these count for each mark; all by default.
    """
    if not len(boxes) or not len(others):
        none = np.full((len(boxes), 2), -1)
        return Sides(none, np.full((len(boxes), 2), np.inf))
    right, left = gaps(boxes, others), gaps(others, boxes).T
    if apart is not None:
        right[~apart] = left[~apart] = np.inf
    index = np.stack([left.argmin(axis=1), right.argmin(axis=1)], axis=1)
    gap = np.stack([left.min(axis=1), right.min(axis=1)], axis=1)
    return Sides(np.where(np.isfinite(gap), index, -1), gap)


def inside(
    boxes: NDArray[np.float64], others: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return (N, M) part of each box's area that lies in each of ``others``.

    Without others these are the boxes themselves, and none lies in itself.
    """
    x, y, w, h = boxes.T[:, :, None]
    left, top, width, height = (boxes if others is None else others).T[:, None]
    wide = np.minimum(x + w, left + width) - np.maximum(x, left)
    high = np.minimum(y + h, top + height) - np.maximum(y, top)
    part = np.maximum(wide, 0) * np.maximum(high, 0) / (w * h)
    if others is None:
        np.fill_diagonal(part, 0)
    return part  # type: ignore[no-any-return]


def overlaps(boxes: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return (N, M) whether boxes share any place with others."""
    (start, end), (first, last) = ((b[:, :2], b[:, :2] + b[:, 2:]) for b in (boxes, others))
    apart = (start[:, None] >= last) | (end[:, None] <= first)
    return ~apart.any(axis=2)  # type: ignore[no-any-return]
