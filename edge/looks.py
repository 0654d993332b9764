"""Marks to probabilities; those in doubt are looked at again, turned a little either way.

Which digit a network sees changes with how the mark lies. The mean of several looks errs less often
than one (test-time augmentation: Krizhevsky, Sutskever and Hinton 2012, "ImageNet Classification
with Deep Convolutional Neural Networks"), and hardly any mark needs them. Whether it is a digit at
all is left to the first look: turned, a letter is no less one.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from .classify import Classifier
from .crop import model_images
from .frame import GrayImage

DOUBTFUL = 0.05, 0.9
"""Marks whose likeliest digit has a probability between them are looked at again."""
TURNS_DEG = (-10.0, 10.0)
"""How a mark is turned for each further look; less, slants and stretches help less."""
SIDE_PX = 34
"""Larger side of a mark when it is turned: as large as the digits that the network learnt from were
when they were distorted, twice as large as in the model image."""
CANVAS_PX = 52
"""Side of a square in which a mark of SIDE_PX has room to turn."""
MIDDLE = (CANVAS_PX - 1) / 2
LEAST = 1e-6
"""Probabilities are taken for no smaller ones before their logarithms are."""


def classify_marks(classifier: Classifier, contrasts: Sequence[GrayImage]) -> NDArray[np.float32]:
    """Return the calibrated probabilities of marks, each alone, in at most two batches.

    Args:
        classifier: Tells what a model image shows.
        contrasts: Of the marks, (h, w) uint8 each; 0 is paper, larger is more ink.

    Returns:
        (N, classes) float32.
    """
    told = classifier.probabilities(model_images(contrasts))
    digit = classifier.likeliest_digit(told)
    doubtful = np.flatnonzero((digit > DOUBTFUL[0]) & (digit < DOUBTFUL[1]))
    if not len(doubtful):
        return told
    turned = [look for i in doubtful for look in _looks(contrasts[i])]
    again = classifier.probabilities(model_images(turned))
    looks = again.reshape(len(doubtful), len(TURNS_DEG), -1).transpose(1, 0, 2)
    digits = np.ix_(doubtful, classifier.digits)
    among = pooled([told[digits], *looks[:, :, classifier.digits]])
    told[digits] = among * told[digits].sum(axis=1, keepdims=True)
    return told


def pooled(opinions: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the geometric mean of opinions: (N, classes) probabilities each, and of it.

    A logarithmic opinion pool (Genest and Zidek 1986, "Combining Probability Distributions").
    """
    mean = np.exp(np.mean([np.log(np.maximum(each, LEAST)) for each in opinions], axis=0))
    whole: NDArray[np.float32] = mean / mean.sum(axis=1, keepdims=True)
    return whole


def _looks(contrast: GrayImage) -> list[GrayImage]:
    """Return a mark on a square canvas, (CANVAS_PX, CANVAS_PX) uint8, turned each way."""
    left, top, width, height = cv2.boundingRect(contrast)
    ink = contrast[top : top + height, left : left + width] if width else contrast
    scale = SIDE_PX / max(ink.shape)
    if scale < 1:  # the warp alone would pass over pixels
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        ink, scale = cv2.resize(ink, size, interpolation=cv2.INTER_AREA), 1.0  # type: ignore[assignment]
    x, y = (ink.shape[1] - 1) / 2, (ink.shape[0] - 1) / 2
    looks = []
    for degrees in TURNS_DEG:
        matrix = np.asarray(cv2.getRotationMatrix2D((x, y), degrees, scale), np.float64)
        matrix[:, 2] += MIDDLE - x, MIDDLE - y
        looks.append(cv2.warpAffine(ink, matrix, (CANVAS_PX, CANVAS_PX), flags=cv2.INTER_CUBIC))
    return looks  # type: ignore[return-value]
