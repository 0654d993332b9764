"""Renders photographs of digits on paper, with the place and value of every digit known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from .handwriting import draw_digit

Gray = NDArray[np.uint8]
Plane = NDArray[np.float32]
Colour = tuple[float, float, float]

INK_LEVEL = 64
"""Coverage (0-255) from which a pixel belongs to a glyph; boxes are tight around these."""

HEIGHT_PX = (16.0, 90.0)
"""Smallest and largest base height of the digits of a scene."""

GAP = 0.15
"""Least free space between neighbours, as a fraction of the base height."""

MIN_GAP_PX = 3
"""Least free space between neighbours, however small the digits are."""

_PENS: tuple[tuple[Colour, Colour], ...] = (
    ((0.08, 0.07, 0.07), (0.35, 0.32, 0.32)),  # black
    ((0.45, 0.15, 0.08), (0.85, 0.45, 0.35)),  # blue
    ((0.3, 0.3, 0.3), (0.5, 0.48, 0.48)),  # pencil
)
"""Darkest and lightest BGR of each tool as a fraction of the paper; the pencil is the last."""

_RULINGS: tuple[Literal["none", "lines", "squares"], ...] = (
    "none", "none", "none", "none", "none", "none", "lines", "squares",
)  # fmt: skip
"""What paper is ruled with: a quarter of it is."""


@dataclass(frozen=True)
class PlacedDigit:
    """A digit in a scene; the box is tight around its ink before the blur, in image pixels."""

    digit: int
    """Label that came with the glyph."""
    x: int
    """Left edge of the box."""
    y: int
    """Top edge of the box."""
    width: int
    """Columns in the box, 1 or more."""
    height: int
    """Rows in the box, 1 or more."""


@dataclass(frozen=True)
class Scene:
    """A rendered photograph and what is written in it."""

    image: NDArray[np.uint8]
    """(H, W, 3) uint8, BGR."""
    digits: tuple[PlacedDigit, ...]
    """Everything that was written, row by row, left to right."""


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
    ink_threshold: float = 0.5
    """Coverage (0-1) where the edge of an enlarged glyph runs; more makes strokes thinner."""
    texture: float = 0.008
    """Standard deviation of the paper's texture, as a fraction of its brightness."""
    ruling: Literal["none", "lines", "squares"] = "none"
    """Pattern printed on the paper."""
    ruling_contrast: float = 8.0
    """Grey levels between ruling and paper."""
    ruling_pitch_px: float = 40.0
    """Distance of neighbouring ruled lines in pixels."""
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


def random_look(rng: np.random.Generator) -> Look:
    """Draw paper, pen, light and camera as phone photographs of notes vary in them."""
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
        ink_threshold=float(rng.uniform(0.35, 0.6)),
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


def render_scene(
    glyphs: Sequence[Gray],
    labels: Sequence[int],
    rng: np.random.Generator,
    *,
    size: tuple[int, int] = (480, 640),
    look: Look | None = None,
    height_px: float | None = None,
) -> Scene:
    """Write glyphs on paper in loose lines of text and photograph it.

    Args:
        glyphs: (h, w) uint8 each, white ink (255) on black (0), with or without a margin.
        labels: what each glyph is; copied to `PlacedDigit.digit`.
        rng: source of every random choice; equal states render equal scenes.
        size: height and width of the image in pixels.
        look: paper, pen, light and camera; by default `random_look(rng)`.
        height_px: base height of the digits in pixels; by default drawn from `HEIGHT_PX`.

    Returns:
        The photograph and the glyphs that fit on it, in the order given; the rest is left out.

    Raises:
        ValueError: if glyphs and labels differ in number, or a glyph holds no ink.

    """
    if len(glyphs) != len(labels):
        raise ValueError(f"labels: expected one a glyph ({len(glyphs)}), found {len(labels)}")
    look = look or random_look(rng)
    base = height_px or float(np.exp(rng.uniform(*np.log(HEIGHT_PX))))
    coverage = np.zeros(size, np.uint8)
    digits = tuple(_write_text(coverage, glyphs, labels, base, look, rng))
    return Scene(photograph(coverage, look, rng), digits)


def render_rows(
    rows: Sequence[str],
    rng: np.random.Generator,
    *,
    size: tuple[int, int] = (480, 640),
    height_px: int = 40,
    look: Look | None = None,
) -> Scene:
    """Write the given rows of digits evenly, top to bottom, and photograph them.

    Args:
        rows: digits 0-9 and spaces, for example `["31415", "27 18"]`.
        rng: source of the handwriting and of texture, shadow and noise.
        size: height and width of the image in pixels.
        height_px: height of every digit in pixels, 8 or more.
        look: paper, pen, light and camera; by default `Look()`, a well-lit white sheet.

    Returns:
        The photograph with every digit of every row, in reading order.

    Raises:
        ValueError: if a row holds something else, or the rows do not fit on the image.

    """
    text = "".join(rows).replace(" ", "")
    if not text or not (text.isascii() and text.isdigit()):
        raise ValueError(f"rows: expected digits 0-9 and spaces, found {list(rows)}")
    inks = [draw_digit(int(character), rng, height_px) for character in text]
    gap = _gap_px(height_px)
    cell = max(ink.shape[1] for ink in inks) + gap
    pitch, longest = size[0] // len(rows), max(map(len, rows))
    if pitch < height_px + gap or longest * cell + gap > size[1]:
        raise ValueError(
            f"rows: expected to fit on {size[1]} x {size[0]} px, found {len(rows)} rows of up to "
            f"{longest} digits of {cell} x {height_px + gap} px; lower height_px"
        )
    coverage = np.zeros(size, np.uint8)
    left, top = (size[1] - longest * cell) // 2, (pitch - height_px) // 2
    places = [(x, y) for y, row in enumerate(rows) for x, sign in enumerate(row) if sign != " "]
    digits = []
    for ink, sign, (column, line) in zip(inks, text, places, strict=True):
        x = left + column * cell + (cell - ink.shape[1]) // 2
        digits.append(_put(coverage, ink, int(sign), x, top + line * pitch))
    return Scene(photograph(coverage, look or Look(), rng), tuple(digits))


def photograph(coverage: Gray, look: Look, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Turn a plane of ink into a photograph of it.

    Args:
        coverage: (H, W) uint8, 0 bare paper to 255 full stroke.
        look: paper, pen, light and camera.
        rng: source of grain, shadow, ruling and noise.

    Returns:
        image : (H, W, 3) uint8, BGR.

    """
    _keep_freed_memory()
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
    noise = _noise(coverage.shape, 2, look.noise_sigma, rng)
    planes = []
    for plane in _colour_planes(ink, ruling, look):
        cv2.multiply(plane, light, plane)
        planes.append(cv2.add(plane, noise, dtype=cv2.CV_8U))
    options = [cv2.IMWRITE_JPEG_QUALITY, look.jpeg_quality]
    jpeg = cv2.imencode(".jpg", cv2.merge(planes), options)[1]
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8)


@cache
def _keep_freed_memory() -> None:
    """Have glibc keep what is freed, since a scene's fresh pages cost as much time as its pixels.

    Freeing a large mapping raises the thresholds for mapping and trimming for good: mallopt(3),
    M_MMAP_THRESHOLD. The memory is never touched, and other allocators take no notice.
    """
    np.empty(16 << 20, np.uint8)


def _gap_px(height_px: float) -> int:
    return max(MIN_GAP_PX, int(np.ceil(GAP * height_px)))


def _put(coverage: Gray, ink: Gray, digit: int, x: int, y: int) -> PlacedDigit:
    height, width = ink.shape
    coverage[y : y + height, x : x + width] = ink
    return PlacedDigit(digit, x, y, width, height)


def _write_text(
    coverage: Gray,
    glyphs: Sequence[Gray],
    labels: Sequence[int],
    base: float,
    look: Look,
    rng: np.random.Generator,
) -> Iterator[PlacedDigit]:
    """Write into `coverage` what fits, in lines that slope alike and never come too close."""
    height, width = coverage.shape
    gap = _gap_px(base)
    slope = float(np.clip(rng.normal(0, 0.015), -0.04, 0.04))
    word_rate, looseness = rng.uniform(0, 0.3), rng.uniform(0.05, 0.5)
    # Tallest digit, baseline jitter both ways and what the slope adds between two neighbours.
    pitch = base * (1.12 + 2 * 0.06 + 0.1 + rng.exponential(0.4)) + gap
    left = rng.uniform(4, 4 + 0.12 * width)
    x, baseline = left, base * 1.18 + abs(slope) * width / 2 + rng.uniform(4, 4 + 0.12 * height)
    for index, (glyph, label) in enumerate(zip(glyphs, labels, strict=True)):
        ink = _traced(glyph, index, base * rng.uniform(0.88, 1.12), look.ink_threshold)
        rise = base * rng.uniform(-0.06, 0.06)
        space = gap + base * (rng.exponential(looseness) + (rng.random() < word_rate))
        tall, wide = ink.shape
        if x + wide > width - 4 or (x > left and rng.random() < 0.03):
            x, baseline = left + rng.uniform(0, base), baseline + pitch
        y = round(baseline + slope * (x - width / 2) + rise) - tall
        if y + tall > height - 4:
            return  # The sheet is full.
        if x + wide > width - 4 or y < 4:
            continue
        yield _put(coverage, ink, int(label), int(x), y)
        x += wide + space


def _traced(glyph: Gray, index: int, height_px: float, threshold: float) -> Gray:
    """Resize a glyph's ink to a height, at most twice as wide, and crop it to the ink."""
    ink = _cropped(glyph)
    if not ink.size:
        raise ValueError(f"glyphs[{index}]: expected ink of {INK_LEVEL} or more, found none")
    tall, wide = ink.shape
    scale = min(height_px / tall, 2 * height_px / wide)
    size = max(1, round(wide * scale)), max(1, round(tall * scale))
    way = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    resized = cv2.resize(ink, size, interpolation=way)
    ink = np.asarray(cv2.normalize(resized, resized, 255, 0, cv2.NORM_INF), np.uint8)
    if scale > 1.5:  # Enlarging softens the edge by `scale`; this makes it one pixel wide again.
        ramp = (np.arange(256) - 255 * threshold) * scale + 127.5
        ink = np.asarray(cv2.LUT(ink, np.clip(ramp, 0, 255).astype(np.uint8)), np.uint8)
    return _cropped(ink)


def _cropped(glyph: Gray) -> Gray:
    x, y, width, height = cv2.boundingRect((glyph >= INK_LEVEL).view(np.uint8))
    return glyph[y : y + height, x : x + width]


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
        cv2.line(plane, begin, end, (look.ruling_contrast,), 2, cv2.LINE_AA)
    return _lens(plane, look)


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
