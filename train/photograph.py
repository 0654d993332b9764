"""What paper, pen, light and camera make of a plane of ink."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from digitcam.edge.memory import keep_freed_memory

Gray = NDArray[np.uint8]
Plane = NDArray[np.float32]
Colour = tuple[float, float, float]

_PENS: tuple[tuple[Colour, Colour], ...] = (
    ((0.08, 0.07, 0.07), (0.35, 0.32, 0.32)),  # black
    ((0.45, 0.15, 0.08), (0.85, 0.45, 0.35)),  # blue
    ((0.3, 0.3, 0.3), (0.5, 0.48, 0.48)),  # pencil
)
"""Darkest and lightest BGR of each tool as a fraction of the paper; the pencil is the last."""

_PATTERNS: tuple[Literal["none", "waves", "dots", "hatching"], ...] = (
    "none", "waves", "dots", "hatching",
)  # fmt: skip

_RULINGS: tuple[Literal["none", "lines", "squares"], ...] = (
    "none", "none", "none", "none", "none", "none", "lines", "squares",
)  # fmt: skip
"""What paper is ruled with: a quarter of it is."""


@dataclass(frozen=True)
class Look:
    """How paper, light and camera make the ink look; the defaults are a well-lit white sheet."""

    light_on_dark: bool = False
    """Chalk on a board instead of ink on paper; says which of the two colours is the brighter."""
    paper_bgr: Colour = (205.0, 210.0, 212.0)
    """Colour of the paper or board under full light (0-255)."""
    ink_bgr: Colour = (40.0, 32.0, 30.0)
    """Colour of the ink or chalk under full light (0-255)."""
    ink_alpha: float = 0.95
    """How much of the paper a full stroke hides (0-1)."""
    ink_grain: float = 0.0
    """How much of a stroke the paper's grain breaks up (0-1); pencil and chalk have some."""
    texture: float = 0.008
    """Standard deviation of the paper's texture, as a fraction of its brightness."""
    ruling: Literal["none", "lines", "squares"] = "none"
    """Pattern printed on the paper."""
    ruling_contrast: float = 8.0
    """Grey levels between ruling and paper."""
    ruling_pitch_px: float = 40.0
    """Distance of neighbouring ruled lines in pixels."""
    ruling_width_px: int = 2
    """Thickness of the ruled lines in pixels."""
    pattern: Literal["none", "waves", "dots", "hatching"] = "none"
    """Fine print under the writing, as on cheques."""
    pattern_contrast: float = 10.0
    """Grey levels between the pattern and the paper."""
    table: float | None = None
    """Brightness of a table (0-255) that the sheet leaves bare along one side; None for none."""
    light_falloff: float = 0.1
    """Part of the light lost from the brightest side of the image to the darkest (0-1)."""
    light_angle: float = 0.7
    """Direction in which the light falls off, in radians from the x axis."""
    shadow_depth: float = 0.0
    """Part of the light that a shadow takes away (0-1)."""
    shadow_softness_px: float = 40.0
    """Width of the shadow's edge in pixels."""
    blur_sigma_px: float = 0.6
    """Standard deviation of the lens blur in pixels."""
    noise_sigma: float = 2.0
    """Standard deviation of the sensor noise in grey levels."""
    jpeg_quality: int = 90
    """Quality of the JPEG round trip (1-100)."""


def random_look(rng: np.random.Generator, *, hard: bool = False) -> Look:
    """Draw paper, pen, light and camera as phone photographs of notes vary in them.

    Args:
        rng: Source of every draw.
        hard: Strong rulings, patterns, tables, edges of shadows and noise come too.
    """
    look = _random_look(rng)
    if not hard:
        return look
    return replace(
        look,
        ruling=_RULINGS[-1 - int(rng.integers(3))],
        ruling_contrast=float(rng.uniform(8, 60)),
        ruling_width_px=int(rng.integers(1, 5)),
        pattern=_PATTERNS[int(rng.integers(len(_PATTERNS)))],
        pattern_contrast=float(rng.uniform(4, 25)),
        table=float(rng.uniform(10, 250)) if rng.random() < 0.25 else None,
        shadow_softness_px=float(rng.uniform(1, 40)),
        noise_sigma=float(12 * rng.random() ** 2),
    )


def _random_look(rng: np.random.Generator) -> Look:
    board = bool(rng.random() < 0.1)
    pen = int(rng.integers(len(_PENS)))
    pencil = pen == len(_PENS) - 1
    dark, light = np.array(_PENS[pen])
    paper = rng.uniform(130, 240) * (1 + rng.normal(0, 0.03, 3))
    ink = paper * (dark + (light - dark) * rng.random())
    if board:
        paper = rng.uniform(25, 85) * (1 + rng.normal(0, 0.1, 3))
        ink = rng.uniform(180, 245) * (1 + rng.normal(0, 0.05, 3))
    return Look(
        light_on_dark=board,
        paper_bgr=_bgr(paper),
        ink_bgr=_bgr(ink),
        ink_alpha=float(rng.uniform(0.35, 0.85) if pencil else rng.uniform(0.6, 1.0)),
        ink_grain=float(rng.uniform(0.1, 0.4) if pencil or board else 0),
        texture=float(rng.uniform(0.002, 0.02)),
        ruling=_RULINGS[int(rng.integers(len(_RULINGS)))],
        ruling_contrast=float(rng.uniform(5, 12)),
        ruling_pitch_px=float(rng.uniform(20, 80)),
        light_falloff=float(rng.uniform(0, 0.4)),
        light_angle=float(rng.uniform(0, 2 * np.pi)),
        shadow_depth=float(rng.uniform(0.1, 0.45)) if rng.random() < 0.5 else 0.0,
        shadow_softness_px=float(rng.uniform(8, 120)),
        blur_sigma_px=float(rng.uniform(0, 1.5)),
        noise_sigma=float(6 * rng.random() ** 2),
        jpeg_quality=int(rng.integers(40, 96)),
    )


def photograph(coverage: Gray, look: Look, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Turn a plane of ink into a photograph of it.

    Args:
        coverage: (H, W) uint8, 0 bare paper to 255 full stroke.
        look: paper, pen, light and camera.
        rng: source of grain, shadow, ruling and noise.

    Returns:
        image : (H, W, 3) uint8, BGR.

    """
    keep_freed_memory()
    height, width = coverage.shape
    # What is soft is computed at half the size.
    half = (height + 1) // 2, (width + 1) // 2
    grain = _noise(half, 3, 1.0, rng)
    light = _light(half, look, rng)
    light += light * grain * look.texture
    light = np.asarray(cv2.resize(light, (width, height)), np.float32)
    ink = coverage
    if look.ink_grain:
        holes = cv2.resize(1 - look.ink_grain * np.clip(grain + 0.5, 0, 1), (width, height))
        ink = np.asarray(cv2.multiply(ink, holes, dtype=cv2.CV_8U), np.uint8)
    ink = _lens(ink, look)
    ruling = None if look.ruling == "none" else _ruling(coverage.shape, look, rng)
    if look.pattern != "none":
        pattern = _pattern(coverage.shape, look, rng)
        ruling = pattern if ruling is None else np.maximum(ruling, pattern)
    noise = _noise(coverage.shape, 2, look.noise_sigma, rng)
    planes: list[Gray] = []
    for plane in _colour_planes(ink, ruling, look):
        cv2.multiply(plane, light, plane)
        planes.append(np.asarray(cv2.add(plane, noise, dtype=cv2.CV_8U), np.uint8))
    if look.table is not None:
        _bare_table(planes, look.table, rng)
    options = [cv2.IMWRITE_JPEG_QUALITY, look.jpeg_quality]
    jpeg = cv2.imencode(".jpg", cv2.merge(planes), options)[1]
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8)


def _bgr(values: NDArray[np.float64]) -> Colour:
    blue, green, red = np.clip(values, 0, 255).tolist()
    return blue, green, red


def _noise(size: tuple[int, ...], grain_px: int, sigma: float, rng: np.random.Generator) -> Plane:
    """Draw noise around 0 of standard deviation `sigma` in grains of about `grain_px` pixels.

    Sums of uniform bytes are near enough to a normal distribution, take a fraction of its time,
    and leave neighbours alike, as demosaicing does in a camera.
    """
    raw = rng.integers(0, 256, size, np.uint8)
    summed = cv2.boxFilter(raw, cv2.CV_32F, (grain_px, grain_px), normalize=False)
    noise = np.asarray(summed, np.float32)
    noise -= grain_px**2 * 127.5
    noise *= sigma / (grain_px * np.sqrt((256**2 - 1) / 12))
    return noise


def _light(half: tuple[int, int], look: Look, rng: np.random.Generator) -> Plane:
    """Shine on the sheet, float32 of half its size, 1 at most: a falloff and a soft shadow."""
    height, width = half
    # An eighth of the sheet's size shows all there is in something this smooth.
    y, x = np.mgrid[0:height:4, 0:width:4].astype(np.float32)
    y, x = y - height / 2, x - width / 2
    along = x * np.cos(look.light_angle) + y * np.sin(look.light_angle)
    light = 1 - look.light_falloff * (along / np.hypot(height, width) + 0.5)
    angle, bend = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.5)
    shift = rng.uniform(-0.5, 0.5) * (width * abs(np.cos(angle)) + height * abs(np.sin(angle)))
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    # Across its edge, whose width is that of the middle 76 %, the shadow sets in as a tanh.
    depth = (u - shift + bend * v * v / width) / (look.shadow_softness_px / 4)
    light *= 1 - look.shadow_depth * 0.5 * (1 + np.tanh(depth))
    return np.asarray(cv2.resize(light.astype(np.float32), (width, height)), np.float32)


def _ruling(size: tuple[int, ...], look: Look, rng: np.random.Generator) -> Gray:
    """Draw the printed lines, (H, W) uint8 in grey levels of contrast."""
    height, width = size
    plane = np.zeros((height, width), np.uint8)
    tilt, start = rng.normal(0, 0.01), rng.uniform(0, look.ruling_pitch_px)
    lines = [
        ((0, round(y)), (width, round(y + tilt * width)))
        for y in np.arange(start, height, look.ruling_pitch_px).tolist()
    ]
    if look.ruling == "squares":
        lines += [
            ((round(x), 0), (round(x - tilt * height), height))
            for x in np.arange(start, width, look.ruling_pitch_px).tolist()
        ]
    for begin, end in lines:
        cv2.line(plane, begin, end, (look.ruling_contrast,), look.ruling_width_px, cv2.LINE_AA)
    return _lens(plane, look)


def _pattern(size: tuple[int, ...], look: Look, rng: np.random.Generator) -> Gray:
    """Print fine lines or dots, (H, W) uint8 in grey levels of contrast."""
    height, width = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    pitch, angle = rng.uniform(4, 14), rng.uniform(0, np.pi)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    wave = np.zeros_like(along)
    if look.pattern == "waves":
        wave = rng.uniform(0.5, 2) * pitch * np.sin(along * (2 * np.pi / rng.uniform(30, 120)))
    print_ = np.cos((across + wave) * np.float32(2 * np.pi / pitch))
    if look.pattern == "dots":
        print_ = np.minimum(print_, np.cos(along * np.float32(2 * np.pi / pitch)))
    level = np.clip((print_ - rng.uniform(0, 0.7)) * 3, 0, 1) * look.pattern_contrast
    return _lens(level.astype(np.uint8), look)


def _bare_table(planes: list[Gray], level: float, rng: np.random.Generator) -> None:
    """Lay the sheet so that a strip of table shows along a slanted edge, in place."""
    height, width = planes[0].shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    u = (x - width / 2) * np.cos(angle) + (y - height / 2) * np.sin(angle)
    bare = u > rng.uniform(0.6, 0.95) * u.max()
    grain = rng.normal(level, rng.uniform(1, 15), (height // 4 + 1, width // 4 + 1))
    wood = cv2.resize(np.clip(grain, 0, 255).astype(np.uint8), (width, height))
    for plane in planes:
        plane[bare] = wood[bare]


def _lens(plane: Gray, look: Look) -> Gray:
    if look.blur_sigma_px < 0.2:  # Less than that moves no grey level.
        return plane
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), look.blur_sigma_px), np.uint8)


def _colour_planes(ink: Gray, ruling: Gray | None, look: Look) -> Iterator[Plane]:
    """Mix blue, green and red under full light, (H, W) float32 in memory that the next reuses."""
    plane = np.empty(ink.shape, np.float32)
    alpha = np.arange(256, dtype=np.float32) / 255 * look.ink_alpha
    print_on = cv2.add if look.light_on_dark else cv2.subtract
    for paper, pen in zip(look.paper_bgr, look.ink_bgr, strict=True):
        cv2.LUT(ink, paper + np.float32(pen - paper) * alpha, plane)
        if ruling is not None:
            print_on(plane, ruling, plane, dtype=cv2.CV_32F)
        yield plane
