"""The bare sheet: fibres and dust of paper and boards, creases, stains, the other side's print."""

from __future__ import annotations

import cv2
import numpy as np

from .noise import Plane, clouds, enlarged, grain
from .page import Gray
from .palette import Palette
from .plan import Medium
from .scribe import Scribe
from .text import random_line

FLAT = (Medium.SCREEN, Medium.NEGATIVE)
"""Have neither grain nor light."""


def bare_sheet(
    shape: tuple[int, int], palette: Palette, medium: Medium, rng: np.random.Generator
) -> Gray:
    """Return a sheet that nothing is on: (H, W, 3) uint8, BGR, under full light."""
    if medium in FLAT:
        return np.full((*shape, 3), np.rint(palette.paper), np.uint8)
    half = (shape[0] + 1) // 2, (shape[1] + 1) // 2
    tone = np.float32(rng.uniform(0, 0.018)) * grain(half, rng, rng.uniform(1, 3))
    tone += np.float32(rng.uniform(0, 0.06)) * (clouds(half, rng, 3, 3) - np.float32(0.5))
    if medium is Medium.BLACKBOARD:
        tone += _wiped(half, rng) * np.float32(rng.uniform(0, 0.6))
    elif medium is Medium.WHITEBOARD:
        tone -= _wiped(half, rng) * np.float32(rng.uniform(0, 0.08))
    full = enlarged(tone + np.float32(1), shape)
    planes = [cv2.convertScaleAbs(full, alpha=level) for level in palette.paper]
    return np.asarray(cv2.merge(planes), np.uint8)


def damage(scribe: Scribe) -> None:
    """Crease, stain or print through the scribe's sheet, before it is written on."""
    rng, image = scribe.rng, scribe.sheet.image
    limit = 0.5 * scribe.palette.contrast
    match int(rng.integers(3)):
        case 0:
            for _ in range(int(rng.integers(1, 5))):
                _crease(image, min(limit, rng.uniform(5, 35)), rng)
        case 1:
            _stain(image, min(limit, rng.uniform(6, 40)), rng)
        case _:
            _print_through(scribe, min(limit, rng.uniform(5, 28)))


def _wiped(shape: tuple[int, int], rng: np.random.Generator) -> Plane:
    """Dust in broad strokes of a sponge: 0-1."""
    small = max(shape[0] // 30, 2), max(shape[1] // 6, 2)
    if rng.random() < 0.5:
        small = max(shape[0] // 6, 2), max(shape[1] // 30, 2)
    return enlarged(rng.random(small, np.float32), shape, cv2.INTER_CUBIC) * clouds(
        shape, rng, 3, 3
    )


def _crease(image: Gray, depth: float, rng: np.random.Generator) -> None:
    """Fold the paper: one side of a line is lighter, the other darker."""
    height, width = image.shape[:2]
    angle = rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.1 if rng.random() < 0.7 else 0.8)
    across = np.array([-np.sin(angle), np.cos(angle)])
    middle = rng.uniform(0.1, 0.9, 2) * [width, height]
    along = np.array([np.cos(angle), np.sin(angle)]) * (height + width)
    reach = rng.uniform(1, 3)
    for side, operation in ((-0.5, cv2.add), (0.5, cv2.subtract)):
        plane = np.zeros(image.shape, np.uint8)
        at = middle + side * reach * across
        ends = (at - along).astype(int).tolist(), (at + along).astype(int).tolist()
        level = (depth * rng.uniform(0.3, 1),) * 3
        cv2.line(plane, ends[0], ends[1], level, max(round(reach), 1), cv2.LINE_AA)
        operation(image, plane, image)


def _stain(image: Gray, depth: float, rng: np.random.Generator) -> None:
    """Set a cup on the paper, or spill something."""
    height, width = image.shape[:2]
    plane = np.zeros((height, width), np.uint8)
    middle = rng.uniform(0, 1, 2) * [width, height]
    radius = float(rng.uniform(0.08, 0.3) * max(height, width))
    axes = (2 * radius, 2 * radius * rng.uniform(0.8, 1))
    thick = int(rng.uniform(0.04, 0.15) * radius) + 1 if rng.random() < 0.6 else -1
    cv2.ellipse(plane, (middle.tolist(), axes, float(rng.uniform(0, 180))), (255,), thick)
    soft = np.asarray(cv2.GaussianBlur(plane, (0, 0), float(rng.uniform(1, 6))), np.float32)
    soft *= (np.float32(0.3) + clouds((height, width), rng, 6, 3)) * np.float32(depth / 255)
    tint = np.array([1.0, 0.7, 0.5]) if rng.random() < 0.7 else np.ones(3)
    stain = cv2.merge([np.asarray(soft * each, np.uint8) for each in tint])
    cv2.subtract(image, np.asarray(stain, np.uint8), image)


def _print_through(scribe: Scribe, depth: float) -> None:
    """Let the other side's print show, the wrong way round."""
    rng, image = scribe.rng, scribe.sheet.image
    size = float(rng.uniform(7, 24))
    pitch, x = size * rng.uniform(1.5, 2.2), int(rng.uniform(0, 0.2) * image.shape[1])
    count = max(int(image.shape[1] * 0.8 / (size * 4.4)), 1)
    operation = cv2.add if scribe.palette.light_on_dark else cv2.subtract
    lines = [scribe.set(random_line(rng, count), size)[:, ::-1] for _ in range(3)]
    for k in range(min(int(image.shape[0] / pitch), 16)):
        ink = np.ascontiguousarray(lines[int(rng.integers(3))])
        place = image[int(k * pitch) :, x:][: ink.shape[0], : ink.shape[1]]
        pale = cv2.convertScaleAbs(ink[: place.shape[0], : place.shape[1]], alpha=depth / 255)
        operation(place, cv2.merge([pale] * 3), place)
