"""Evidence to beliefs: one log-linear sum of what a mark shows and of what stands beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .neighbours import sides

FEATURES = (
    "bias", "mark", "digits", "alike", "others", "alone", "narrow", "narrow_alike", "page",
)  # fmt: skip
"""What the weights of a bundle are of: nothing; the log-odds of a digit by the mark alone; how
many of the two neighbours are digits; how much alike those stand in height and place; how many are
none; whether there is no neighbour; how narrow the mark is; that, times the likeness, for a 1 is no
more than a bar elsewhere; and how many other digits there are in the picture."""
NEUTRAL = (0.0, 1.0, *[0.0] * (len(FEATURES) - 2))
"""Weights of a bundle that none were fitted for: the mark alone counts."""
LEAST = 1e-4
"""Probabilities are taken for no smaller ones before their log-odds are."""


@dataclass(frozen=True)
class Beliefs:
    """Weights of the sum."""

    weights: tuple[float, ...] = NEUTRAL

    def __call__(
        self,
        boxes: NDArray[np.float64],
        digit: NDArray[np.float64],
        others: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return (N,) probabilities that marks are digits, given all that is known.

        Args:
            boxes: (N, 4) left, top, width, height of marks that may be digits.
            digit: (N,) probabilities of a digit by the mark alone.
            others: (M, 4) marks that are none.
        """
        total = features(boxes, digit, others) @ np.array(self.weights)
        return 1 / (1 + np.exp(-total))  # type: ignore[no-any-return]


def features(
    boxes: NDArray[np.float64], digit: NDArray[np.float64], others: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (N, features) what is summed; arguments are those of Beliefs."""
    p = np.clip(digit, LEAST, 1 - LEAST)
    beside, strange = sides(boxes, boxes), sides(boxes, others)
    of_beside = np.where(beside.index >= 0, digit[beside.index], 0.0)
    of_beside = of_beside * (beside.gap <= strange.gap)
    near = np.exp(-np.maximum(np.minimum(beside.gap, strange.gap), 0))
    _, top, width, height = np.maximum(boxes.T, 1e-9)
    rise = np.abs(top[:, None] - top[beside.index])
    fall = np.abs((top + height)[:, None] - (top + height)[beside.index])
    likeness = np.exp(-4 * (rise + fall) / height[:, None])
    alike = (of_beside * near * likeness).sum(axis=1)
    narrow = np.log(np.maximum(width, 1) / np.maximum(height, 1))
    sure = p * (p > 0.5)
    return np.stack(
        [
            np.ones(len(p)),
            np.log(p / (1 - p)),
            (of_beside * near).sum(axis=1),
            alike,
            ((1 - of_beside) * near).sum(axis=1),
            (near < LEAST).all(axis=1),
            narrow,
            narrow * alike,
            np.log1p(sure.sum() - sure),
        ],
        axis=1,
    )


def as_json(beliefs: Beliefs) -> Mapping[str, float]:
    """Return the form that a sidecar holds."""
    return dict(zip(FEATURES, beliefs.weights, strict=True))
