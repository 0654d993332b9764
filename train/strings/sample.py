"""Words as arrays: images with their digits, and batches of like width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.frame import GrayImage
from digitcam.edge.reading.word_image import HEIGHT_PX, MAX_WIDTH_PX, STEP_PX, padded_width

MAX_DIGITS = 12
"""Most digits of a word."""

Word = tuple[GrayImage, tuple[int, ...]]
"""An image, (32, W) uint8, and the digits on it from left to right."""
Samples = tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8]]
"""Images (N, 32, 320) uint8, black behind their own width; widths (N,), px; labels (N, 12) uint8,
a digit's class is the digit + 1, and 0 fills up."""


def readable(word: Word) -> bool:
    """Say whether an image has a step for each digit, and one between equal ones."""
    image, digits = word
    steps = len(digits) + sum(a == b for a, b in pairwise(digits))
    return steps <= image.shape[1] // STEP_PX and len(digits) <= MAX_DIGITS


def as_labels(digits: Sequence[int]) -> NDArray[np.uint8]:
    """Return (MAX_DIGITS,) uint8 classes of a word's digits, filled up with 0, the blank."""
    labels = np.zeros(MAX_DIGITS, np.uint8)
    labels[: len(digits)] = np.array(digits, np.uint8) + 1
    return labels


def stacked(words: Sequence[Word]) -> Samples:
    """Return images and digits as arrays."""
    images = np.zeros((len(words), HEIGHT_PX, MAX_WIDTH_PX), np.uint8)
    for row, (image, _) in zip(images, words, strict=True):
        row[:, : image.shape[1]] = image
    widths = np.array([image.shape[1] for image, _ in words], np.int64)
    labels = [as_labels(digits) for _, digits in words]
    return images, widths, np.array(labels, np.uint8).reshape(-1, MAX_DIGITS)


def batches(
    samples: Samples, size: int, block: int = 16
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Yield batches of like width, so that little of their images is empty.

    Args:
        samples: In the order of the epoch.
        size: Samples of a batch; what is left over at the end of an epoch is left out.
        block: So many batches at a time are put in order of width.

    Yields:
        Images (size, 32, W) and labels (size, 12), in an order that the widths do not tell.
    """
    images, widths, labels = samples
    for start in range(0, len(widths) - size + 1, size * block):
        order = start + np.argsort(widths[start : start + size * block], kind="stable")
        parts = [order[i : i + size] for i in range(0, len(order) - size + 1, size)]
        for place in np.random.default_rng(start).permutation(len(parts)):
            part = parts[place]
            yield images[part, :, : padded_width(int(widths[part].max()))], labels[part]
