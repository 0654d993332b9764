"""What a model is worth: accuracy, confusion, and how much its confidence can be trusted.

Class k below 10 is the digit k; an eleventh, where there is one, is what is no digit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.bundle import DIGIT_CLASSES

THRESHOLDS = tuple(step / 50 for step in range(50))
"""Confidences that a coverage curve looks at, 0 to 0.98."""
LEAST_CONFIDENCE, MOST_CONFIDENCE = 0.3, 0.9
"""Between these a threshold is chosen."""
Logits = NDArray[np.float32]
"""(N, classes) float32."""


def accuracy(logits: Logits, labels: NDArray[np.uint8]) -> float:
    """Return the share of right classes, 0 to 1."""
    return float((logits.argmax(axis=1) == labels).mean())


def digit_accuracy(
    logits: Logits | NDArray[np.int8],
    labels: NDArray[np.uint8],
    classes: Sequence[str] = DIGIT_CLASSES,
) -> float:
    """Return the share of digits read right by a reader who knows that all are digits.

    As the accuracy on MNIST is told: the largest of the ten digits' logits counts, whatever the
    one for no digit says.

    Args:
        logits: (N, classes).
        labels: (N,) uint8, 0 to 9.
        classes: What the logits stand for; by default the first ten are the digits.
    """
    digits = logits[:, [classes.index(digit) for digit in DIGIT_CLASSES]]
    return float((digits.argmax(axis=1) == labels).mean())


def cross_entropy(logits: Logits, labels: NDArray[np.uint8], temperature: float = 1.0) -> float:
    """Return the mean negative log likelihood, nats."""
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(scaled).sum(axis=1))
    return float((log_sum - scaled[np.arange(len(labels)), labels]).mean())


def fit_temperature(logits: Logits, labels: NDArray[np.uint8]) -> float:
    """Return the temperature that makes the softmax honest on data that was not trained on.

    Guo, Pleiss, Sun and Weinberger 2017, "On Calibration of Modern Neural Networks".
    """
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda log_t: cross_entropy(logits, labels, float(np.exp(log_t))),
        bounds=(np.log(0.1), np.log(10)),
        method="bounded",
    )
    return float(np.exp(found.x))


def calibration_error(
    logits: Logits, labels: NDArray[np.uint8], temperature: float, bins: int = 15
) -> float:
    """Return the expected calibration error of what is read as a digit, 0 to 1.

    Only that counts: no confidence is given for what is rejected.
    """
    return confidence_gap(*_answers(logits, labels, temperature), bins)


def confidence_gap(
    confidence: NDArray[np.floating[Any]], right: NDArray[np.bool_], bins: int = 15
) -> float:
    """Return the expected calibration error over equal bins of confidence, 0 to 1; 0 of nothing.

    Args:
        confidence: (N,) of each answer, 0 to 1.
        right: (N,) whether it was right.
        bins: How many there are.
    """
    rows = _bins(confidence, right, bins)
    gaps = [abs(row["confidence"] - row["accuracy"]) * row["count"] for row in rows]
    return sum(gaps) / max(len(right), 1)


def reliability(
    logits: Logits, labels: NDArray[np.uint8], temperature: float, bins: int = 15
) -> list[dict[str, float]]:
    """Tell how often what is read as a digit is right, by the confidence that it is given.

    The reliability diagram of DeGroot and Fienberg 1983, "The Comparison and Evaluation of
    Forecasters", as Guo, Pleiss, Sun and Weinberger 2017 draw it.

    Returns:
        A row a bin that holds an answer: ``low`` and ``high``, its ends; ``count`` of the answers;
        ``confidence``, their mean; ``accuracy``, the part of them that is right.
    """
    return _bins(*_answers(logits, labels, temperature), bins)


def coverage_curve(
    logits: Logits,
    labels: NDArray[np.uint8],
    temperature: float,
    classes: Sequence[str],
    thresholds: Sequence[float] = THRESHOLDS,
) -> list[dict[str, float]]:
    """Tell what is answered, and how much of it wrongly, at each threshold of the confidence.

    A mark is answered if its most probable class is a digit and at least as probable as the
    threshold. The risk-coverage curve of Geifman and El-Yaniv 2017, "Selective Classification for
    Deep Neural Networks", over the marks that are no digits too.

    Args:
        logits: (N, classes), of marks that were not trained on.
        labels: (N,) uint8, indices of ``classes``.
        temperature: What logits are divided by before the softmax.
        classes: What the logits stand for.
        thresholds: Of the confidence, 0 to 1.

    Returns:
        A row a threshold: ``threshold``; ``coverage``, the part of the true digits that is
        answered; ``error``, the part of the answers that is a wrong digit or to no digit. A part
        of nothing is 0.
    """
    is_digit = np.array([name in DIGIT_CLASSES for name in classes])
    best, confidence = _best(logits, temperature)
    rows = []
    for threshold in thresholds:
        answered = is_digit[best] & (confidence >= threshold)
        rows.append(
            {
                "threshold": threshold,
                "coverage": _part(answered, is_digit[labels]),
                "error": _part(best != labels, answered),
            }
        )
    return rows


def choose_min_confidence(curve: Sequence[Mapping[str, float]], max_error: float = 0.02) -> float:
    """Return the smallest threshold from 0.3 to 0.9 at which few enough answers are wrong.

    Args:
        curve: As ``coverage_curve`` makes it.
        max_error: Largest part of the answers that may be wrong; where no threshold reaches it,
            the one of least error is chosen.
    """
    rows = [row for row in curve if LEAST_CONFIDENCE <= row["threshold"] <= MOST_CONFIDENCE]
    good = [row for row in rows if row["error"] <= max_error]
    return (good[0] if good else min(rows, key=lambda row: row["error"]))["threshold"]


def report(logits: Logits, labels: NDArray[np.uint8], classes: Sequence[str]) -> dict[str, Any]:
    """Return accuracy, precision, recall and F1 a class, and the confusion matrix."""
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    predicted = logits.argmax(axis=1)
    which = list(range(len(classes)))
    precision, recall, f1, count = precision_recall_fscore_support(
        labels, predicted, labels=which, zero_division=0
    )
    return {
        "accuracy": accuracy(logits, labels),
        "classes": {
            name: {
                "precision": float(precision[i]),
                "recall": float(recall[i]),
                "f1": float(f1[i]),
                "count": int(count[i]),
            }
            for i, name in enumerate(classes)
        },
        "confusion": confusion_matrix(labels, predicted, labels=which).tolist(),
    }


def probabilities(logits: Logits, temperature: float = 1.0) -> Logits:
    """Return the softmax of logits divided by a temperature: (N, classes) -> (N, classes)."""
    scaled = logits / temperature
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    result: Logits = exponentials / exponentials.sum(axis=1, keepdims=True)
    return result


def _best(logits: Logits, temperature: float) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the most probable class of each mark, and its probability: (N,) each."""
    return logits.argmax(axis=1), probabilities(logits, temperature).max(axis=1)


def _answers(
    logits: Logits, labels: NDArray[np.uint8], temperature: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the confidence of what is read as a digit, and whether it is right: (N,) each."""
    best, confidence = _best(logits, temperature)
    answered = best < len(DIGIT_CLASSES)
    return confidence[answered], (best == labels)[answered]


def _bins(
    confidence: NDArray[np.floating[Any]], right: NDArray[np.bool_], bins: int
) -> list[dict[str, float]]:
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        {
            "low": b / bins,
            "high": (b + 1) / bins,
            "count": int((place == b).sum()),
            "confidence": float(confidence[place == b].mean()),
            "accuracy": float(right[place == b].mean()),
        }
        for b in np.unique(place).tolist()
    ]


def _part(which: NDArray[np.bool_], of: NDArray[np.bool_]) -> float:
    return float(which[of].mean()) if of.any() else 0.0
