"""Words to digits: a run of marks is read at once, and nothing in it is cut.

Where digits touch, no cut may leave both whole. A convolutional network looks at a word in steps
from left to right and says of each whether a digit is there; equal digits in a row are one
(connectionist temporal classification, Graves et al. 2006, "Connectionist Temporal Classification:
Labelling Unsegmented Sequence Data with Recurrent Neural Networks").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from ..bundle import BLANK_CLASS, STRING_CLASSES, Bundle, check_kind
from ..classify import Network
from ..frame import Box, GrayImage, enclosing_box
from ..settings import Runtime
from .marks import Mark
from .word_image import (
    CONTENT_PX,
    HEIGHT_PX,
    SIDE_PX,
    STEP_PX,
    TOP_PX,
    logits_by_width,
    word_image,
)

BLANK = STRING_CLASSES.index(BLANK_CLASS)
LAID_OUT_PX = 128
"""Width that the model file is laid out for."""
Steps = NDArray[np.float32]
"""(W / 4, classes) probabilities of a word, of the blank and the digits 0 to 9."""


@dataclass(frozen=True)
class WordDigit:
    """A digit of a word."""

    digit: int
    probabilities: tuple[float, ...]
    """That its part of the word is no digit, one of 0 to 9 alone, or several: (12,)."""
    box: Box
    """Around the ink of its part, px of the frame."""

    @property
    def confidence(self) -> float:
        """Probability of the digit, 0 to 1."""
        return self.probabilities[1 + self.digit]


class WordReader:
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

    def read(self, words: Sequence[Sequence[Mark]]) -> list[list[WordDigit]]:
        """Return the digits of words, from left to right.

        Args:
            words: The marks of each, at least one, in any order.
        """
        images = [word_image(parts) for parts in words]
        return [
            decode(steps, image, enclosing_box([part.box for part in parts]))
            for steps, image, parts in zip(self.steps(images), images, words, strict=True)
        ]

    def steps(self, images: Sequence[GrayImage]) -> list[Steps]:
        """Return what is seen at each step: (32, W) uint8 -> (W / 4, classes) each."""
        return [self._network.softmax(logits) for logits in self.logits(images)]

    def logits(self, images: Sequence[GrayImage]) -> list[NDArray[np.int8]]:
        """Return the quantized logits of words: (32, W) uint8 -> (W / 4, classes) int8 each.

        W is filled up to a multiple of 32; words of one width are a batch.
        """
        return logits_by_width(images, self._network.invoke)


def decode(steps: Steps, image: GrayImage, box: Box) -> list[WordDigit]:
    """Put equal steps together, and say where each digit is.

    Args:
        steps: What is seen at each step.
        image: (32, W) uint8: the word's image.
        box: Where the word stands, px of the frame.
    """
    middles = [STEP_PX * (start + end) // 2 for start, end in _runs(steps)]
    return [
        WordDigit(digit, opinions, own)
        for (digit, opinions), own in zip(parts_of(steps), _boxes(middles, image, box), strict=True)
    ]


def parts_of(steps: Steps) -> list[tuple[int, tuple[float, ...]]]:
    """Return the digits that are read, and what the part of each is.

    A digit's part reaches as far as the blankest step to the next.

    Returns:
        Each digit, and the probabilities that its part is no digit, one of 0 to 9, or several.
    """
    runs = _runs(steps)
    if not runs:
        return []
    between = [_blankest(steps, a, b) for (_, a), (b, _) in pairwise(runs)]
    parts = zip([0, *between], [*between, len(steps)], strict=True)
    told = of_singles([steps[start:end] for start, end in parts])
    return [
        (int(digit), tuple(opinions))
        for digit, opinions in zip(text_of(steps), told.tolist(), strict=True)
    ]


def text_of(steps: Steps) -> str:
    """Return the digits that are read, the likeliest class of each step taken."""
    likeliest = steps.argmax(axis=1)
    return "".join(str(int(likeliest[start]) - BLANK - 1) for start, _ in _runs(steps))


def _runs(steps: Steps) -> list[tuple[int, int]]:
    """Return where runs of one digit start, and the step after each."""
    likeliest = steps.argmax(axis=1)
    starts = np.flatnonzero(np.diff(likeliest, prepend=-1)).tolist()
    return [
        (start, end)
        for start, end in zip(starts, [*starts[1:], len(likeliest)], strict=True)
        if likeliest[start] != BLANK
    ]


def _blankest(steps: Steps, first: int, end: int) -> int:
    """Return the step from ``first`` to before ``end`` that is a blank most likely."""
    return first + int(steps[first:end, BLANK].argmax()) if end > first else first


def _boxes(columns: Sequence[int], image: GrayImage, box: Box) -> list[Box]:
    """Return the boxes of digits, given a column of each: ink as far as the emptiest between."""
    if not columns:
        return []
    width = image.shape[1]
    ink = image.sum(axis=0, dtype=np.int64)
    inside = [min(column, width - SIDE_PX - 1) for column in columns]
    between = [_emptiest(ink, a, b) for a, b in pairwise(inside)]
    across = box.width / (width - 2 * SIDE_PX)
    down = box.height / CONTENT_PX
    boxes = []
    for left, right in zip([0, *between], [*between, width], strict=True):
        x, y, wide, tall = cv2.boundingRect(image[:, left:right])
        if not wide:
            x, y, wide, tall = 0, TOP_PX, max(right - left, 1), CONTENT_PX
        first = box.x + round((left + x - SIDE_PX) * across)
        top = box.y + round((y - TOP_PX) * down)
        boxes.append(Box(first, top, max(round(wide * across), 1), max(round(tall * down), 1)))
    return boxes


def _emptiest(ink: NDArray[np.int64], first: int, last: int) -> int:
    """Return the column of least ink from ``first`` to ``last``, the middle one of several."""
    between = ink[first : last + 1]
    least = np.flatnonzero(between == between.min())
    return first + int(least[len(least) // 2])


def of_singles(parts: Sequence[Steps]) -> NDArray[np.float32]:
    """Return the probabilities that parts are no digit, one of 0 to 9 alone, and several digits.

    The probability of a digit alone is the sum over all ways to align it to the steps, the forward
    pass of Graves et al. 2006.

    Args:
        parts: The steps of each.

    Returns:
        (N, 12) probabilities.
    """
    steps = np.zeros((len(parts), max(map(len, parts), default=0), len(STRING_CLASSES)))
    steps[..., BLANK] = 1
    for row, own in zip(steps, parts, strict=True):
        row[: len(own)] = own
    none = np.ones((len(steps), 1))
    within = after = np.zeros((len(steps), len(STRING_CLASSES) - 1))
    for step in np.moveaxis(steps, 1, 0):
        blank, digits = step[:, [BLANK]], step[:, BLANK + 1 :]
        none, within, after = none * blank, (none + within) * digits, (within + after) * blank
    told = np.hstack([none, within + after])
    several = np.maximum(1 - told.sum(axis=1, keepdims=True), 0)
    return np.hstack([told, several]).astype(np.float32)
