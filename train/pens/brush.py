"""What moves along a stroke: a round tip, a broad nib, a brush that is pressed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from .pen import Pen
from .script import Script
from .texture import Plane

SHIFT = 4
"""OpenCV draws at 16ths of a pixel."""
UNIT = 1 << SHIFT


@dataclass(frozen=True)
class Brush:
    """A pen of so many pixels."""

    pen: Pen
    thick: int
    """Width of an even stroke, px: odd unless crisp."""
    line: int
    """OpenCV's line type."""

    def draw(self, canvas: Plane, script: Script, rng: np.random.Generator) -> None:
        """Draw strokes, given in px of the canvas, into a plane of coverage."""
        pen = self.pen
        fixed = np.rint(script.points * UNIT).astype(np.int32)
        if pen.pressure or pen.taper:
            self._pressed(canvas, script, fixed, rng)
        elif pen.square or pen.chisel:
            self._swept(canvas, script)
        else:
            self._lines(canvas, _cut(fixed, script.ends), 255, self.thick)
        if pen.blobs:
            self._blobs(canvas, script, fixed, rng)
        if pen.rim and self.thick >= 5:
            level = round(255 * (1 - pen.rim))
            self._lines(canvas, _cut(fixed, script.ends), level, max(self.thick // 4 * 2 - 1, 1))

    def _lines(
        self, canvas: Plane, lines: Sequence[NDArray[np.int32]], level: int, thick: int
    ) -> None:
        cv2.polylines(canvas, lines, False, (level,), drawn_as(thick), self.line, SHIFT)

    def _pressed(
        self, canvas: Plane, script: Script, fixed: NDArray[np.int32], rng: np.random.Generator
    ) -> None:
        """Draw strokes whose width changes: runs of equal width at a time."""
        widths = self.thick * self._factors(script, rng)
        half = np.maximum(np.rint((widths - 1) / 2), 0).astype(np.int64)
        changes = np.flatnonzero(half[1:] != half[:-1]) + 1
        cuts = np.unique(np.concatenate([[0], changes, script.ends]))
        halves, ends = half[cuts[:-1]].tolist(), set(script.ends)
        runs: dict[int, list[NDArray[np.int32]]] = {}
        for (start, stop), width in zip(pairwise(cuts.tolist()), halves, strict=True):
            run = fixed[start : stop if stop in ends else stop + 1]
            runs.setdefault(2 * width + 1, []).append(run)
        for thick, lines in runs.items():
            self._lines(canvas, lines, 255, thick)

    def _factors(self, script: Script, rng: np.random.Generator) -> NDArray[np.float32]:
        """Return the width behind each point by that of an even stroke."""
        steps = np.empty_like(script.points)
        np.subtract(script.points[1:], script.points[:-1], out=steps[:-1])
        last = np.array(script.ends) - 1
        steps[last] = 0
        length = np.sqrt(steps[:, 0] ** 2 + steps[:, 1] ** 2) + np.float32(1e-3)
        along = np.cumsum(length)
        # A wave of noise that is a few widths long, read from anywhere.
        noise = _wave()
        place = along * (16 / (5.0 * self.thick + 2)) + rng.random() * len(noise)
        # Down strokes press more than up and cross strokes, as brushes and nibs are held.
        press = noise[place.astype(np.int64) & (len(noise) - 1)] + 0.35 * steps[:, 1] / length
        factor = 1 + self.pen.pressure * (press - 0.1)
        if self.pen.taper:
            counts = np.diff(last, prepend=-1)
            ends = along[last]
            into = along - np.repeat(np.concatenate([[0], ends[:-1]]), counts)
            left = np.repeat(ends, counts) - along
            near = np.minimum(into, 1.5 * left) / (2.5 * self.thick)
            factor = factor * (1 - self.pen.taper * np.clip(1 - near, 0, 1))
        return np.asarray(factor, np.float32)

    def _swept(self, canvas: Plane, script: Script) -> None:
        """Sweep a broad or square nib along the strokes."""
        # A square's diagonal is wider than its side, so that this one is a little smaller.
        pen, half = self.pen, (self.thick - 1) / (2.3 if self.pen.square else 2)
        edge = np.array([np.cos(pen.nib_angle), np.sin(pen.nib_angle)], np.float32) * half
        across = np.array([-edge[1], edge[0]], np.float32)
        if not pen.square:
            across *= max(1 - pen.chisel - pen.chisel / max(self.thick - 1, 1), 0.0)
        nib = np.stack([edge + across, edge - across, -edge - across, across - edge])
        for stroke in script.strokes():
            fewer = cv2.approxPolyDP(stroke[:, None], 0.06 * self.thick, False)[:, 0]
            places = np.rint((fewer[:, None] + nib) * UNIT).astype(np.int32)
            if len(places) == 1:
                places = np.repeat(places, 2, axis=0)
            for hull in map(cv2.convexHull, np.concatenate([places[:-1], places[1:]], axis=1)):
                cv2.fillConvexPoly(canvas, hull, (255,), self.line, SHIFT)

    def _blobs(
        self, canvas: Plane, script: Script, fixed: NDArray[np.int32], rng: np.random.Generator
    ) -> None:
        """Let ink gather where strokes start and end."""
        spots = np.concatenate([[0], script.ends[:-1], np.array(script.ends) - 1]).astype(np.int64)
        sizes = (rng.random(len(spots)) * self.pen.blobs).tolist()
        for centre, size in zip(fixed[spots].tolist(), sizes, strict=True):
            if size > 0.15:
                radius = round(self.thick * (0.5 + 0.45 * size) * UNIT)
                cv2.circle(canvas, centre, radius, (255,), -1, self.line, SHIFT)


def drawn_as(thick: int) -> int:
    """Return the thickness to ask OpenCV for so that a line is an odd number of px wide.

    Through `SHIFT`, an even thickness comes out one wider, and an odd one two, except for 1.
    """
    return thick if thick == 1 else thick - 1


def _cut(fixed: NDArray[np.int32], ends: tuple[int, ...]) -> list[NDArray[np.int32]]:
    return [fixed[a:b] for a, b in pairwise((0, *ends))]


@cache
def _wave() -> NDArray[np.float32]:
    """Return smooth noise, 16 samples a wave, as (8192,) about -0.5 to 0.5."""
    knots = np.random.default_rng(1994).uniform(-0.5, 0.5, 513)
    knots[-1] = knots[0]
    return np.interp(np.arange(8192) / 16, np.arange(513), knots).astype(np.float32)
