"""Hands that write with strokes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .hand import Glyph
from .ink import ink_of
from .manner import STEADY, Manner
from .pen import Pen
from .script import Script, Shape

BEARING = 0.16
"""Free space beside a character that counts as its own, in heights."""


@dataclass(frozen=True, eq=False)
class StrokeHand:
    """Writes each character one of several ways, placed as its kind of character stands."""

    name: str
    source: str
    ways: Mapping[str, Sequence[Callable[[], Shape]]]
    """Ways of writing each character."""

    @property
    def characters(self) -> frozenset[str]:
        """What it can write."""
        return frozenset(self.ways)

    def shape(self, character: str, rng: np.random.Generator) -> Shape:
        """Return one of the ways of writing a character."""
        ways = self.ways[character]
        return ways[int(rng.random() * len(ways))]()

    def glyph(
        self,
        character: str,
        height_px: float,
        pen: Pen,
        rng: np.random.Generator,
        manner: Manner = STEADY,
    ) -> Glyph:
        """Write one character, see `Hand`."""
        script = laid_out([self.shape(character, rng)], [height_px], pen.width, manner, rng)
        inked = ink_of(script, height_px, pen, rng)
        tall, wide = inked.ink.shape
        return Glyph(inked.ink, -float(inked.y + tall), wide + BEARING * height_px)


def laid_out(
    shapes: Sequence[Shape],
    heights_px: Sequence[float],
    width: float,
    manner: Manner,
    rng: np.random.Generator,
) -> Script:
    """Pose characters, all in one place: their middles at column 0, their baselines at row 0.

    Args:
        shapes: The characters.
        heights_px: Height of a digit for each of them, px.
        width: Of the pen, as a fraction of the height; strokes end half of it inside the ink.
        manner: Slant, turn, breadth and tremor.
        rng: Source of how far each character strays.
    """
    points = np.concatenate([shape.points for shape in shapes])
    bounds = np.cumsum([0, *(len(shape.points) for shape in shapes)]).tolist()
    if manner.wobble:
        frequency = rng.uniform(2.0, 6.0, (2, 2)).astype(np.float32)
        phase = rng.random((len(shapes), 2), np.float32) * np.float32(2 * np.pi)
        waves = points @ frequency + np.repeat(phase, np.diff(bounds), axis=0)
        points += np.float32(manner.wobble) * np.sin(waves)
    poses = manner.poses(len(shapes), rng)
    heights = np.array(heights_px, np.float32)
    inner = np.array([max(1 - width / shape.size, 0.3) for shape in shapes], np.float32)
    # Strokes keep their breadth, and the pen's width comes on top: broad pens write broadly.
    outer = np.array([shape.size > 0.5 for shape in shapes])
    scales = np.stack([np.where(outer, 1, inner), inner], axis=1) * heights[:, None]
    turned = poses.transpose(0, 2, 1) * scales[:, :, None]
    # The pen is as wide at the foot as at the head, so the middle stays where it is.
    lifts = np.array([shape.middle for shape in shapes], np.float32) * heights * (1 - inner)
    for number, (start, end) in enumerate(pairwise(bounds)):
        points[start:end] = points[start:end] @ turned[number]
    points[:, 1] -= np.repeat(lifts, np.diff(bounds))
    ends: list[int] = []
    owners: list[int] = []
    for number, shape in enumerate(shapes, 1):
        start = ends[-1] if ends else 0
        ends += [start + end for end in shape.ends]
        owners += [number] * len(shape.ends)
    return Script(points, tuple(ends), tuple(owners))
