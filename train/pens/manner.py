"""How a writer's hand moves: slant, turn, breadth and tremor, the same all through a writing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Manner:
    """What a writing has in common, and how far a single character strays from it."""

    slant: float = 0.0
    """Columns that the top leans to the right by, per row."""
    turn: float = 0.0
    """Radians, clockwise."""
    aspect: float = 1.0
    """Breadth by height, times what was recorded."""
    wobble: float = 0.0
    """Bend of each character as a fraction of a digit's height."""
    stray: float = 0.0
    """Standard deviation of slant, turn, and log of aspect from one character to the next."""
    size_stray: float = 0.0
    """Standard deviation of the log of a character's size."""

    def poses(self, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Draw the poses of characters: (count, 2, 2), each applied to (x, y) with y down."""
        strays = rng.standard_normal((3, count), np.float32) * np.float32(self.stray)
        slant, turn = self.slant + strays[0], self.turn + 0.5 * strays[1]
        aspect = self.aspect * np.exp(strays[2])
        poses = np.empty((count, 2, 2), np.float32)
        poses[:, 0, 0], poses[:, 0, 1] = aspect, -slant - turn
        poses[:, 1, 0], poses[:, 1, 1] = turn * aspect, 1.0
        return poses


STEADY = Manner()
"""Writes what was recorded as it was recorded."""


def random_manner(rng: np.random.Generator) -> Manner:
    """Draw a manner as writers differ in it."""
    slant, turn, aspect = rng.standard_normal(3).tolist()
    wobble, stray, size_stray = rng.random(3).tolist()
    return Manner(
        slant=0.03 + 0.12 * slant,
        turn=0.04 * turn,
        aspect=float(np.exp(0.12 * aspect)),
        wobble=0.03 * wobble,
        stray=0.01 + 0.05 * stray,
        size_stray=0.01 + 0.07 * size_stray,
    )
