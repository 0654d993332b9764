"""Text lines that lie at an angle: how far a page is turned, and the page turned upright.

The angle is that of most pairs of nearest neighbours (O'Gorman 1993, "The Document Spectrum for
Page Layout Analysis").
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ..frame import Box, GrayImage
from .neighbours import as_array

MAX_TILT_DEG = 50.0
"""Lines that are turned further are taken for columns."""
MIN_PAIRS = 3
"""Pairs of neighbours that have to agree."""
MIN_AGREEING = 0.4
"""Part of all pairs that have to agree."""
TOLERANCE_DEG = 6.0
"""Pairs agree within this."""
MAX_DISTANCE = 2.5
"""Neighbours are no further apart, in sizes of the larger one."""
MIN_LIKENESS = 0.55
"""Neighbours are at least so much alike in size."""
MAX_MARKS = 300
"""The tallest marks alone are looked at."""


def estimate_tilt(boxes: Sequence[Box]) -> float:
    """Return by how many degrees text lines fall to the right; 0 where too little speaks for it.

    Args:
        boxes: Upright boxes of the marks on the page, in any order; a mark's size is the longer
            side of its box.
    """
    if len(boxes) <= MIN_PAIRS:
        return 0.0
    places = as_array(boxes)
    size = places[:, 2:].max(axis=1)
    if len(boxes) > MAX_MARKS:
        tallest = np.argsort(-size, kind="stable")[:MAX_MARKS]
        places, size = places[tallest], size[tallest]
    centre = places[:, :2] + places[:, 2:] / 2
    step = centre[None] - centre[:, None]
    distance = np.hypot(step[..., 0], step[..., 1])
    larger = np.maximum(size[:, None], size)
    alike = np.minimum(size[:, None], size) >= MIN_LIKENESS * larger
    distance[~alike | (distance > MAX_DISTANCE * larger)] = np.inf
    np.fill_diagonal(distance, np.inf)
    # The two nearest: one on either side in a line.
    nearest = np.argpartition(distance, 1, axis=1)[:, :2]
    first = np.repeat(np.arange(len(nearest)), 2)
    second = nearest.ravel()
    near = np.isfinite(distance[first, second])
    first, second = np.sort([first[near], second[near]], axis=0)
    pairs = np.unique(np.stack([first, second], axis=1), axis=0)
    if len(pairs) < MIN_PAIRS:
        return 0.0
    steps = step[pairs[:, 0], pairs[:, 1]]
    angles = np.degrees(np.arctan2(steps[:, 1], steps[:, 0]))
    return _agreed((angles + 90) % 180 - 90)


def _agreed(angles: NDArray[np.float64]) -> float:
    """Return the angle that most pairs agree on, of those that agree the one nearest to level."""
    apart = np.abs(angles[:, None] - angles)
    agreeing = np.minimum(apart, 180 - apart) <= TOLERANCE_DEG
    votes = np.where(np.abs(angles) <= MAX_TILT_DEG, agreeing.sum(axis=1), 0)
    most = votes.max()
    if most < max(MIN_PAIRS, MIN_AGREEING * len(angles)):
        return 0.0
    chosen = min(np.flatnonzero(votes == most), key=lambda i: abs(angles[i]))
    return float(np.median(angles[agreeing[chosen]]))


def upright(luma: GrayImage, degrees: float) -> tuple[GrayImage, NDArray[np.float64]]:
    """Turn a frame so that lines which fall by ``degrees`` are level; nothing is cut off.

    Returns:
        The turned frame, (h, w) uint8, and the (2, 3) matrix that brings its pixels back.
    """
    height, width = luma.shape
    matrix = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0), np.float64)
    cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = round(width * cosine + height * sine), round(width * sine + height * cosine)
    matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    turned = cv2.warpAffine(
        luma, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    back: NDArray[np.float64] = cv2.invertAffineTransform(matrix)  # type: ignore[assignment]
    return turned, back  # type: ignore[return-value]


def turned_by(luma: GrayImage, degrees: int) -> tuple[GrayImage, NDArray[np.float64]]:
    """Turn a frame clockwise by a multiple of 90 degrees.

    Returns:
        The turned frame, (h, w) uint8, and the (2, 3) matrix that brings its pixels back.
    """
    turned = np.ascontiguousarray(np.rot90(luma, -degrees // 90))
    turn = np.radians(degrees)
    matrix = np.rint([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    size, turned_size = (np.array(each.shape[::-1]) for each in (luma, turned))
    return turned, np.column_stack([matrix, (size - matrix @ turned_size) / 2])


def after(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (2, 3) matrix that does what two do, one after the other."""
    both: NDArray[np.float64] = second @ np.vstack([first, [0, 0, 1]])
    return both


def is_inside(box: Box, back: NDArray[np.float64], width: int, height: int) -> bool:
    """Say whether the middle of a turned frame's box lies within the frame."""
    x, y = back @ (box.x + box.width / 2, box.center_y, 1)
    return bool(0 <= x < width and 0 <= y < height)


def box_back(box: Box, back: NDArray[np.float64], width: int, height: int) -> Box:
    """Return the upright box, within ``width`` x ``height`` px, around a box of a turned frame."""
    corners = np.array(
        [
            [box.x, box.y, 1],
            [box.right, box.y, 1],
            [box.x, box.bottom, 1],
            [box.right, box.bottom, 1],
        ]
    )
    places = corners @ back.T
    left, top = (max(int(value), 0) for value in np.floor(places.min(axis=0)))
    right, bottom = np.ceil(places.max(axis=0)).astype(int).tolist()
    left, top = min(left, width - 1), min(top, height - 1)
    return Box(left, top, max(min(right, width) - left, 1), max(min(bottom, height) - top, 1))
