"""Draws handwritten digits from strokes, for scenes whose text is known and free to share."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]
Stroke = tuple[Point, ...]
Variant = tuple[Stroke, ...]

SUPERSAMPLING = 4
"""Strokes are drawn without anti-aliasing at this many times the size, then averaged down."""

STEPS = 10
"""Line segments between two control points; more are not visible at 64 px."""

STROKE_WIDTH = (0.06, 0.14)
"""Thinnest and thickest pen, as a fraction of the digit's height."""

# Control points are (x, y) with y from 0 (top) to 1 (baseline). A point given twice is a corner.
_VARIANTS: tuple[tuple[Variant, ...], ...] = (
    (  # 0: closed oval, oval with a tucked-in end, round
        (((0.32, 0), (0.08, 0.2), (0, 0.55), (0.13, 0.9), (0.33, 1), (0.53, 0.8), (0.57, 0.42),
          (0.48, 0.1), (0.3, 0)),),
        (((0.42, 0.09), (0.2, 0.03), (0.03, 0.35), (0.04, 0.75), (0.22, 0.99), (0.45, 0.9),
          (0.58, 0.58), (0.52, 0.22), (0.34, 0.02), (0.22, 0.1)),),
        (((0.3, 0), (0.05, 0.24), (0.03, 0.66), (0.3, 1), (0.6, 0.8), (0.68, 0.45), (0.58, 0.12),
          (0.36, 0), (0.26, 0.03)),),
    ),
    (  # 1: plain, flag, short flag, flag and foot, leaning
        (((0.1, 0), (0.1, 0.5), (0.1, 1)),),
        (((0, 0.26), (0.14, 0.14), (0.25, 0), (0.25, 0), (0.24, 0.5), (0.24, 1)),),
        (((0, 0.15), (0.12, 0), (0.12, 0), (0.12, 0.5), (0.1, 1)),),
        (((0, 0.22), (0.12, 0.13), (0.22, 0), (0.22, 0), (0.22, 0.5), (0.22, 0.98)),
         ((-0.06, 0.99), (0.2, 0.98), (0.48, 0.97))),
        (((0.2, 0), (0.12, 0.5), (0, 1)),),
    ),
    (  # 2: corner at the foot, small loop, swan neck, flat foot
        (((0.02, 0.2), (0.15, 0.03), (0.36, 0), (0.5, 0.16), (0.45, 0.42), (0.22, 0.74), (0, 1),
          (0, 1), (0.3, 0.99), (0.58, 0.97)),),
        (((0.04, 0.2), (0.2, 0.02), (0.42, 0.06), (0.5, 0.28), (0.38, 0.6), (0.16, 0.9),
          (0.02, 0.94), (0.02, 0.8), (0.16, 0.8), (0.34, 0.97), (0.62, 0.93)),),
        (((0, 0.24), (0.1, 0.06), (0.3, 0), (0.46, 0.14), (0.42, 0.4), (0.26, 0.66), (0.02, 0.95),
          (0.02, 0.95), (0.2, 0.88), (0.4, 0.98), (0.6, 0.92)),),
        (((0.03, 0.1), (0.24, 0), (0.44, 0.08), (0.46, 0.3), (0.3, 0.6), (0.02, 1), (0.02, 1),
          (0.54, 1)),),
    ),
    (  # 3: two bows, flat top, small loop in the waist, rounder
        (((0.04, 0.1), (0.24, 0), (0.45, 0.1), (0.42, 0.34), (0.18, 0.47), (0.18, 0.47),
          (0.42, 0.54), (0.52, 0.75), (0.36, 0.97), (0.14, 0.99), (0, 0.88)),),
        (((0.03, 0.02), (0.25, 0.02), (0.48, 0.01), (0.48, 0.01), (0.36, 0.2), (0.2, 0.42),
          (0.2, 0.42), (0.42, 0.48), (0.52, 0.7), (0.38, 0.95), (0.16, 0.99), (0, 0.9)),),
        (((0.05, 0.12), (0.22, 0), (0.44, 0.08), (0.44, 0.3), (0.26, 0.47), (0.17, 0.47),
          (0.24, 0.42), (0.45, 0.52), (0.54, 0.74), (0.36, 0.98), (0.12, 0.98), (0, 0.86)),),
        (((0, 0.16), (0.18, 0), (0.42, 0.06), (0.46, 0.28), (0.22, 0.46), (0.22, 0.46),
          (0.48, 0.54), (0.54, 0.8), (0.3, 1), (0, 0.92)),),
    ),
    (  # 4: open, open with a slanting stem, closed in one stroke, closed with crossing stem
        (((0.08, 0.03), (0.05, 0.3), (0, 0.6), (0, 0.6), (0.25, 0.6), (0.54, 0.58)),
         ((0.42, 0.2), (0.4, 0.6), (0.39, 1))),
        (((0.18, 0), (0.1, 0.3), (0, 0.56), (0, 0.56), (0.28, 0.58), (0.6, 0.54)),
         ((0.48, 0.24), (0.4, 0.6), (0.3, 1))),
        (((0.42, 1), (0.43, 0.5), (0.44, 0), (0.44, 0), (0.2, 0.36), (0, 0.66), (0, 0.66),
          (0.3, 0.66), (0.64, 0.64)),),
        (((0.36, 0), (0.2, 0.3), (0, 0.62), (0, 0.62), (0.3, 0.64), (0.6, 0.62)),
         ((0.38, 0), (0.38, 0.5), (0.36, 1))),
        (((0.04, 0), (0.01, 0.26), (0.03, 0.51), (0.03, 0.51), (0.24, 0.52), (0.46, 0.5)),
         ((0.47, 0), (0.46, 0.5), (0.45, 1))),
    ),
    (  # 5: bar as a second stroke, one stroke, sharp one stroke
        (((0.1, 0.03), (0.08, 0.22), (0.06, 0.43), (0.06, 0.43), (0.28, 0.37), (0.48, 0.54),
          (0.46, 0.84), (0.24, 1), (0, 0.92)),
         ((0.1, 0.03), (0.3, 0.03), (0.52, 0))),
        (((0.52, 0), (0.3, 0.02), (0.12, 0.03), (0.12, 0.03), (0.09, 0.22), (0.06, 0.44),
          (0.06, 0.44), (0.3, 0.38), (0.5, 0.58), (0.44, 0.88), (0.22, 1), (0, 0.93)),),
        (((0.46, 0.01), (0.14, 0.01), (0.14, 0.01), (0.04, 0.46), (0.04, 0.46), (0.24, 0.42),
          (0.44, 0.54), (0.46, 0.76), (0.3, 0.96), (0.02, 1)),),
    ),
    (  # 6: sweeping, upright, small bowl
        (((0.42, 0), (0.2, 0.2), (0.04, 0.5), (0.02, 0.8), (0.2, 1), (0.42, 0.92), (0.48, 0.7),
          (0.32, 0.54), (0.12, 0.62), (0.03, 0.78)),),
        (((0.2, 0), (0.08, 0.3), (0.01, 0.65), (0.1, 0.94), (0.3, 1), (0.46, 0.84), (0.42, 0.6),
          (0.24, 0.52), (0.04, 0.7)),),
        (((0.36, 0.02), (0.16, 0.22), (0.03, 0.52), (0.05, 0.86), (0.24, 1), (0.42, 0.88),
          (0.42, 0.68), (0.26, 0.58), (0.06, 0.72)),),
    ),
    (  # 7: plain, barred, with a serif, barred and curved
        (((0, 0.04), (0.25, 0.03), (0.5, 0.02), (0.5, 0.02), (0.34, 0.4), (0.2, 1)),),
        (((0, 0.05), (0.26, 0.04), (0.54, 0.02), (0.54, 0.02), (0.36, 0.45), (0.2, 1)),
         ((0.12, 0.5), (0.34, 0.49), (0.58, 0.47))),
        (((0, 0.15), (0.02, 0.03), (0.02, 0.03), (0.28, 0.03), (0.58, 0), (0.58, 0), (0.38, 0.42),
          (0.22, 1)),),
        (((0, 0.08), (0.12, 0.02), (0.3, 0.06), (0.54, 0), (0.54, 0), (0.36, 0.3), (0.26, 0.65),
          (0.22, 1)),
         ((0.1, 0.5), (0.56, 0.48))),
    ),
    (  # 8: one stroke from the top right, from the middle of the top, two rings
        (((0.46, 0.12), (0.28, 0), (0.08, 0.1), (0.1, 0.32), (0.28, 0.48), (0.48, 0.68),
          (0.44, 0.94), (0.22, 1), (0.02, 0.86), (0.08, 0.64), (0.28, 0.48), (0.46, 0.28),
          (0.44, 0.1)),),
        (((0.28, 0), (0.08, 0.1), (0.1, 0.34), (0.28, 0.47), (0.5, 0.66), (0.5, 0.9), (0.26, 1),
          (0.03, 0.9), (0.04, 0.66), (0.26, 0.47), (0.46, 0.3), (0.46, 0.08), (0.27, 0)),),
        (((0.27, 0), (0.08, 0.1), (0.1, 0.34), (0.27, 0.45), (0.44, 0.33), (0.46, 0.1), (0.27, 0)),
         ((0.27, 0.45), (0.05, 0.6), (0.02, 0.86), (0.26, 1), (0.52, 0.86), (0.48, 0.58),
          (0.27, 0.45))),
    ),
    (  # 9: straight stem, curved tail, hooked tail, leaning stem
        (((0.46, 0.1), (0.26, 0), (0.04, 0.12), (0.02, 0.38), (0.2, 0.5), (0.4, 0.38), (0.47, 0.08),
          (0.47, 0.08), (0.46, 0.5), (0.44, 1)),),
        (((0.44, 0.12), (0.26, 0), (0.05, 0.12), (0.03, 0.38), (0.2, 0.5), (0.4, 0.36),
          (0.46, 0.12), (0.46, 0.4), (0.38, 0.72), (0.16, 1)),),
        (((0.46, 0.14), (0.3, 0), (0.08, 0.1), (0.03, 0.34), (0.2, 0.46), (0.4, 0.34), (0.48, 0.1),
          (0.48, 0.1), (0.5, 0.5), (0.46, 0.85), (0.26, 1), (0.02, 0.92)),),
        (((0.48, 0.08), (0.3, 0), (0.08, 0.14), (0.06, 0.36), (0.22, 0.46), (0.42, 0.32),
          (0.5, 0.04), (0.5, 0.04), (0.4, 0.5), (0.28, 1)),),
    ),
)  # fmt: skip


def variant_count(digit: int) -> int:
    """Count the ways in which `digit` (0-9) can be drawn."""
    return len(_VARIANTS[_checked(digit)])


def variant_curves(digit: int) -> list[list[NDArray[np.float64]]]:
    """Return the curves of each way of drawing `digit` (0-9): (n, 2) a stroke, y down."""
    return [[_spline(np.array(stroke)) for stroke in way] for way in _VARIANTS[_checked(digit)]]


def draw_digit(
    digit: int, rng: np.random.Generator, height_px: int = 64, *, variant: int | None = None
) -> NDArray[np.uint8]:
    """Draw one handwritten digit, cropped to its ink.

    Args:
        digit: what to write, 0-9.
        rng: source of every random choice; equal states draw equal digits.
        height_px: height of the ink in pixels, 8 or more.
        variant: which way of writing it, 0 to `variant_count(digit)` - 1; by default any.

    Returns:
        ink : (height_px, W) uint8, 255 ink on 0 paper, anti-aliased; the border rows and columns
        all hold ink.

    Raises:
        ValueError: for a digit, height or variant out of range.

    """
    ways = _VARIANTS[_checked(digit)]
    if height_px < 8:
        raise ValueError(f"height_px: expected 8 or more, found {height_px}")
    if variant is not None and not 0 <= variant < len(ways):
        raise ValueError(f"variant: expected 0 to {len(ways) - 1} for {digit}, found {variant}")
    strokes = ways[int(rng.integers(len(ways))) if variant is None else variant]
    width = float(rng.triangular(STROKE_WIDTH[0], 0.09, STROKE_WIDTH[1]))
    return _ink(_jittered(strokes, rng), width, rng, height_px)


def _checked(digit: int) -> int:
    if not 0 <= digit <= 9:
        raise ValueError(f"digit: expected 0 to 9, found {digit}")
    return digit


def _jittered(strokes: Variant, rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """Vary the hand: a smooth bend of the plane, a tremor of each point, aspect, slant and turn."""
    frequency = rng.uniform(2.0, 6.0, (2, 2))
    phase = rng.uniform(0, 2 * np.pi, 2)
    aspect = rng.uniform(0.8, 1.25)
    slant = rng.normal(0.06, 0.13)
    turn = rng.normal(0, 0.05)
    pose = np.array([[aspect, -slant - turn], [turn * aspect, 1.0]])
    moved = []
    for stroke in strokes:
        points = np.array(stroke)
        # Points that coincide, as where a bar meets its stem, bend alike and stay together.
        points = points + 0.035 * np.sin(points @ frequency + phase)
        corners = np.all(np.diff(points, axis=0, prepend=np.nan) == 0, axis=1)
        tremor = rng.normal(0, 0.012, points.shape)
        tremor[corners] = tremor[np.flatnonzero(corners) - 1]
        moved.append((points + tremor) @ pose.T)
    return moved


def _spline(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Run a smooth curve through (N, 2) points; a point that is there twice stays a corner."""
    corners = np.flatnonzero(np.all(np.diff(points, axis=0) == 0, axis=1)) + 1
    return np.concatenate([_catmull_rom(run) for run in np.split(points, corners)])


def _catmull_rom(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Catmull-Rom spline through (N, 2) points, `STEPS` samples a span and the last point."""
    closed = np.concatenate([points[:1], points, points[-1:]])
    p0, p1, p2, p3 = (closed[i : len(closed) - 3 + i, None] for i in range(4))
    t = np.linspace(0, 1, STEPS, endpoint=False)[None, :, None]
    curve = 0.5 * (
        2 * p1
        + (p2 - p0) * t
        + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
        + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )
    return np.concatenate([curve.reshape(-1, 2), points[-1:]])


def _ink(
    strokes: Sequence[NDArray[np.float64]], width: float, rng: np.random.Generator, height_px: int
) -> NDArray[np.uint8]:
    """Draw the strokes with a round pen of `width` (fraction of the height) and crop to the ink."""
    curves = [_spline(stroke) for stroke in strokes]
    every = np.concatenate(curves)
    low, high = every.min(axis=0), every.max(axis=0)
    tall = height_px * SUPERSAMPLING
    pen = width * tall
    scale = (tall - pen) / (high[1] - low[1])
    margin = pen + 2
    wide = int(np.ceil((high[0] - low[0]) * scale + 2 * margin))
    canvas = np.zeros((int(np.ceil(tall + margin)), wide), np.uint8)
    for curve in curves:
        path = np.rint((curve - low) * scale + margin).astype(np.int32).tolist()
        for start, end, thick in zip(path, path[1:], _pressure(len(path), pen, rng), strict=False):
            cv2.line(canvas, start, end, (255,), thick)
    x, y, w, h = cv2.boundingRect(canvas)
    small = (max(1, round(w * height_px / h)), height_px)
    tight = cv2.resize(canvas[y : y + h, x : x + w], small, interpolation=cv2.INTER_AREA)
    return np.asarray(tight, dtype=np.uint8)


def _pressure(count: int, pen: float, rng: np.random.Generator) -> list[int]:
    """Thickness in pixels along a stroke of `count` points: `pen` within about a tenth."""
    knots = rng.normal(1.0, 0.08, 4)
    along = np.interp(np.linspace(0, 3, count), np.arange(4), knots)
    return [max(1, round(thick)) for thick in (pen * along).tolist()]
