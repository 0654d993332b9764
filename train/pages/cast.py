"""Who may write on a page: sources first, so that many small hands do not crowd out few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import is_

import numpy as np

from digitcam.train.pens.hand import Hand

DIGITS = frozenset("0123456789")
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")

FONTS = "fonts"
"""Source of the hands that are typefaces: people write most pages."""

FONT_SHARE = 0.15
"""Share of the pages whose digits are a typeface's."""

LITERATE = 0.7
"""Share of the pages whose words come from the writer of the digits, who can write words."""


@dataclass(frozen=True)
class Cast:
    """Hands by what they can do."""

    hands: tuple[Hand, ...]
    """All there are."""
    people: tuple[tuple[Hand, ...], ...]
    """Those who write all ten digits, by source."""
    weights: tuple[float, ...]
    """How often each source writes."""
    fonts: tuple[Hand, ...]
    """Typefaces with all ten digits."""
    literate: tuple[Hand, ...]
    """Those who write all small letters."""

    def choose(self, rng: np.random.Generator) -> tuple[Hand, Hand | None]:
        """Draw who writes the digits, and who writes what that hand lacks, if anybody can."""
        fonts = bool(self.fonts) and (not self.people or rng.random() < FONT_SHARE)
        pool = self.fonts
        if not fonts:
            pool = self.people[int(rng.choice(len(self.people), p=self.weights))]
        hand = pool[int(rng.integers(len(pool)))]
        if not self.literate:
            return hand, None
        if hand.characters >= LETTERS and rng.random() < LITERATE:
            return hand, hand
        return hand, self.literate[int(rng.integers(len(self.literate)))]


_last: list[Cast] = []
"""The cast of the last page: sorting a thousand hands takes longer than to write a page."""


def cast_of(hands: Sequence[Hand]) -> Cast:
    """Sort hands by what they can do; the same hands are sorted once.

    A source writes in proportion to the square root of its hands: ``mnist`` has hundreds that
    nobody told apart, others a dozen.

    Raises:
        ValueError: no hand writes all ten digits.
    """
    if _last and len(hands) == len(_last[0].hands) and all(map(is_, hands, _last[0].hands)):
        return _last[0]
    cast = _sorted(hands)
    _last[:] = [cast]
    return cast


def _sorted(hands: Sequence[Hand]) -> Cast:
    able = [hand for hand in hands if hand.characters >= DIGITS]
    if not able:
        raise ValueError("hands: expected one that writes all ten digits, found none")
    groups: dict[str, list[Hand]] = {}
    for hand in able:
        groups.setdefault(hand.source.split(":")[0], []).append(hand)
    fonts = tuple(groups.pop(FONTS, ()))
    share = np.sqrt([len(group) for group in groups.values()])
    return Cast(
        hands=tuple(hands),
        people=tuple(tuple(group) for group in groups.values()),
        weights=tuple((share / share.sum()).tolist()),
        fonts=fonts,
        literate=tuple(hand for hand in hands if hand.characters >= LETTERS),
    )
