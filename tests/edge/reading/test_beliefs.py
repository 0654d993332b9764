"""What is known of a mark, and how it is summed."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitcam.edge.frame import Box
from digitcam.edge.reading.beliefs import (
    ALIKE,
    BAR,
    FEATURES,
    LEAST,
    NEUTRAL,
    REACH,
    Beliefs,
    Seen,
    as_json,
    features,
)
from digitcam.edge.reading.neighbours import as_array


def seen(boxes: Sequence[Box], contrast: float = 100, slender: float = 0.5) -> Seen:
    count = len(boxes)
    whole = np.full(count, slender)
    return Seen(as_array(boxes), np.full(count, contrast), whole, np.zeros(count), np.zeros(count))


NOTHING = seen([])
ALONE = seen([Box(0, 0, 20, 40)])
ROW = seen([Box(40 * i, 0, 20, 40) for i in range(3)])
"""Half a height apart."""
NEAR = np.exp(-0.5)


def column(
    name: str,
    digits: Seen,
    believed: Sequence[float],
    others: Seen = NOTHING,
    likely: Sequence[float] | None = None,
) -> NDArray[np.float64]:
    """Return one feature of each mark."""
    alone = np.array(believed if likely is None else likely)
    return features(digits, alone, others, np.array(believed))[:, FEATURES.index(name)]


@settings(max_examples=50, derandomize=True, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_neutral_weights_give_the_marks_own_probability(digit: list[float]) -> None:
    """Without fitted weights nothing counts but the mark; 0 and 1 are never quite reached."""
    row = seen([Box(30 * i, 0, 20, 40) for i in range(len(digit))])
    found = Beliefs()(row, np.array(digit), seen([Box(-30, 0, 20, 40)]))
    assert found == pytest.approx(np.clip(digit, LEAST, 1 - LEAST))


def test_the_second_sum_knows_what_the_first_one_found() -> None:
    """Each is the log-odds; what stands beside a mark is believed as the sum before says."""
    digit = np.array([0.5, 0.8, 0.9])
    first, second = (tuple(k * (0.02 * i - 0.4) for i in range(len(FEATURES))) for k in (1.0, -0.5))
    believed = digit
    for weights in (first, second):
        total = features(ROW, digit, NOTHING, believed) @ np.array(weights)
        believed = 1 / (1 + np.exp(-total))
    assert Beliefs((first, second))(ROW, digit, NOTHING) == pytest.approx(believed)


def test_the_bias_and_the_mark() -> None:
    """1, and the log-odds of a digit by the mark alone, whatever else is believed."""
    alone = [0.5, 0.8, 0.1]
    assert column("bias", ROW, alone).tolist() == [1, 1, 1]
    expected = np.log(np.array(alone) / (1 - np.array(alone)))
    assert column("mark", ROW, [0.9, 0.9, 0.9], likely=alone) == pytest.approx(expected)


def test_neighbours_count_by_how_likely_and_how_near_they_are() -> None:
    """Each side counts at most 1, as digit or as none, less the further it is away."""
    digit = [0.9, 0.5, 0.2]
    assert column("near", ROW, digit) == pytest.approx([NEAR, 2 * NEAR, NEAR])
    expected = [0.5 * NEAR, (0.9 + 0.2) * NEAR, 0.5 * NEAR]
    assert column("digits", ROW, digit) == pytest.approx(expected)
    expected = [0.5 * NEAR, (0.1 + 0.8) * NEAR, 0.5 * NEAR]
    assert column("others", ROW, digit) == pytest.approx(expected)


def test_what_is_no_digit_counts_where_it_is_nearer() -> None:
    """A letter between two digits stands beside both; the digit beyond it does not."""
    pair = seen([Box(0, 0, 20, 40), Box(80, 0, 20, 40)])
    assert (column("digits", pair, [1, 1]) > 0).all()
    letter = seen([Box(40, 0, 20, 40)])
    assert column("digits", pair, [1, 1], letter).tolist() == [0, 0]
    assert column("others", pair, [1, 1], letter) == pytest.approx([NEAR] * 2)


def test_what_stands_in_a_row_counts_less_the_further_it_is_away() -> None:
    """All of it, not only the nearest; what stands in another row does not."""
    near, far = np.exp(-0.5 / REACH), np.exp(-1.5 / REACH)
    below = seen([Box(0, 100, 20, 40)])
    digits = 0.9 * near + 0.2 * far
    assert column("row_digits", ROW, [0.5, 0.9, 0.2], below)[0] == pytest.approx(np.log1p(digits))
    others = 0.1 * near + 0.8 * far
    assert column("row_others", ROW, [0.5, 0.9, 0.2], below)[0] == pytest.approx(np.log1p(others))
    share = (digits + 0.5) / (near + far + 1)
    assert column("row_share", ROW, [0.5, 0.9, 0.2], below)[0] == pytest.approx(share)
    assert column("row_share", ALONE, [1]).tolist() == [0.5]


def test_what_was_read_as_one_of_several_is_joined() -> None:
    """As it was told."""
    pair = replace(ROW, joined=np.array([0.0, 1, 1]))
    assert column("joined", pair, [1, 1, 1]).tolist() == [0, 1, 1]


def test_a_mark_alone_has_nothing_beside_it() -> None:
    """All that is of neighbours is 0, and so is what compares with the picture's digits."""
    for name in ("near", "digits", "others", "alike", "page", "as_high", "as_strong"):
        assert column(name, ALONE, [1]).tolist() == [0], name


def test_how_narrow_and_how_slender_a_mark_is() -> None:
    """The logarithms of width over height, and of the ink's shorter over its longer axis."""
    boxes = seen([Box(0, 0, 40, 40), Box(0, 100, 4, 40)], slender=0.2)
    assert column("narrow", boxes, [1, 1]) == pytest.approx([0, np.log(0.1)])
    assert column("slender", boxes, [1, 1]) == pytest.approx([np.log(0.2)] * 2)


def test_bars_are_weighed_otherwise() -> None:
    """What counts for bars alone is 0 for others, and more the more slender a mark is."""
    digits = [1.0, 1.0, 1.0]
    wide, bar, hair = (replace(ROW, slender=np.full(3, s)) for s in (BAR, 0.15, 0.1))
    assert not column("bar_alike", wide, digits).any()
    assert (column("bar_alike", bar, digits) > 0).all()
    assert (column("bar_alike", hair, digits) > column("bar_alike", bar, digits)).all()
    assert column("bar_bias", bar, digits) == pytest.approx([np.log(BAR / 0.15)] * 3)


def test_neighbours_that_stand_on_the_same_lines_are_alike() -> None:
    """As high and as low counts as a digit whole; twice as high hardly does."""
    high = seen([Box(0, 0, 20, 40), Box(40, -20, 20, 80), Box(80, 0, 20, 40)])
    assert column("alike", ROW, [1, 1, 1]) == pytest.approx([NEAR, 2 * NEAR, NEAR])
    assert (column("alike", high, [1, 1, 1])[1:] < 0.2 * NEAR * np.array([2, 1])).all()


def test_a_slash_starts_higher_and_ends_lower_than_the_digits_beside_it() -> None:
    """In heights of the lower of the two; a comma starts lower than they do."""
    slash = seen([Box(0, 10, 20, 40), Box(30, 0, 8, 60), Box(48, 10, 20, 40)])
    near = np.exp(-10 / 60)
    assert column("higher", slash, [1, 0, 1])[1] == pytest.approx(2 * near * 0.25)
    assert column("lower", slash, [1, 0, 1])[1] == pytest.approx(2 * near * 0.25)
    comma = seen([Box(0, 0, 20, 40), Box(30, 30, 8, 20), Box(48, 0, 20, 40)])
    assert column("higher", comma, [1, 0, 1])[1] < 0


def test_ink_that_is_paler_than_the_digits() -> None:
    """Half as strong is log 2 away, from the neighbours and from the picture's digits."""
    pale = replace(ROW, contrast=np.array([100.0, 50, 100]))
    digits = [1.0, 1.0, 1.0]
    assert column("unlike_beside", pale, digits)[1] == pytest.approx(2 * NEAR * np.log(2))
    few = 1 + np.exp(-ALIKE * np.log(2))
    assert column("as_strong", pale, digits)[0] == pytest.approx(np.log1p(few))
    assert column("as_strong", pale, digits)[1] == pytest.approx(np.log1p(2 * (few - 1)))
    assert column("contrast", pale, digits) == pytest.approx(np.log(pale.contrast))


def test_digits_of_two_sizes_do_not_disturb_one_another() -> None:
    """What counts is how many others are as high, not how high most are."""
    small = [Box(40 * i, 0, 20, 40) for i in range(3)]
    both = seen([*small, *(Box(40 * i, 200, 200, 400) for i in range(3))])
    alone = column("as_high", seen(small), [1, 1, 1])
    assert alone == pytest.approx([np.log1p(2)] * 3)
    assert column("as_high", both, [1] * 6)[:3] == pytest.approx(alone, abs=1e-4)


def test_a_crowd_of_marks_that_are_none() -> None:
    """What lies about, and other marks as far as they are no digits; and how pale it is."""
    specks = seen([Box(100 * i, 200, 20, 40) for i in range(5)], contrast=25)
    assert column("crowd", ALONE, [0.9]).tolist() == [0]
    assert column("crowd", ROW, [0.9, 0.5, 1], specks) == pytest.approx(np.log1p([5.5, 5.1, 5.6]))
    assert column("stronger", ALONE, [0.9]).tolist() == [0]
    assert column("stronger", ALONE, [0.9], specks) == pytest.approx([np.log(4)])


def test_what_stands_alone() -> None:
    """Anything else in the picture, digit or not, takes from it."""
    assert column("alone", ALONE, [0.9]) == pytest.approx([1])
    assert column("alone", ROW, [0.9, 0.1, 0.9]) == pytest.approx(np.exp([-2, -2, -2]))
    assert column("alone", ALONE, [0.9], seen([Box(300, 0, 9, 9)])) == pytest.approx(np.exp([-1]))


def test_what_reaches_the_sides_of_the_picture() -> None:
    """It is told as it is seen."""
    reached = replace(ROW, cut=np.array([0.0, 1, 3]))
    assert column("cut", reached, [0.9, 0.1, 0.9]) == pytest.approx([0, 1, 3])


def test_other_digits_of_the_page() -> None:
    """Those that are likely, the mark itself apart."""
    expected = np.log1p([0.9, 0.8 + 0.9, 0.8])
    assert column("page", ROW, [0.8, 0.2, 0.9]) == pytest.approx(expected)


@pytest.mark.parametrize("scale", [0.5, 3.0])
def test_beliefs_are_the_same_at_every_size(scale: float) -> None:
    """A page that is enlarged is believed as much."""
    weights = (tuple(np.linspace(-0.5, 0.5, len(FEATURES)).tolist()),) * 2
    boxes = as_array([Box(0, 0, 20, 40), Box(30, 4, 4, 38), Box(50, 0, 24, 44)])
    digit, others = np.array([0.9, 0.3, 0.8]), seen([Box(90, 0, 20, 40)])
    small = Seen(
        boxes, np.full(3, 90.0), np.array([0.5, 0.1, 0.6]), np.array([0.0, 1, 0]), np.zeros(3)
    )
    large = replace(small, boxes=scale * boxes)
    beside = replace(others, boxes=scale * others.boxes)
    expected = Beliefs(weights)(small, digit, others)
    assert Beliefs(weights)(large, digit, beside) == pytest.approx(expected)


def test_other_marks_are_asked_about_as_digits_are() -> None:
    """A digit that is asked about anew is believed as before; pieces of it do not count."""
    weights = tuple(np.linspace(-0.3, 0.3, len(FEATURES)).tolist())
    digit, others = np.array([0.9, 0.4, 0.8]), seen([Box(150, 0, 20, 40)])
    believed = Beliefs((weights,))(ROW, digit, others)
    twice = Beliefs((weights, weights))(ROW, digit, others)
    assert Beliefs((weights,)).of(ROW, digit, ROW, believed, others) == pytest.approx(twice)
    piece = seen([Box(42, 0, 16, 20)])
    alone = Beliefs((weights,)).of(
        piece, digit[:1], seen([Box(0, 0, 20, 40), Box(80, 0, 20, 40)]), believed[[0, 2]], others
    )
    among = Beliefs((weights,)).of(piece, digit[:1], ROW, believed, others)
    assert among == pytest.approx(alone)
    assert Beliefs((weights,)).of(NOTHING, digit[:0], ROW, believed, others).shape == (0,)


def test_an_empty_page_has_no_beliefs() -> None:
    """No marks, no numbers; others beside do not matter."""
    assert Beliefs()(NOTHING, np.zeros(0), ROW).shape == (0,)


def test_the_sidecars_form_names_each_weight() -> None:
    """By name, in the order of the sum, one sum after the other."""
    assert [dict(each) for each in as_json(Beliefs())] == [
        dict(zip(FEATURES, NEUTRAL[0], strict=True))
    ]
