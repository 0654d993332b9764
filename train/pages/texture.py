"""Surfaces that pages lie on and that are photographed in place of one, by name."""

from __future__ import annotations

from collections.abc import Callable, Collection

import cv2
import numpy as np
from numpy.typing import NDArray

from .noise import Plane
from .page import Gray
from .structure import STRUCTURES
from .surface import SURFACES

Texture = Callable[[tuple[int, int], np.random.Generator], Plane]
"""From height and width, px, to (H, W) float32, 0 to 1."""

TEXTURES: dict[str, Texture] = {**SURFACES, **STRUCTURES}
"""Every texture by its name: `surface` has what has no parts, `structure` what has."""

LONGEST_PX = 256
"""Textures are computed up to this size and enlarged."""

_HUES = np.array(
    [
        (0.35, 0.6, 0.95), (0.5, 0.75, 1.0), (0.45, 0.6, 0.75), (1.0, 1.0, 1.0), (1.0, 0.95, 0.9),
        (0.85, 0.95, 1.0), (0.9, 0.6, 0.4), (0.55, 0.85, 0.6), (0.3, 0.35, 0.9), (0.9, 0.8, 0.3),
    ],
    np.float32,
)  # fmt: skip
"""BGR of wood, skin and cloth, white and grey things, and of what is painted."""


def random_texture(
    shape: tuple[int, int],
    rng: np.random.Generator,
    without: Collection[str] = (),
    name: str | None = None,
) -> tuple[str, Gray]:
    """Return a texture's name and its picture.

    Args:
        shape: Height and width, px.
        rng: Source of every draw.
        without: Names of textures that are not used.
        name: Which one; by default any.

    Returns:
        The name and (H, W, 3) uint8, BGR.

    Raises:
        ValueError: every texture is left out.
    """
    names = [each for each in TEXTURES if each not in without]
    if not names:
        raise ValueError(f"without: expected to leave a texture of {sorted(TEXTURES)}, left none")
    name = name or names[int(rng.integers(len(names)))]
    factor = min(LONGEST_PX / max(shape), 1.0)
    if factor > 0.75 or rng.random() < 0.04:
        factor = 1.0
    small = max(round(shape[0] * factor), 8), max(round(shape[1] * factor), 8)
    field = np.clip(TEXTURES[name](small, rng), 0, 1)
    picture = cv2.LUT(cv2.merge([np.asarray(field * 255, np.uint8)] * 3), _palette(rng))
    if small != shape:
        picture = cv2.resize(picture, shape[::-1], interpolation=cv2.INTER_LINEAR)
    return name, np.asarray(picture, np.uint8)


def _palette(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the colours of a field's 256 levels: (1, 256, 3) uint8."""
    bright = rng.uniform(40, 250)
    dark = bright * rng.uniform(0.05, 0.85)
    first, second = _HUES[rng.integers(len(_HUES), size=2)] ** rng.uniform(0.2, 1.2, (2, 1))
    if rng.random() < 0.6:
        second = first
    second = second * (1 + rng.normal(0, 0.08, 3))
    ends = np.stack([second * dark, first * bright]) * (1 + rng.normal(0, 0.04, 3))
    if rng.random() < 0.4:
        ends = ends[::-1]
    level = np.linspace(0, 1, 256)[:, None] ** rng.uniform(0.6, 1.7)
    colours = ends[0] + (ends[1] - ends[0]) * level
    return np.asarray(np.clip(colours, 0, 255)[None], np.uint8)
