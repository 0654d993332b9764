"""Digits drawn with one pen, whose place is known to the pixel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitcam.edge.frame import Box
from digitcam.train.handwriting import variant_curves

Gray = NDArray[np.uint8]
Draw = Callable[..., tuple[Gray, Box]]
PAPER, BOARD = 215, 40
"""Grey levels of the ground that dark and light ink stand on."""
FRACTION_BITS = 4
"""OpenCV draws at sixteenths of a pixel."""


def draw_on(
    luma: Gray,
    digit: int,
    variant: int = 0,
    *,
    height: float = 60,
    pen: float = 0.1,
    at: tuple[float, float] = (40, 40),
    contrast: int = 120,
    light: bool = False,
) -> tuple[Gray, Box]:
    """Draw a digit on a picture.

    Args:
        luma: (H, W) uint8; left as it is.
        digit: 0 to 9.
        variant: Which of its forms.
        height: Of the ink, px.
        pen: Width of the stroke, in heights.
        at: Left and top of the ink, px.
        contrast: Grey levels between ink and ground.
        light: Whether the ink is lighter than the ground.

    Returns:
        The picture, and the box of the ink's darker half.
    """
    curves = variant_curves(digit)[variant % len(variant_curves(digit))]
    points = np.concatenate(curves)
    low, high = points.min(axis=0), points.max(axis=0)
    width = max(pen * height, 1.0)
    scale = (height - width) / (high[1] - low[1])
    ink = np.zeros(luma.shape, np.uint8)
    for curve in curves:
        places = (curve - low) * scale + width / 2 + np.array(at)
        fixed = np.rint(places * 2**FRACTION_BITS).astype(np.int32)
        cv2.polylines(ink, [fixed], False, (255,), round(width), cv2.LINE_AA, FRACTION_BITS)
    step = (contrast if light else -contrast) * (ink / 255.0)
    seen = np.clip(np.rint(luma + step), 0, 255).astype(np.uint8)
    return seen, Box(*cv2.boundingRect((ink >= 128).astype(np.uint8)))


@pytest.fixture(scope="session")
def draw() -> Draw:
    """Draw a digit on a picture, or on bare ground of a size; return it and the ink's box."""

    def drawn(
        digit: int, variant: int = 0, *, on: Gray | tuple[int, int] = (160, 120), **how: Any
    ) -> tuple[Gray, Box]:
        if isinstance(on, tuple):
            on = np.full(on[::-1], BOARD if how.get("light") else PAPER, np.uint8)
        return draw_on(on, digit, variant, **how)

    return drawn
