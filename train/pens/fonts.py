"""Handwriting fonts as hands."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .field import PAD, field_of
from .hand import Hand
from .picture_hand import Picture, PictureHand
from .texture import Plane

FILE = "font_glyphs.npz"
SIDE_PX = 112
BASELINE = 84
"""Row of the baseline in a glyph's picture."""


def load_fonts(folder: Path) -> list[Hand]:
    """Load one hand a font.

    Raises:
        DataError: the file is missing, damaged, laid out otherwise, or a font lacks a digit.

    """
    path = folder / FILE
    glyphs, advance, characters, fonts = _read(path)
    rows = [characters.index(digit) for digit in "0123456789" if digit in characters]
    hands: list[Hand] = []
    for font, pictures, advances in zip(fonts, glyphs, advance, strict=True):
        lacking = [characters[row] for row in rows if not pictures[row].any()]
        if len(rows) < 10 or lacking:
            raise DataError(
                f"{path}: expected all ten digits in {font}, found none for "
                f"{', '.join(lacking) or 'some'}; leave that font out"
            )
        unit = float(np.median([np.ptp(np.flatnonzero(pictures[row].max(axis=1) > 127)) + 1
                                for row in rows]))  # fmt: skip
        ways: dict[str, list[Callable[[], Picture]]] = {
            character: [cache(partial(_measured, image, float(advances[row]), unit))]
            for row, (character, image) in enumerate(zip(characters, pictures, strict=True))
            if image.any()
        }
        hands.append(PictureHand(f"fonts:{font}", "fonts", ways))
    return hands


def _measured(image: Plane, advance: float, unit: float) -> Picture:
    threshold = 127 if image.max() > 127 else 0
    _, y, width, _ = cv2.boundingRect((image > threshold).view(np.uint8))
    field = field_of(image, threshold)
    middle = y - PAD + (field.distance.shape[0] - 1) / 2
    return Picture(field, unit, (BASELINE - 0.5 - middle) / unit, (advance - width) / unit)


def _read(path: Path) -> tuple[Plane, NDArray[np.float32], list[str], list[str]]:
    try:
        zipfile.ZipFile(path).close()  # np.load reads other formats too.
        with np.load(path, allow_pickle=False) as archive:
            glyphs, advance = archive["glyph"], archive["advance"]
            characters, fonts = archive["char"], archive["font"]
    except (OSError, EOFError, zlib.error, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path}: expected an .npz with glyph, advance, char and font, cannot read it: "
            f"{error}; get it anew"
        ) from error
    shape = (len(fonts), len(characters), SIDE_PX, SIDE_PX)
    if glyphs.dtype != np.uint8 or glyphs.shape != shape or advance.shape != shape[:2]:
        raise DataError(
            f"{path}: glyph must be uint8 {shape} and advance {shape[:2]}, found {glyphs.dtype} "
            f"{glyphs.shape} and {advance.shape}; get it anew"
        )
    return glyphs, advance, characters.tolist(), fonts.tolist()
