"""What is drawn by hand and is no text: scribbles, arrows, rings, doodles, strokes through text."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from .page import Gray

Points = NDArray[np.float64]
"""(n, 2) x and y."""


def random_drawing(rng: np.random.Generator, size_px: float, width_px: float) -> Gray:
    """Draw something.

    Args:
        rng: Source of every draw.
        size_px: Length of the longer side, px, about.
        width_px: Of the stroke, px.

    Returns:
        (h, w) uint8 coverage.
    """
    kind = _KINDS[int(rng.integers(len(_KINDS)))]
    return traced([line * size_px for line in kind(rng)], width_px, rng)


def scrawl(rng: np.random.Generator, height_px: float, letters: int, width_px: float) -> Gray:
    """Write so many letters' length of waves and loops, as a signature: (h, w) uint8 coverage."""
    t = np.linspace(0, letters * 2 * np.pi, letters * 14)
    swing = 0.35 + 0.3 * np.interp(t, np.linspace(0, t[-1], letters + 2), rng.random(letters + 2))
    x = t / 9 + 0.28 * np.sin(t + rng.uniform(0, 6))
    y = swing * np.cos(t * rng.uniform(0.9, 1.1)) - 0.05 * t / 6 * rng.normal()
    return traced([np.stack([x, y], 1) * height_px * 0.8], width_px, rng)


def ring(rng: np.random.Generator, width: float, height: float, width_px: float) -> Gray:
    """Draw a ring round something of a width and height, px, not quite closed."""
    t = np.linspace(0, 2 * np.pi * rng.uniform(0.96, 1.15), 60) + rng.uniform(0, 6)
    wobble = 1 + 0.04 * np.sin(2 * t + rng.uniform(0, 6)) + 0.03 * np.linspace(0, 1, 60)
    points = np.stack([np.cos(t) * width / 2, np.sin(t) * height / 2], 1) * wobble[:, None]
    return traced([points], width_px, rng)


def underline(rng: np.random.Generator, length: float, height_px: float, width_px: float) -> Gray:
    """Draw a line, straight, wavy or double, under something of a length and height, px."""
    x = np.linspace(0, length, 24)
    wave = rng.choice([0.0, 0.0, 0.08]) * height_px * np.sin(x / height_px * 6)
    y = wave + rng.normal(0, 0.03) * x + rng.normal(0, 0.01 * height_px, 24).cumsum() * 0.5
    lines = [np.stack([x, y], 1)]
    if rng.random() < 0.25:
        lines.append(lines[0] + [rng.normal(0, 0.1) * height_px, 0.18 * height_px])
    return traced(lines, width_px, rng)


def strike(rng: np.random.Generator, width: float, height: float, width_px: float) -> Gray:
    """Draw strokes through something of a width and height, px: lines, a cross, a zigzag."""
    low, high = -0.08 * width, 1.08 * width
    match int(rng.integers(4)):
        case 0:
            rows = height * rng.uniform(0.35, 0.65, (int(rng.integers(1, 4)), 2))
            lines = [np.array([[low, a], [high, b]]) for a, b in rows]
        case 1:
            lines = [np.array([[low, 0.0], [high, height]]), np.array([[high, 0.0], [low, height]])]
        case 2:
            count = int(rng.integers(5, 14))
            x = np.linspace(low, high, count) + rng.normal(0, 0.03 * width, count)
            y = np.where(np.arange(count) % 2, 0.05, 0.95) * height
            lines = [np.stack([x, y], 1)]
        case _:
            count = int(rng.integers(20, 50))
            t = np.linspace(0, count * 0.9, count * 4)
            x = np.interp(t, [0, t[-1]], [low, high]) + 0.2 * height * np.cos(t)
            y = height * (0.5 + 0.42 * np.sin(t))
            lines = [np.stack([x, y], 1)]
    return traced(
        [line + rng.normal(0, 0.03 * height, line.shape) for line in lines], width_px, rng
    )


def traced(lines: list[Points], width_px: float, rng: np.random.Generator) -> Gray:
    """Draw lines, px, with a pen: (h, w) uint8 coverage with a margin of about the pen's width."""
    every = np.concatenate(lines)
    margin = width_px + 1.5
    low = every.min(axis=0) - margin
    wide, tall = np.ceil(every.max(axis=0) + margin - low).astype(int) + 1
    canvas = np.zeros((tall, wide), np.uint8)
    thick, rest = max(round(width_px), 1), min(width_px, 1.0)
    for line in lines:
        points = np.rint((line - low) * 16).astype(np.int32)[:, None]
        cv2.polylines(canvas, [points], False, (255,), thick, cv2.LINE_AA, 4)
    pale = rng.uniform(0.75, 1) * max(rest, 0.6)
    return np.asarray(cv2.convertScaleAbs(canvas, alpha=float(pale)), np.uint8)


def curve(points: Points) -> Points:
    """Round the corners of a line: each is cut three times (Chaikin 1974)."""
    for _ in range(3):
        near, far = points[:-1], points[1:]
        inner = np.stack([0.75 * near + 0.25 * far, 0.25 * near + 0.75 * far], axis=1)
        points = np.concatenate([points[:1], inner.reshape(-1, 2), points[-1:]])
    return points


def _scribble(rng: np.random.Generator) -> list[Points]:
    return [curve(0.5 + rng.normal(0, 0.22, (int(rng.integers(9, 26)), 2)))]


def _arrow(rng: np.random.Generator) -> list[Points]:
    start, end = np.zeros(2), np.array([1.0, 0.0])
    bend = np.array([0.5, rng.normal(0, 0.2)])
    shaft = curve(np.stack([start, bend, end]))
    head, spread = rng.uniform(0.12, 0.3), rng.uniform(0.3, 0.7)
    tips = [end - head * np.array([np.cos(a), np.sin(a)]) for a in (spread, -spread)]
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return [shaft @ turn, np.stack([tips[0], end, tips[1]]) @ turn]


def _box(rng: np.random.Generator) -> list[Points]:
    tall = rng.uniform(0.3, 1)
    corners = np.array([[0, 0], [1, 0], [1, tall], [0, tall], [0, 0]])
    lines = [corners + rng.normal(0, 0.015, corners.shape)]
    if rng.random() < 0.4:  # A house, an envelope.
        lines.append(np.array([[0, 0], [0.5, rng.choice([-0.4, 0.4]) * tall], [1, 0]]))
    if rng.random() < 0.4:
        lines.append(np.array([[0, 0], [1, tall]]))
    return lines


def _face(rng: np.random.Generator) -> list[Points]:
    t = np.linspace(0, 2 * np.pi, 40)
    outline = np.stack([np.cos(t), np.sin(t)], 1) * 0.5
    smile = np.stack([0.3 * np.cos(t[3:18]), 0.25 * np.sin(t[3:18]) + 0.03], 1)
    eyes = [np.array([[x, -0.2], [x + rng.normal(0, 0.02), -0.1]]) for x in (-0.17, 0.17)]
    return [outline, smile, *eyes]


def _flower(rng: np.random.Generator) -> list[Points]:
    t = np.linspace(0, 2 * np.pi, 140)
    petals = int(rng.integers(4, 9))
    radius = 0.28 + 0.14 * np.cos(petals * t)
    stem = curve(np.array([[0, 0.4], [rng.normal(0, 0.1), 0.7], [0, 1.0]]))
    return [np.stack([np.cos(t), np.sin(t)], 1) * radius[:, None], stem]


def _star(rng: np.random.Generator) -> list[Points]:
    t = np.arange(6) * 4 * np.pi / 5 + rng.uniform(0, 6)
    return [np.stack([np.cos(t), np.sin(t)], 1) * 0.5]


def _chart(rng: np.random.Generator) -> list[Points]:
    """Axes and a curve."""
    x = np.linspace(0.05, 1, int(rng.integers(5, 16)))
    y = 0.75 - 0.6 * x * rng.uniform(0.3, 1) + rng.normal(0, 0.08, len(x))
    return [np.array([[0.0, 0.0], [0.0, 0.8], [1.05, 0.8]]), np.stack([x, y], 1)]


def _spiral(rng: np.random.Generator) -> list[Points]:
    t = np.linspace(0, rng.uniform(15, 40), 200)
    return [np.stack([np.cos(t), np.sin(t) * rng.uniform(0.5, 1)], 1) * t[:, None] / t[-1] / 2]


def _hatching(rng: np.random.Generator) -> list[Points]:
    count, lean = int(rng.integers(6, 22)), rng.normal(0.3, 0.3)
    x = np.linspace(0, 1, count) + rng.normal(0, 0.01, count)
    return [np.array([[a, 0.6], [a + lean, rng.normal(0, 0.03)]]) for a in x]


def _tree(rng: np.random.Generator) -> list[Points]:
    """Lines that fork: a diagram, a family tree."""
    nodes = [np.array([0.5, 0.0])]
    lines = []
    for _ in range(int(rng.integers(3, 9))):
        parent = nodes[int(rng.integers(len(nodes)))]
        child = parent + np.array([rng.normal(0, 0.25), rng.uniform(0.12, 0.3)])
        lines.append(np.stack([parent, child]))
        nodes.append(child)
    return lines


_KINDS: tuple[Callable[[np.random.Generator], list[Points]], ...] = (
    _scribble, _scribble, _arrow, _arrow, _arrow, _box, _face, _flower, _star, _chart, _spiral,
    _hatching, _tree,
)  # fmt: skip
