"""Photographed characters, a folder a class, as hands."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ..errors import DataError
from ..paper import part_of
from .bitmaps import split_hands
from .hand import Hand
from .texture import Plane

_LEAST_CONTRAST = 25
"""Grey levels between paper and ink below which a picture is left out."""


def load_characters(folder: Path) -> list[Hand]:
    """Load ``characters/0`` … ``upper_a`` … ``lower_a`` … as hands, less what is held back.

    Raises:
        DataError: there are no pictures, or one can't be read.

    """
    images: list[Plane] = []
    labels: list[str] = []
    for path in sorted((folder / "characters").glob("*/*.png")):
        label = _label(path.parent)
        if part_of(f"characters/{path.parent.name}/{path.name}") != "training":
            continue
        gray = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if gray is None:
            raise DataError(f"{path}: expected a picture, cannot read it; get it anew")
        ink = ink_of_photograph(np.asarray(gray, np.uint8))
        if ink is not None:
            images.append(ink)
            labels.append(label)
    if not images:
        raise DataError(
            f"{folder / 'characters'}: expected folders of .png pictures, found none; get them anew"
        )
    return split_hands("characters", images, labels)


def _label(folder: Path) -> str:
    case, _, letter = folder.name.rpartition("_")
    if len(letter) != 1 or case not in ("", "upper", "lower"):
        raise DataError(
            f"{folder}: expected a folder named 0-9, upper_a or lower_a, found {folder.name}; "
            "move it away"
        )
    return letter.upper() if case == "upper" else letter


def ink_of_photograph(gray: Plane) -> Plane | None:
    """Return the ink of a dark character on light paper as white on black; None if it is faint."""
    paper = cv2.medianBlur(gray, 2 * (min(gray.shape) // 3) + 1)
    edge = np.median(np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]]))
    # Paper is as bright as its surroundings, where a broad stroke fills them as the border.
    paper = np.maximum(paper, edge.astype(np.uint8))
    dark = cv2.subtract(paper, gray)
    top = float(np.percentile(dark, 98))
    if top < _LEAST_CONTRAST:
        return None
    ink = np.asarray(cv2.convertScaleAbs(dark, alpha=255 / top), np.uint8)
    number, labels, stats, _ = cv2.connectedComponentsWithStats((ink > 90).view(np.uint8))
    if number < 2:
        return None
    area = stats[1:, cv2.CC_STAT_AREA]
    largest = int(area.max())
    for k in range(1, number):
        x, y, width, height, size = stats[k].tolist()
        bordering = x == 0 or y == 0 or x + width == gray.shape[1] or y + height == gray.shape[0]
        if size < 0.02 * largest or (bordering and size < 0.4 * largest):  # A neighbour's end.
            ink[labels == k] = 0
    return ink
