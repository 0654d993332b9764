"""Draws strokes with a pen: points in pixels in, a plane of coverage out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from .curves import rounded
from .pen import Pen
from .strokes import Points
from .texture import Plane, textured, tight

_SHIFT = 4
"""OpenCV draws at 16ths of a pixel."""
_SPACING_PX = 3.0
"""Points further apart than this show as corners."""
_FLAT = 0.25
"""Height by breadth below which strokes are a flat sign, sized by their breadth."""


@dataclass(frozen=True)
class Inked:
    """Strokes in ink, and where they lie."""

    ink: Plane
    """(h, w) coverage; the border rows and columns all hold ink."""
    x: int
    """Column of the plane's left edge, in the strokes' pixels."""
    y: int
    """Row of the plane's upper edge."""


def draw_strokes(
    strokes: Sequence[Points], height_px: float, pen: Pen, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Draw one character so that its ink is as high as asked for.

    Args:
        strokes: (k, 2) each, x right, y down, in any unit; a flat sign is made as wide instead.
        height_px: Height of the ink, px.
        pen: What to draw with; its width is a fraction of `height_px`.
        rng: Source of what varies along the strokes.

    Returns:
        (h, w) coverage, 0 to 255, cut to its ink.

    """
    points = np.concatenate(strokes)
    wide, tall = np.ptp(points, axis=0).tolist()
    scale = max(height_px * (1 - pen.width), 1.0) / max(tall, _FLAT * wide, 1e-6)
    if max(tall, wide) < 1e-6:
        scale = 1.0
    return ink_strokes([stroke * np.float32(scale) for stroke in strokes], height_px, pen, rng).ink


def ink_strokes(
    strokes: Sequence[Points], height_px: float, pen: Pen, rng: np.random.Generator
) -> Inked:
    """Draw strokes where they lie.

    Args:
        strokes: (k, 2) each, in px.
        height_px: Height of a digit, px, of which the pen's width is a fraction.
        pen: What to draw with.
        rng: Source of what varies along the strokes.
    """
    width_px = max(pen.width * height_px, 1.0 if pen.crisp else 0.1)
    strokes = [rounded(stroke, max(_SPACING_PX, 0.25 * width_px)) for stroke in strokes]
    points = np.concatenate(strokes)
    margin = np.ceil(width_px * (0.75 + pen.softness)) + 2
    low = np.floor(points.min(axis=0)) - margin
    size = np.ceil(points.max(axis=0) - low + margin).astype(int)
    zoom, thick = _zoom(width_px, int(size.max()), pen)
    canvas = np.zeros(np.rint(size[::-1] * zoom).astype(int).tolist(), np.uint8)
    _Brush(pen, thick, 16 if zoom < 1.5 and not pen.crisp else 8).draw(
        canvas, [(stroke - low) * np.float32(zoom) for stroke in strokes], rng
    )
    if not pen.crisp:
        way = cv2.INTER_AREA if zoom > 1 else cv2.INTER_LINEAR
        canvas = cv2.resize(canvas, size.tolist(), interpolation=way)  # type: ignore[assignment]
        pale = width_px * zoom / thick
        if pale < 0.97:
            canvas = cv2.convertScaleAbs(canvas, alpha=max(pale, 0.12))  # type: ignore[assignment]
    plane, x, y = tight(textured(np.asarray(canvas, np.uint8), pen, height_px, rng))
    return Inked(plane, x + int(low[0]), y + int(low[1]))


def _zoom(width_px: float, longest_px: int, pen: Pen) -> tuple[float, int]:
    """Choose how many times larger to draw, and how many pixels the stroke is then wide.

    Drawn through 16ths of a pixel, OpenCV's strokes are 1, 3, 5 … px wide, so the scale makes
    the pen one of these.
    """
    if pen.crisp:
        return 1.0, max(round(width_px), 1)
    about = float(np.clip(280 / longest_px, 1.0, 4.0))
    thick = max(2 * round((width_px * about - 1) / 2) + 1, 1)
    zoom = thick / width_px
    return float(np.clip(zoom, min(about, 1.0), 1.4 * about)), thick


@dataclass(frozen=True)
class _Brush:
    """A pen of so many pixels."""

    pen: Pen
    thick: int
    """Width of an even stroke, px: odd unless crisp."""
    line: int
    """OpenCV's line type."""

    def draw(self, canvas: Plane, strokes: Sequence[Points], rng: np.random.Generator) -> None:
        pen = self.pen
        if pen.pressure or pen.taper:
            for stroke in strokes:
                self._pressed(canvas, stroke, rng)
        elif pen.square or pen.chisel:
            for stroke in strokes:
                self._swept(canvas, stroke, rng)
        else:
            self._lines(canvas, strokes, 255, self.thick)
        if pen.blobs:
            self._blobs(canvas, strokes, rng)
        if pen.rim and self.thick >= 5:
            level = round(255 * (1 - pen.rim))
            self._lines(canvas, strokes, level, max(self.thick // 4 * 2 - 1, 1))

    def _lines(self, canvas: Plane, lines: Sequence[Points], level: int, thick: int) -> None:
        fixed = [np.rint(line * 2**_SHIFT).astype(np.int32)[:, None] for line in lines]
        # An even thickness comes out one wider, and 2 as 3; 1 stays 1.
        even = thick if thick == 1 else thick - 1
        cv2.polylines(canvas, fixed, False, (level,), max(even, 1), self.line, _SHIFT)

    def _pressed(self, canvas: Plane, stroke: Points, rng: np.random.Generator) -> None:
        """Draw a stroke whose width changes: runs of equal width at a time."""
        if len(stroke) < 2:
            self._lines(canvas, [stroke], 255, self.thick)
            return
        widths = self.thick * self._factors(stroke, rng)
        odd = np.maximum(2 * np.rint((widths - 1) / 2).astype(int) + 1, 1)
        ends = [0, *(np.flatnonzero(np.diff(odd)) + 1).tolist(), len(odd)]
        for start, end in pairwise(ends):
            self._lines(canvas, [stroke[start : end + 1]], 255, int(odd[start]))

    def _factors(self, stroke: Points, rng: np.random.Generator) -> NDArray[np.float32]:
        """Return the width of each segment by that of an even stroke."""
        steps = np.diff(stroke, axis=0)
        length = np.maximum(np.sqrt(steps[:, 0] ** 2 + steps[:, 1] ** 2), 1e-3)
        along = np.cumsum(length) - length / 2
        whole = float(along[-1] + length[-1] / 2)
        place = along / whole
        knots = 2 + min(int(whole / (6 * self.thick + 1)), 8)
        noise = np.interp(place, np.linspace(0, 1, knots + 1), rng.uniform(-1, 1, knots + 1))
        # Down strokes press more than up and cross strokes, as brushes and nibs are held.
        press = 0.45 * noise + 0.35 * steps[:, 1] / length - 0.1
        factor = 1 + self.pen.pressure * press
        if self.pen.taper:
            near = np.minimum(along, 1.5 * (whole - along)) / (2.5 * self.thick + 1e-3)
            factor = factor * (1 - self.pen.taper * np.clip(1 - near, 0, 1))
        return np.asarray(factor, np.float32)

    def _swept(self, canvas: Plane, stroke: Points, rng: np.random.Generator) -> None:
        """Sweep a broad or square nib along the stroke."""
        pen, half = self.pen, self.thick / 2
        angle = pen.nib_angle
        edge = np.array([np.cos(angle), np.sin(angle)], np.float32) * half
        across = np.array([-edge[1], edge[0]], np.float32) * (1 if pen.square else 1 - pen.chisel)
        nib = np.stack([edge + across, edge - across, -edge - across, across - edge])
        if len(stroke) > 24:
            stroke = cv2.approxPolyDP(stroke[:, None], 0.12 * half, False)[:, 0]  # type: ignore[assignment]
        places = stroke[:, None] + nib
        if len(places) == 1:
            places = np.repeat(places, 2, axis=0)
        for spot, following in pairwise(places):
            hull = cv2.convexHull(np.concatenate([spot, following]))
            fixed = np.rint(hull * 2**_SHIFT).astype(np.int32)
            cv2.fillConvexPoly(canvas, fixed, (255,), self.line, _SHIFT)

    def _blobs(self, canvas: Plane, strokes: Sequence[Points], rng: np.random.Generator) -> None:
        """Let ink gather where strokes start, turn back and end."""
        for stroke in strokes:
            spots = [stroke[0], stroke[-1]]
            if len(stroke) > 6:
                ways = stroke[3:] - stroke[:-3]
                turned = np.flatnonzero((ways[3:] * ways[:-3]).sum(axis=1) < 0)
                spots += [stroke[int(turned[len(turned) // 2]) + 3]] if turned.size else []
            for spot in spots:
                size = rng.random() * self.pen.blobs
                if size < 0.15:
                    continue
                x, y = np.rint(spot * 2**_SHIFT).astype(int).tolist()
                radius = round(self.thick * (0.5 + 0.5 * size) * 2**_SHIFT)
                cv2.circle(canvas, (x, y), radius, (255,), -1, self.line, _SHIFT)
