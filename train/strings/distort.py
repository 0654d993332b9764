"""Words as other hands, pens and cameras would have made them.

Elastic distortion: Simard, Steinkraus and Platt 2003, "Best Practices for Convolutional Neural
Networks Applied to Visual Document Analysis".
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from digitcam.edge.frame import GrayImage
from digitcam.edge.reading.word_image import CONTENT_PX, plane_image

from .recipe import StringDistortion

CANVAS_PX, MARGIN_PX = 64, 14
"""Height at which a word is distorted, and the room around it."""
INK = 40
"""Grey level from which a pixel bounds the ink."""
LEAST_KEPT = 0.6
"""Part of the ink that is above the floor, at least."""
USUAL_FLOOR = 64.0
"""Contrast from which a pixel is ink in a word that stays as it is."""


def distort(ink: GrayImage, rng: np.random.Generator, settings: StringDistortion) -> GrayImage:
    """Distort a word and bring it to the network's input.

    Args:
        ink: (h, w) uint8, strongest 255, 0 paper.
        rng: Source of every draw.
        settings: Bounds of the distortions.

    Returns:
        (32, W) uint8, as `plane_image`.
    """
    if rng.random() < settings.plain:
        return plane_image(ink, USUAL_FLOOR)
    drawn = _pen(_bent(ink, rng, settings), rng, settings)
    seen = _photographed(drawn, rng, settings)
    floor = float(rng.uniform(0, settings.floor)) * 255
    if (seen >= floor).sum() < LEAST_KEPT * (drawn >= INK).sum():  # a pale pen breaks up
        floor = INK
    x, y, width, height = cv2.boundingRect((seen >= max(floor, INK)).view(np.uint8))
    if width < 3 or height < 8:  # hardly any ink is left
        return plane_image(ink, USUAL_FLOOR)
    word = seen[y : y + height, x : x + width]
    return plane_image(_beside_higher(word, rng, settings), floor, _widening(rng, settings))


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
    """Return the contrast that a camera sees: blurred, unevenly lit and grained."""
    seen = cv2.GaussianBlur(ink, (0, 0), rng.uniform(*settings.blur_px)).astype(np.float32)
    left, right = rng.uniform(1 - settings.light, 1, 2)
    light = np.linspace(left, right, seen.shape[1], dtype=np.float32)
    grain = rng.standard_normal(seen.shape, np.float32) * np.float32(settings.noise * rng.random())
    seen *= light * (1 + grain)
    return np.asarray(np.clip(seen * (255 / max(seen.max(), 1)), 0, 255), np.uint8)


def _beside_higher(
    word: GrayImage, rng: np.random.Generator, settings: StringDistortion
) -> GrayImage:
    """Make room above and below, as if another mark of the word were higher, now and then."""
    if rng.random() < 0.4:
        return word
    more = word.shape[0] * (CONTENT_PX / rng.integers(settings.smallest_px, CONTENT_PX + 1) - 1)
    above = round(more * rng.random())
    below = max(round(more) - above, 0)
    return np.pad(word, ((above, below), (0, 0)))


def _widening(rng: np.random.Generator, settings: StringDistortion) -> float:
    return float(np.exp(rng.uniform(-settings.stretch, settings.stretch)))
