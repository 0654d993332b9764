"""What the reader of strings sees in an epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.frame import GrayImage
from digitcam.edge.string_image import (
    HEIGHT_PX,
    MAX_WIDTH_PX,
    STEP_PX,
    padded_width,
    string_image,
)

from ..epochs import Job
from ..errors import DataError
from .compose import MAX_DIGITS, Writer, as_labels
from .distort import distort
from .recipe import StringFeedSettings

Samples = tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8]]
"""Images (N, 32, 320) uint8, black behind their own width; widths (N,), px; labels (N, 12) uint8,
a digit's class is the digit + 1, and 0 fills up."""
MAX_FAILURES = 2000
"""Strings in a row that do not fit an image, after which no other is written."""


@dataclass(frozen=True)
class StringSource:
    """Makes distorted strings.

    Args:
        writer: Writes them.
        settings: What an epoch is made of; what cannot be made of the material is left out.
    """

    writer: Writer
    settings: StringFeedSettings

    @property
    def amounts(self) -> Mapping[str, int]:
        """Samples of each kind in an epoch."""
        return {kind: getattr(self.settings, kind) for kind in self.writer.kinds}

    @property
    def samples(self) -> int:
        """Samples of an epoch."""
        return sum(self.amounts.values())

    def make(self, job: Job) -> Samples:
        """Return the samples of a job.

        Raises:
            DataError: What is written of the material does not fit an image.
        """
        rng = np.random.default_rng(job.seed)
        made: list[tuple[GrayImage, Sequence[int]]] = []
        failures = 0
        while len(made) < job.count:
            sample = self._sample(job.kind, rng)
            if sample:
                made.append(sample)
            failures = 0 if sample else failures + 1
            if failures == MAX_FAILURES:
                raise DataError(
                    f"expected strings of at most {MAX_DIGITS} digits that fit an image, found "
                    f"none in {MAX_FAILURES} of kind {job.kind!r}; leave them out with "
                    f"--{job.kind} 0, or give other photographs"
                )
        return stacked(made)

    def _sample(
        self, kind: str, rng: np.random.Generator
    ) -> tuple[GrayImage, Sequence[int]] | None:
        """Return a string's image and digits, or None if it does not fit."""
        ink, digits = self.writer.write(kind, rng)
        if min(ink.shape) < 4:
            return None
        image = distort(ink, rng, self.settings.distortion)
        return (image, digits) if readable(image, digits) else None


def readable(image: GrayImage, digits: Sequence[int]) -> bool:
    """Say whether an image has a step for each digit, and one between equal ones."""
    steps = len(digits) + sum(a == b for a, b in pairwise(digits))
    return steps <= image.shape[1] // STEP_PX and len(digits) <= MAX_DIGITS


def stacked(strings: Sequence[tuple[GrayImage, Sequence[int]]]) -> Samples:
    """Return images and digits as arrays."""
    images = np.zeros((len(strings), HEIGHT_PX, MAX_WIDTH_PX), np.uint8)
    for row, (image, _) in zip(images, strings, strict=True):
        row[:, : image.shape[1]] = image
    widths = np.array([image.shape[1] for image, _ in strings], np.int64)
    labels = [as_labels(digits) for _, digits in strings]
    return images, widths, np.array(labels, np.uint8).reshape(-1, MAX_DIGITS)


def plain_strings(writer: Writer) -> Samples:
    """Return the strings of photographs as the device sees them."""
    strings = [(string_image(each.ink), each.digits) for each in writer.material.strings]
    return stacked([each for each in strings if readable(*each)])


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
