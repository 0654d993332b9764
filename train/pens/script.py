"""Strokes laid out to be drawn: the points of all characters of a writing in one array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .curves import rounded, settled, thinned
from .place import place_of
from .strokes import Points

SPACING = 0.075
"""How far apart points are, in heights of a digit: a curve fills wider gaps, closer ones go."""


@dataclass(frozen=True)
class Shape:
    """The strokes of one character, in heights of a digit, x = 0 in its middle, y down."""

    points: Points
    """(n, 2), all strokes; y = 0 is the baseline."""
    ends: tuple[int, ...]
    """Where in `points` each stroke ends."""
    size: float
    """Of its ink, from edge to edge; what the pen's width takes from the strokes."""
    middle: float
    """From the baseline up to its middle."""


def shape_of(strokes: Sequence[Points], character: str) -> Shape:
    """Give recorded strokes, (k, 2) each, the size and place of their character."""
    place = place_of(character)
    strokes = settled(strokes)
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    wide, tall = (high - low).tolist()
    side = {"height": tall, "breadth": wide, "longer": max(wide, tall)}[place.side]
    # What is recorded as high may be nearly flat, a 1 that fell over: it isn't blown up.
    side = max(side, 0.4 * max(wide, tall))
    scale = np.float32(place.size / side if side > 0 else 0.0)
    shift = np.array([0, -place.middle], np.float32) - (low + high) / 2 * scale
    placed = [rounded(thinned(stroke * scale + shift, SPACING), SPACING) for stroke in strokes]
    ends = np.cumsum([len(stroke) for stroke in placed]).tolist()
    return Shape(np.concatenate(placed).astype(np.float32), tuple(ends), place.size, place.middle)


@dataclass(frozen=True)
class Script:
    """Strokes of one or several characters where they shall be drawn."""

    points: Points
    """(n, 2) px, x right, y down."""
    ends: tuple[int, ...]
    """Where in `points` each stroke ends."""
    owners: tuple[int, ...]
    """Whose each stroke is: k + 1 for character k; strokes of a character follow each other."""

    def starts(self) -> NDArray[np.int64]:
        """Return where in `points` each character starts."""
        begins = (0, *self.ends)
        return np.array(
            [begins[i] for i, k in enumerate(self.owners) if not i or k != self.owners[i - 1]]
        )

    def moved(self, by: NDArray[Any]) -> Script:
        """Return the script moved by (x, y) px, or each point by its own."""
        return replace(self, points=self.points + by.astype(np.float32))

    def scaled(self, by: float, shift: float = 0.0) -> Script:
        """Return the script so many times larger, then moved right and down alike."""
        return replace(self, points=self.points * np.float32(by) + np.float32(shift))

    def strokes(self) -> list[Points]:
        """Return the strokes, (k, 2) each."""
        return [self.points[a:b] for a, b in pairwise((0, *self.ends))]


def script_of(strokes: Sequence[Points], owners: Sequence[int] | None = None) -> Script:
    """Lay strokes out; without owners they are one character's."""
    # A dot is a stroke that ends where it starts: OpenCV draws no single point.
    strokes = [s if len(s) > 1 else np.repeat(s, 2, axis=0) for s in strokes]
    ends = tuple(np.cumsum([len(stroke) for stroke in strokes]).tolist())
    owners = tuple(owners) if owners is not None else (1,) * len(ends)
    return Script(np.concatenate(strokes), ends, owners)
