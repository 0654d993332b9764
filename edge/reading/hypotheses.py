"""Marks to digits: of pieces of ink that lie within one another, those that explain it best.

A mark at one floor may hold several at a higher one, and both may be taken for digits: a 6 whose
stroke is broken is a 1 and a 0, and two that touch at the lower floor are two at the higher. Of a
mark and those within it, what is likelier as a whole holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..frame import Box, enclosing_box
from .neighbours import as_array, inside

WITHIN = 0.7
"""Part of a mark's box that lies in that of the mark it is a piece of."""
LEAST = 1e-4
"""Probabilities are taken for no smaller ones before their logarithms are."""


@dataclass(frozen=True)
class Candidate:
    """What may be a digit."""

    box: Box
    """Px of the frame."""
    is_digit: float
    """Probability that it is one digit, 0 to 1."""
    which: NDArray[np.float64]
    """(10,) probability of each, if it is one."""


@dataclass(frozen=True)
class Hypothesis:
    """What a mark may be: one digit, or several that are read as a word."""

    digits: tuple[Candidate, ...]
    """From left to right, one at least."""
    weight: float
    """Probability that it is so many."""

    @property
    def box(self) -> Box:
        """Around all of it."""
        return enclosing_box([digit.box for digit in self.digits])

    @property
    def score(self) -> float:
        """Logarithm of the probability that all of it is so."""
        likely = [self.weight, *(digit.is_digit for digit in self.digits)]
        return float(np.log(np.maximum(likely, LEAST)).sum())


def choose(hypotheses: Sequence[Hypothesis], boxes: Sequence[Box]) -> list[Candidate]:
    """Return the digits that explain the ink best, none within another.

    Args:
        hypotheses: What marks may be.
        boxes: Of these marks.
    """
    if not hypotheses:
        return []
    places = as_array(boxes)
    part = inside(places)
    best: dict[int, _Choice] = {}
    for i in np.argsort(places[:, 2] * places[:, 3], kind="stable").tolist():
        within = [j for j in best if part[j, i] >= WITHIN]
        pieces = _together([best.pop(j) for j in within])
        own = _Choice(hypotheses[i].score, [i])
        best[i] = pieces if within and pieces.score > own.score else own
    return [digit for each in best.values() for k in each.members for digit in hypotheses[k].digits]


@dataclass(frozen=True)
class _Choice:
    """What explains a mark best."""

    score: float
    """Logarithm of its probability."""
    members: list[int]
    """Which hypotheses it is made of."""


def _together(pieces: Sequence[_Choice]) -> _Choice:
    """Return pieces as one explanation: the likely ones hold, and the others are none."""
    likely = [piece.score > np.log(0.5) for piece in pieces]
    members = [member for piece in pieces for member in piece.members]
    if not any(likely):
        return _Choice(max((piece.score for piece in pieces), default=-np.inf), members)
    rest = [np.log1p(-np.exp(p.score)) for p, held in zip(pieces, likely, strict=True) if not held]
    held = [piece.score for piece, held in zip(pieces, likely, strict=True) if held]
    return _Choice(float(sum(held) + sum(rest)), members)
