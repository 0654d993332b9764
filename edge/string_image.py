"""Ink to a string's image: what the reader of strings sees, in training and on the device.

A word's ink is scaled to 28 rows, its contrast stretched so that the strongest is white, and set on
black. Its width is scaled as if its body alone had 28 rows, the rows that hold nine tenths of its
ink: one high digit or a stroke through the line leaves the others as wide as they are without it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from .frame import GrayImage
from .settings import PreprocessSettings

HEIGHT_PX, CONTENT_PX = 32, 28
"""Rows of the image, and of the ink in it."""
SIDE_PX = 4
"""Black columns on either side of the ink."""
STEP_PX = 4
"""Columns of a step, at each of which the network says whether a digit is there."""
WIDTH_STEP_PX, MAX_WIDTH_PX = 32, 320
"""Images are filled up to a multiple; wider strings are narrowed to the largest."""

BODY = 0.05, 0.95
"""Parts of the ink that lie above a word's body, and down to its last row."""
MAX_WIDENING = 1.8
"""Height over that of the body, at most."""
INK = 0.25
"""Part of the peak contrast from which a pixel is ink."""

Logit = TypeVar("Logit", np.int8, np.float32)

PREPROCESSING = 2
"""Raise it when strings' images change; refuses older models."""


def string_fingerprint() -> str:
    """Return what a model was trained for: ``sha256:`` and a hash of the preprocessing."""
    recipe = {
        "version": PREPROCESSING,
        "string_px": [HEIGHT_PX, CONTENT_PX, SIDE_PX, STEP_PX, MAX_WIDTH_PX],
        "body": [*BODY, MAX_WIDENING, INK],
        "preprocess": asdict(PreprocessSettings()),
    }
    return "sha256:" + hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()


def string_image(contrast: GrayImage, stretch: float = 1.0) -> GrayImage:
    """Bring a word to the network's input.

    Args:
        contrast: (h, w) uint8, 0 paper, larger is more ink; the word alone.
        stretch: By how much it is drawn wider than it is.

    Returns:
        (32, W) uint8, white ink (255) on black (0), W as the ink needs, at most 320.
    """
    scale = CONTENT_PX / contrast.shape[0]
    columns = content_width(contrast, stretch)
    bright = cv2.convertScaleAbs(contrast, alpha=255 / max(cv2.norm(contrast, cv2.NORM_INF), 1))
    image = np.zeros((HEIGHT_PX, columns + 2 * SIDE_PX), np.uint8)
    top = (HEIGHT_PX - CONTENT_PX) // 2
    cv2.resize(
        bright,
        (columns, CONTENT_PX),
        dst=image[top : top + CONTENT_PX, SIDE_PX : SIDE_PX + columns],
        interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
    )
    return image


def content_width(contrast: GrayImage, stretch: float = 1.0) -> int:
    """Return how many columns a word's ink takes in its image.

    Args:
        contrast: (h, w) uint8, as in string_image.
        stretch: By how much it is drawn wider than it is.
    """
    height, width = contrast.shape
    ink = (contrast >= INK * cv2.norm(contrast, cv2.NORM_INF)).sum(axis=1).cumsum()
    first, last = np.searchsorted(ink, [part * ink[-1] for part in BODY])
    widening = min(height / (last - first + 1), MAX_WIDENING)
    columns = round(float(width * CONTENT_PX / height * widening * stretch))
    return min(max(columns, 3), MAX_WIDTH_PX - 2 * SIDE_PX)


def padded_width(width: int) -> int:
    """Return the width that a string's image is filled up to, px."""
    return min(-(-width // WIDTH_STEP_PX) * WIDTH_STEP_PX, MAX_WIDTH_PX)


def logits_by_width(
    images: Sequence[GrayImage], run: Callable[[NDArray[np.uint8]], NDArray[Logit]]
) -> list[NDArray[Logit]]:
    """Run a network on strings, those of one width in one batch.

    Args:
        images: (32, W) uint8 each; W is filled up to a multiple of 32.
        run: (N, 32, W) uint8 -> N times W / 4 steps of logits, in any shape.

    Returns:
        (W / 4, classes) each, in order.
    """
    widths = [padded_width(image.shape[1]) for image in images]
    found: dict[int, NDArray[Logit]] = {}
    for width in sorted(set(widths)):
        members = [i for i, own in enumerate(widths) if own == width]
        batch = np.zeros((len(members), HEIGHT_PX, width), np.uint8)
        for row, i in zip(batch, members, strict=True):
            row[:, : images[i].shape[1]] = images[i]
        logits = run(batch).reshape(len(members), width // STEP_PX, -1)
        found.update(zip(members, logits, strict=True))
    return [found[i] for i in range(len(images))]
