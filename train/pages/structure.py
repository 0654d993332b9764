"""Surfaces with parts: bricks, tiles, planks, bars, keys, books, cables."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from .noise import Plane, clouds, grain, unit
from .surface import Rng, Shape, axes, smooth


def _masonry(shape: Shape, rng: Rng, aspect: float, shift: float, joint: float) -> Plane:
    """Lay rows of stones of their own levels (0.4-1) with joints (0) between them."""
    along, across = axes(shape, rng, 0.25, bend=rng.uniform(0, 6))
    tall = np.float32(rng.uniform(0.02, 0.12) * (shape[0] + shape[1]))
    wide = np.float32(tall * aspect)
    row = np.floor(across / tall)
    x = along / wide + (row % 2) * np.float32(shift)
    stone = np.floor(x)
    level = rng.random(4096, np.float32)
    levels = level[(stone.astype(np.int64) * 71 + row.astype(np.int64) * 37) % 4096]
    gap = np.float32(max(joint * float(tall), 0.8))
    near = np.minimum(
        np.minimum(across - row * tall, (row + 1) * tall - across),
        np.minimum(x - stone, stone + 1 - x) * wide,
    )
    face: Plane = np.clip(near - gap / 2, 0, 1)
    face *= np.float32(0.55) + np.float32(rng.uniform(0.05, 0.45)) * levels
    return face


def _brick(shape: Shape, rng: Rng) -> Plane:
    wall = _masonry(shape, rng, rng.uniform(1.8, 3.5), 0.5, rng.uniform(0.08, 0.2))
    return wall + np.float32(0.3) * (clouds(shape, rng, 8, 5, 0.8) - np.float32(0.5))


def _tiles(shape: Shape, rng: Rng) -> Plane:
    wall = _masonry(shape, rng, rng.uniform(0.8, 1.4), 0, rng.uniform(0.02, 0.09))
    return wall + np.float32(0.12) * (clouds(shape, rng, 5, 4) - np.float32(0.5))


def _planks(shape: Shape, rng: Rng) -> Plane:
    floor = _masonry(shape, rng, rng.uniform(5, 14), rng.uniform(0.2, 0.5), 0.04)
    tall, wide = shape[0], max(shape[1] // 30, 3)
    fibres = cv2.resize(grain((tall, wide), rng), shape[::-1], interpolation=cv2.INTER_CUBIC)
    return floor + np.float32(0.08) * np.asarray(fibres, np.float32)


def _parquet(shape: Shape, rng: Rng) -> Plane:
    along, across = axes(shape, rng, 0.8)
    side, count = np.float32(max(shape) / rng.uniform(3, 9)), int(rng.integers(3, 7))
    turned = (np.floor(along / side) + np.floor(across / side)) % 2 > 0
    place = np.where(turned, along, across) / side * count
    level = rng.random(97, np.float32)[np.floor(place).astype(np.int64) % 97]
    gap = np.clip((np.abs(place % 1 - 0.5) - 0.44) * 12, 0, 1)
    return np.asarray(0.4 + 0.5 * level - 0.6 * gap, np.float32)


def _bars(shape: Shape, rng: Rng) -> Plane:
    """A radiator, blinds, a fence, corrugated iron: shaded bars side by side."""
    along, _ = axes(shape, rng, 0.15 if rng.random() < 0.7 else np.pi)
    if rng.random() < 0.3:
        along = axes(shape, rng, 0.1)[1]
    pitch = np.float32(rng.uniform(6, 42))
    place = along / pitch % 1
    width = rng.uniform(0.3, 0.9)
    inside = np.clip((width - np.abs(2 * place - 1)) * pitch / 3, 0, 1)
    shade = np.float32(rng.uniform(0, 0.6)) * np.cos((place - 0.5) * np.float32(np.pi) + 0.7)
    return unit(inside * (np.float32(0.5) + shade)) + 0.15 * (clouds(shape, rng, 2, 2) - 0.5)


def _mesh(shape: Shape, rng: Rng) -> Plane:
    """A grille, a sieve, a net."""
    along, across = axes(shape, rng)
    pitch = np.float32(rng.uniform(5, 26))
    wire = np.minimum(np.abs(along / pitch % 1 - 0.5), np.abs(across / pitch % 1 - 0.5))
    plane: Plane = np.clip((np.float32(rng.uniform(0.06, 0.25)) - wire) * pitch, 0, 1)
    return plane


def _holes(shape: Shape, rng: Rng) -> Plane:
    """Perforated sheet, cork board, bubble wrap."""
    along, across = axes(shape, rng)
    pitch = np.float32(rng.uniform(6, 30))
    row = np.floor(across / pitch)
    x = (along / pitch + np.float32(0.5) * (row % 2)) % 1 - 0.5
    far = np.hypot(x, across / pitch - row - 0.5)
    plane: Plane = np.clip((far - np.float32(rng.uniform(0.2, 0.42))) * pitch * 0.7, 0, 1)
    return plane


def _barcode(shape: Shape, rng: Rng) -> Plane:
    plane = np.ones(shape, np.float32)
    for _ in range(int(rng.integers(1, 5))):
        module = int(rng.integers(1, max(max(shape) // 110, 2) + 1))
        count, tall = int(rng.integers(40, 96)), int(rng.uniform(0.1, 0.5) * shape[0]) + 2
        rows = rng.integers(0, 2, (1, count)).astype(np.float32)
        if rng.random() < 0.3:  # Its two-dimensional kind.
            side = tall // module + 1
            rows = rng.integers(0, 2, (side, side)).astype(np.float32)
        size = rows.shape[1] * module, tall
        code = cv2.resize(rows, size, interpolation=cv2.INTER_NEAREST)
        x = int(rng.integers(max(shape[1] - size[0], 1)))
        y = int(rng.integers(max(shape[0] - tall, 1)))
        place = plane[y : y + tall, x : x + size[0]]
        place[:] = code[: place.shape[0], : place.shape[1]]
    return smooth(plane, 0.4)


def _keyboard(shape: Shape, rng: Rng) -> Plane:
    """Rounded keys with a letter each."""
    plane = np.full(shape, 0.1, np.float32)
    key = max(int(max(shape) / rng.uniform(6, 18)), 8)
    gap, level = max(key // 7, 1), float(rng.uniform(0.3, 0.7))
    mark = float(rng.choice([0.0, 1.0]))
    for row in range(shape[0] // key + 1):
        left = int(rng.integers(key)) - key
        while left < shape[1]:
            wide = key * (int(rng.integers(2, 6)) if rng.random() < 0.06 else 1)
            low, high = (left + gap, row * key + gap), (left + wide, (row + 1) * key)
            cv2.rectangle(plane, low, high, (level,), -1)
            cv2.rectangle(plane, low, high, (level * 0.6,), 1, cv2.LINE_AA)
            sign = "ABCDEFGHJKLMNPQRSTUVWXYZ#+;.-"[int(rng.integers(29))]
            at = left + 2 * gap, row * key + key // 2 + gap
            cv2.putText(plane, sign, at, 0, key / 70, (mark,), max(key // 40, 1), cv2.LINE_AA)
            left += wide
    return plane


def _books(shape: Shape, rng: Rng) -> Plane:
    """Spines on a shelf, with print set upright that no one can read."""
    plane, x = np.zeros(shape, np.float32), 0
    while x < shape[1]:
        wide = int(rng.uniform(0.02, 0.12) * shape[1]) + 3
        level = float(rng.random())
        cv2.rectangle(plane, (x + 1, int(rng.uniform(0, 0.15) * shape[0])),
                      (x + wide - 1, shape[0]), (level,), -1)  # fmt: skip
        for _ in range(int(rng.integers(0, 4))):
            y, tall = int(rng.integers(shape[0])), int(rng.integers(2, max(shape[0] // 6, 4)))
            cv2.rectangle(plane, (x + wide // 3, y), (x + 2 * wide // 3, y + tall),
                          (1 - level,), -1)  # fmt: skip
        x += wide
    return smooth(plane, 0.6)


def _strokes(shape: Shape, rng: Rng) -> Plane:
    """Grass, straw, hay, needles: straight strokes in every direction."""
    plane: Plane = np.float32(0.3) * clouds(shape, rng, 4, 3)
    middle, spread = rng.uniform(0, np.pi), rng.uniform(0.1, 1.5)
    length, thick = rng.uniform(8, 60), int(rng.integers(1, 4))
    for _ in range(int(rng.integers(60, 350))):
        start = rng.uniform(0, 1, 2) * shape[::-1]
        angle = middle + rng.normal(0, spread)
        end = start + length * rng.uniform(0.4, 1) * np.array([np.cos(angle), np.sin(angle)])
        level = (float(rng.uniform(0.1, 1)),)
        at = start.astype(int).tolist(), end.astype(int).tolist()
        cv2.line(plane, at[0], at[1], level, thick, cv2.LINE_AA)
    return plane


def _cables(shape: Shape, rng: Rng) -> Plane:
    """Cables, cords, twigs: a few long bent lines."""
    plane: Plane = np.float32(0.3) + np.float32(0.2) * clouds(shape, rng, 3, 4)
    for _ in range(int(rng.integers(2, 12))):
        points = rng.uniform(-0.2, 1.2, (4, 2)) * shape[::-1]
        t = np.linspace(0, 1, 40)[:, None]
        curve = (points[0] * (1 - t) ** 3 + 3 * points[1] * t * (1 - t) ** 2
                 + 3 * points[2] * t**2 * (1 - t) + points[3] * t**3)  # fmt: skip
        line, thick = curve.astype(np.int32)[:, None], int(rng.integers(1, 9))
        cv2.polylines(plane, [line], False, (float(rng.random()),), thick, cv2.LINE_AA)
    return smooth(plane, 0.6)


def _boxes(shape: Shape, rng: Rng) -> Plane:
    """Furniture and walls afar: overlapping rectangles with edges."""
    plane: Plane = clouds(shape, rng, 2, 3)
    for _ in range(int(rng.integers(4, 22))):
        size = rng.uniform(0.05, 0.6, 2) * shape[::-1]
        at = rng.uniform(-0.1, 1, 2) * shape[::-1]
        corners = cv2.boxPoints((at.tolist(), size.tolist(), float(rng.normal(0, 8))))
        cv2.fillConvexPoly(plane, corners.astype(np.int32), (float(rng.random()),), cv2.LINE_AA)
    return smooth(plane, rng.uniform(0.4, 2.5)) + np.float32(0.03) * grain(shape, rng, 2)


STRUCTURES: dict[str, Callable[[Shape, Rng], Plane]] = {
    "brick": _brick,
    "tiles": _tiles,
    "planks": _planks,
    "parquet": _parquet,
    "bars": _bars,
    "mesh": _mesh,
    "holes": _holes,
    "barcode": _barcode,
    "keyboard": _keyboard,
    "books": _books,
    "strokes": _strokes,
    "cables": _cables,
    "boxes": _boxes,
}
