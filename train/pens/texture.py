"""What the grain of the paper and the flow of the ink make of an even stroke."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from .pen import Pen

Plane = NDArray[np.uint8]
LEAST = 8
"""Coverage (0-255) below which there is no ink."""
_TILE = 512
_LEVELS = np.arange(256, dtype=np.float32) / 255


def textured(ink: Plane, pen: Pen, height_px: float, rng: np.random.Generator) -> Plane:
    """Return the ink as the pen leaves it: soft, broken by grain, failing or pale at places.

    Args:
        ink: (h, w) coverage of even strokes.
        pen: Which pen.
        height_px: Height of a digit, px.
        rng: Source of where the grain lies.
    """
    if pen.crisp:
        return ink
    width_px = pen.width * height_px
    sigma = pen.softness * width_px
    if sigma > 0.3:
        ink = np.asarray(cv2.GaussianBlur(ink, (0, 0), sigma), np.uint8)
    worn = _times(ink, _flow(ink.shape, pen, height_px, rng)) if _wears(pen) else ink
    if pen.grain:
        grain = _grain(ink.shape, max(pen.grain_size * height_px, 0.7), rng)
        worn = _times(worn, np.asarray(cv2.LUT(grain, _grain_table(pen.grain))))
    if worn is not ink and cv2.minMaxLoc(worn)[1] < 2 * LEAST:
        return ink  # A dot that fell into a gap.
    return worn


def tight(ink: Plane) -> tuple[Plane, int, int]:
    """Cut a plane to its ink; return it with the column and row of its corner."""
    ink = np.asarray(cv2.threshold(ink, LEAST - 1, 0, cv2.THRESH_TOZERO)[1], np.uint8)
    x, y, width, height = cv2.boundingRect(ink)
    return ink[y : y + height, x : x + width], x, y


def _times(ink: Plane, by: Plane) -> Plane:
    return np.asarray(cv2.multiply(ink, by, scale=1 / 255), np.uint8)


def _wears(pen: Pen) -> bool:
    return pen.flow > 0 or pen.skips > 0 or pen.opacity < 1


def _flow(shape: tuple[int, ...], pen: Pen, height_px: float, rng: np.random.Generator) -> Plane:
    """Multiplier (0-255) for slow changes along the stroke and for places where the ink fails."""
    slow = _grain(shape, max(0.12 * height_px, 1.0), rng)
    factor = (1 - pen.flow * _LEVELS) * (255 * pen.opacity)
    flow = np.asarray(cv2.LUT(slow, factor.astype(np.uint8)), np.uint8)
    if pen.skips:
        fails = _grain(shape, max(0.7 * pen.width * height_px, 1.0), rng)
        runs = np.clip((_LEVELS - pen.skips) * 6 + 0.5, 0.1, 1) * 255
        flow = _times(flow, np.asarray(cv2.LUT(fails, runs.astype(np.uint8)), np.uint8))
    return flow


def _grain_table(grain: float) -> Plane:
    """Multiplier (0-255) by level of the grain: the more grain, the more valleys stay bare."""
    table = np.clip((_LEVELS - 0.75 * grain) * 2.2 + 0.75, 1 - grain, 1)
    return np.asarray(table * 255, np.uint8)


def _grain(shape: tuple[int, ...], size_px: float, rng: np.random.Generator) -> Plane:
    """Cut a piece out of the grain, (h, w) uint8, all levels equally frequent."""
    height, width = shape[0], shape[1]
    zoom = size_px / _TILE_SIGMA
    tall, wide = int(height / zoom) + 2, int(width / zoom) + 2
    tile = _tile()
    if max(tall, wide) > _TILE:
        tile = np.tile(tile, (tall // _TILE + 1, wide // _TILE + 1))
    y = int(rng.integers(tile.shape[0] - tall + 1))
    x = int(rng.integers(tile.shape[1] - wide + 1))
    piece = tile[y : y + tall, x : x + wide]
    if zoom < 1.0:
        return np.asarray(
            cv2.resize(piece, (width, height), interpolation=cv2.INTER_AREA), np.uint8
        )
    return np.asarray(cv2.resize(piece, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


_TILE_SIGMA = 1.0
"""Standard deviation of the blur that makes the grain, px of the tile."""


@cache
def _tile() -> Plane:
    noise = np.random.default_rng(1994).standard_normal((_TILE, _TILE)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), _TILE_SIGMA, borderType=cv2.BORDER_REPLICATE)
    rank = np.empty(soft.size, np.int64)
    rank[np.argsort(soft, axis=None)] = np.arange(soft.size)
    return (rank * 256 // soft.size).astype(np.uint8).reshape(soft.shape)
