"""Strings of digits to digits: a word is read at once, and nothing in it is cut.

Where digits touch, no cut may leave both whole. A convolutional network looks at a word in steps
from left to right and says of each whether a digit is there; equal digits in a row are one
(connectionist temporal classification, Graves et al. 2006, "Connectionist Temporal Classification:
Labelling Unsegmented Sequence Data with Recurrent Neural Networks").
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .bundle import BLANK_CLASS, STRING_CLASSES, Bundle, check_kind
from .classify import Network
from .frame import GrayImage
from .settings import Runtime
from .string_image import (
    HEIGHT_PX,
    MAX_WIDTH_PX,
    SIDE_PX,
    STEP_PX,
    logits_by_width,
    string_image,
)

BLANK = STRING_CLASSES.index(BLANK_CLASS)
OPINIONS = len(STRING_CLASSES) + 1
"""What a mark may be: no digit, one of 0 to 9 alone, or several digits."""
CERTAIN, NARROWER = 0.9, 0.8
"""Words whose digits are all right with a smaller probability are read again, so much narrower."""
LAID_OUT_PX = 128
"""Width that the model file is laid out for."""


@dataclass(frozen=True)
class StringDigit:
    """A digit of a string."""

    digit: int
    probabilities: tuple[float, ...]
    """That its part of the string is no digit, one of 0 to 9 alone, or several, as opinions."""
    place: float
    """Where it stands, as a part of the string's width, 0 to 1."""

    @property
    def confidence(self) -> float:
        """Probability of the digit, 0 to 1."""
        return self.probabilities[1 + self.digit]


class StringReader:
    """Reads words of digits.

    Args:
        bundle: The model: (32, W) images to a logit a class and step.
        runtime: Which TFLite runtime; ``auto`` takes the fastest that is installed.
        threads: Processors the runtime may use.

    Raises:
        RuntimeUnavailableError: The runtime is not installed or does not fit numpy.
        ModelError: The runtime refuses the model, or its shapes or types are others.
    """

    def __init__(self, bundle: Bundle, runtime: Runtime = "auto", threads: int = 1) -> None:
        self.bundle = check_kind(bundle, strings=True)
        self._network = Network(
            bundle, runtime, threads, (HEIGHT_PX, LAID_OUT_PX), LAID_OUT_PX // STEP_PX
        )

    def read(self, contrasts: Sequence[GrayImage]) -> list[list[StringDigit]]:
        """Return the digits of words, from left to right.

        What is read in doubt is shown a second time, narrower, and the more certain reading counts,
        unless it has fewer digits.

        Args:
            contrasts: (h, w) uint8 each, 0 paper, larger is more ink; a word alone.
        """
        read = self._read(contrasts)
        doubtful = [i for i, digits in enumerate(read) if digits and certainty(digits) < CERTAIN]
        again = self._read([contrasts[i] for i in doubtful], NARROWER)
        for i, digits in zip(doubtful, again, strict=True):
            if len(digits) >= len(read[i]):
                read[i] = max(read[i], digits, key=certainty)
        return read

    def _read(
        self, contrasts: Sequence[GrayImage], stretch: float = 1.0
    ) -> list[list[StringDigit]]:
        images = [string_image(contrast, stretch) for contrast in contrasts]
        return [
            decode(steps, image.shape[1])
            for image, steps in zip(images, self._steps(images), strict=True)
        ]

    def opinions(self, contrasts: Sequence[GrayImage]) -> NDArray[np.float32]:
        """Return what single marks are.

        Args:
            contrasts: (h, w) uint8 each, 0 paper, larger is more ink; a mark alone.

        Returns:
            (N, 12) probabilities: of no digit, of 0 to 9, and of several digits.
        """
        return of_singles(self._steps([string_image(contrast) for contrast in contrasts]))

    def _steps(self, images: Sequence[GrayImage]) -> list[NDArray[np.float32]]:
        """Return (W / 4, classes) probabilities an image."""
        return [self._network.softmax(logits) for logits in self.logits(images)]

    def logits(self, images: Sequence[GrayImage]) -> list[NDArray[np.int8]]:
        """Return the quantized logits of strings: (32, W) uint8 -> (W / 4, classes) int8 each.

        W is filled up to a multiple of 32; strings of one width are a batch.
        """
        return logits_by_width(images, self._network.invoke)


def certainty(digits: Sequence[StringDigit]) -> float:
    """Return the probability that all digits are right, 0 to 1; 0 where none is read."""
    return math.prod(each.confidence for each in digits) if digits else 0.0


def decode(steps: NDArray[np.float32], width: int = MAX_WIDTH_PX) -> list[StringDigit]:
    """Put equal steps together; a digit's part reaches as far as the blankest step to the next.

    Args:
        steps: (W / 4, classes) probabilities, of the blank and the digits 0 to 9.
        width: Columns of the image that the string takes, the rest being filled up.
    """
    likeliest = steps.argmax(axis=1)
    starts = np.flatnonzero(np.diff(likeliest, prepend=-1)).tolist()
    runs = [
        (start, end)
        for start, end in zip(starts, [*starts[1:], len(likeliest)], strict=True)
        if likeliest[start] != BLANK
    ]
    if not runs:
        return []
    between = [_blankest(steps, a, b) for (_, a), (b, _) in pairwise(runs)]
    parts = zip([0, *between], [*between, len(steps)], strict=True)
    told = of_singles([steps[start:end] for start, end in parts])
    digits = []
    for (start, end), probabilities in zip(runs, told.tolist(), strict=True):
        middle = STEP_PX * (start + end) / 2 - SIDE_PX
        place = min(max(middle / (width - 2 * SIDE_PX), 0.0), 1.0)
        digit = int(likeliest[start]) - BLANK - 1
        digits.append(StringDigit(digit, tuple(probabilities), place))
    return digits


def _blankest(steps: NDArray[np.float32], first: int, end: int) -> int:
    """Return the step from ``first`` to before ``end`` that is a blank most likely."""
    return first + int(steps[first:end, BLANK].argmax()) if end > first else first


def of_singles(marks: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the probabilities that marks are no digit, one of 0 to 9 alone, and several digits.

    The probability of a digit alone is the sum over all ways to align it to the steps, the forward
    pass of Graves et al. 2006.

    Args:
        marks: (steps, classes) probabilities each, of the blank and the digits 0 to 9.

    Returns:
        (N, 12) probabilities.
    """
    steps = np.zeros((len(marks), max(map(len, marks)), len(STRING_CLASSES)))
    steps[..., BLANK] = 1
    for row, own in zip(steps, marks, strict=True):
        row[: len(own)] = own
    none = np.ones((len(steps), 1))
    within = after = np.zeros((len(steps), len(STRING_CLASSES) - 1))
    for step in np.moveaxis(steps, 1, 0):
        blank, digits = step[:, [BLANK]], step[:, BLANK + 1 :]
        none, within, after = none * blank, (none + within) * digits, (within + after) * blank
    told = np.hstack([none, within + after])
    several = np.maximum(1 - told.sum(axis=1, keepdims=True), 0)
    return np.hstack([told, several]).astype(np.float32)
