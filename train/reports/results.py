"""What a network made of labelled images, as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.bundle import DIGIT_CLASSES

from ..evaluation import (
    THRESHOLDS,
    calibration_error,
    coverage_curve,
    cross_entropy,
    digit_accuracy,
    reliability,
    report,
)
from ..paper import CLASSES, REJECT
from ..saliency import LEAST, Images
from ..subject import Subject

Labels = NDArray[np.uint8]
"""(N,) indices of paper.CLASSES."""


@dataclass(frozen=True)
class Examination:
    """Labelled model images that nothing was trained on."""

    key: str
    """In ``metrics.json``."""
    title: str
    """On the page."""
    images: Images
    labels: Labels


@dataclass(frozen=True)
class Result:
    """What came of an examination."""

    examination: Examination
    confidence: NDArray[np.float32]
    """(N,) of what was read, 0 to 1."""
    read: NDArray[np.intp]
    """(N,) the most probable class."""
    classes: tuple[str, ...]
    """What was there or could be read."""
    errors: tuple[int, ...]
    """Indices of what was read wrong: wrong digits, then missed digits, the surest first."""
    figures: Mapping[str, Any]
    """As ``metrics.json`` has them."""

    @property
    def wrong_digits(self) -> list[int]:
        """Errors by which a digit is published that is not there."""
        return [index for index in self.errors if self.read[index] < REJECT]

    @property
    def missed_digits(self) -> list[int]:
        """Errors by which a digit is taken for none."""
        labels = self.examination.labels
        return [i for i in self.errors if self.read[i] >= REJECT and labels[i] < REJECT]


def examine(subject: Subject, examination: Examination) -> Result:
    """Have a network read the images, and measure what it made of them."""
    found = subject.probabilities(examination.images)
    labels, read = examination.labels, found.argmax(axis=1)
    more = subject.rejects or (labels >= REJECT).any()
    classes = CLASSES if more else DIGIT_CLASSES
    confidence = found.max(axis=1)
    errors = _worst_first(read, confidence, labels)
    # The logarithm of a softmax is as good as its logits, and needs no temperature any more.
    logits = np.log(np.maximum(found, LEAST))[:, : len(classes)]
    figures = {
        **_accuracies(logits, labels),
        **_decisions(read, confidence, labels, subject.min_confidence),
        **_confidence(logits, labels, classes, subject.min_confidence),
        **_by_class(logits, labels, classes),
        "errors": [
            {
                "index": index,
                "true": CLASSES[labels[index]],
                "read": CLASSES[read[index]],
                "confidence": round(float(confidence[index]), 4),
            }
            for index in errors
        ],
    }
    return Result(examination, confidence, read, classes, errors, figures)


def _worst_first(
    read: NDArray[np.intp], confidence: NDArray[np.float32], labels: Labels
) -> tuple[int, ...]:
    """Put a digit that is not there before one that is not read, and those before the rest."""
    harm = np.where(read < REJECT, 2, np.where(labels < REJECT, 1, 0))
    order = np.lexsort((-confidence, -harm))
    return tuple(order[(read != labels)[order]].tolist())


def _accuracies(logits: NDArray[np.float32], labels: Labels) -> dict[str, Any]:
    digits = labels < REJECT
    return {
        "count": len(labels),
        "digits": int(digits.sum()),
        "accuracy": float((logits.argmax(axis=1) == labels).mean()),
        "digit_accuracy": digit_accuracy(logits[digits], labels[digits]) if digits.any() else None,
        "cross_entropy": cross_entropy(logits, labels),
    }


def _decisions(
    read: NDArray[np.intp],
    confidence: NDArray[np.float32],
    labels: Labels,
    min_confidence: float,
) -> dict[str, Any]:
    """Count what a device would do with each image."""
    none, sure = read >= REJECT, confidence >= min_confidence
    decided = {
        "right": ~none & sure & (read == labels),
        "wrong": ~none & sure & (read != labels),
        "unsure": ~none & ~sure,
        "no_digit": none,
    }
    digits = labels < REJECT
    return {
        "min_confidence": min_confidence,
        "decisions": {
            "digits": {name: int((which & digits).sum()) for name, which in decided.items()},
            "others": {name: int((which & ~digits).sum()) for name, which in decided.items()},
        },
    }


def _confidence(
    logits: NDArray[np.float32], labels: Labels, classes: Sequence[str], min_confidence: float
) -> dict[str, Any]:
    thresholds = sorted({*THRESHOLDS, min_confidence})
    curve = coverage_curve(logits, labels, 1.0, classes, thresholds)
    chosen = curve[thresholds.index(min_confidence)]
    return {
        "coverage": chosen["coverage"],
        "error": chosen["error"],
        "coverage_curve": curve,
        "calibration_error": calibration_error(logits, labels, 1.0),
        "reliability": reliability(logits, labels, 1.0),
    }


def _by_class(
    logits: NDArray[np.float32], labels: Labels, classes: Sequence[str]
) -> dict[str, Any]:
    found = report(logits, labels, classes)
    there = [each for each in found["classes"].values() if each["count"]]
    names = ("precision", "recall", "f1")
    return {
        "classes": found["classes"],
        "macro": {name: sum(each[name] for each in there) / len(there) for name in names},
        "confusion": found["confusion"],
    }
