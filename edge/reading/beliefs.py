"""Evidence to beliefs: a log-linear sum of what a mark shows and of what stands beside it.

It is summed twice, each time with weights of its own: the second time what stands beside a mark is
known by the first sum, no longer by itself alone. A bar between two bars between digits is a 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from .hypotheses import LEAST
from .neighbours import WITHIN, inside, sides

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
            believed = _odds(features(digits, likely, others, believed) @ np.array(weights))
        return believed

    def of(
        self,
        marks: Seen,
        likely: NDArray[np.float64],
        digits: Seen,
        believed: NDArray[np.float64],
        others: Seen,
    ) -> NDArray[np.float64]:
        """Return (N,) probabilities that marks are digits, given what the rest is believed to be.

        What stands in the place of a mark, a piece of it or something around it, does not count.

        Args:
            marks: Any marks.
            likely: (N,) probabilities of a digit by the mark alone.
            digits: Marks that are held to be digits.
            believed: (K,) probabilities that they are.
            others: Marks that are none.
        """
        around, digit = _joined(digits, others, believed)
        part = np.maximum(inside(marks.boxes, around.boxes), inside(around.boxes, marks.boxes).T)
        apart = part < WITHIN
        return _odds(_features(marks, likely, around, digit, apart) @ np.array(self.weights[-1]))


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
    around, digit = _joined(digits, others, believed)
    apart = ~np.eye(len(digits.boxes), len(around.boxes), dtype=bool)
    return _features(digits, likely, around, digit, apart)


def _odds(total: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-total))


def _joined(
    digits: Seen, others: Seen, believed: NDArray[np.float64]
) -> tuple[Seen, NDArray[np.float64]]:
    """Return all marks, and the probabilities that they are digits."""
    names = [each.name for each in fields(Seen)]
    seen = Seen(*(np.concatenate([getattr(digits, n), getattr(others, n)]) for n in names))
    return seen, np.concatenate([believed, np.zeros(len(others.boxes))])


def _features(
    marks: Seen,
    likely: NDArray[np.float64],
    around: Seen,
    digit: NDArray[np.float64],
    apart: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return (N, features) what is summed.

    Args:
        marks: What is asked about.
        likely: (N,) probabilities of a digit by the mark alone.
        around: All marks of the picture.
        digit: (M,) probabilities that they are digits.
        apart: (N, M) which of these count for each mark.
    """
    own = dict(zip(_OWN, _own(marks, likely, around, digit, apart), strict=True))
    beside = dict(zip(_BESIDE, _beside(marks, around, digit, apart), strict=True))
    bar = np.clip(np.log(BAR) - own["slender"], 0, 1.3)
    of_bars = [bar * {**own, **beside}[name] for name in _OF_BARS]
    return np.stack([*own.values(), *beside.values(), *of_bars], axis=1)


def _own(
    marks: Seen,
    likely: NDArray[np.float64],
    around: Seen,
    digit: NDArray[np.float64],
    apart: NDArray[np.bool_],
) -> list[NDArray[np.float64]]:
    """Return what a mark shows, and how it compares with the digits and the rest of the picture."""
    p = np.clip(likely, LEAST, 1 - LEAST)
    height, contrast = marks.boxes[:, 3], np.log(np.maximum(marks.contrast, 1))
    strength = np.log(np.maximum(around.contrast, 1))
    counted, rest = np.where(digit > LIKELY, digit, 0), 1 - digit
    crowd = apart @ rest
    stronger = contrast - apart @ (rest * strength) / np.maximum(crowd, LEAST)
    return [
        np.ones(len(p)),
        np.log(p / (1 - p)),
        np.log(np.clip(marks.slender, 0.03, 1)),
        np.log(marks.boxes[:, 2] / height),
        np.log1p(apart @ counted),
        np.log1p((apart * _likeness(np.log(height), np.log(around.boxes[:, 3]))) @ counted),
        np.log1p((apart * _likeness(contrast, strength)) @ counted),
        contrast,
        np.log1p(crowd),
        np.minimum(crowd, 1) * np.clip(stronger, -2, 2),
    ]


def _likeness(values: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (N, M) how much alike values are, 1 equal, 0 far from it."""
    return np.exp(-ALIKE * np.abs(values[:, None] - others))  # type: ignore[no-any-return]


def _beside(
    marks: Seen, around: Seen, digit: NDArray[np.float64], apart: NDArray[np.bool_]
) -> Sequence[NDArray[np.float64]]:
    """Return what stands beside a mark, both sides summed."""
    boxes = around.boxes
    total = np.zeros((len(_BESIDE), len(marks.boxes)))
    if not len(boxes):
        return list(total)
    contrast, strength = (np.log(np.maximum(each.contrast, 1)) for each in (marks, around))
    _, top, _, height = marks.boxes.T
    beside = sides(marks.boxes, boxes, apart)
    for nearest, gap in zip(beside.index.T, beside.gap.T, strict=True):
        near = np.exp(-np.maximum(gap, 0))
        of_digit = near * digit[nearest]
        high = np.minimum(height, boxes[nearest, 3])
        rise = (boxes[nearest, 1] - top) / high
        fall = (top + height - boxes[nearest, 1] - boxes[nearest, 3]) / high
        unlike = np.abs(contrast - strength[nearest])
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
