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
    order = np.argsort(places[:, 2] * places[:, 3], kind="stable")
    scores = [each.score for each in hypotheses]
    best: dict[int, tuple[float, list[int]]] = {}
    roots: list[int] = []
    for i in order.tolist():
        children = [j for j in roots if part[j, i] >= WITHIN]
        roots = [j for j in roots if part[j, i] < WITHIN] + [i]
        pieces = [k for j in children for k in best[j][1]]
        whole = sum(best[j][0] for j in children)
        best[i] = (whole, pieces) if pieces and whole > scores[i] else (scores[i], [i])
    chosen = [k for root in roots for k in best[root][1]]
    return [digit for k in chosen for digit in hypotheses[k].digits]
