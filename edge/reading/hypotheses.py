"""Marks to digits: of pieces of ink that lie within one another, those that explain it best.

A mark at one floor may hold several at a higher one, and both may be taken for digits: a 6 whose
stroke is broken is a 1 and a 0, and two that touch at the lower floor are two at the higher. Of a
mark and those within it, what is surer holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from ..frame import Box
from .marks import Mark
from .neighbours import WITHIN, as_array, inside, overlaps

LEAST = 1e-4
"""Probabilities are taken for no smaller ones before their log-odds are."""


@dataclass(frozen=True)
class Candidate:
    """What may be a digit."""

    mark: Mark
    """Its ink."""
    is_digit: float
    """Probability that it is one digit, if it is not several, 0 to 1."""
    which: NDArray[np.float64]
    """(10,) probability of each, if it is one."""
    joined: bool = False
    """Whether it was read as one of several that touch."""
    believed: float | None = None
    """Probability that it is one digit given what stands around it, once that is known."""

    @property
    def box(self) -> Box:
        """Px of the frame."""
        return self.mark.tight_box

    @property
    def probability(self) -> float:
        """Probability that it is one digit: by itself, and as much by what stands around it.

        Either alone was worse on numbers of writers held back.
        """
        if self.believed is None:
            return self.is_digit
        odds = (_log_odds(self.is_digit) + _log_odds(self.believed)) / 2
        return 1 / (1 + exp(-odds))


@dataclass(frozen=True)
class Hypothesis:
    """What a mark may be: one digit, or several that are read as a word."""

    digits: tuple[Candidate, ...]
    """From left to right, one at least."""
    weight: float
    """Probability that it is so many."""

    @property
    def score(self) -> float:
        """Log-odds that it is so; of several digits the geometric mean counts."""
        likely = [log(max(digit.probability, LEAST)) for digit in self.digits]
        return _log_odds(self.weight * exp(fmean(likely)))


def _log_odds(p: float) -> float:
    p = min(max(p, LEAST), 1 - LEAST)
    return log(p / (1 - p))


def choose(hypotheses: Sequence[Hypothesis], boxes: Sequence[Box]) -> list[Candidate]:
    """Return the digits that explain the ink best, none within another.

    Args:
        hypotheses: What marks may be.
        boxes: Of these marks.
    """
    if not hypotheses:
        return []
    places = as_array(boxes)
    held = inside(places).T >= WITHIN
    best: dict[int, _Choice] = {}
    for i in np.argsort(places[:, 2] * places[:, 3], kind="stable").tolist():
        own = _Choice(hypotheses[i].score, [i], len(hypotheses[i].digits))
        within = [best.pop(j) for j in held[i].nonzero()[0].tolist() if j in best]
        pieces = _together(within) if within else own
        best[i] = pieces if pieces.surer(own) else own
    return _once(
        [digit for each in best.values() for k in each.members for digit in hypotheses[k].digits]
    )


def _once(digits: list[Candidate]) -> list[Candidate]:
    """Leave out digits that lie within surer ones: two runs of touching digits may share some."""
    part = inside(as_array([digit.box for digit in digits]))
    shared = np.maximum(part, part.T) >= WITHIN
    sure = np.argsort([-digit.probability for digit in digits], kind="stable")
    kept = np.zeros(len(digits), bool)
    for i in sure.tolist():
        kept[i] = not (shared[i] & kept).any()
    return [digit for digit, is_kept in zip(digits, kept, strict=True) if is_kept]


def choose_polarity(
    dark: list[Candidate], light: list[Candidate]
) -> tuple[list[Candidate], bool | None]:
    """Leave out the counter-forms of writing, the gaps in and between its strokes.

    Of likely digits that overlap one another, a row and its counter-forms, those of the polarity
    hold that are surer in sum; what is unlikely holds where its polarity is that of most. Where
    nothing is likely, as of a light bar alone, what is written more strongly decides: the ground
    beside it seems a little darker than the rest.

    Returns:
        Those that hold, and whether light ones are most; None where there are none of either.
    """
    if not dark or not light:
        return dark or light, bool(light) if dark or light else None
    each = [*dark, *light]
    strength = np.array([digit.mark.peak for digit in each], np.float64)
    odds = np.array([_log_odds(digit.probability) for digit in each])
    sure = strength * np.maximum(odds, 0)
    is_light = np.arange(len(each)) >= len(dark)
    if not sure.any():
        likely = strength * np.exp(odds)
        light_wins = bool(likely[is_light].sum() > likely[~is_light].sum())
        return (light if light_wins else dark), light_wins
    boxes = as_array([digit.box for digit in each])
    linked = (overlaps(boxes, boxes) & (sure > 0) & (sure > 0)[:, None]) | np.eye(
        len(each), dtype=bool
    )
    group, before = np.arange(len(each)), None
    while before is None or (group != before).any():
        before, group = group, np.where(linked, group, len(each)).min(axis=1)
    votes = np.zeros((2, len(each)))
    np.add.at(votes, (is_light.astype(int), group), sure)
    lighter = votes[1] > votes[0]
    won = np.where(lighter, votes[1], votes[0])
    mostly_light = won[lighter].sum() > won[~lighter].sum()
    holds = np.where(sure > 0, lighter[group] == is_light, is_light == mostly_light)
    return [digit for digit, held in zip(each, holds, strict=True) if held], bool(mostly_light)


@dataclass(frozen=True)
class _Choice:
    """What explains a mark best."""

    score: float
    """Its log-odds, the mean of its digits."""
    members: list[int]
    """Which hypotheses it is made of."""
    count: int
    """Digits that are likely."""

    def surer(self, whole: _Choice) -> bool:
        """Say whether these pieces hold, rather than what the mark is as a whole.

        Of two that are read as several digits the sum counts, for either may leave some out.
        """
        if whole.count == 1:
            return self.score > whole.score
        return self.score * self.count > whole.score * whole.count


def _together(pieces: Sequence[_Choice]) -> _Choice:
    """Return pieces as one explanation, as sure as those that are likely are on the whole.

    Their odds are no independent evidence and are not multiplied: a digit that falls into many
    pieces would be lost to them, and a row of digits to a line around it.
    """
    members = [member for piece in pieces for member in piece.members]
    likely = [piece for piece in pieces if piece.score > 0]
    if not likely:
        return _Choice(max(piece.score for piece in pieces), members, 1)
    count = sum(piece.count for piece in likely)
    return _Choice(sum(piece.score * piece.count for piece in likely) / count, members, count)
