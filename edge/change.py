"""What changed from one frame to another, told from small images of both."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .frame import Box, GrayImage

CELL_PX = 8
"""Side of the squares that are averaged: noise goes, a pencil's stroke stays."""


def thumbnail(luma: GrayImage) -> GrayImage:
    """Return the mean of each 8 x 8 px.

    Args:
        luma: (H, W) uint8.

    Returns:
        (ceil(H / 8), ceil(W / 8)) uint8.
    """
    height, width = luma.shape
    size = (-(-width // CELL_PX), -(-height // CELL_PX))
    return cv2.resize(luma, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def changed_cells(before: GrayImage, now: GrayImage, least: int) -> NDArray[np.bool_]:
    """Return which cells of two thumbnails differ.

    A change of the light that is the same everywhere is none.

    Args:
        before: (h, w) uint8.
        now: (h, w) uint8; all cells of another shape differ.
        least: Grey levels from which a cell differs.

    Returns:
        (h, w) bool.
    """
    if before.shape != now.shape:
        return np.ones(now.shape, np.bool_)
    difference = now.astype(np.int16) - before
    if np.abs(difference).max() < least:
        return np.zeros(now.shape, np.bool_)
    light = int(np.median(difference))
    changed: NDArray[np.bool_] = np.abs(difference - light) >= least
    return changed


def is_changed(cells: NDArray[np.bool_], box: Box) -> bool:
    """Say whether a cell that a box touches, or one beside it, changed.

    Args:
        cells: (h, w) bool of ``changed_cells``.
        box: In px of the frame that the thumbnail was made of.
    """
    rows = slice(max(box.y // CELL_PX - 1, 0), box.bottom // CELL_PX + 2)
    columns = slice(max(box.x // CELL_PX - 1, 0), box.right // CELL_PX + 2)
    return bool(cells[rows, columns].any())
