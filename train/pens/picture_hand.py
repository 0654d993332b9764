"""Hands whose characters are pictures: scanned, photographed or of a font."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .field import PAD, Field, field_ink
from .hand import Glyph
from .manner import STEADY, Manner
from .pen import Pen


@dataclass(frozen=True)
class Picture:
    """A glyph's field and how it stands."""

    field: Field
    unit: float
    """Height of a digit in the field's px."""
    lift: float
    """From the baseline up to the middle of the field, in heights of a digit."""
    bearing: float
    """What is free beside it and counts as its own, in heights of a digit; may be negative."""


@dataclass(frozen=True, eq=False)
class PictureHand:
    """Writes each character as one of several pictures show it."""

    name: str
    source: str
    pictures: Mapping[str, Sequence[Callable[[], Picture]]]

    @property
    def characters(self) -> frozenset[str]:
        """What it can write."""
        return frozenset(self.pictures)

    def glyph(
        self,
        character: str,
        height_px: float,
        pen: Pen,
        rng: np.random.Generator,
        manner: Manner = STEADY,
    ) -> Glyph:
        """Write one character, see `Hand`."""
        ways = self.pictures[character]
        picture = ways[int(rng.integers(len(ways)))]()
        ink, middle = field_ink(
            picture.field, picture.unit, manner.poses(1, rng)[0], height_px, pen, rng
        )
        rise = picture.lift * height_px - (ink.shape[0] - 0.5 - middle)
        return Glyph(ink, rise, ink.shape[1] + picture.bearing * height_px)


def picture(field: Field, size: float, middle: float, bearing: float) -> Picture:
    """Place a field whose ink shall be `size` heights high, its middle `middle` above the line."""
    tall = field.distance.shape[0] - 2 * PAD
    return Picture(field, tall / size, middle, bearing)
