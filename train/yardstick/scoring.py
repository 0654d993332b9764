"""How a reading is scored: by number, and digit by digit what is lost, invented or not told."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from digitcam.edge.frame import UNTOLD

from ..held_back import Answer, Case, Mark, Score, Scorer, Verdict, matching

OUTCOMES = ("right", "wrong", "nothing", "several", "unsure")
"""What may come of a single digit; the last is a ``?``."""


@dataclass(frozen=True)
class Errors:
    """How a reading differs from what is written, with the fewest edits."""

    replaced: int = 0
    """Digits read as others."""
    untold: int = 0
    """Digits read as ``?``."""
    lost: int = 0
    """Digits for which nothing was read."""
    invented: int = 0
    """What was read, ``?`` too, where no digit is."""

    @property
    def edits(self) -> int:
        """All of them."""
        return self.replaced + self.untold + self.lost + self.invented


def errors_between(read: str, truth: str) -> Errors:
    """Return the fewest edits between texts; of as few, those with the fewest lost digits."""
    # Of each pair of beginnings: edits, lost digits, and the errors that they are.
    row = [(j, j, Errors(lost=j)) for j in range(len(truth) + 1)]
    for i, sign in enumerate(read, 1):
        above, row = row, [(i, 0, Errors(invented=i))]
        for j, digit in enumerate(truth, 1):
            edits, lost, errors = above[j - 1]
            if sign == digit:
                row.append((edits, lost, errors))
                continue
            untold = int(sign == UNTOLD)
            row.append(min(
                (edits + 1, lost, _plus(errors, replaced=1 - untold, untold=untold)),
                (above[j][0] + 1, above[j][1], _plus(above[j][2], invented=1)),
                (row[j - 1][0] + 1, row[j - 1][1] + 1, _plus(row[j - 1][2], lost=1)),
                key=lambda way: way[:2],
            ))  # fmt: skip
    return row[-1][2]


def _plus(
    errors: Errors, replaced: int = 0, untold: int = 0, lost: int = 0, invented: int = 0
) -> Errors:
    return Errors(
        errors.replaced + replaced,
        errors.untold + untold,
        errors.lost + lost,
        errors.invented + invented,
    )


def score_number(case: Case, answer: Answer, score: Score) -> Verdict:
    """Judge a picture of one number; the truth is its digits."""
    number = str(case.truth)
    return _judged(number, " ".join(answer.lines) == number, 1, answer, score)


def score_rows(case: Case, answer: Answer, score: Score) -> Verdict:
    """Judge a picture of several numbers, a line each; the truth is a list of them."""
    numbers: list[str] = case.truth  # type: ignore[assignment]
    exact = (Counter(numbers) & Counter(answer.lines)).total()
    verdict = _judged("".join(numbers), exact, len(numbers), answer, score)
    return Verdict(
        exact == len(numbers), " / ".join(numbers), verdict.right_marks, verdict.wrong_marks
    )


def score_digit(case: Case, answer: Answer, score: Score) -> Verdict:
    """Judge a picture of one digit: as a number, and by what came of it."""
    score.counts.update(pictures=1, **{outcome(answer.text, str(case.truth)): 1})
    return score_number(case, answer, score)


def outcome(read: str, digit: str) -> str:
    """Say which of `OUTCOMES` came of a single digit."""
    if len(read) != 1:
        return "several" if read else "nothing"
    if read == UNTOLD:
        return "unsure"
    return "right" if read == digit else "wrong"


def score_nothing(case: Case, answer: Answer, score: Score) -> Verdict:
    """Judge a picture without a digit: whatever is told is invented, a ``?`` is counted aside."""
    told = len(answer.text.replace(UNTOLD, "").replace(" ", ""))
    untold = answer.text.count(UNTOLD)
    score.counts.update(pages=1, silent=not told, invented=told, unsure=untold)
    score.confidences += [(mark.confidence, False) for mark in answer.marks]
    return Verdict(not told, "no digit", (), answer.marks)


def counted_as_numbers(scorer: Scorer) -> Scorer:
    """Have a form's cells count as numbers of a digit, beside what its own scorer counts."""

    def score_cells(case: Case, answer: Answer, score: Score) -> Verdict:
        own = Score()
        verdict = scorer(case, answer, own)
        written, right = own.counts["handwritten"], own.counts["right"]
        invented = own.counts["false_digits"]
        score.counts.update(own.counts)
        score.counts.update(
            numbers=written,
            exact=right,
            digits=written,
            edits=written - right + invented,
            lost=own.counts["unread"],
            invented=invented,
        )
        score.confidences += own.confidences
        return verdict

    return score_cells


def _judged(number: str, exact: int, numbers: int, answer: Answer, score: Score) -> Verdict:
    """Count errors, and judge each digit that is told by the number as it is aligned with it."""
    errors = errors_between(answer.text.replace(" ", ""), number)
    score.counts.update(
        numbers=numbers,
        exact=exact,
        digits=len(number),
        edits=errors.edits,
        replaced=errors.replaced,
        untold=errors.untold,
        lost=errors.lost,
        invented=errors.invented,
    )
    marks = answer.marks
    aligned = matching("".join(mark.digit for mark in marks), number)
    score.confidences += [(mark.confidence, own) for mark, own in zip(marks, aligned, strict=True)]
    return Verdict(bool(exact), number, _those(marks, aligned, True), _those(marks, aligned, False))


def _those(marks: tuple[Mark, ...], aligned: list[bool], own: bool) -> tuple[Mark, ...]:
    return tuple(mark for mark, each in zip(marks, aligned, strict=True) if each == own)
