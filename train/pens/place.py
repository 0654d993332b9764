"""How high each character is and where it stands, by the height of a digit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True)
class Place:
    """Size and place of a character, in heights of a digit."""

    size: float = 1.0
    """Of the ink, from edge to edge."""
    middle: float = 0.5
    """From the baseline up to the middle of the ink."""
    side: Literal["height", "breadth", "longer"] = "height"
    """Which side of the ink is `size` long."""
    stray: float = 0.0
    """Standard deviation of the logarithm of the size, where it is more than a hand's own."""


def _between(top: float, bottom: float) -> Place:
    return Place(top - bottom, (top + bottom) / 2)


_PLACES: dict[str, Place] = {
    **dict.fromkeys("0123456789", Place()),
    **dict.fromkeys("ABCDEFGHIKLMNOPRSTUVWXYZ&#%", Place()),
    **dict.fromkeys("aceimnorsuvwxz", _between(0.6, 0.0)),
    **dict.fromkeys("bdhkl", _between(1.05, 0.0)),
    **dict.fromkeys("gpqy", _between(0.6, -0.38)),
    **dict.fromkeys("()[]{}|", _between(1.1, -0.15)),
    **dict.fromkeys("!?", _between(1.05, 0.0)),
    **dict.fromkeys("/\\$", _between(1.1, -0.1)),
    **dict.fromkeys("'`\"", Place(0.25, 0.93, "longer")),
    **dict.fromkeys("-~", Place(0.45, 0.45, "breadth")),
    **dict.fromkeys("<>", Place(0.55, 0.45, "longer")),
    "i": _between(0.88, 0.0),
    "j": _between(0.88, -0.32),
    "t": _between(0.88, 0.0),
    "f": _between(1.05, -0.1),
    "J": _between(1.0, -0.05),
    "Q": _between(1.0, -0.12),
    "@": _between(1.0, -0.1),
    "€": Place(),
    "°": Place(0.3, 0.88),
    ".": Place(0.09, 0.045, "longer"),
    ",": Place(0.28, -0.04, "longer", 0.35),
    ":": _between(0.58, 0.06),
    ";": _between(0.58, -0.16),
    "=": Place(0.5, 0.45, "breadth"),
    "+": Place(0.56, 0.45, "longer"),
    "*": Place(0.42, 0.7, "longer"),
    "^": Place(0.4, 0.88, "longer"),
    "_": Place(0.7, -0.08, "breadth"),
}
PLACES: Mapping[str, Place] = MappingProxyType(_PLACES)
"""Proportions of Latin print letters; a sample's own are lost, as each fills its box."""


def place_of(character: str) -> Place:
    """Return size and place of a character; of one that isn't known, those of a digit."""
    return PLACES.get(character, Place())
