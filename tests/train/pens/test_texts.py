"""Texts to write."""

import re
from collections import Counter

import numpy as np

from digitcam.train.pens.drawn import drawn_hand
from digitcam.train.pens.texts import UNITS, random_number, random_value


def test_texts_are_what_people_write() -> None:
    """Dates, times, prices, sums, measures and signs are all there, and few are digits alone."""
    rng = np.random.default_rng(0)
    texts = [random_value(rng) for _ in range(3000)]
    assert np.mean([text.isdigit() for text in texts]) < 0.1
    for pattern in (
        r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}", r"\d{4}-\d\d-\d\d", r"\d{1,2}:\d\d", r"\d+[.,]\d\d €",
        r"\$ ?\d+.*", r"\d+ [-+x:] \d+ = -?\d+", r"\d+/\d+", r"\d+ kg", r"\d+ ?%", r"\(\d+\)",
        r"No \d+", r"\d+\)( \d+)?", r"\d+x\d+",
        r"\d+!", r"\d+\?", r"< ?\d+", r"> ?\d+", r"\d+[-+x]\d+=",
    ):  # fmt: skip
        assert any(re.fullmatch(pattern, text) for text in texts), pattern


def test_sums_are_right() -> None:
    """What stands behind the sign of equality is the result."""
    rng = np.random.default_rng(1)
    sums = [
        t
        for t in (random_value(rng) for _ in range(3000))
        if re.fullmatch(r"\d+ .* -?\d+", t) and "=" in t
    ]
    assert len(sums) > 30
    for text in sums:
        a, sign, b, _, result = text.split()
        a_, b_, c = int(a), int(b), int(result)
        assert {"+": a_ + b_, "-": a_ - b_, "x": a_ * b_, ":": a_ // b_}[sign] == c


def test_signs_are_ones_that_hands_have() -> None:
    """Signs come from what UNIPEN's writers or the drawn hand can write; spaces are single."""
    rng = np.random.default_rng(2)
    allowed = drawn_hand().characters | set("#$%()+,-./:=!?<>") | set("".join(UNITS))
    for _ in range(3000):
        text = random_value(rng)
        signs = {c for c in text.replace(" ", "") if not c.isascii() or not c.isalnum()}
        assert signs <= allowed, text
        assert text == text.strip()
        assert "  " not in text


def test_numbers_have_all_digits_and_lengths() -> None:
    """Each digit is about as frequent, 1 to 10 digits occur, and some start with a zero."""
    rng = np.random.default_rng(3)
    numbers = [random_number(rng) for _ in range(4000)]
    assert {len(number) for number in numbers} == set(range(1, 11))
    shares = Counter("".join(numbers))
    total = sum(shares.values())
    assert all(0.085 < shares[digit] / total < 0.125 for digit in "0123456789")
    assert 0.1 < np.mean([number[0] == "0" for number in numbers if len(number) > 1]) < 0.2


def test_numbers_are_as_long_as_was_asked_for() -> None:
    """A length, or a longest one."""
    rng = np.random.default_rng(4)
    assert {len(random_number(rng, 7)) for _ in range(50)} == {7}
    assert {len(random_number(rng, longest=3)) for _ in range(200)} == {1, 2, 3}
