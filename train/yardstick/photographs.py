"""Photographs of other people's writing, scored as everything else is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ..held_back import Answer, Case, Score, Scorer, Set, Verdict, load_sets
from .scoring import counted_as_numbers, score_digit, score_nothing, score_number, score_rows

NOTES, TURNED, AMOUNTS = "notes", "notes: turned", "amounts"
_SCORERS: dict[str, Scorer] = {
    NOTES: score_rows,
    TURNED: score_rows,
    AMOUNTS: score_number,
    "characters: digits": score_digit,
    "characters: letters": score_nothing,
    "cells: handwritten": score_digit,
    "cells: empty": score_nothing,
}


def photographs(folder: Path, *, everything: bool = False) -> Iterator[Set]:
    """Yield the sets of `held_back`; what they count there is counted beside what we count."""
    for each in load_sets(folder, everything=everything):
        scorer = _SCORERS.get(each.name)
        both = _both(each.score, scorer) if scorer else counted_as_numbers(each.score)
        yield replace(each, score=both)


def _both(theirs: Scorer, ours: Scorer) -> Scorer:
    def score_both(case: Case, answer: Answer, score: Score) -> Verdict:
        own, other = Score(), Score()
        verdict = theirs(case, answer, other)
        if _number(case) or ours is score_nothing:
            ours(_number(case) or case, answer, own)
        score.counts.update(own.counts)
        score.counts.update({k: n for k, n in other.counts.items() if k not in own.counts})
        score.confidences += other.confidences or own.confidences
        return verdict

    return score_both


def _number(case: Case) -> Case | None:
    """Return a case whose truth is digits, or a list of numbers; None where there is none."""
    truth = case.truth
    if isinstance(truth, dict):
        return replace(case, truth="".join(sign for sign in str(truth["text"]) if sign.isdigit()))
    return case if truth else None
