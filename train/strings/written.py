"""Numbers that one hand writes, with their own spaces and touching."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from digitcam.edge.frame import GrayImage

from ..pens.hand import Hand
from ..pens.pen import random_pen
from ..pens.texts import random_number
from ..pens.writing import write

HEIGHT_PX = 48
"""Height of a digit, px."""
LENGTHS = (0.1, 0.14, 0.19, 0.19, 0.15, 0.11, 0.07, 0.05)
"""How often a number has one to eight digits."""
CROWDED, CROWDED_GAP = 0.4, (-0.1, 0.12)
"""Share of numbers whose digits stand close, and the mean space between them, in heights."""
SIGNS, LETTERS = 0.18, 0.07
"""Shares of numbers with a sign among or behind the digits, and with a letter beside them."""
DIGITS = frozenset("0123456789")
SIGNS_AMONG, SIGNS_BEHIND = ",.-/:", ".,-)"
LOOK_ALIKE = frozenset("OoDQlIiJjZzSsbGBgqyY|")
"""Letters that a digit is often written like."""

Ink = tuple[GrayImage, tuple[int, ...]]
"""Coverage or contrast, (h, w) uint8, and the digits that it shows."""


class NumberWriter:
    """Hands that write all ten digits, by source, so that many small ones do not crowd out few.

    A source writes in proportion to the square root of its hands: ``mnist`` has hundreds that
    nobody told apart, others a dozen.

    Args:
        hands: All there are.
    """

    def __init__(self, hands: Sequence[Hand]) -> None:
        self._sources: dict[str, list[Hand]] = {}
        for hand in hands:
            if hand.characters >= DIGITS:
                self._sources.setdefault(hand.source, []).append(hand)

    @cached_property
    def _weights(self) -> tuple[list[str], list[float]]:
        share = np.sqrt([len(hands) for hands in self._sources.values()])
        return list(self._sources), (share / share.sum()).tolist()

    def choose(self, rng: np.random.Generator) -> Hand:
        """Draw a hand."""
        names, weights = self._weights
        hands = self._sources[names[int(rng.choice(len(names), p=weights))]]
        return hands[int(rng.integers(len(hands)))]

    def write(self, rng: np.random.Generator) -> Ink:
        """Write a number."""
        hand = self.choose(rng)
        number = random_number(rng, 1 + int(rng.choice(len(LENGTHS), p=LENGTHS)))
        text, draw = number, rng.random()
        if draw < SIGNS:
            text = _with_sign(number, rng)
        elif draw < SIGNS + LETTERS:
            letters = sorted(c for c in hand.characters if c.isalpha() and c not in LOOK_ALIKE)
            if letters:
                letter = letters[int(rng.integers(len(letters)))]
                text = number + letter if rng.random() < 0.7 else letter + number
        spacing = float(rng.uniform(*CROWDED_GAP)) if rng.random() < CROWDED else None
        writing = write(hand, text, HEIGHT_PX, random_pen(rng), rng, spacing)
        return writing.ink, tuple(map(int, number))


def _with_sign(number: str, rng: np.random.Generator) -> str:
    place = int(rng.integers(1, len(number) + 1))
    if place == len(number):
        return number + SIGNS_BEHIND[int(rng.integers(len(SIGNS_BEHIND)))]
    return number[:place] + SIGNS_AMONG[int(rng.integers(len(SIGNS_AMONG)))] + number[place:]
