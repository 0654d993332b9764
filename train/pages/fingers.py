"""Fingers that hold the page, reaching into the frame from its border."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .page import Gray, Kind
from .sheet import FIRST_KIND

_SKIN = np.array([[120.0, 150.0, 205.0], [95.0, 125.0, 185.0], [45.0, 65.0, 105.0]])
"""BGR of light to dark skin under full light."""


def hold(
    image: Gray, label: NDArray[np.uint16], rng: np.random.Generator
) -> tuple[Gray, NDArray[np.uint16]]:
    """Put one to three fingers on a page where they cover no writing.

    Args:
        image: (H, W, 3) uint8, BGR.
        label: (H, W) uint16, as on a sheet; fingers are TEXTURE.
        rng: Source of every draw.

    Returns:
        Image and label with the fingers, or as they were where there is no room.
    """
    height, width = label.shape
    thick = rng.uniform(0.07, 0.16) * max(height, width)
    along = rng.uniform(0.1, 0.9)
    border, inwards = [
        ((along * width, height), -np.pi / 2), ((along * width, 0.0), np.pi / 2),
        ((0.0, along * height), 0.0), ((width, along * height), np.pi),
    ][int(rng.integers(4))]  # fmt: skip
    mask = np.zeros((height, width), np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        angle = inwards + rng.normal(0, 0.25)
        start = np.array(border) + rng.normal(0, 0.6, 2) * thick
        tip = start + thick * rng.uniform(0.8, 2) * np.array([np.cos(angle), np.sin(angle)])
        cv2.line(mask, _at(2 * start - tip), _at(tip), (255,), max(int(thick), 2), cv2.LINE_AA)
    if ((label > 0) & (label < FIRST_KIND) & (mask > 0)).any():
        return image, label
    # The skin darkens towards its outline, as round things do.
    inside = cv2.distanceTransform((mask > 127).view(np.uint8), cv2.DIST_L2, 3)
    shade = 0.55 + 0.45 * np.sqrt(np.clip(inside / (0.45 * thick), 0, 1))
    skin = _SKIN[int(rng.integers(len(_SKIN)))] * rng.uniform(0.85, 1.15)
    planes = [np.asarray(shade * level, np.float32) for level in skin.tolist()]
    colour = np.clip(cv2.merge(planes), 0, 255).astype(np.uint8)
    image = np.asarray(cv2.copyTo(colour, mask, image.copy()), np.uint8)
    label = np.where(mask > 127, np.uint16(FIRST_KIND + Kind.TEXTURE), label).astype(np.uint16)
    return image, label


def _at(point: NDArray[np.float64]) -> tuple[int, int]:
    return int(point[0]), int(point[1])
