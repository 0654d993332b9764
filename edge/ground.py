"""The ground around a mark: ink has the same paper on every side, the edge of a shadow has not."""

from __future__ import annotations

import numpy as np

from .frame import Box, GrayImage
from .segment import Candidate

REACH = 0.25
"""How far the ground is looked at, in heights of the mark."""
MIN_REACH_PX = 3
MIN_PIXELS = 8
"""A side with less ground, such as between two digits, tells nothing."""


def ground_step(luma: GrayImage, ink: GrayImage, mark: Candidate) -> float:
    """Return the largest difference of the ground between the sides of a mark, in its contrasts.

    Ink on paper is near 0. What stands between two grounds is no ink: the edge of a sheet or a
    shadow, the gap between fingers.

    Args:
        luma: (H, W) uint8.
        ink: (H, W) uint8, not 0 where anything stands out of the ground; it is left out.
        mark: One of the marks there.
    """
    levels = [
        float(np.median(ground))
        for ground in (_ground(luma, ink, side) for side in _sides(mark.box))
        if ground.size >= MIN_PIXELS
    ]
    if not levels:
        return 0.0
    own = mark.contrast[mark.contrast >= mark.contrast.max() / 2]
    return (max(levels) - min(levels)) / max(float(own.mean()), 1.0)


def _sides(box: Box) -> list[tuple[int, int, int, int]]:
    """Return strips to the left, to the right, above and below: left, top, right, bottom."""
    reach = max(round(REACH * box.height), MIN_REACH_PX)
    top, bottom = box.y + box.height // 8, box.bottom - box.height // 8
    return [
        (box.x - reach, top, box.x - 1, bottom),
        (box.right + 1, top, box.right + reach, bottom),
        (box.x, box.y - reach, box.right, box.y - 1),
        (box.x, box.bottom + 1, box.right, box.bottom + reach),
    ]


def _ground(luma: GrayImage, ink: GrayImage, side: tuple[int, int, int, int]) -> GrayImage:
    left, top, right, bottom = (max(value, 0) for value in side)
    ground: GrayImage = luma[top:bottom, left:right][ink[top:bottom, left:right] == 0]
    return ground
