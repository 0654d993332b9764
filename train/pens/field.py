"""Signed distances: glyphs that exist as pictures, drawn at any size with any pen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from .pen import Pen
from .texture import Plane, textured, tight

PAD = 6
"""Free border of a field, px."""
_THINNEST = 0.38
"""What is left of a stroke's width at least."""
_THICKEST = 0.65
"""What may be filled of the narrowest counter, the hole in a 6 or an 8."""
_SPECK = 8
"""A hole of fewer pixels is none."""


@dataclass(frozen=True, eq=False)
class Field:
    """How far each pixel is from the edge of the ink."""

    distance: NDArray[np.float32]
    """(h, w) px, positive inside the ink, with a border of `PAD` around it."""
    width: float
    """Mean width of the strokes, px."""

    @cached_property
    def radius(self) -> NDArray[np.float32]:
        """Half the width of the stroke that a pixel is in or beside, (h, w) px."""
        reach = 2 * round(self.width / 2) + 1
        disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
        # A crossing is no broader stroke: its arms would be thinned away beside it.
        inside = np.clip(self.distance, 0, np.float32(0.52 * self.width))
        deepest = cv2.dilate(inside, disk)
        return np.asarray(cv2.blur(deepest, (3, 3)), np.float32)

    @cached_property
    def counter(self) -> float:
        """From the edge to the middle of the narrowest counter, px; infinite without one."""
        outside = (self.distance <= 0).view(np.uint8)
        number, labels, stats, _ = cv2.connectedComponentsWithStats(outside, connectivity=4)
        depths = [
            float(self.distance[labels == k].min())
            for k in range(1, number)
            if k != labels[0, 0] and stats[k, cv2.CC_STAT_AREA] > _SPECK
        ]
        return -max(depths, default=-np.inf)

    def drawn_with(self, width: float) -> tuple[NDArray[np.float32], float]:
        """Return the distances from the edge of strokes as wide as asked for, and their width.

        Thinner, each stroke keeps the same part of its width, so that none breaks where it is
        thin already; thicker, all grow alike, as far as the counters stay open.

        Args:
            width: Of the strokes, px of the field.
        """
        if width < self.width:
            left = max(width / self.width, _THINNEST)
            thinned = self.distance - np.float32(1 - left) * self.radius
            return np.asarray(thinned, np.float32), left * self.width
        more = min((width - self.width) / 2, _THICKEST * self.counter, 0.5 * self.width + 3)
        return np.asarray(self.distance + np.float32(more), np.float32), self.width + 2 * more


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
    # Of an even stroke, the mean distance from the edge is a quarter of the width.
    stroke = 4 * cv2.mean(within, inside)[0]
    distance = cv2.GaussianBlur(cv2.subtract(within, beyond), (0, 0), 0.9)
    return Field(np.asarray(distance, np.float32), max(stroke, 1.0))


def field_ink(
    field: Field,
    unit: float,
    pose: NDArray[np.float32],
    height_px: float,
    pen: Pen,
    rng: np.random.Generator,
) -> tuple[Plane, float]:
    """Draw a field with a pen.

    Args:
        field: The glyph.
        unit: Height of a digit's ink in the field, px.
        pose: (2, 2), what the manner does to (x, y).
        height_px: Height of a digit, px.
        pen: Its width is reached as far as `Field.drawn_with` goes.
        rng: Source of the texture.

    Returns:
        (h, w) coverage cut to its ink, and the row of that in which the middle of the field lies.

    """
    edges, stroke = field.drawn_with(pen.width * unit)
    tall, wide = edges.shape
    grown = stroke - field.width
    # Ink is as high with a thin pen as with a thick one.
    scale = height_px / (unit + grown)
    grown = max(grown, 0.0)
    (a, b), (c, d) = (pose * scale).tolist()
    width = int(abs(a) * (wide + grown) + abs(b) * (tall + grown)) + 3
    height = int(abs(c) * (wide + grown) + abs(d) * (tall + grown)) + 3
    x, y = (wide - 1) / 2, (tall - 1) / 2
    warp = np.array(
        [[a, b, (width - 1) / 2 - a * x - b * y], [c, d, (height - 1) / 2 - c * x - d * y]]
    )
    distance = cv2.warpAffine(
        edges, warp, (width, height), flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT, borderValue=(-50.0,),
    )  # fmt: skip
    if pen.crisp:
        ink = np.where(distance > 0, 255, 0).astype(np.uint8)
    else:
        stroke_px = stroke * scale
        # A stroke thinner than a pixel would come out too dark by as much as the ramp is wide.
        full = 255 * min(1.0, stroke_px / (0.5 + stroke_px / 2))
        ink = np.clip(distance * (full * scale) + full / 2, 0, full).astype(np.uint8)
    plane, _, top = tight(textured(ink, pen, height_px, rng))
    if not plane.size:
        return np.full((1, 1), 64, np.uint8), 0.0
    return plane, (height - 1) / 2 - top
