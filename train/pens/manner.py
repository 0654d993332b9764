"""How a writer's hand moves: slant, turn, breadth and tremor, the same all through a writing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .strokes import Points


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
    """Bend of each character as a fraction of its height."""
    stray: float = 0.0
    """Standard deviation of slant, turn, and log of aspect from one character to the next."""
    size_stray: float = 0.0
    """Standard deviation of the log of a character's size."""

    def pose(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """Draw the pose of one character: (2, 2), applied to (x, y) with y down."""
        slant, turn, breadth = (rng.standard_normal(3) * self.stray).tolist()
        slant, turn = self.slant + slant, self.turn + 0.5 * turn
        aspect = self.aspect * np.exp(breadth)
        return np.array([[aspect, -slant - turn], [turn * aspect, 1.0]], np.float32)

    def moved(self, strokes: Sequence[Points], rng: np.random.Generator) -> list[Points]:
        """Return the strokes, (k, 2) each in any unit, as this manner would write them once."""
        points = np.concatenate(strokes)
        if self.wobble:
            low = points.min(axis=0)
            tall = max(float(points[:, 1].max() - low[1]), 1.0)
            frequency = rng.uniform(2.0, 6.0, (2, 2)).astype(np.float32) / tall
            phase = rng.uniform(0, 2 * np.pi, 2).astype(np.float32)
            points = points + np.float32(self.wobble * tall) * np.sin(points @ frequency + phase)
        points = points @ self.pose(rng).T
        ends = np.cumsum([len(stroke) for stroke in strokes]).tolist()
        return [points[a:b] for a, b in zip([0, *ends], ends, strict=False)]


STEADY = Manner()
"""Writes what was recorded as it was recorded."""


def random_manner(rng: np.random.Generator) -> Manner:
    """Draw a manner as writers differ in it."""
    return Manner(
        slant=float(rng.normal(0.03, 0.12)),
        turn=float(rng.normal(0, 0.04)),
        aspect=float(np.exp(rng.normal(0, 0.12))),
        wobble=float(rng.uniform(0, 0.03)),
        stray=float(rng.uniform(0.01, 0.06)),
        size_stray=float(rng.uniform(0.01, 0.08)),
    )
