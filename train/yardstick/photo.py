"""Ink to a photograph: plain, ruled or squared paper, soft light, a little blur and noise.

It shares nothing with `digitcam.train.pages` but the textures: what training renders is no measure
of itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from ..held_back import Image
from ..pages.texture import random_texture

Plane = NDArray[np.uint8]
"""(h, w) uint8 coverage: 0 bare, 255 full ink."""
Ruling = Literal["plain", "ruled", "squared"]


@dataclass(frozen=True)
class Placed:
    """Ink and where it lies."""

    ink: Plane
    x: int
    y: int


@dataclass(frozen=True)
class Conditions:
    """How a picture is taken."""

    shade: float = 0.25
    """Most of the light that is missing on one side (0-1)."""
    shadow: float = 0.3
    """How often a soft shadow lies on it."""
    blur: float = 0.25
    """Widest blur, in widths of a stroke."""
    noise: float = 3.0
    """Most noise, grey levels."""
    least_contrast: float = 0.45
    """Palest ink, as a part of the paper's brightness."""


SOFT = Conditions()
CLEAR = Conditions(shade=0.1, shadow=0.0, blur=0.1, noise=1.5, least_contrast=0.75)
"""Even light and full ink, where something else is asked."""


def seeded(make: Callable[[np.random.Generator], Image], *seed: int) -> Callable[[], Image]:
    """Return what makes the same picture each time it is called."""
    return lambda: make(np.random.default_rng(seed))


def laid(placed: Sequence[Placed], size: tuple[int, int]) -> Plane:
    """Lay pieces of ink on a plane of a height and width; what is beyond it is cut off."""
    plane = np.zeros(size, np.uint8)
    for each in placed:
        top, left = max(each.y, 0), max(each.x, 0)
        ink = each.ink[top - each.y :, left - each.x :]
        part = plane[top : top + ink.shape[0], left : left + ink.shape[1]]
        np.maximum(part, ink[: part.shape[0], : part.shape[1]], out=part)
    return plane


def photograph(
    ink: Plane,
    rng: np.random.Generator,
    stroke_px: float = 3.0,
    lines: Plane | None = None,
    conditions: Conditions = SOFT,
) -> Image:
    """Take a picture of dark ink on light paper.

    Args:
        ink: (H, W) coverage.
        rng: Source of every draw.
        stroke_px: Width of a stroke, px, which bounds the blur.
        lines: (H, W) coverage of what is printed below the ink.
        conditions: Light, blur and noise.
    """
    paper = float(rng.uniform(185, 245))
    contrast = paper * float(rng.uniform(conditions.least_contrast, 0.92))
    ground = np.full(ink.shape, paper, np.float32)
    if lines is not None:
        ground -= lines * np.float32(rng.uniform(0.1, 0.55) * contrast / 255)
    cover = ink * np.float32(1 / 255)
    luma = ground + cover * (np.float32(paper - contrast) - ground)
    luma *= _light(ink.shape, rng, conditions)
    blur = float(rng.uniform(0, conditions.blur)) * max(stroke_px, 1.0)
    if blur > 0.2:
        luma = np.asarray(cv2.GaussianBlur(luma, (0, 0), blur), np.float32)
    luma += np.float32(rng.uniform(0.5, conditions.noise)) * rng.standard_normal(
        ink.shape, np.float32
    )
    tint = 1 + rng.uniform(-0.04, 0.04, 3)
    planes = [np.clip(luma * np.float32(part), 0, 255).astype(np.uint8) for part in tint]
    return compressed(np.asarray(cv2.merge(planes), np.uint8), rng)


def compressed(image: Image, rng: np.random.Generator) -> Image:
    """Return an image as it comes out of a JPEG file."""
    quality = int(rng.integers(80, 97))
    file = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.uint8)


def ruled(
    size: tuple[int, int], kind: Ruling, height_px: float, row: float, rng: np.random.Generator
) -> Plane | None:
    """Return lines for writing of a height whose baseline is at a row, None on plain paper."""
    if kind == "plain":
        return None
    pitch = height_px * (rng.uniform(1.3, 2.0) if kind == "ruled" else rng.uniform(0.5, 1.2))
    thick = max(round(height_px * rng.uniform(0.015, 0.05)), 1)
    plane = np.zeros(size, np.uint8)
    first = row + rng.normal(0, 0.08) * height_px
    for y in np.arange(first % pitch, size[0], pitch):
        plane[round(y) : round(y) + thick] = 255
    if kind == "squared":
        for x in np.arange(rng.uniform(0, pitch), size[1], pitch):
            plane[:, round(x) : round(x) + thick] = 255
    return plane


def on_desk(sheet: Image, texture: str, rng: np.random.Generator) -> Image:
    """Return a picture of a sheet that lies on a desk, a little askew."""
    height, width = sheet.shape[:2]
    frame = round(height * rng.uniform(1.3, 1.9)), round(width * rng.uniform(1.15, 1.5))
    _, ground = random_texture(frame, rng, name=texture)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.uniform(-5, 5)), 1.0)
    free = np.array([frame[1] - width, frame[0] - height])
    matrix = np.array(turn, np.float64)
    matrix[:, 2] += free * rng.uniform(0.3, 0.7, 2)
    cover = cv2.warpAffine(np.full((height, width), 255, np.uint8), matrix, frame[::-1],
                           flags=cv2.INTER_LINEAR)  # fmt: skip
    sheet = np.asarray(cv2.warpAffine(sheet, matrix, frame[::-1]), np.uint8)
    reach = max(0.02 * max(frame) * rng.uniform(0.3, 1), 1.0)
    shade = np.asarray(cv2.GaussianBlur(cover, (0, 0), reach), np.float32)[..., None]
    ground = np.asarray(ground * (1 - np.float32(0.4 / 255) * shade), np.float32)
    part = np.asarray(cover, np.float32)[..., None] / 255
    seen = sheet * part + ground * (1 - part)
    seen = seen + rng.uniform(0.5, 2) * rng.standard_normal(frame, np.float32)[..., None]
    return compressed(np.clip(seen, 0, 255).astype(np.uint8), rng)


def _light(
    shape: tuple[int, ...], rng: np.random.Generator, conditions: Conditions
) -> NDArray[np.float32]:
    """Return how much light falls where: (H, W), 1 at most."""
    height, width = shape[:2]
    angle, loss = rng.uniform(0, 2 * np.pi), rng.uniform(0, conditions.shade)
    x, y = np.linspace(0, 1, width, dtype=np.float32), np.linspace(0, 1, height, dtype=np.float32)
    slope = np.float32(np.cos(angle)) * (x - 0.5) + np.float32(np.sin(angle)) * (y - 0.5)[:, None]
    light = 1 - np.float32(loss) * (slope + np.float32(0.5))
    if rng.random() < conditions.shadow:
        light *= 1 - np.float32(rng.uniform(0.1, 0.4)) * _soft_edge(shape, rng)
    return np.asarray(light, np.float32)


def _soft_edge(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a shadow with a soft edge across the picture: (H, W), 1 inside."""
    height, width = shape[:2]
    angle, place = rng.uniform(0, 2 * np.pi), rng.uniform(-0.3, 0.3)
    x = np.linspace(-0.5, 0.5, width, dtype=np.float32)
    y = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    across = np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y - np.float32(place)
    softness = np.float32(rng.uniform(0.05, 0.25))
    return np.asarray(np.clip(across / softness + np.float32(0.5), 0, 1), np.float32)
