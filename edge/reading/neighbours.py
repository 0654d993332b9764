"""What stands beside what: one answer that words, lines and beliefs ask for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..frame import Box

ALIKE = 0.45
"""Marks of one row are at least so much alike in height."""
WITHIN = 0.7
"""Part of a mark's box that lies in that of the mark it is a piece of."""
LEVEL = 0.4
"""Part of the lower mark's height that marks of one row share."""


def as_array(boxes: Sequence[Box]) -> NDArray[np.float64]:
    """Return (N, 4): left, top, width, height."""
    return np.array([box.as_list() for box in boxes], np.float64).reshape(-1, 4)


def spaces(
    boxes: NDArray[np.float64], others: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the (N, M) spaces between each box and others to its left, and to its right.

    Args:
        boxes: (N, 4) of marks.
        others: (M, 4) of what may stand beside them.

    Returns:
        In heights of the higher of the two; infinite for what does not stand there in the same row.
    """
    x, y, w, h = boxes.T[:, :, None]
    left, top, width, height = others.T[:, None]
    end, right = x + w, left + width
    shared = np.minimum(y + h, top + height) - np.maximum(y, top)
    low, high = np.minimum(h, height), np.maximum(h, height)
    in_row = (low >= ALIKE * high) & (shared >= LEVEL * low)
    further, ends_further = left + right - x - end, right - end

    def space(beside: NDArray[np.bool_], between: NDArray[np.float64]) -> NDArray[np.float64]:
        wide = between / high
        return np.where(in_row & beside & (wide > -0.5), wide, np.inf)

    return (
        space((further < 0) & (ends_further < 0), x - right),
        space((further > 0) & (ends_further > 0), left - end),
    )


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
