"""Colours of paper and ink, by what is written on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digitcam.train.pens.pen import Kind as PenKind

from .page import Colour
from .plan import Medium

Values = NDArray[np.float64]

LUMA = np.array([0.114, 0.587, 0.299])
"""Weights of blue, green and red (ITU-R BT.601), as OpenCV makes grey of them."""

LEAST_CONTRAST = 12.0
"""Grey levels between the palest ink and its ground, under full light."""

FINE_PRINT = 0.35
"""Most contrast of a pattern that lies under writing everywhere, as a part of the ink's."""

_DARK_INKS = {
    "black": (22.0, 20.0, 20.0), "blue": (135.0, 45.0, 20.0), "pencil": (75.0, 72.0, 72.0),
    "red": (40.0, 30.0, 190.0), "green": (55.0, 105.0, 25.0), "violet": (130.0, 30.0, 95.0),
    "brown": (35.0, 60.0, 95.0),
}  # fmt: skip
_DARK_WEIGHTS = (0.42, 0.27, 0.12, 0.08, 0.04, 0.04, 0.03)
_LIGHT_INKS = ((250.0, 250.0, 250.0), (235.0, 245.0, 250.0), (140.0, 235.0, 250.0),
               (245.0, 215.0, 190.0), (200.0, 170.0, 250.0), (190.0, 245.0, 200.0))  # fmt: skip

PENS: dict[Medium, tuple[PenKind, ...]] = {
    Medium.PAPER: ("ballpoint", "ballpoint", "pencil", "felt", "gel", "fountain", "marker"),
    Medium.COLOURED: ("ballpoint", "felt", "gel", "marker", "brush"),
    Medium.WHITEBOARD: ("marker", "felt"),
    Medium.BLACKBOARD: ("chalk",),
    Medium.SCREEN: ("finger",),
    Medium.NEGATIVE: ("felt", "marker", "gel", "brush"),
}
"""What is written with, on what."""


@dataclass(frozen=True)
class Palette:
    """Colours of one page."""

    paper: Colour
    """The bare ground."""
    ink: Colour
    """A full stroke of the pen."""
    other_ink: Colour
    """Of a second pen, as far from the paper as the first or farther."""
    print_ink: Colour
    ruling: Colour
    light_on_dark: bool

    @property
    def contrast(self) -> float:
        """Grey levels between paper and ink."""
        return float(abs(LUMA @ (np.array(self.paper) - np.array(self.ink))))

    @property
    def fine_print(self) -> Colour:
        """Colour of a pattern under writing: that of rulings, but well paler than the ink."""
        paper, ruling = np.array(self.paper), np.array(self.ruling)
        limit = FINE_PRINT * self.contrast / max(abs(float(LUMA @ (ruling - paper))), 1)
        return _colour(paper + (ruling - paper) * min(limit, 1))

    def at_least(self, contrast: float) -> Palette:
        """Return this palette, its inks as many grey levels from the paper as there can be."""
        if self.contrast >= contrast:
            return self
        paper, full = np.array(self.paper), np.full(3, 255.0 if self.light_on_dark else 0.0)
        inks = []
        for ink in (np.array(self.ink), np.array(self.other_ink)):
            missing = contrast - abs(float(LUMA @ (ink - paper)))
            room = abs(float(LUMA @ (full - ink)))
            inks.append(_colour(ink + (full - ink) * float(np.clip(missing / max(room, 1), 0, 1))))
        return replace(self, ink=inks[0], other_ink=inks[1])


def random_palette(rng: np.random.Generator, medium: Medium, strong_ruling: bool) -> Palette:
    """Draw colours that go together."""
    paper, dark = _paper(rng, medium)
    share = _contrast_share(rng, medium)
    first, second = (_ink(rng, paper, dark, each) for each in (share, max(share, rng.random())))
    faint = rng.uniform(0.35, 1.0) if strong_ruling else rng.uniform(0.04, 0.3) * share**0.5
    return Palette(
        paper=_colour(paper),
        ink=first,
        other_ink=second,
        print_ink=_ink(rng, paper, dark, rng.uniform(0.5, 1), plain=rng.random() < 0.8),
        ruling=_ink(rng, paper, dark, faint),
        light_on_dark=dark,
    )


def _paper(rng: np.random.Generator, medium: Medium) -> tuple[Values, bool]:
    tint = 1 + rng.normal(0, 0.02, 3)
    match medium:
        case Medium.WHITEBOARD:
            return rng.uniform(190, 245) * tint, False
        case Medium.BLACKBOARD:
            green = np.array([1.0, 1.25, 0.85]) if rng.random() < 0.5 else np.ones(3)
            return rng.uniform(22, 85) * tint * green, True
        case Medium.NEGATIVE:
            return np.zeros(3) + (rng.uniform(0, 25) if rng.random() < 0.3 else 0), True
        case Medium.SCREEN:
            dark = bool(rng.random() < 0.42)
            level = rng.uniform(0, 45) if dark else rng.uniform(225, 255)
            plain = 0.0 if dark else 255.0
            return np.full(3, plain if rng.random() < 0.6 else level), dark
        case Medium.COLOURED:
            dark = bool(rng.random() < 0.3)
            hue = rng.uniform(0.45, 1, 3)
            return hue / hue.max() * (rng.uniform(25, 90) if dark else rng.uniform(150, 250)), dark
        case _:
            warm = np.array([rng.uniform(0.82, 1.0), 0.99, 1.0])
            return rng.uniform(165, 248) * warm * tint, False


def _contrast_share(rng: np.random.Generator, medium: Medium) -> float:
    """Draw how much of the way from paper to the pen's own colour the ink goes (0-1)."""
    if medium in (Medium.SCREEN, Medium.NEGATIVE, Medium.WHITEBOARD):
        return float(rng.uniform(0.75, 1))
    return float(rng.choice([rng.uniform(0.05, 0.25), rng.uniform(0.25, 0.6), rng.uniform(0.6, 1)],
                            p=[0.05, 0.2, 0.75]))  # fmt: skip


def _ink(
    rng: np.random.Generator, paper: Values, dark: bool, share: float, plain: bool = False
) -> Colour:
    if dark:
        index = int(rng.choice(len(_LIGHT_INKS), p=(0.6, 0.2, 0.08, 0.04, 0.04, 0.04)))
        full = np.array(_LIGHT_INKS[0 if plain else index])
    else:
        name = "black" if plain else str(rng.choice(list(_DARK_INKS), p=_DARK_WEIGHTS))
        full = np.array(_DARK_INKS[name]) * rng.uniform(0.6, 1.3)
        full = np.minimum(full, paper * 0.8)
    distance = abs(float(LUMA @ (full - paper)))
    share = max(share, min(LEAST_CONTRAST / max(distance, 1.0), 1.0))
    return _colour(paper + (full - paper) * share)


def _colour(values: Values) -> Colour:
    blue, green, red = np.clip(values, 0, 255).tolist()
    return blue, green, red
