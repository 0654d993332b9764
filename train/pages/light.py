"""Light on a page: falloff, two lamps, vignettes, shadows of hands and phones, glare."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .noise import Plane, clouds, enlarged
from .page import Gray
from .plan import Camera

COARSE = 4
"""The light is computed at this fraction of the frame's size."""


_EXPOSURES = {Camera.SCAN: (0.94, 1.0), Camera.PHONE: (0.8, 1.08), Camera.HARD: (0.55, 1.1)}
"""Light on the brightest place, as a part of what makes paper look as bright as it is."""


def lit(
    image: Gray,
    camera: Camera,
    floor: float,
    rng: np.random.Generator,
    *,
    glossy: bool = False,
) -> Gray:
    """Shine on an image.

    Args:
        image: (H, W, 3) uint8, BGR, as under full light.
        camera: How far light and shadow go.
        floor: Least light anywhere (0-1), so that the palest ink is still seen.
        rng: Source of every draw.
        glossy: Lamps and windows are reflected, as on a whiteboard.

    Returns:
        (H, W, 3) uint8.
    """
    height, width = image.shape[:2]
    coarse = max(height // COARSE, 4), max(width // COARSE, 4)
    light = _brightness(coarse, camera, rng)
    tint = rng.normal(0, 0.03 if camera is Camera.SCAN else 0.06, 3) * [1, 0.3, 1]
    # Cameras set the exposure by what is bright.
    low, high = _EXPOSURES[camera]
    gain = rng.uniform(low, high) / float(light.max())
    planes = [np.clip(np.maximum(light * (gain * (1 + each)), floor), 0, 1) for each in tint]
    shine = cv2.merge([np.asarray(plane * 255, np.uint8) for plane in planes])
    full = cv2.resize(shine, (width, height), interpolation=cv2.INTER_LINEAR)
    lighted = cv2.multiply(image, full, scale=1 / 255)
    if rng.random() < (0.4 if glossy else 0.25) and (glossy or camera is Camera.HARD):
        lighted = cv2.add(lighted, _glare(coarse, (height, width), rng))
    return np.asarray(lighted, np.uint8)


def edge_shadow(ground: Gray, corners: Plane, rng: np.random.Generator) -> Gray:
    """Darken the ground beside a sheet.

    Args:
        ground: (H, W, 3) uint8.
        corners: (4, 2) float32, corners of the sheet, px.
        rng: Source of depth and direction.
    """
    height, width = ground.shape[:2]
    coarse = max(height // COARSE, 4), max(width // COARSE, 4)
    reach = rng.uniform(1, 0.03 * max(height, width) + 2) / COARSE
    angle = rng.uniform(0, 2 * np.pi)
    moved = corners / COARSE + np.float32(reach) * np.array(
        [np.cos(angle), np.sin(angle)], np.float32
    )
    shade = np.zeros(coarse, np.float32)
    cv2.fillConvexPoly(shade, moved.astype(np.int32), (1.0,))
    shade = np.asarray(
        cv2.GaussianBlur(shade, (0, 0), 0.4 + reach * rng.uniform(0.3, 1)), np.float32
    )
    light = np.asarray((1 - rng.uniform(0.15, 0.7) * shade) * 255, np.uint8)
    full = cv2.resize(cv2.merge([light] * 3), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.multiply(ground, full, scale=1 / 255), np.uint8)


def _brightness(shape: tuple[int, int], camera: Camera, rng: np.random.Generator) -> Plane:
    y, x = np.meshgrid(
        np.linspace(-1, 1, shape[0], dtype=np.float32),
        np.linspace(-1, 1, shape[1], dtype=np.float32),
        indexing="ij",
    )
    light = np.ones(shape, np.float32)
    if camera is Camera.SCAN:
        return light
    hard = camera is Camera.HARD
    for _ in range(1 + int(rng.random() < 0.3)):  # A second lamp, now and then.
        angle, loss = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.45 if hard else 0.3)
        slope = np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y
        light *= 1 - np.float32(loss) * (slope * np.float32(0.35) + np.float32(0.5))
    if rng.random() < 0.35:
        light *= 1 - np.float32(rng.uniform(0.05, 0.35 if hard else 0.2)) * (x * x + y * y) / 2
    if rng.random() < 0.2:
        light *= 1 - np.float32(0.25) * clouds(shape, rng, 2, 2)
    for _ in range(int(rng.choice([0, 1, 2], p=[0.3, 0.5, 0.2] if hard else [0.55, 0.4, 0.05]))):
        light *= 1 - np.float32(rng.uniform(0.12, 0.62 if hard else 0.4)) * _shadow(
            shape, hard, rng
        )
    return light


def _shadow(shape: tuple[int, int], hard: bool, rng: np.random.Generator) -> Plane:
    """Cast a shadow: 1 where it is deepest."""
    height, width = shape
    shade = np.zeros(shape, np.uint8)
    side = max(shape)
    middle = rng.uniform(0.1, 0.9, 2) * [width, height]
    turn = float(rng.uniform(0, 360))
    match int(rng.integers(4)):
        case 0:  # A phone, and the arm that holds it.
            size = float(rng.uniform(0.25, 0.6) * side)
            corners = cv2.boxPoints((middle.tolist(), (size, size * 0.5), turn))
            cv2.fillConvexPoly(shade, corners.astype(np.int32), (255,))
            cv2.line(
                shade, _at(middle), _at(middle + rng.normal(0, side, 2)), (255,), side // 6 + 1
            )
        case 1:  # A hand.
            palm = float(rng.uniform(0.1, 0.25) * side)
            axes = (palm * 2, palm * 1.6)
            cv2.ellipse(shade, (middle.tolist(), axes, turn), (255,), -1)
            for finger in np.linspace(-0.7, 0.7, 4) + np.deg2rad(turn):
                tip = middle + palm * rng.uniform(1.6, 2.3) * np.array(
                    [np.cos(finger), np.sin(finger)]
                )
                cv2.line(shade, _at(middle), _at(tip), (255,), int(palm * 0.4) + 1)
        case 2:  # Something large beside the page.
            angle = np.deg2rad(turn)
            far = 2 * side * np.array([np.cos(angle), np.sin(angle)])
            across = np.array([-far[1], far[0]])
            quad = np.stack([middle - across, middle + across, middle + across + far,
                             middle - across + far])  # fmt: skip
            cv2.fillConvexPoly(shade, quad.astype(np.int32), (255,))
        case _:  # A pen, a window's bar.
            end = middle + rng.normal(0, 0.6 * side, 2)
            cv2.line(shade, _at(middle), _at(end), (255,), int(rng.uniform(0.01, 0.08) * side) + 1)
    softness = (
        rng.uniform(0.3, 3) if hard and rng.random() < 0.5 else rng.uniform(3, 0.08 * side + 4)
    )
    return _softened(shade, float(softness)).astype(np.float32) * np.float32(1 / 255)


def _softened(shade: Gray, sigma_px: float) -> Gray:
    """Blur; a wide Gaussian is nearly what two boxes make, in a tenth of the time."""
    if sigma_px < 2:
        return np.asarray(cv2.GaussianBlur(shade, (0, 0), sigma_px), np.uint8)
    side = round(sigma_px * 6**0.5)
    return np.asarray(cv2.blur(cv2.blur(shade, (side, side)), (side, side)), np.uint8)


def _glare(coarse: tuple[int, int], shape: tuple[int, int], rng: np.random.Generator) -> Gray:
    """Return light to add: reflexes of a lamp or window on a glossy page."""
    spot = np.zeros(coarse, np.float32)
    for _ in range(int(rng.integers(1, 4))):
        middle = rng.uniform(0, 1, 2) * coarse[::-1]
        axes = (rng.uniform(0.03, 0.25, 2) * max(coarse)).tolist()
        cv2.ellipse(spot, (middle.tolist(), axes, float(rng.uniform(0, 360))), (1.0,), -1)
    spot = np.asarray(cv2.GaussianBlur(spot, (0, 0), float(rng.uniform(2, 0.1 * max(coarse) + 3))))
    full = enlarged(np.asarray(spot * np.float32(rng.uniform(30, 110)), np.float32), shape)
    return np.asarray(cv2.merge([full.astype(np.uint8)] * 3), np.uint8)


def _at(point: NDArray[np.float64]) -> tuple[int, int]:
    return int(point[0]), int(point[1])
