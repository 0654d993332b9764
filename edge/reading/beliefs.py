"""Evidence to beliefs: a log-linear sum of what a mark shows and of what stands beside it.

It is summed twice, each time with weights of its own: the second time what stands beside a mark is
known by the first sum, no longer by itself alone. A bar between two bars between digits is a 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .neighbours import gaps

_OWN = (
    "bias", "mark", "slender", "narrow", "page", "as_high", "as_strong", "contrast", "crowd",
    "stronger",
)  # fmt: skip
"""Nothing; the log-odds of a digit by the mark alone; the logarithms of its shorter over its longer
axis, and of its width over its height; how many other digits there are in the picture, how many as
high, and how many as strong; the logarithm of its contrast; how many marks there are that are none,
for a picture of cloth is full of them; and how many times it is as strong as these, a logarithm."""
_BESIDE = (
    "near", "digits", "top", "bottom", "lower", "higher", "unlike_beside", "others", "alike",
)  # fmt: skip
"""Of the nearest on either side, less the further it is away: that there is one; that it is a
digit; how far the upper edges of digits are apart, and the lower ones; how much lower the mark
ends, and how much higher it starts; how many times it is as strong; that it is none; and that it is
a digit of the same height in the same place."""
_OF_BARS = ("bias", "mark", "page", "as_high", "as_strong", "contrast", *_BESIDE)
"""What counts otherwise for bars: a 1 is no more than a bar elsewhere."""
FEATURES = (*_OWN, *_BESIDE, *(f"bar_{name}" for name in _OF_BARS))
"""What the weights of a bundle are of."""
NEUTRAL = (tuple(float(name == "mark") for name in FEATURES),)
"""Weights of a bundle that none were fitted for: the mark alone counts."""
LEAST = 1e-4
"""Probabilities are taken for no smaller ones before their log-odds are."""
BAR = 0.3
"""Shorter over longer axis below which a mark is a bar, the more so the less."""
ALIKE = 5
"""Logarithms of what marks of one writing have in common differ by less than one over this."""
LIKELY = 0.3
"""Probability from which a mark counts among the digits of a picture."""


@dataclass(frozen=True)
class Seen:
    """What marks look like."""

    boxes: NDArray[np.float64]
    """(N, 4) left, top, width, height, px."""
    contrast: NDArray[np.float64]
    """(N,) strongest contrast, grey levels."""
    slender: NDArray[np.float64]
    """(N,) shorter over longer axis of the ink, 0 to 1."""


@dataclass(frozen=True)
class Beliefs:
    """Weights of the sums, (S, features)."""

    weights: tuple[tuple[float, ...], ...] = NEUTRAL

    def __call__(
        self, digits: Seen, likely: NDArray[np.float64], others: Seen
    ) -> NDArray[np.float64]:
        """Return (N,) probabilities that marks are digits, given all that is known.

        Args:
            digits: Marks that may be digits.
            likely: (N,) probabilities of a digit by the mark alone.
            others: Marks that are none.
        """
        believed = likely
        for weights in self.weights:
            total = features(digits, likely, others, believed) @ np.array(weights)
            believed = 1 / (1 + np.exp(-total))
        return believed


def features(
    digits: Seen, likely: NDArray[np.float64], others: Seen, believed: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (N, features) what is summed.

    Args:
        digits: Marks that may be digits.
        likely: (N,) probabilities of a digit by the mark alone.
        others: Marks that are none.
        believed: (N,) probabilities of a digit, as far as they are known.
    """
    own = dict(zip(_OWN, _own(digits, likely, others, believed), strict=True))
    beside = dict(zip(_BESIDE, _beside(digits, others, believed), strict=True))
    bar = np.clip(np.log(BAR) - own["slender"], 0, 1.3)
    of_bars = [bar * {**own, **beside}[name] for name in _OF_BARS]
    return np.stack([*own.values(), *beside.values(), *of_bars], axis=1)


def _own(
    digits: Seen, likely: NDArray[np.float64], others: Seen, believed: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    """Return what a mark shows, and how it compares with the digits and the rest of the picture."""
    p = np.clip(likely, LEAST, 1 - LEAST)
    height, contrast = digits.boxes[:, 3], np.log(np.maximum(digits.contrast, 1))
    counted = np.where(believed > LIKELY, believed, 0)
    rest = np.concatenate([1 - believed, np.ones(len(others.boxes))])
    around = np.concatenate([contrast, np.log(np.maximum(others.contrast, 1))])
    crowd = rest.sum() - rest[: len(p)]
    return [
        np.ones(len(p)),
        np.log(p / (1 - p)),
        np.log(np.clip(digits.slender, 0.03, 1)),
        np.log(digits.boxes[:, 2] / height),
        np.log1p(counted.sum() - counted),
        _alike(np.log(height), counted),
        _alike(contrast, counted),
        contrast,
        np.log1p(crowd),
        _apart(around, rest)[: len(p)],
    ]


def _alike(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how many others are alike, each by its weight, less the more it differs."""
    likeness = np.exp(-ALIKE * np.abs(values[:, None] - values))
    return np.log1p(likeness @ weights - weights)  # type: ignore[no-any-return]


def _apart(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far each value is from the mean of the others, less the fewer they are."""
    weight = weights.sum() - weights
    mean = ((weights * values).sum() - weights * values) / np.maximum(weight, LEAST)
    return np.minimum(weight, 1) * np.clip(values - mean, -2, 2)  # type: ignore[no-any-return]


def _beside(
    digits: Seen, others: Seen, believed: NDArray[np.float64]
) -> Sequence[NDArray[np.float64]]:
    """Return what stands beside a mark, both sides summed."""
    boxes = np.concatenate([digits.boxes, others.boxes])
    digit = np.concatenate([believed, np.zeros(len(others.boxes))])
    contrast = np.log(np.maximum(np.concatenate([digits.contrast, others.contrast]), 1))
    count = len(digits.boxes)
    total = np.zeros((len(_BESIDE), count))
    if not count:
        return list(total)
    _, top, _, height = digits.boxes.T
    for gap in (gaps(boxes, digits.boxes).T, gaps(digits.boxes, boxes)):
        nearest = gap.argmin(axis=1)
        near = np.exp(-np.maximum(gap[np.arange(count), nearest], 0))
        of_digit = near * digit[nearest]
        high = np.minimum(height, boxes[nearest, 3])
        rise = (boxes[nearest, 1] - top) / high
        fall = (top + height - boxes[nearest, 1] - boxes[nearest, 3]) / high
        unlike = np.abs(contrast[:count] - contrast[nearest])
        total += np.stack(
            [
                near,
                of_digit,
                of_digit * np.abs(rise),
                of_digit * np.abs(fall),
                of_digit * np.clip(fall, -1, 1),
                of_digit * np.clip(rise, -1, 1),
                of_digit * unlike,
                near - of_digit,
                of_digit * np.exp(-4 * (np.abs(rise) + np.abs(fall))),
            ]
        )
    return list(total)


def as_json(beliefs: Beliefs) -> Sequence[Mapping[str, float]]:
    """Return the form that a sidecar holds: the weights of each sum by their names."""
    return [dict(zip(FEATURES, weights, strict=True)) for weights in beliefs.weights]
