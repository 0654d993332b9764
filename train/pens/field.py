"""Signed distances: glyphs that exist as pictures, drawn at any size with any pen."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .pen import Pen
from .texture import Plane, textured, tight

PAD = 6
"""Free border of a field, px."""
_THINNEST = 0.36
"""What is left of a stroke's width at least; thinner, it would break where it is thin already."""
_THICKEST = 0.65
"""What may be filled of the narrowest counter, the hole in a 6 or an 8."""


@dataclass(frozen=True)
class Field:
    """How far each pixel is from the edge of the ink."""

    distance: NDArray[np.float32]
    """(h, w) px, positive inside the ink, with a border of `PAD` around it."""
    width: float
    """Mean width of the strokes, px."""
    counter: float
    """From the edge to the middle of the narrowest counter, px; infinite where there is none."""


def field_of(ink: Plane, threshold: int = 127) -> Field:
    """Measure a glyph.

    Args:
        ink: (h, w), 255 ink, tall enough that its strokes are several px wide.
        threshold: Level of the edge.
    """
    x, y, width, height = cv2.boundingRect((ink > threshold).view(np.uint8))
    inside = np.zeros((height + 2 * PAD, width + 2 * PAD), np.uint8)
    _, inside[PAD:-PAD, PAD:-PAD] = cv2.threshold(
        ink[y : y + height, x : x + width], threshold, 255, cv2.THRESH_BINARY
    )
    within = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
    beyond = cv2.distanceTransform(255 - inside, cv2.DIST_L2, 3)
    area = max(cv2.countNonZero(inside), 1)
    # Of an even stroke, the mean distance from the edge is a quarter of the width.
    stroke = 4 * float(cv2.sumElems(within)[0]) / area
    distance = cv2.GaussianBlur(within - beyond, (0, 0), 0.9)
    return Field(np.asarray(distance, np.float32), stroke, _counter(inside, beyond))


def _counter(inside: Plane, beyond: NDArray[np.float32] | cv2.typing.MatLike) -> float:
    """Return the smallest counter's depth; specks don't count."""
    number, labels, stats, _ = cv2.connectedComponentsWithStats(255 - inside, connectivity=4)
    holes = [k for k in range(1, number) if k != labels[0, 0] and stats[k, cv2.CC_STAT_AREA] > 8]
    return min((float(np.max(beyond, where=labels == k, initial=0)) for k in holes), default=np.inf)


def field_ink(
    field: Field,
    scale: float,
    pose: NDArray[np.float32],
    height_px: float,
    pen: Pen,
    rng: np.random.Generator,
) -> tuple[Plane, float]:
    """Draw a field with a pen.

    Args:
        field: The glyph.
        scale: Pixels of the outcome in one of the field's.
        pose: (2, 2), what the manner does to (x, y).
        height_px: Height of a digit, px.
        pen: Its width is reached as far as strokes don't break and counters don't close.
        rng: Source of the texture.

    Returns:
        (h, w) coverage cut to its ink, and the row of that in which the middle of the field lies.

    """
    aim = pen.width * height_px / scale
    more = float(np.clip((aim - field.width) / 2, -(1 - _THINNEST) * field.width / 2,
                         min(_THICKEST * field.counter, 0.5 * field.width + 3)))  # fmt: skip
    tall, wide = field.distance.shape
    matrix = pose * scale
    grown = (tall + 2 * max(more, 0), wide + 2 * max(more, 0))
    size = np.abs(matrix[:, ::-1]) @ grown
    width, height = int(size[0]) + 3, int(size[1]) + 3
    middle = np.array([wide - 1, tall - 1]) / 2
    shift = np.array([width - 1, height - 1]) / 2 - matrix @ middle
    warp = np.column_stack([matrix, shift])
    distance = cv2.warpAffine(
        field.distance, warp, (width, height), flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT, borderValue=(-50.0,),
    )  # fmt: skip
    stroke_px = (field.width + 2 * more) * scale
    # A stroke thinner than a pixel would come out too dark by as much as the ramp is wide.
    pale = min(1.0, stroke_px / (0.5 + stroke_px / 2))
    ramp = (distance + more) * scale
    if pen.crisp:
        ink = np.where(ramp > 0, 255, 0).astype(np.uint8)
    else:
        ink = np.asarray(cv2.convertScaleAbs(np.clip(ramp + 0.5, 0, 1), alpha=255 * pale), np.uint8)
    plane, _, y = tight(textured(ink, pen, height_px, rng))
    if not plane.size:
        return np.full((1, 1), 64, np.uint8), 0.0
    return plane, (height - 1) / 2 - y
