"""What a model is worth: accuracy, confusion, and how much its confidence can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.float32]
"""(N, classes) float32."""


def accuracy(logits: Logits, labels: NDArray[np.uint8]) -> float:
    """Return the share of right digits, 0 to 1."""
    return float((logits.argmax(axis=1) == labels).mean())


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
    """Return the expected calibration error over equal bins of confidence, 0 to 1."""
    scaled = logits / temperature
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    confidence = exponentials.max(axis=1) / exponentials.sum(axis=1)
    right = logits.argmax(axis=1) == labels
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(confidence[place == b].mean() - right[place == b].mean()) * (place == b).mean()
        for b in np.unique(place)
    ]
    return float(sum(gaps))


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
