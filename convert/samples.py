"""Which digits calibrate the model and which verify it: seeded and class-balanced."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.reading.view import IMAGE_SHAPE
from digitcam.train.augment import plain_images

from .errors import SampleError

CALIBRATION_PER_CLASS = 50
CALIBRATION_SEED = 2018
GOLDEN_PER_CLASS = 100
"""1,000 golden images in all."""
GOLDEN_SEED = 1000
DIGITS = 10


def balanced_indices(
    labels: NDArray[np.uint8], per_class: int, seed: int, purpose: str
) -> NDArray[np.intp]:
    """Draw as many of each digit, without repetition.

    Args:
        labels: (N,) uint8, 0 to 9.
        per_class: How many of each.
        seed: Equal seeds draw equal indices.
        purpose: What the message calls the sample.

    Returns:
        (10 * per_class,) indices, ascending.

    Raises:
        SampleError: A digit is too rare.

    """
    rng = np.random.default_rng(seed)
    drawn = []
    for digit in range(DIGITS):
        candidates = np.flatnonzero(labels == digit)
        if len(candidates) < per_class:
            raise SampleError(
                f"{purpose}: expected at least {per_class} images of each digit, "
                f"found {len(candidates)} of {digit}; give a larger data set with --data"
            )
        drawn.append(rng.choice(candidates, per_class, replace=False))
    return np.sort(np.concatenate(drawn))


def calibration_images(
    x: NDArray[np.uint8],
    y: NDArray[np.uint8],
    extras: NDArray[np.uint8],
    seed: int = CALIBRATION_SEED,
) -> NDArray[np.uint8]:
    """Choose the model images that the ranges of the quantized tensors are measured on.

    The first is black and the strongest reaches 255: so the input's range is exactly 0 to 1, its
    scale 1/255 and its zero point -128, and quantizing a pixel loses nothing.

    Args:
        x: (N, 28, 28) uint8 digits, white ink on black.
        y: (N,) uint8, 0 to 9.
        extras: (M, 28, 28) uint8 model images of whatever else the network was trained on.
        seed: Equal seeds draw equal images.

    Returns:
        (501 + M, 28, 28) uint8 model images.

    Raises:
        SampleError: A digit is too rare.

    """
    chosen = balanced_indices(y, CALIBRATION_PER_CLASS, seed, "calibration")
    images = plain_images(x[chosen])
    peaks = images.max(axis=(1, 2))
    strongest = int(peaks.argmax())
    if 0 < peaks[strongest] < 255:
        full = images[strongest] * (255 / peaks[strongest])
        images[strongest] = np.rint(full).astype(np.uint8)
    return np.concatenate([np.zeros((1, *IMAGE_SHAPE), np.uint8), images, extras])


def golden_indices(labels: NDArray[np.uint8], seed: int = GOLDEN_SEED) -> NDArray[np.intp]:
    """Choose the test images on which the runtimes have to agree: (1000,) indices, ascending."""
    return balanced_indices(labels, GOLDEN_PER_CLASS, seed, "golden images")
