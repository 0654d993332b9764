"""Hands that write with strokes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .hand import Glyph
from .ink import ink_strokes
from .manner import STEADY, Manner
from .pen import Pen
from .place import place_of
from .strokes import Points

Ways = Sequence[Callable[[], list[Points]]]
"""Ways of writing one character; each returns its strokes, (k, 2), y down, in any unit."""
BEARING = 0.16
"""Free space beside a character that counts as its own, in heights."""


@dataclass(frozen=True, eq=False)
class StrokeHand:
    """Writes each character one of several ways, placed as its kind of character stands."""

    name: str
    source: str
    ways: Mapping[str, Ways]

    @property
    def characters(self) -> frozenset[str]:
        """What it can write."""
        return frozenset(self.ways)

    def glyph(
        self,
        character: str,
        height_px: float,
        pen: Pen,
        rng: np.random.Generator,
        manner: Manner = STEADY,
    ) -> Glyph:
        """Write one character, see `Hand`."""
        ways = self.ways[character]
        strokes = ways[int(rng.integers(len(ways)))]()
        if manner is not STEADY:
            strokes = manner.moved(strokes, rng)
        place = place_of(character)
        scale = place.scale(strokes, height_px, pen.width * height_px)
        points = np.concatenate(strokes)
        middle = (points.min(axis=0) + points.max(axis=0)) / 2
        shift = -middle * scale - np.array([0, place.middle * height_px], np.float32)
        placed = [stroke * np.float32(scale) + shift.astype(np.float32) for stroke in strokes]
        inked = ink_strokes(placed, height_px, pen, rng)
        tall, wide = inked.ink.shape
        return Glyph(inked.ink, -float(inked.y + tall), wide + BEARING * height_px)
