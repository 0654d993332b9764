"""Writes digits on paper and photographs it, with the place and value of every digit known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .handwriting import draw_digit
from .photograph import Gray, Look, photograph, random_look

INK_LEVEL = 64
"""Coverage (0-255) from which a pixel belongs to a glyph; boxes are tight around these."""

HEIGHT_PX = (16.0, 90.0)
"""Smallest and largest base height of the digits of a scene."""

GAP = 0.15
"""Least free space between neighbours, as a fraction of the base height."""

OVERLAP = (-0.03, 0.16)
"""How far a digit that shall touch reaches into the box of the one before, in base heights."""

CLUTTER = -1
"""Stands for a label where there is no digit."""

MIN_GAP_PX = 3
"""Least free space between neighbours, however small the digits are."""


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


def render_scene(
    glyphs: Sequence[Gray],
    labels: Sequence[int],
    rng: np.random.Generator,
    *,
    size: tuple[int, int] = (480, 640),
    look: Look | None = None,
    height_px: float | None = None,
    touching: float = 0.0,
    clutter: Sequence[Gray] = (),
) -> Scene:
    """Write glyphs on paper in loose lines of text and photograph it.

    Args:
        glyphs: (h, w) uint8 each, white ink (255) on black (0), with or without a margin.
        labels: what each glyph is; copied to `PlacedDigit.digit`.
        rng: source of every random choice; equal states render equal scenes.
        size: height and width of the image in pixels.
        look: paper, pen, light and camera; by default `random_look(rng)`.
        height_px: base height of the digits in pixels; by default drawn from `HEIGHT_PX`.
        touching: share of digits (0-1) that are written into the one before.
        clutter: (h, w) uint8 marks of their final size that are no digits, white ink on black;
            written among the digits.

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
    signs: list[tuple[Gray, int]] = list(zip(glyphs, labels, strict=True))
    for mark in clutter:
        signs.insert(int(rng.integers(len(signs) + 1)), (mark, CLUTTER))
    digits = tuple(_write_text(coverage, signs, base, touching, look, rng))
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


def _gap_px(height_px: float) -> int:
    return max(MIN_GAP_PX, int(np.ceil(GAP * height_px)))


def _put(coverage: Gray, ink: Gray, digit: int, x: int, y: int) -> PlacedDigit:
    height, width = ink.shape
    place = coverage[y : y + height, x : x + width]
    np.maximum(place, ink, out=place)
    return PlacedDigit(digit, x, y, width, height)


def _write_text(
    coverage: Gray,
    signs: Sequence[tuple[Gray, int]],
    base: float,
    touching: float,
    look: Look,
    rng: np.random.Generator,
) -> Iterator[PlacedDigit]:
    """Write into `coverage` what fits, in lines that slope alike; only what shall touch does."""
    height, width = coverage.shape
    gap = _gap_px(base)
    slope = float(np.clip(rng.normal(0, 0.015), -0.04, 0.04))
    word_rate, looseness = rng.uniform(0, 0.3), rng.uniform(0.05, 0.5)
    # Tallest digit, baseline jitter both ways and what the slope adds between two neighbours.
    pitch = base * (1.12 + 2 * 0.06 + 0.1 + rng.exponential(0.4)) + gap
    left = rng.uniform(4, 4 + 0.12 * width)
    x, baseline = left, base * 1.18 + abs(slope) * width / 2 + rng.uniform(4, 4 + 0.12 * height)
    before, last_space = CLUTTER, 0.0
    for index, (glyph, label) in enumerate(signs):
        if label == CLUTTER:
            ink = glyph
        else:
            ink = _traced(glyph, index, base * rng.uniform(0.88, 1.12), look.ink_threshold)
        rise = base * rng.uniform(-0.06, 0.06)
        space = gap + base * (rng.exponential(looseness) + (rng.random() < word_rate))
        tall, wide = ink.shape
        if touching and x > left and CLUTTER not in (before, label) and rng.random() < touching:
            x -= last_space + base * rng.uniform(*OVERLAP)
        if x + wide > width - 4 or (x > left and rng.random() < 0.03):
            x, baseline = left + rng.uniform(0, base), baseline + pitch
        y = round(baseline + slope * (x - width / 2) + rise) - tall
        if y + tall > height - 4:
            return  # The sheet is full.
        if x + wide > width - 4 or y < 4:
            continue
        placed = _put(coverage, ink, int(label), int(x), y)
        if label != CLUTTER:
            yield placed
        x += wide + space
        before, last_space = label, space


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
