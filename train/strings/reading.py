"""What a reader of strings is worth: its logits to strings, and those held against the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.reading.words import parts_of, text_of

from ..evaluation import confidence_gap, probabilities
from ..held_back import edit_distance, matching

Logits = Sequence[NDArray[np.float32]]
"""(steps, classes) float32 a string."""


@dataclass(frozen=True)
class Worth:
    """How well strings were read."""

    exact: float
    """Share of strings read exactly, 0 to 1."""
    digit_error_rate: float
    """Edits needed, a digit that is written."""


def texts_of(logits: Logits) -> list[str]:
    """Return what is read, the likeliest class of each step taken."""
    return [text_of(probabilities(steps)) for steps in logits]


def worth(texts: Sequence[str], truths: Sequence[str]) -> Worth:
    """Hold what was read against what is written."""
    exact = np.mean([a == b for a, b in zip(texts, truths, strict=True)])
    edits = sum(edit_distance(a, b) for a, b in zip(texts, truths, strict=True))
    return Worth(float(exact), edits / max(sum(map(len, truths)), 1))


def truths_of(labels: NDArray[np.uint8]) -> list[str]:
    """Return the strings of (N, 12) labels."""
    return ["".join(str(label - 1) for label in row if label) for row in labels.astype(int)]


def answers(
    logits: Logits, truths: Sequence[str], temperature: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the confidence of each digit that is read, and whether it is right.

    Right are those that stay where the string read is turned into the one that is written.
    """
    confidences: list[float] = []
    right: list[bool] = []
    for steps, truth in zip(logits, truths, strict=True):
        told = parts_of(probabilities(steps, temperature))
        text = "".join(str(digit) for digit, _ in told)
        confidences += [opinions[1 + digit] for digit, opinions in told]
        right += matching(text, truth)
    return np.array(confidences), np.array(right, bool)


def fit_temperature(logits: Logits, truths: Sequence[str]) -> float:
    """Return the temperature by which a digit's confidence is how often such a digit is right.

    Guo, Pleiss, Sun and Weinberger 2017, "On Calibration of Modern Neural Networks".
    """
    from scipy.optimize import minimize_scalar

    def loss(log_t: float) -> float:
        confidence, right = answers(logits, truths, float(np.exp(log_t)))
        held = np.clip(np.where(right, confidence, 1 - confidence), 1e-6, 1)
        return float(-np.log(held).mean()) if len(held) else 0.0

    found = minimize_scalar(loss, bounds=(np.log(0.3), np.log(10)), method="bounded")
    return float(np.exp(found.x))


def calibration_error(logits: Logits, truths: Sequence[str], temperature: float) -> float:
    """Return the expected calibration error of the digits that are read, 15 bins, 0 to 1."""
    return confidence_gap(*answers(logits, truths, temperature), 15)
