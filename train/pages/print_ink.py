"""Print in many typefaces: lines of letters and digits that no hand wrote."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from .page import Gray

DRAWN_PX = 36
"""Height of a capital letter, px, that Hershey's letters are drawn at before they are scaled."""


@dataclass(frozen=True)
class Face:
    """A typeface made of one of OpenCV's Hershey fonts."""

    font: int
    thickness: int = 3
    """Of a stroke, px of DRAWN_PX."""
    stem: int = 0
    """How many px thicker upright strokes are."""
    width: float = 1.0
    """Breadth of the letters."""
    shear: float = 0.0
    """Columns that the top leans to the right by, per row."""
    dots: int = 0
    """Rows of dots that a capital letter is made of; 0 for lines."""
    outline: bool = False


FACES: dict[str, Face] = {
    "sans": Face(cv2.FONT_HERSHEY_DUPLEX, 3),
    "sans_thin": Face(cv2.FONT_HERSHEY_SIMPLEX, 2),
    "sans_bold": Face(cv2.FONT_HERSHEY_DUPLEX, 7, 1),
    "sans_narrow": Face(cv2.FONT_HERSHEY_DUPLEX, 4, 0, 0.66),
    "sans_oblique": Face(cv2.FONT_HERSHEY_DUPLEX, 3, 0, 0.9, 0.22),
    "sans_wide": Face(cv2.FONT_HERSHEY_SIMPLEX, 4, 0, 1.3),
    "serif": Face(cv2.FONT_HERSHEY_COMPLEX, 1, 3, 0.9),
    "serif_bold": Face(cv2.FONT_HERSHEY_TRIPLEX, 2, 5, 0.95),
    "serif_italic": Face(cv2.FONT_HERSHEY_COMPLEX | cv2.FONT_ITALIC, 1, 2, 0.85),
    "serif_narrow": Face(cv2.FONT_HERSHEY_COMPLEX, 2, 3, 0.62),
    "typewriter": Face(cv2.FONT_HERSHEY_COMPLEX, 3, 0, 1.05),
    "plain": Face(cv2.FONT_HERSHEY_PLAIN, 3, 0, 0.9),
    "heavy": Face(cv2.FONT_HERSHEY_TRIPLEX, 7, 5, 0.9),
    "outlined": Face(cv2.FONT_HERSHEY_DUPLEX, 9, 0, 1.05, outline=True),
    "matrix": Face(cv2.FONT_HERSHEY_PLAIN, 3, 0, 0.95, dots=9),
    "pixels": Face(cv2.FONT_HERSHEY_PLAIN, 3, 0, 0.95, dots=8, outline=True),
}
"""Every typeface by its name. Fonts are hands: what they wrote and set would be the same twice."""


def random_face(rng: np.random.Generator, without: Collection[str] = ()) -> str:
    """Draw a typeface by its name.

    Raises:
        ValueError: every typeface is left out.
    """
    names = [name for name in FACES if name not in without]
    if not names:
        raise ValueError(f"without: expected to leave a typeface of {sorted(FACES)}, left none")
    return names[int(rng.integers(len(names)))]


def set_line(text: str, height_px: float, name: str) -> Gray:
    """Set one line.

    Args:
        text: ASCII.
        height_px: Height of a capital letter or digit, px.
        name: The typeface.

    Returns:
        (h, w) uint8 coverage, cut to the ink; (1, 1) of 0 if there is none.
    """
    face = FACES[name]
    return _cut(_scaled(_drawn(text, face), height_px, face))


@cache
def _cap_px(font: int) -> int:
    return int(cv2.getTextSize("H", font, 4, 1)[0][1])


def _drawn(text: str, face: Face) -> Gray:
    tall = face.dots or DRAWN_PX
    scale = 4 * tall / _cap_px(face.font & ~cv2.FONT_ITALIC)
    thickness = 1 if face.dots else face.thickness
    (width, height), low = cv2.getTextSize(text, face.font, scale, thickness)
    pad = thickness + 2
    canvas = np.zeros((height + low + 2 * pad, width + 2 * pad), np.uint8)
    way = cv2.LINE_8 if face.dots else cv2.LINE_AA
    cv2.putText(canvas, text, (pad, height + pad), face.font, scale, (255,), thickness, way)
    if face.dots:
        return _dotted(canvas, face.outline)
    if face.stem:
        canvas = np.asarray(cv2.dilate(canvas, np.ones((1, face.stem + 1), np.uint8)), np.uint8)
    if face.outline:
        thin = cv2.erode(canvas, np.ones((5, 5), np.uint8))
        canvas = np.asarray(cv2.subtract(canvas, thin), np.uint8)
    return canvas


def _dotted(rows: Gray, square: bool) -> Gray:
    """Show each set pixel as a dot of 4 px."""
    cell = np.ones((4, 4), np.uint8)
    if not square:
        cell[0], cell[:, 0] = 0, 0
    return np.kron((rows > 0).astype(np.uint8) * np.uint8(255), cell)


def _scaled(canvas: Gray, height_px: float, face: Face) -> Gray:
    scale = height_px / (face.dots * 4 or DRAWN_PX)
    tall, wide = canvas.shape
    size = max(round(wide * scale * face.width), 1), max(round(tall * scale), 1)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = np.asarray(cv2.resize(canvas, size, interpolation=way), np.uint8)
    if not face.shear:
        return small
    lean = round(face.shear * size[1])
    turn = np.array([[1, -face.shear, lean], [0, 1, 0]], np.float32)
    return np.asarray(cv2.warpAffine(small, turn, (size[0] + lean, size[1])), np.uint8)


def _cut(ink: Gray) -> Gray:
    x, y, width, height = cv2.boundingRect((ink >= 40).view(np.uint8))
    return ink[y : y + height, x : x + width] if width else np.zeros((1, 1), np.uint8)
