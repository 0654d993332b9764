"""Writes texts with a hand: characters beside each other, each pixel with its owner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.frame import Box

from .hand import Hand
from .pen import Pen


@dataclass(frozen=True)
class Writing:
    """A written text and whose every pixel is."""

    ink: NDArray[np.uint8]
    """(h, w) coverage, 0 to 255."""
    owner: NDArray[np.uint8]
    """(h, w), 0 where there is no ink, k + 1 where it is character k's."""
    characters: tuple[str, ...]
    """What was written, without spaces."""
    boxes: tuple[Box, ...]
    """Tight around each character's ink, whoever owns it."""
    text: str
    """What was written, with spaces."""
    baseline: float
    """Row of the baseline where the text starts."""


def write(
    hand: Hand,
    text: str,
    height_px: float,
    pen: Pen,
    rng: np.random.Generator,
    spacing: float | None = None,
    fallback: Hand | None = None,
) -> Writing:
    """Write a text.

    Args:
        hand: Who writes.
        text: Characters and single spaces; not blank.
        height_px: Height of a digit, px.
        pen: What it is written with.
        rng: Source of every draw; equal states write equal ink.
        spacing: Mean free space between characters in heights; by default as writers have it.
        fallback: Who writes the characters that the hand lacks.

    Raises:
        ValueError: the text is blank, too long (over 255 characters), or has a character that
            nobody can write.

    """
    raise NotImplementedError
