"""What a writer of any kind can do: write a character at a size with a pen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .manner import STEADY, Manner
from .pen import Pen


@dataclass(frozen=True)
class Glyph:
    """One character in ink."""

    ink: NDArray[np.uint8]
    """(h, w) coverage, 0 to 255; the border rows and columns all hold ink."""
    rise: float
    """From the baseline up to the ink's lower edge, px; negative for a descender."""
    advance: float
    """Natural breadth with what is free beside it, px."""


class Hand(Protocol):
    """A writer, a font, or a collection of pictures."""

    @property
    def name(self) -> str:
        """Tells it from every other one, for example ``unipen:apb:Ruth_Flagg``."""
        ...

    @property
    def source(self) -> str:
        """Where it comes from, for example ``unipen:apb`` or ``mnist``."""
        ...

    @property
    def characters(self) -> frozenset[str]:
        """What it can write."""
        ...

    def glyph(
        self,
        character: str,
        height_px: float,
        pen: Pen,
        rng: np.random.Generator,
        manner: Manner = STEADY,
    ) -> Glyph:
        """Write one character, another way each time where the hand has several.

        Args:
            character: One of `characters`.
            height_px: Height of a digit of this hand, px; other characters are in proportion.
            pen: What it is written with.
            rng: Source of every draw; equal states write equal ink.
            manner: Slant, turn, breadth and tremor.

        Raises:
            KeyError: the hand lacks the character.

        """
        ...
