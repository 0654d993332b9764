"""Writes digits on paper and photographs it, with the place and value of every digit known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .handwriting import draw_digit
from .photograph import Gray, Look, photograph

INK_LEVEL = 64
"""Coverage (0-255) from which a pixel belongs to a glyph; boxes are tight around these."""

GAP = 0.15
"""Least free space between neighbours, as a fraction of the base height."""

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
