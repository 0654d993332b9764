"""The ground around a mark: ink has the same paper on every side, the edge of a shadow has not."""

from __future__ import annotations

import numpy as np

from .frame import Box, GrayImage
from .segment import Candidate

REACH = 0.25
"""How far the ground is looked at, in heights of the mark."""
MIN_REACH_PX = 3
CONTINUED = 0.35
"""Part of a mark's contrast that a line has which goes on."""
MAX_BUMP = 4
"""Height of a bump in thicknesses of its line."""
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


def continues(luma: GrayImage, mark: Candidate) -> bool:
    """Say whether an upright mark goes on above and below, or to the frame's border: a ruled line.

    What stands out of the ground beside it there is compared with the mark itself, averaged over
    its columns, so that a line too faint to be ink is seen too.

    Args:
        luma: (H, W) uint8.
        mark: One of the marks there.
    """
    box, half = mark.box, mark.box.height // 2
    own = _relief(luma, box, box.y, box.bottom)
    beyond = [(box.y - half, box.y - 2), (box.bottom + 2, box.bottom + half)]
    in_frame = [ends for ends in beyond if ends[1] > 0 and ends[0] < luma.shape[0]]
    on = [_relief(luma, box, *ends) for ends in in_frame]
    return own != 0 and bool(on) and all(each / own >= CONTINUED for each in on)


def is_bump(luma: GrayImage, mark: Candidate) -> bool:
    """Say whether a mark is a thicker place of a ruled line that passes through it sideways.

    Args:
        luma: (H, W) uint8.
        mark: One of the marks there.
    """
    box, reach = mark.box, max(mark.box.height // 2, MIN_REACH_PX)
    rows = luma[max(box.y - 2, 0) : box.bottom + 2].astype(np.float32)
    least = CONTINUED * float(mark.contrast.max())
    sides = (rows[:, max(box.x - reach, 0) : box.x], rows[:, box.right : box.right + reach])
    for side in sides:
        if not side.size:
            return False
        profile = side.mean(axis=1)
        dark = np.abs(profile - (profile[0] + profile[-1]) / 2) >= least
        if box.height > MAX_BUMP * int(dark.sum()):
            return False
    return True


def _relief(luma: GrayImage, box: Box, top: int, bottom: int) -> float:
    """Return how much darker than the columns beside it the box's columns are in some rows."""
    top, bottom = max(top, 0), min(bottom, luma.shape[0])
    left, right = max(box.x - box.width, 0), min(box.right + box.width, luma.shape[1])
    rows = luma[top:bottom]
    beside = np.concatenate([rows[:, left : box.x], rows[:, box.right : right]], axis=1)
    if not beside.size:
        return 0.0
    return float(beside.mean() - rows[:, box.x : box.right].mean())


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
