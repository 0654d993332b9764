"""Ink to the model image: what the network sees, in training and on the device.

A mark is cut to its ink, its contrast stretched to the full range, scaled into 18 x 18 px with the
aspect kept, and set on black with 5 px around. MNIST was made alike (fitted into 20 x 20 with the
aspect kept); stretching a 1 to a square makes it unrecognizable.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

import cv2
import numpy as np
from numpy.typing import NDArray

from .frame import GrayImage
from .settings import PreprocessSettings

CONTENT_PX = 18
PADDING_PX = 5
IMAGE_PX = CONTENT_PX + 2 * PADDING_PX
IMAGE_SHAPE = (IMAGE_PX, IMAGE_PX)
"""Shape of the model image, (28, 28)."""

RAMP = (0.25, 0.75)
"""Parts of the peak contrast that become 0 and 255: halos go, anti-aliased edges stay."""

PREPROCESSING = 1
"""Raise it when model images change by more than the golden test allows; refuses older models."""


def fingerprint() -> str:
    """Return what a model was trained for: ``sha256:`` and a hash of the preprocessing."""
    recipe = {
        "version": PREPROCESSING,
        "content_px": CONTENT_PX,
        "padding_px": PADDING_PX,
        "ramp": RAMP,
        "preprocess": asdict(PreprocessSettings()),
    }
    return "sha256:" + hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()


def model_image(contrast: GrayImage, out: GrayImage | None = None) -> GrayImage:
    """Bring one mark to the model's input.

    Args:
        contrast: (h, w) uint8, 0 paper, larger is more ink; the mark alone. An MNIST image is one.
        out: (28, 28) uint8 zeros to write to; made when absent.

    Returns:
        (28, 28) uint8, white ink (255) on black (0); all black if there is no ink.
    """
    image = np.zeros(IMAGE_SHAPE, np.uint8) if out is None else out
    peak = cv2.norm(contrast, cv2.NORM_INF)  # a third of minMaxLoc's time on part of an image
    if peak < 1:
        return image
    low, high = RAMP[0] * peak, RAMP[1] * peak
    gain = 255 / (high - low)
    ink = cv2.addWeighted(contrast, gain, contrast, 0, -gain * low)
    x, y, width, height = cv2.boundingRect(ink)
    scale = CONTENT_PX / max(width, height)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    left, top = (IMAGE_PX - size[0]) // 2, (IMAGE_PX - size[1]) // 2
    cv2.resize(
        ink[y : y + height, x : x + width],
        size,
        dst=image[top : top + size[1], left : left + size[0]],
        interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
    )
    return image


def model_images(patches: Sequence[GrayImage]) -> NDArray[np.uint8]:
    """Bring marks to the model's input: (N, 28, 28) uint8, in order."""
    images = np.zeros((len(patches), *IMAGE_SHAPE), np.uint8)
    for patch, image in zip(patches, images, strict=True):
        model_image(patch, image)
    return images
