"""Golden vectors: model images that code draws, and what the model made of them at export.

They tell on the device whether its runtime computes what the runtimes of the export did. The
images are drawn by numpy's plain arithmetic, the same on every processor and in every version.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from .reading.view import CONTENT_PX, IMAGE_PX, IMAGE_SHAPE

STEP = 1
"""Quantization steps by which a runtime's logit may differ, if the bundle does not say."""
SEGMENTS = {
    "a": (0, 0, 1, 0),
    "b": (1, 0, 1, 1),
    "c": (1, 1, 1, 2),
    "d": (0, 2, 1, 2),
    "e": (0, 1, 0, 2),
    "f": (0, 0, 0, 1),
    "g": (0, 1, 1, 1),
}
"""Left, top, right and bottom of the strokes of a seven-segment display, in half heights."""
DIGITS = "abcdef bc abdeg abcdg bcfg acdfg acdefg abc abcdefg abcdfg"
"""The segments of 0 to 9."""
COUNT = len(DIGITS.split())
"""How many images there are, without drawing them."""
PEN_PX, EDGE_PX = 1.0, 1.5
"""Half the width of the strokes that are full white, and how far they fade from there."""
SLANT = 0.25
"""Columns by which they lean a row, as in handwriting."""


@dataclass(frozen=True)
class Golden:
    """What a sidecar holds of them."""

    images: str
    """Digest of the images: other images have other logits."""
    logits: tuple[bytes, ...]
    """(classes,) int8 an image."""
    limit: int = STEP
    """Quantization steps by which a runtime's logit may differ; deep networks need more."""

    def steps(self, logits: NDArray[np.int8]) -> int:
        """Return by how many quantization steps (N, classes) logits differ at most."""
        return int(np.abs(logits.astype(int) - self._array()).max(initial=0))

    def reads_alike(self, logits: NDArray[np.int8]) -> bool:
        """Tell whether the likeliest class of every image is the golden one."""
        return bool((logits.argmax(axis=1) == self._array().argmax(axis=1)).all())

    def as_dict(self) -> dict[str, object]:
        """Return them as the sidecar holds them, the logits in hexadecimal."""
        return {
            "images": self.images,
            "limit": self.limit,
            "logits": [row.hex() for row in self.logits],
        }

    def _array(self) -> NDArray[np.int8]:
        return np.stack([np.frombuffer(row, np.int8) for row in self.logits])


@cache
def golden_images() -> NDArray[np.uint8]:
    """Draw the digits of a leaning seven-segment display: (10, 28, 28) uint8, white on black."""
    images = np.stack([_draw(segments) for segments in DIGITS.split()])
    images.setflags(write=False)
    return images


def images_digest() -> str:
    """Return ``sha256:`` and the hash of the images."""
    return "sha256:" + hashlib.sha256(golden_images().tobytes()).hexdigest()


def golden_of(logits: NDArray[np.int8], limit: int = STEP) -> Golden:
    """Return the golden vectors of a model that makes (10, classes) logits of the images."""
    return Golden(images_digest(), tuple(row.tobytes() for row in logits), limit)


def _draw(segments: str) -> NDArray[np.uint8]:
    """Draw some of the segments with soft edges: (28, 28) uint8."""
    rows, columns = np.mgrid[:IMAGE_PX, :IMAGE_PX].astype(np.float64) - (IMAGE_PX - 1) / 2
    columns = columns + SLANT * rows
    reach = PEN_PX + EDGE_PX
    half = CONTENT_PX / 2 - reach
    ink = np.zeros(IMAGE_SHAPE)
    for left, top, right, bottom in (SEGMENTS[name] for name in segments):
        across = np.maximum(half * (left - 0.5) - columns, columns - half * (right - 0.5))
        along = np.maximum(half * (top - 1) - rows, rows - half * (bottom - 1))
        distance = np.sqrt(np.maximum(across, 0) ** 2 + np.maximum(along, 0) ** 2)
        ink = np.maximum(ink, (reach - distance) / EDGE_PX)
    image: NDArray[np.uint8] = np.rint(255 * np.clip(ink, 0, 1)).astype(np.uint8)
    return image
