"""Draws strokes with a pen: points in pixels in, a plane of coverage out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from .brush import SHIFT, UNIT, Brush, drawn_as
from .curves import rounded
from .pen import Pen
from .script import Script, script_of
from .strokes import Points
from .texture import LEAST, Plane, textured, tight

_SPACING_PX = 3.5
"""Points further apart than this show as corners."""
_FLAT = 0.25
"""Height by breadth below which strokes are a flat sign, sized by their breadth."""
_LARGE_PX = 220
"""Height of a digit above which it is drawn at its own size."""
_RIM = 0.4
"""What anti-aliasing adds to a stroke's width, px."""


@dataclass(frozen=True)
class Inked:
    """Strokes in ink, and where they lie."""

    ink: Plane
    """(h, w) coverage."""
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
    script = script_of(strokes)
    wide, tall = np.ptp(script.points, axis=0).tolist()
    scale = max(height_px * (1 - pen.width), 1.0) / max(tall, _FLAT * wide, 1e-6)
    if max(tall, wide) < 1e-6:
        scale = 1.0
    return ink_of(script.scaled(scale), height_px, pen, rng).ink


def ink_of(script: Script, height_px: float, pen: Pen, rng: np.random.Generator) -> Inked:
    """Draw strokes where they lie, textured, cut to the ink.

    Args:
        script: The strokes, px.
        height_px: Height of a digit, px, of which the pen's width is a fraction.
        pen: What to draw with.
        rng: Source of what varies along the strokes.
    """
    even, _ = draw_script(script, height_px, pen, rng)
    plane, x, y = tight(textured(even.ink, pen, height_px, rng))
    return Inked(plane, even.x + x, even.y + y)


def draw_script(
    script: Script, height_px: float, pen: Pen, rng: np.random.Generator, *, owned: bool = False
) -> tuple[Inked, Plane]:
    """Draw strokes evenly, without texture.

    Args:
        script: The strokes, px.
        height_px: Height of a digit, px.
        pen: What to draw with.
        rng: Source of what varies along the strokes.
        owned: Also tell whose each pixel is.

    Returns:
        The ink, not cut, and a plane of owners as large: 0 for none. It is empty unless `owned`.

    """
    width_px = max(pen.width * height_px, 1.0 if pen.crisp else 0.1)
    script = _smooth(script, max(_SPACING_PX, 0.3 * width_px))
    margin = np.ceil(width_px * (0.8 + 2 * pen.softness)) + 2
    low = np.floor(script.points.min(axis=0)) - margin
    size = np.ceil(script.points.max(axis=0) - low + margin).astype(int)
    zoom, thick, line = _zoom(width_px, height_px, pen)
    shape = np.rint(size[::-1] * zoom).astype(int).tolist()
    canvas = np.zeros(shape, np.uint8)
    brush = Brush(pen, thick, line)
    # The middle of a pixel stays the middle of the pixels that it is drawn as.
    placed = script.moved(-low)
    brush.draw(canvas, placed.scaled(zoom, (zoom - 1) / 2), rng)
    if not pen.crisp and zoom != 1:
        way = cv2.INTER_AREA if zoom > 1 else cv2.INTER_LINEAR
        canvas = cv2.resize(canvas, size.tolist(), interpolation=way)  # type: ignore[assignment]
    pale = width_px * zoom / (thick + (_RIM if line == cv2.LINE_AA else 0))
    if pale < 0.95 and not pen.crisp:
        canvas = cv2.convertScaleAbs(canvas, alpha=max(pale, 0.12))  # type: ignore[assignment]
    owner = np.zeros(canvas.shape if owned else (0, 0), np.uint8)
    if owned:
        _own(owner, placed, max(round(width_px * (1 - pen.chisel / 2)), 1))
    return Inked(canvas, int(low[0]), int(low[1])), owner


def _own(owner: Plane, script: Script, thick: int) -> None:
    """Draw each character's strokes in its number, the later over the earlier."""
    fixed = np.rint(script.points * UNIT).astype(np.int32)
    lines: dict[int, list[NDArray[np.int32]]] = {}
    for (start, end), whose in zip(pairwise((0, *script.ends)), script.owners, strict=True):
        lines.setdefault(whose, []).append(fixed[start:end])
    for whose, several in lines.items():
        cv2.polylines(owner, several, False, (whose,), drawn_as(thick), cv2.LINE_8, SHIFT)


def owned_by(owner: Plane, ink: Plane) -> Plane:
    """Return whose each pixel is where there is ink, and 0 elsewhere, or where it is nobody's.

    Args:
        owner: (h, w), of about where there is ink.
        ink: (h, w) coverage.
    """
    inked = ink >= LEAST
    bare, left = inked & (owner == 0), -1
    while left != (left := int(bare.sum())):  # The soft rim of a stroke, a blob, a press.
        owner = np.where(bare, cv2.dilate(owner, _AROUND), owner)
        bare = inked & (owner == 0)
    return np.asarray(owner * inked, np.uint8)


_AROUND = np.ones((3, 3), np.uint8)


def _smooth(script: Script, spacing: float) -> Script:
    steps = np.abs(np.diff(script.points, axis=0)).max(axis=1)
    if np.partition(steps, len(steps) // 2)[len(steps) // 2] < spacing if len(steps) else True:
        return script
    curves = [rounded(stroke, spacing) for stroke in script.strokes()]
    return script_of(curves, script.owners)


def _zoom(width_px: float, height_px: float, pen: Pen) -> tuple[float, int, int]:
    """Choose how many times larger to draw, how wide the stroke then is, and the line type.

    Drawn through 16ths of a pixel, OpenCV's strokes are 1, 3, 5 … px wide. Up to `_LARGE_PX`,
    drawing at a multiple of the size is quicker than anti-aliasing.
    """
    if pen.crisp:
        return 1.0, _odd(width_px), cv2.LINE_8
    if height_px > _LARGE_PX:
        thick = _odd(width_px - _RIM)
        return float(np.clip((thick + _RIM) / width_px, 0.8, 1.2)), thick, cv2.LINE_AA
    zoom = 4 if width_px < 2 else 3 if width_px < 6 else 2
    # A thin stroke is as wide as the pen, or a little wider and paler.
    wide = zoom * width_px
    thick = _odd(wide) if wide > 12 else 2 * int(np.ceil((0.9 * wide - 1) / 2)) + 1
    return float(zoom), max(thick, 1), cv2.LINE_8


def _odd(width: float) -> int:
    return max(2 * round((width - 1) / 2) + 1, 1)
