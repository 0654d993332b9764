"""Strings as other hands, pens and cameras would have made them.

Elastic distortion: Simard, Steinkraus and Platt 2003, "Best Practices for Convolutional Neural
Networks Applied to Visual Document Analysis".
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from digitcam.edge.frame import GrayImage
from digitcam.edge.string_image import (
    CONTENT_PX,
    HEIGHT_PX,
    SIDE_PX,
    content_width,
    string_image,
)

from .recipe import StringDistortion

CANVAS_PX, MARGIN_PX = 64, 14
"""Height at which a string is distorted, and the room around it."""
INK = 40
"""Grey level from which a pixel bounds the ink."""


def distort(ink: GrayImage, rng: np.random.Generator, settings: StringDistortion) -> GrayImage:
    """Distort a string and bring it to the network's input.

    Args:
        ink: (h, w) uint8, strongest 255, 0 paper.
        rng: Source of every draw.
        settings: Bounds of the distortions.

    Returns:
        (32, W) uint8, as ``strings.string_image``.
    """
    if rng.random() < settings.plain:
        return string_image(ink)
    seen = _photographed(_pen(_bent(ink, rng, settings), rng, settings), rng, settings)
    x, y, width, height = cv2.boundingRect((seen > INK).view(np.uint8))
    if width < 3 or height < 8:  # hardly any ink is left
        return string_image(ink)
    return _laid_out(seen[y : y + height, x : x + width], rng, settings)


def _bent(ink: GrayImage, rng: np.random.Generator, settings: StringDistortion) -> GrayImage:
    """Slant, turn and bend on a canvas 64 px high."""
    height, width = ink.shape
    scale = CANVAS_PX / height
    columns = min(max(round(width * scale), 8), 1000)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    large = cv2.resize(ink, (columns, CANVAS_PX), interpolation=way)
    shape = CANVAS_PX + 2 * MARGIN_PX, columns + 2 * MARGIN_PX + 20
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    x, y = x - shape[1] / 2, y - shape[0] / 2
    slope = np.tan(np.deg2rad(rng.normal(0, settings.rotation_deg)))
    slant = rng.uniform(-settings.shear, settings.shear)
    amount = rng.uniform(0, settings.elastic_px)
    bend = rng.standard_normal((4, max(3, shape[1] // CANVAS_PX * 2), 2), np.float32)
    field = cv2.resize(bend, shape[::-1], interpolation=cv2.INTER_CUBIC) * np.float32(amount)
    from_x = field[..., 0] + x + np.float32(slant) * y + columns / 2
    from_y = field[..., 1] + y + np.float32(slope) * x + CANVAS_PX / 2
    return np.asarray(cv2.remap(large, from_x, from_y, cv2.INTER_LINEAR), np.uint8)


def _pen(ink: GrayImage, rng: np.random.Generator, settings: StringDistortion) -> GrayImage:
    """Draw with a thicker or thinner pen, now and then."""
    draw = rng.random()
    if draw < settings.pen:
        side = int(rng.integers(2, 5))
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        return np.asarray(cv2.dilate(ink, kernel), np.uint8)
    if draw > 1 - settings.pen:
        thin = cv2.erode(ink, np.ones((2, int(rng.integers(2, 4))), np.uint8))
        if thin.max() > 140:  # a pen that is thin already would vanish
            return np.asarray(thin, np.uint8)
    return ink


def _photographed(
    ink: GrayImage, rng: np.random.Generator, settings: StringDistortion
) -> NDArray[np.uint8]:
    """Return the contrast that a camera sees: blurred, unevenly lit, grained, cut at a floor."""
    if rng.random() < 0.5:
        ink = cv2.GaussianBlur(ink, (0, 0), rng.uniform(0.4, settings.blur_px))  # type: ignore[assignment]
    seen = ink.astype(np.float32)
    seen[seen < rng.uniform(0, settings.floor) * seen.max()] = 0
    left, right = rng.uniform(1 - settings.light, 1, 2)
    light = np.linspace(left, right, seen.shape[1], dtype=np.float32)
    grain = rng.standard_normal(seen.shape, np.float32) * np.float32(settings.noise * rng.random())
    seen *= light * (1 + grain)
    return np.asarray(np.clip(seen * (255 / max(seen.max(), 1)), 0, 255), np.uint8)


def _laid_out(
    ink: NDArray[np.uint8], rng: np.random.Generator, settings: StringDistortion
) -> GrayImage:
    """Scale to the image's height or less, as a word's ink is when another mark is higher."""
    rows = CONTENT_PX
    if rng.random() < 0.6:
        rows = int(rng.integers(settings.smallest_px, CONTENT_PX + 1))
    stretch = np.exp(rng.uniform(-settings.stretch, settings.stretch))
    columns = content_width(ink, stretch)
    way = cv2.INTER_AREA if rows < ink.shape[0] else cv2.INTER_LINEAR
    image = np.zeros((HEIGHT_PX, columns + 2 * SIDE_PX), np.uint8)
    top = int(rng.integers(HEIGHT_PX - rows + 1))
    image[top : top + rows, SIDE_PX : SIDE_PX + columns] = cv2.resize(
        ink, (columns, rows), interpolation=way
    )
    return image
