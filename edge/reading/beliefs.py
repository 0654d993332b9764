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
from .neighbours import WITHIN, inside, spaces

_OWN = (
    "bias", "mark", "slender", "narrow", "joined", "page", "as_high", "as_strong", "contrast",
    "crowd", "stronger", "alone", "cut",
)  # fmt: skip
"""Nothing; the log-odds of a digit by the mark alone; the logarithms of its shorter over its longer
axis, and of its width over its height; that it touches another; how many other digits there are in
the picture, how many as high, and how many as strong; the logarithm of its contrast; how many marks
there are that are none, for a picture of cloth is full of them; how many times it is as strong as
these, a logarithm; that there is nothing else: a bar alone on a sheet is a 1; and how many sides of
the picture it reaches, where it may be cut off."""
_BESIDE = (
    "near", "digits", "top", "bottom", "lower", "higher", "unlike_beside", "others", "alike",
)  # fmt: skip
"""Of the nearest on either side, less the further it is away: that there is one; that it is a
digit; how far the upper edges of digits are apart, and the lower ones; how much lower the mark
ends, and how much higher it starts; how many times it is as strong; that it is none; and that it is
a digit of the same height in the same place."""
_IN_ROW = "row_digits", "row_others", "row_share"
"""Of all that stands in its row, less the further it is away: how many are digits, how many are
none, and which part are digits. A letter among letters that look like digits is a letter."""
_OF_BARS = ("bias", "mark", "alone", "cut", "page", "as_high", "as_strong", "contrast", *_BESIDE)
"""What counts otherwise for bars: a 1 is no more than a bar elsewhere."""
FEATURES = (*_OWN, *_BESIDE, *_IN_ROW, *(f"bar_{name}" for name in _OF_BARS))
"""What the weights of a bundle are of."""
NEUTRAL = (tuple(float(name == "mark") for name in FEATURES),)
"""Weights of a bundle that none were fitted for: the mark alone counts."""
BAR = 0.3
"""Shorter over longer axis below which a mark is a bar, the more so the less."""
ALIKE = 5
"""Logarithms of what marks of one writing have in common differ by less than one over this."""
LIKELY = 0.3
"""Probability from which a mark counts among the digits of a picture."""
REACH = 2
"""Heights from a mark at which what stands in its row counts for a third."""


@dataclass(frozen=True)
class Seen:
    """What marks look like."""

    boxes: NDArray[np.float64]
    """(N, 4) left, top, width, height, px."""
    contrast: NDArray[np.float64]
    """(N,) strongest contrast, grey levels."""
    slender: NDArray[np.float64]
    """(N,) shorter over longer axis of the ink, 0 to 1."""
    joined: NDArray[np.float64]
    """(N,) 1 for what was read as one of several that touch, else 0."""
    cut: NDArray[np.float64]
    """(N,) how many sides of the picture they reach, 0 to 4."""


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
        place = _of_page(digits, likely, others)
        for weights in self.weights:
            believed = _odds(place.features(_padded(believed, others)) @ np.array(weights))
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
        around = _joined(digits, others)
        part = np.maximum(inside(marks.boxes, around.boxes), inside(around.boxes, marks.boxes).T)
        place = _Place(marks, likely, around, part < WITHIN)
        return _odds(place.features(_padded(believed, others)) @ np.array(self.weights[-1]))


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
    return _of_page(digits, likely, others).features(_padded(believed, others))


class _Place:
    """Marks and what stands around them, as far as it does not depend on what that is.

    Args:
        marks: What is asked about.
        likely: (N,) probabilities of a digit by the mark alone.
        around: All marks of the picture.
        apart: (N, M) which of these count for each mark.
    """

    def __init__(
        self,
        marks: Seen,
        likely: NDArray[np.float64],
        around: Seen,
        apart: NDArray[np.bool_],
    ) -> None:
        if not len(around.boxes):  # Then nothing of itself counts for it.
            around, apart = marks, np.zeros((len(marks.boxes),) * 2, bool)
        self._apart = apart.astype(np.float64)
        _, top, width, height = marks.boxes.T
        _, tops, _, heights = around.boxes.T
        contrast, self._strength = (np.log(np.maximum(s.contrast, 1)) for s in (marks, around))
        p = np.clip(likely, LEAST, 1 - LEAST)
        self._mark = np.log(p / (1 - p))
        self._slender = np.log(np.clip(marks.slender, 0.03, 1))
        self._narrow, self._contrast = np.log(width / height), contrast
        self._joined, self._cut = marks.joined, marks.cut
        self._as_high = self._apart * _likeness(np.log(height), np.log(heights))
        self._as_strong = self._apart * _likeness(contrast, self._strength)
        left, right = (
            np.where(apart, space, np.inf) for space in spaces(marks.boxes, around.boxes)
        )
        self._in_row = np.exp(-np.maximum(np.minimum(left, right), 0) / REACH)
        # (2, N): the nearest on either side.
        both = np.stack([left, right])
        self._nearest = both.argmin(axis=2) if both.size else np.zeros((2, 0), np.int64)
        self._near = np.exp(-np.maximum(both.min(axis=2, initial=np.inf), 0))
        high = np.minimum(height, heights[self._nearest])
        self._rise = (tops[self._nearest] - top) / high
        self._fall = (top + height - tops[self._nearest] - heights[self._nearest]) / high
        self._unlike = np.abs(contrast - self._strength[self._nearest])

    def features(self, digit: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (N, features) what is summed.

        Args:
            digit: (M,) probabilities that what stands around is digits.
        """
        own = dict(zip(_OWN, self._own(digit), strict=True))
        beside = dict(zip(_BESIDE, self._beside(digit), strict=True))
        bar = np.clip(np.log(BAR) - own["slender"], 0, 1.3)
        of_bars = [bar * {**own, **beside}[name] for name in _OF_BARS]
        rows = [*own.values(), *beside.values(), *self._row(digit), *of_bars]
        return np.stack(rows, axis=1)

    def _own(self, digit: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Return what a mark shows, and how it compares with the rest of the picture."""
        counted, rest = np.where(digit > LIKELY, digit, 0), 1 - digit
        crowd = self._apart @ rest
        usual = self._apart @ (rest * self._strength) / np.maximum(crowd, LEAST)
        return [
            np.ones(len(self._mark)),
            self._mark,
            self._slender,
            self._narrow,
            self._joined,
            np.log1p(self._apart @ counted),
            np.log1p(self._as_high @ counted),
            np.log1p(self._as_strong @ counted),
            self._contrast,
            np.log1p(crowd),
            np.minimum(crowd, 1) * np.clip(self._contrast - usual, -2, 2),
            np.exp(-self._apart.sum(axis=1)),
            self._cut,
        ]

    def _beside(self, digit: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Return what stands beside a mark, both sides summed."""
        of_digit = self._near * digit[self._nearest]
        rise, fall = self._rise, self._fall
        both = (
            self._near,
            of_digit,
            of_digit * np.abs(rise),
            of_digit * np.abs(fall),
            of_digit * np.clip(fall, -1, 1),
            of_digit * np.clip(rise, -1, 1),
            of_digit * self._unlike,
            self._near - of_digit,
            of_digit * np.exp(-4 * (np.abs(rise) + np.abs(fall))),
        )
        return [left + right for left, right in both]

    def _row(self, digit: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Return what stands in the row of a mark."""
        count, digits = self._in_row.sum(axis=1), self._in_row @ digit
        return [np.log1p(digits), np.log1p(count - digits), (digits + 0.5) / (count + 1)]


def _of_page(digits: Seen, likely: NDArray[np.float64], others: Seen) -> _Place:
    """Return the place of each mark that may be a digit among all others."""
    around = _joined(digits, others)
    apart = ~np.eye(len(digits.boxes), len(around.boxes), dtype=bool)
    return _Place(digits, likely, around, apart)


def _odds(total: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-total))


def _joined(digits: Seen, others: Seen) -> Seen:
    """Return all marks."""
    names = [each.name for each in fields(Seen)]
    return Seen(*(np.concatenate([getattr(digits, n), getattr(others, n)]) for n in names))


def _padded(believed: NDArray[np.float64], others: Seen) -> NDArray[np.float64]:
    """Return the probabilities that all marks are digits."""
    return np.concatenate([believed, np.zeros(len(others.boxes))])


def _likeness(values: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (N, M) how much alike values are, 1 equal, 0 far from it."""
    return np.exp(-ALIKE * np.abs(values[:, None] - others))  # type: ignore[no-any-return]


def as_json(beliefs: Beliefs) -> Sequence[Mapping[str, float]]:
    """Return the form that a sidecar holds: the weights of each sum by their names."""
    return [dict(zip(FEATURES, weights, strict=True)) for weights in beliefs.weights]
