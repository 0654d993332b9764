"""Of marks that lie within one another, those hold that explain the ink best."""

import numpy as np
import pytest

from digitcam.edge.frame import Box, enclosing_box
from digitcam.edge.reading.hypotheses import (
    LEAST,
    Candidate,
    Hypothesis,
    choose,
    choose_polarity,
)
from digitcam.edge.reading.ink import Level
from digitcam.edge.reading.marks import Mark

WHOLE, LEFT, RIGHT = Box(0, 0, 60, 40), Box(0, 0, 28, 40), Box(32, 0, 28, 40)


def mark(box: Box) -> Mark:
    contrast = np.full((box.height, box.width), 100, np.uint8)
    return Mark(box, contrast, 50, Level(contrast, 1, 6, False))


def candidate(box: Box, is_digit: float) -> Candidate:
    return Candidate(mark(box), is_digit, np.full(10, 0.1))


def log_odds(p: float) -> float:
    return float(np.log(p / (1 - p)))


def single(box: Box, is_digit: float) -> Hypothesis:
    return Hypothesis((candidate(box, is_digit),), 1.0)


def around(hypothesis: Hypothesis) -> Box:
    return enclosing_box([digit.box for digit in hypothesis.digits])


def chosen(*hypotheses: Hypothesis) -> list[Box]:
    """Return the boxes of the digits that hold, from left to right."""
    found = choose(hypotheses, [around(each) for each in hypotheses])
    return sorted((digit.box for digit in found), key=lambda box: (box.x, box.width))


@pytest.mark.parametrize(
    ("whole", "left", "right", "expected"),
    [
        (0.9, 0.6, 0.6, [WHOLE]),
        (0.3, 0.6, 0.6, [LEFT, RIGHT]),
        (0.01, 0.9, 0.9, [LEFT, RIGHT]),
        (0.8, 0.9, 0.2, [LEFT, RIGHT]),
        (0.6, 0.9, 0.2, [LEFT, RIGHT]),
        (0.5, 0.4, 0.3, [WHOLE]),
    ],
)
def test_a_mark_or_its_pieces_hold_whichever_is_likelier(
    whole: float, left: float, right: float, expected: list[Box]
) -> None:
    """Pieces hold where those that are likely are surer than the mark, on the mean."""
    marks = [single(WHOLE, whole), single(LEFT, left), single(RIGHT, right)]
    assert chosen(*marks) == expected
    assert chosen(*marks[::-1]) == expected


def test_pieces_of_pieces_are_weighed_at_their_own_mark() -> None:
    """A digit within a ring within a frame is the digit, if the others are unlikely."""
    boxes = Box(0, 0, 100, 100), Box(10, 10, 80, 80), Box(40, 30, 20, 40)
    likely = [single(box, p) for box, p in zip(boxes, (0.06, 0.3, 0.95), strict=True)]
    assert chosen(*likely) == [boxes[2]]
    likely = [single(box, p) for box, p in zip(boxes, (0.06, 0.97, 0.95), strict=True)]
    assert chosen(*likely) == [boxes[1]]


def test_marks_side_by_side_all_hold() -> None:
    """What overlaps little is no piece of the other."""
    beside = [Box(0, 0, 30, 40), Box(25, 0, 30, 40), Box(0, 100, 30, 40)]
    assert chosen(*(single(box, 0.1) for box in beside)) == sorted(
        beside, key=lambda box: (box.x, box.width)
    )


def test_a_frame_around_a_row_does_not_swallow_it() -> None:
    """However many clear digits there are, what lies around them is no likelier for it."""
    row = [Box(40 * i, 10, 28, 40) for i in range(30)]
    around = single(Box(0, 0, 1200, 60), 0.06)
    assert chosen(around, *(single(box, 0.9) for box in row)) == row


def test_several_digits_of_one_mark_are_weighed_as_one_reading() -> None:
    """A mark that is several is as sure as that, and its digits on the whole, are."""
    word = Hypothesis((candidate(LEFT, 0.9), candidate(RIGHT, 0.4)), 0.8)
    assert around(word) == WHOLE
    assert word.score == pytest.approx(log_odds(0.8 * 0.6))
    assert chosen(single(WHOLE, 0.1), word) == [LEFT, RIGHT]
    assert chosen(single(WHOLE, 0.9), word) == [WHOLE]
    assert chosen(single(Box(2, 2, 20, 36), 0.99), word) == [Box(2, 2, 20, 36)]


def test_impossible_digits_have_a_finite_score() -> None:
    """Probabilities of 0 and 1 are taken for the next that count."""
    assert single(WHOLE, 0.0).score == pytest.approx(log_odds(LEAST))
    assert single(WHOLE, 1.0).score == pytest.approx(log_odds(1 - LEAST))


def test_what_stands_around_a_mark_counts_as_much_as_it_does_itself() -> None:
    """The mean of both log-odds; two rings over one another are an 8 where digits are as high."""
    doubtful = Candidate(mark(WHOLE), 0.9, np.full(10, 0.1), believed=0.2)
    assert doubtful.probability == pytest.approx(
        1 / (1 + np.exp(-log_odds(0.9) / 2 + log_odds(0.8) / 2))
    )
    assert candidate(WHOLE, 0.9).probability == 0.9
    eight, ring = Box(0, 0, 30, 60), [Box(0, 0, 30, 29), Box(0, 31, 30, 29)]
    alone = [(eight, 0.9), *((box, 0.99) for box in ring)]
    assert chosen(*(single(box, p) for box, p in alone)) == ring
    in_row = [0.99, 0.1, 0.1]
    known = [
        Hypothesis((Candidate(mark(box), p, np.full(10, 0.1), believed=believed),), 1.0)
        for (box, p), believed in zip(alone, in_row, strict=True)
    ]
    assert chosen(*known) == [eight]


def test_a_digit_of_two_runs_holds_once() -> None:
    """164 and 641, which reach into one another, share a digit; the surer reading of it holds."""
    first = Hypothesis((candidate(Box(0, 0, 20, 40), 0.9), candidate(Box(25, 0, 20, 40), 0.8)), 0.9)
    second = Hypothesis(
        (candidate(Box(26, 0, 20, 40), 0.9), candidate(Box(50, 0, 20, 40), 0.9)), 0.9
    )
    assert chosen(first, second) == [Box(0, 0, 20, 40), Box(26, 0, 20, 40), Box(50, 0, 20, 40)]


def test_no_marks_hold_no_digit() -> None:
    """An empty page is an empty answer."""
    assert choose([], []) == []


# --- polarity --------------------------------------------------------------------------------

ROW = [candidate(Box(40 * i, 0, 30, 40), 0.95) for i in range(4)]
GAPS = [candidate(Box(40 * i + 24, 4, 22, 32), 0.9) for i in range(3)]
"""Counter-forms between them: they overlap the digits on either side."""


@pytest.mark.parametrize("light", [False, True])
def test_counter_forms_go(light: bool) -> None:
    """A row and the gaps between its strokes overlap; what is surer in sum holds."""
    sides = (GAPS, ROW) if light else (ROW, GAPS)
    assert choose_polarity(*sides) == (ROW, light)


def test_rows_of_both_polarities_hold_side_by_side() -> None:
    """White writing on a dark card that lies on a sheet: each row has its own polarity."""
    below = [candidate(Box(40 * i, 200, 30, 40), 0.99) for i in range(4)]
    between = [candidate(Box(40 * i + 24, 204, 22, 32), 0.9) for i in range(3)]
    held, light = choose_polarity([*ROW, *between], [*GAPS, *below])
    assert held == [*ROW, *below]
    assert light


def test_what_is_unlikely_holds_in_the_polarity_of_most() -> None:
    """It is no evidence, and no digit of the other polarity either."""
    dark, light = candidate(Box(300, 0, 30, 40), 0.2), candidate(Box(400, 0, 30, 40), 0.3)
    assert choose_polarity([*ROW, dark], [light]) == ([*ROW, dark], False)
    assert choose_polarity([dark], [*ROW, light]) == ([*ROW, light], True)


def test_one_polarity_alone_is_kept_whole() -> None:
    """Nothing is left out; of nothing nothing can be said."""
    assert choose_polarity(ROW, []) == (ROW, False)
    assert choose_polarity([], ROW) == (ROW, True)
    assert choose_polarity([], []) == ([], None)


def test_neither_pieces_nor_a_word_leave_digits_out() -> None:
    """One sure digit does not outweigh three that are read as a word, nor a word three digits."""
    thirds = [Box(0, 0, 20, 40), Box(20, 0, 20, 40), Box(40, 0, 20, 40)]
    word = Hypothesis(tuple(candidate(box, 0.95) for box in thirds), 1.0)
    assert chosen(word, single(thirds[0], 0.99)) == thirds
    short = Hypothesis((candidate(LEFT, 0.97), candidate(RIGHT, 0.97)), 1.0)
    assert chosen(short, *(single(box, 0.95) for box in thirds)) == thirds
