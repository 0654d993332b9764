"""Marks to images: what the networks see, in training and on the device.

A mark is cut to its ink, its contrast stretched to the full range, scaled into 18 x 18 px with the
aspect kept, and set on black with 5 px around. MNIST was made alike (fitted into 20 x 20 with the
aspect kept); stretching a 1 to a square makes it unrecognizable.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ..frame import GrayImage
from . import ink, marks

CONTENT_PX = 18
PADDING_PX = 5
IMAGE_PX = CONTENT_PX + 2 * PADDING_PX
IMAGE_SHAPE = (IMAGE_PX, IMAGE_PX)
"""Shape of the model image, (28, 28)."""
FULL = 0.6
"""Part of the strongest contrast from which ink is white: a stroke's middle is, its edge is not."""


def stretched(contrast: GrayImage, floor: float) -> GrayImage:
    """Bring a mark's contrast to the full range: half the floor is black, a stroke's middle white.

    Args:
        contrast: (h, w) uint8, 0 ground; the mark alone.
        floor: Contrast from which a pixel is ink.
    """
    low, high = floor / 2, FULL * cv2.norm(contrast, cv2.NORM_INF)
    gain = 255 / max(high - low, 1.0)
    return cv2.addWeighted(contrast, gain, contrast, 0, -gain * low)  # type: ignore[return-value]


def model_image(contrast: GrayImage, floor: float, out: GrayImage | None = None) -> GrayImage:
    """Bring one mark to the classifier's input.

    Args:
        contrast: (h, w) uint8, 0 ground, larger is more ink; the mark alone.
        floor: Contrast from which a pixel is ink.
        out: (28, 28) uint8 zeros to write to; made when absent.

    Returns:
        (28, 28) uint8, white ink (255) on black (0); all black if there is no ink.
    """
    image = np.zeros(IMAGE_SHAPE, np.uint8) if out is None else out
    bright = stretched(contrast, floor)
    x, y, width, height = cv2.boundingRect(bright)
    if not width:
        return image
    scale = CONTENT_PX / max(width, height)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    left, top = (IMAGE_PX - size[0]) // 2, (IMAGE_PX - size[1]) // 2
    small = cv2.resize(
        bright[y : y + height, x : x + width],
        size,
        interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
    )
    # A thin stroke of a large mark is pale when it is scaled down.
    inner = image[top : top + size[1], left : left + size[0]]
    cv2.normalize(small, inner, 255, norm_type=cv2.NORM_INF)
    return image


def model_images(found: Sequence[marks.Mark]) -> NDArray[np.uint8]:
    """Bring marks to the classifier's input: (N, 28, 28) uint8, in order."""
    images = np.zeros((len(found), *IMAGE_SHAPE), np.uint8)
    for mark, image in zip(found, images, strict=True):
        model_image(mark.contrast, mark.floor, image)
    return images


VERSION = 3
"""Raise it when model images change by more than the golden test allows; refuses older models."""


def fingerprint() -> str:
    """Return what a model was trained for: ``sha256:`` and a hash of what decides its pixels."""
    recipe = {
        "version": VERSION,
        **{
            f"{module.__name__.rpartition('.')[2]}.{name}": value
            for module in (ink, marks, sys.modules[__name__])
            for name, value in vars(module).items()
            if name.isupper() and isinstance(value, int | float | tuple)
        },
    }
    return "sha256:" + hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()
