"""A word to its image: what the reader of words sees, in training and on the device.

The word's parts are laid at their places at one scale, 28 rows high, their contrast stretched to
the full range of the strongest of them, and set on black. The width is scaled as if the word's body
alone had 28 rows, the rows that hold nine tenths of its ink: one high digit or a stroke through the
line leaves the others as wide as they are without it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from ..frame import Box, GrayImage, enclosing_box
from . import view
from .marks import Mark

HEIGHT_PX, CONTENT_PX = 32, 28
"""Rows of the image, and of the ink in it."""
SIDE_PX = 4
"""Black columns on either side of the ink."""
STEP_PX = 4
"""Columns of a step, at each of which the network says whether a digit is there."""
WIDTH_STEP_PX, MAX_WIDTH_PX = 32, 320
"""Images are filled up to a multiple; wider words are narrowed to the largest."""
BODY = 0.05, 0.95
"""Parts of the ink that lie above a word's body, and down to its last row."""
MAX_WIDENING = 1.8
"""Height over that of the body, at most."""
TOP_PX = (HEIGHT_PX - CONTENT_PX) // 2
"""Black rows above the ink."""
VERSION = 3
"""Raise it when words' images change; refuses older models."""

Logit = TypeVar("Logit", np.int8, np.float32)
Piece = tuple[Box, GrayImage]
"""A part of a word: where it stands, in any px, and its ink at any resolution, 255 full ink."""


def word_fingerprint() -> str:
    """Return what a model was trained for: ``sha256:`` and a hash of what decides its pixels."""
    recipe = {
        "version": VERSION,
        "word_px": [HEIGHT_PX, CONTENT_PX, SIDE_PX, STEP_PX, MAX_WIDTH_PX],
        "body": [*BODY, MAX_WIDENING],
        "marks": view.fingerprint(),
    }
    return "sha256:" + hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()


def word_image(parts: Sequence[Mark]) -> GrayImage:
    """Bring a word to the network's input.

    Args:
        parts: The word's marks, at least one; they may be from levels of different scales.

    Returns:
        (32, W) uint8, white ink (255) on black (0), W as the ink needs, at most 320.
    """
    peak = max(cv2.norm(part.contrast, cv2.NORM_INF) for part in parts)
    return image_of([(part.box, _stretched(part.contrast, part.floor, peak)) for part in parts])


def plane_image(contrast: GrayImage, floor: float = 0.0, widening: float = 1.0) -> GrayImage:
    """Bring a word that is one piece to the network's input, as `word_image` does.

    Args:
        contrast: (h, w) uint8, 0 ground, larger is more ink; the word alone.
        floor: Contrast from which a pixel is ink.
        widening: By how much it is drawn wider than it is.
    """
    height, width = contrast.shape
    ink = _stretched(contrast, floor, cv2.norm(contrast, cv2.NORM_INF))
    return image_of([(Box(0, 0, width, height), ink)], widening)


def _stretched(contrast: GrayImage, floor: float, peak: float) -> GrayImage:
    """Bring contrast to the full range: half the floor is black, a stroke's middle white."""
    low, high = floor / 2, view.FULL * peak
    gain = 255 / max(high - low, 1.0)
    return cv2.addWeighted(contrast, gain, contrast, 0, -gain * low)  # type: ignore[return-value]


def image_of(pieces: Sequence[Piece], widening: float = 1.0) -> GrayImage:
    """Lay a word's pieces at their places.

    Args:
        pieces: At least one.
        widening: By how much they are drawn wider than they are.

    Returns:
        (32, W) uint8, as `word_image`.
    """
    box = enclosing_box([place for place, _ in pieces])
    scale = CONTENT_PX / box.height
    spans = [_span((place.y - box.y) * scale, place.height * scale) for place, _ in pieces]
    wide = widening * _widening(pieces, spans)
    columns = min(max(round(box.width * scale * wide), 3), MAX_WIDTH_PX - 2 * SIDE_PX)
    across = columns / box.width
    image = np.zeros((HEIGHT_PX, columns + 2 * SIDE_PX), np.uint8)
    for (place, ink), (top, rows) in zip(pieces, spans, strict=True):
        left, broad = _span((place.x - box.x) * across, place.width * across, columns)
        reduced = rows < ink.shape[0] or broad < ink.shape[1]
        way = cv2.INTER_AREA if reduced else cv2.INTER_LINEAR
        small = cv2.resize(ink, (broad, rows), interpolation=way)
        target = image[TOP_PX + top :, SIDE_PX + left :][:rows, :broad]
        cv2.max(target, small, dst=target)
    # A thin stroke of a large word is pale when it is scaled down.
    gain = 255 / max(cv2.norm(image, cv2.NORM_INF), 1.0)
    return cv2.convertScaleAbs(image, alpha=gain)  # type: ignore[return-value]


def _span(start: float, length: float, room: int = CONTENT_PX) -> tuple[int, int]:
    """Return where a part starts and how long it is in whole px: 1 or more, inside the room."""
    first = min(round(start), room - 1)
    return first, max(min(round(start + length), room) - first, 1)


def _widening(pieces: Sequence[Piece], spans: Sequence[tuple[int, int]]) -> float:
    """Return the height of a word over that of its body."""
    ink = np.zeros(CONTENT_PX)
    for (place, plane), (top, rows) in zip(pieces, spans, strict=True):
        mean = cv2.reduce(plane, 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F)
        own = cv2.resize(mean, (1, rows), interpolation=cv2.INTER_AREA)
        ink[top : top + rows] += own[:, 0] * place.width
    total = ink.cumsum()
    first, last = np.searchsorted(total, [part * total[-1] for part in BODY])
    return min(CONTENT_PX / float(last - first + 1), MAX_WIDENING)


def padded_width(width: int) -> int:
    """Return the width that a word's image is filled up to, px."""
    return min(-(-width // WIDTH_STEP_PX) * WIDTH_STEP_PX, MAX_WIDTH_PX)


def logits_by_width(
    images: Sequence[GrayImage], run: Callable[[NDArray[np.uint8]], NDArray[Logit]]
) -> list[NDArray[Logit]]:
    """Run a network on words, those of one width in one batch.

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
