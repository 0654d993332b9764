"""What is known of a mark, and how it is summed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitcam.edge.frame import Box
from digitcam.edge.reading.beliefs import FEATURES, LEAST, NEUTRAL, Beliefs, as_json, features
from digitcam.edge.reading.neighbours import as_array

ALONE, NOTHING = as_array([Box(0, 0, 20, 40)]), as_array([])
ROW = as_array([Box(40 * i, 0, 20, 40) for i in range(3)])
"""Half a height apart."""


def column(name: str, *known: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return one feature of each mark; what is known is the arguments of `features`."""
    boxes, digit, others = known
    return features(boxes, digit, others)[:, FEATURES.index(name)]


@settings(max_examples=50, derandomize=True, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_neutral_weights_give_the_marks_own_probability(digit: list[float]) -> None:
    """Without fitted weights nothing counts but the mark; 0 and 1 are never quite reached."""
    boxes = as_array([Box(30 * i, 0, 20, 40) for i in range(len(digit))])
    found = Beliefs()(boxes, np.array(digit), as_array([Box(-30, 0, 20, 40)]))
    assert found == pytest.approx(np.clip(digit, LEAST, 1 - LEAST))


def test_weights_are_of_features_by_their_order() -> None:
    """The sum is the log-odds."""
    digit = np.array([0.5, 0.8, 0.9])
    weights = tuple(0.3 * i - 0.8 for i in range(len(FEATURES)))
    total = features(ROW, digit, NOTHING) @ np.array(weights)
    assert Beliefs(weights)(ROW, digit, NOTHING) == pytest.approx(1 / (1 + np.exp(-total)))


def test_the_bias_and_the_mark() -> None:
    """1, and the log-odds of a digit."""
    digit = np.array([0.5, 0.8, 0.1])
    assert column("bias", ROW, digit, NOTHING).tolist() == [1, 1, 1]
    expected = np.log(digit / (1 - digit))
    assert column("mark", ROW, digit, NOTHING) == pytest.approx(expected)


def test_neighbours_count_by_how_likely_and_how_near_they_are() -> None:
    """Each side counts at most 1, as digit or as none, less the further it is away."""
    digit = np.array([0.9, 0.5, 0.2])
    near = np.exp(-0.5)
    expected = [0.5 * near, (0.9 + 0.2) * near, 0.5 * near]
    assert column("digits", ROW, digit, NOTHING) == pytest.approx(expected)
    expected = [0.5 * near, (0.1 + 0.8) * near, 0.5 * near]
    assert column("others", ROW, digit, NOTHING) == pytest.approx(expected)


def test_what_is_no_digit_counts_against_where_it_is_nearer() -> None:
    """A letter between two digits stands beside both; the digit beyond it does not."""
    pair, digit = ROW[[0, 2]], np.array([1.0, 1.0])
    assert (column("digits", pair, digit, NOTHING) > 0).all()
    letter = ROW[[1]]
    assert column("digits", pair, digit, letter).tolist() == [0, 0]
    assert column("others", pair, digit, letter) == pytest.approx([np.exp(-0.5)] * 2)


def test_who_stands_alone() -> None:
    """No neighbour on either side, neither digit nor other."""
    digit = np.ones(1)
    assert column("alone", ALONE, digit, NOTHING).tolist() == [1]
    assert column("alone", ALONE, digit, as_array([Box(30, 0, 20, 40)])).tolist() == [0]
    assert column("alone", ROW, np.ones(3), NOTHING).tolist() == [0, 0, 0]


def test_how_narrow_a_mark_is() -> None:
    """The logarithm of width over height, below 0 for a 1."""
    boxes = as_array([Box(0, 0, 40, 40), Box(0, 100, 4, 40)])
    expected = [0, np.log(0.1)]
    assert column("narrow", boxes, np.ones(2), NOTHING) == pytest.approx(expected)


def test_neighbours_that_stand_on_the_same_lines_are_alike() -> None:
    """As high and as low counts as a digit whole; twice as high hardly does."""
    digit, high = np.ones(3), ROW.copy()
    high[1, 1], high[1, 3] = -20, 80
    near = np.exp(-0.5)
    assert column("alike", ROW, digit, NOTHING) == pytest.approx([near, 2 * near, near])
    assert (column("alike", high, digit, NOTHING) < 0.2 * near * np.array([1, 2, 1])).all()
    narrow = column("narrow", ROW, digit, NOTHING)
    alike = column("alike", ROW, digit, NOTHING)
    assert column("narrow_alike", ROW, digit, NOTHING) == pytest.approx(narrow * alike)


def test_other_digits_of_the_page() -> None:
    """Those that are likelier than not, the mark itself apart."""
    expected = np.log1p([0.9, 0.8 + 0.9, 0.8])
    assert column("page", ROW, np.array([0.8, 0.3, 0.9]), NOTHING) == pytest.approx(expected)


def test_an_empty_page_has_no_beliefs() -> None:
    """No marks, no numbers; others beside do not matter."""
    assert Beliefs()(NOTHING, np.zeros(0), ROW).shape == (0,)


def test_the_sidecars_form_names_each_weight() -> None:
    """By name, in the order of the sum."""
    assert dict(as_json(Beliefs())) == dict(zip(FEATURES, NEUTRAL, strict=True))
