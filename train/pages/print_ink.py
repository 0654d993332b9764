"""Print in many typefaces: lines of letters and digits that no hand wrote."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cache

import cv2
import numpy as np

from digitcam.train.pens.hand import Glyph, Hand
from digitcam.train.pens.pen import Pen

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


FACES: dict[str, Face | None] = {
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
    "set_hand": None,
}
"""Every typeface by its name; the last sets a font's glyphs, if one is among the hands."""


@dataclass(frozen=True)
class Type:
    """A typeface as it is chosen for a page."""

    name: str
    """In FACES."""
    hand: Hand | None = None
    """Whose glyphs are set."""
    set_glyphs: dict[tuple[str, float], Glyph] = field(default_factory=dict, compare=False)
    """Glyphs by character and height, px: in print, equal letters look alike."""


def random_type(
    rng: np.random.Generator, fonts: Sequence[Hand], without: Collection[str] = ()
) -> Type:
    """Draw a typeface; `fonts` are hands that look like print when they are set evenly.

    Raises:
        ValueError: every typeface is left out.
    """
    names = [name for name in FACES if name not in without and (FACES[name] or fonts)]
    if not names:
        raise ValueError(f"without: expected to leave a typeface of {sorted(FACES)}, left none")
    if fonts and "set_hand" in names and rng.random() < 0.2:
        return Type("set_hand", fonts[int(rng.integers(len(fonts)))])
    name = names[int(rng.integers(len(names)))]
    return Type(name, None if FACES[name] else fonts[int(rng.integers(len(fonts)))])


def set_line(text: str, height_px: float, face: Type, rng: np.random.Generator) -> Gray:
    """Set one line.

    Args:
        text: ASCII; what the typeface lacks is left out.
        height_px: Height of a capital letter or digit, px.
        face: The typeface.
        rng: Source of what a font's glyphs leave to chance.

    Returns:
        (h, w) uint8 coverage, cut to the ink; (1, 1) of 0 if there is none.
    """
    made = FACES[face.name]
    if made is not None:
        return _cut(_scaled(_drawn(text, made), height_px, made))
    if face.hand is None:
        raise ValueError("face: expected a hand beside set_hand, found None")
    return _cut(_set(text, height_px, face, face.hand, rng))


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


def _set(text: str, height_px: float, face: Type, hand: Hand, rng: np.random.Generator) -> Gray:
    """Set a font's glyphs on a straight baseline, each where the last one ends."""
    pen, placed, x = Pen(width=0.09), [], 0.0
    for sign in text:
        if sign in hand.characters:
            glyph = face.set_glyphs.get((sign, height_px))
            if glyph is None:
                glyph = hand.glyph(sign, height_px, pen, rng)
                face.set_glyphs[sign, height_px] = glyph
            placed.append((glyph, round(x)))
            x += glyph.advance
        else:
            x += 0.4 * height_px
    if not placed:
        return np.zeros((1, 1), np.uint8)
    top = max(round(glyph.rise) + glyph.ink.shape[0] for glyph, _ in placed)
    low = min(round(glyph.rise) for glyph, _ in placed)
    right = max(left + glyph.ink.shape[1] for glyph, left in placed)
    line = np.zeros((top - low, right), np.uint8)
    for glyph, left in placed:
        tall, wide = glyph.ink.shape
        y = top - round(glyph.rise) - tall
        place = line[y : y + tall, left : left + wide]
        np.maximum(place, glyph.ink, out=place)
    return line


def _cut(ink: Gray) -> Gray:
    x, y, width, height = cv2.boundingRect((ink >= 40).view(np.uint8))
    return ink[y : y + height, x : x + width] if width else np.zeros((1, 1), np.uint8)
