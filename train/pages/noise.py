"""Random fields: grain and clouds. What is fixed is cut from one field at random places."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

_SIDE_PX = 2048
_LEVEL = 32.0
"""Grey levels of the kept field that are one standard deviation."""


def grain(shape: tuple[int, int], rng: np.random.Generator, size_px: float = 1) -> Plane:
    """Return noise of standard deviation 1 in grains of a size.

    Args:
        shape: Height and width, px; any.
        rng: Chooses where the field is cut.
        size_px: Size of the grains, px, 1 or more.

    Returns:
        (H, W) float32 around 0.
    """
    if size_px <= 1.2:
        return _cut(shape, rng).astype(np.float32) * np.float32(1 / _LEVEL)
    small = max(round(shape[0] / size_px), 2), max(round(shape[1] / size_px), 2)
    return enlarged(_cut(small, rng).astype(np.float32) * np.float32(1 / _LEVEL), shape)


def clouds(
    shape: tuple[int, int],
    rng: np.random.Generator,
    cells: float = 4,
    octaves: int = 4,
    persistence: float = 0.5,
) -> Plane:
    """Return smooth noise at several scales, each of half the last one's size.

    Args:
        shape: Height and width, px.
        rng: Source of the noise.
        cells: Bumps of the coarsest scale along the longer side.
        octaves: How many scales.
        persistence: Strength of a scale as a part of the coarser one's.

    Returns:
        (H, W) float32, 0 to 1.
    """
    longest = max(shape)
    total, weight = np.zeros(shape, np.float32), 1.0
    for octave in range(octaves):
        count = cells * 2**octave
        if count > longest:
            break
        small = (
            max(round(count * shape[0] / longest), 2) + 1,
            max(round(count * shape[1] / longest), 2) + 1,
        )
        values = rng.random(small, np.float32) - np.float32(0.5)
        total += np.float32(weight) * enlarged(values, shape, cv2.INTER_CUBIC)
        weight *= persistence
    return unit(total)


def enlarged(plane: Plane, shape: tuple[int, int], way: int = cv2.INTER_LINEAR) -> Plane:
    """Return a plane (H, W, ...) resized to a height and width."""
    return np.asarray(cv2.resize(plane, shape[::-1], interpolation=way), np.float32)


def unit(plane: Plane) -> Plane:
    """Return a plane stretched to 0-1."""
    low, high = float(plane.min()), float(plane.max())
    return (plane - np.float32(low)) * np.float32(1 / max(high - low, 1e-6))


def _cut(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.int8]:
    field = _field()
    while shape[0] > field.shape[0] or shape[1] > field.shape[1]:
        field = np.tile(field, (2, 2))
    y = int(rng.integers(field.shape[0] - shape[0] + 1))
    x = int(rng.integers(field.shape[1] - shape[1] + 1))
    down, right = rng.choice([-1, 1], 2).tolist()
    cut: NDArray[np.int8] = field[y : y + shape[0], x : x + shape[1]]
    return np.asarray(cut[::down, ::right], np.int8)


@cache
def _field() -> NDArray[np.int8]:
    """Draw the field that every grain is cut from: the same one in every process."""
    values = np.random.default_rng(7).standard_normal((_SIDE_PX, _SIDE_PX), np.float32)
    return np.asarray(np.clip(np.rint(values * _LEVEL), -127, 127), np.int8)
