"""Numbers of photographs: whole ones, and others put together from parts of several."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from functools import cached_property
from hashlib import sha256
from itertools import accumulate
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from digitcam.edge.frame import Box, GrayImage, enclosing_box
from digitcam.edge.reading.ink import find_ink
from digitcam.edge.reading.marks import Mark, find_marks

from ..damage import DAMAGE
from ..errors import DataError
from ..paper import Part, part_of, read_gray
from .sample import MAX_DIGITS
from .written import Ink

HEIGHT_PX = 48
"""Height of spliced digits, px, more or less."""
CANVAS_ROWS, BASELINE = 210, 145
"""Rows to put parts on, and the row that digits stand on."""
CUT_GAP_PX = -1.0
"""Numbers are cut where boxes are so far apart."""
WITHIN = 0.8
"""Part of a mark's box in those of the digits, from which it belongs to them."""
ANEW = 0.75
"""Part of a mark's ink that no stronger mark has, from which it is none of the same twice."""
SEEN = 0.7
"""Part of a digit's box in which ink was found, along either side, at least."""
INK = 50
"""Grey level from which a pixel bounds the ink."""


@dataclass(frozen=True)
class Spot:
    """Where a digit of a number stands, px of the number's ink."""

    left: float
    top: float
    right: float
    bottom: float
    digit: int


@dataclass(frozen=True)
class Photographed:
    """A number cut from a photograph."""

    ink: GrayImage
    """(h, w) uint8: contrast of its marks, strongest 255, 0 elsewhere."""
    marks: tuple[Mark, ...]
    """As the device finds them."""
    spots: tuple[Spot, ...]
    """One a digit, from left to right."""

    @property
    def digits(self) -> tuple[int, ...]:
        """What is written."""
        return tuple(spot.digit for spot in self.spots)

    @cached_property
    def cuts(self) -> list[tuple[int, int]]:
        """Where it may be cut: (digits to the left, column)."""
        width = self.ink.shape[1]
        reached = accumulate((spot.right for spot in self.spots), max)
        inside = [
            # A box may reach beyond the ink that was found.
            (place, min(max(round((right + spot.left) / 2), 0), width))
            for place, (right, spot) in enumerate(zip(reached, self.spots[1:], strict=False), 1)
            if spot.left - right >= CUT_GAP_PX
        ]
        return [(0, 0), *inside, (len(self.spots), width)]


def load_numbers(folder: Path, part: Part = "training") -> tuple[Photographed, ...]:
    """Return the numbers of the photographs in ``folder/amounts`` that are used for something.

    Raises:
        DataError: The set is damaged.
    """
    truth = folder / "amounts" / "truth.json"
    if not truth.exists():
        return ()
    try:
        return tuple(_numbers(folder / "amounts", part))
    except DAMAGE as error:
        raise DataError(
            f"{folder}: expected amounts/ with truth.json and its pictures, cannot use it: "
            f"{error!r:.120}; see CONTRIBUTING.md"
        ) from error


def digest_of(numbers: Sequence[Photographed]) -> str:
    """Return ``sha256:`` and a hash of numbers."""
    content = sha256()
    for number in numbers:
        content.update(number.ink.tobytes())
        content.update(np.array([astuple(spot) for spot in number.spots]).tobytes())
    return f"sha256:{content.hexdigest()}"


def _numbers(folder: Path, part: Part) -> Iterator[Photographed]:
    for name, entry in sorted(json.loads((folder / "truth.json").read_text()).items()):
        if part_of(f"amounts/{name}") != part or not entry.get("boxes"):
            continue
        boxes = sorted(entry["boxes"])
        places = [Box(*map(round, each[:4])) for each in boxes]
        luma = read_gray(folder / name)
        marks = _marks_within(find_marks(find_ink(luma)), places, luma.shape)
        if not marks:
            continue
        around = enclosing_box([mark.box for mark in marks])
        ink = _plane(marks, around)
        spots = tuple(
            Spot(
                place.x - around.x,
                place.y - around.y,
                place.right - around.x,
                place.bottom - around.y,
                int(digit),
            )
            for place, (*_, digit) in zip(places, boxes, strict=True)
        )
        if all(_is_seen(spot, ink) for spot in spots):
            yield Photographed(ink, tuple(marks), spots)


def _marks_within(
    marks: Sequence[Mark], places: Sequence[Box], shape: tuple[int, ...]
) -> list[Mark]:
    """Return the marks that digits are made of, none twice; the strongest come first."""
    room = np.zeros(shape, bool)
    for place in places:
        room[max(place.y, 0) : place.bottom, max(place.x, 0) : place.right] = True
    taken = np.zeros(shape, bool)
    kept = []
    for mark in marks:
        box = mark.box
        if room[box.y : box.bottom, box.x : box.right].mean() < WITHIN:
            continue
        own = _frame_plane(mark) >= mark.floor
        view = taken[box.y : box.y + own.shape[0], box.x : box.x + own.shape[1]]
        own = own[: view.shape[0], : view.shape[1]]
        if (own & ~view).sum() >= ANEW * own.sum():
            view |= own
            kept.append(mark)
    return kept


def _frame_plane(mark: Mark) -> NDArray[np.uint8]:
    """Return a mark's contrast in px of the frame."""
    size = mark.box.width, mark.box.height
    return np.asarray(cv2.resize(mark.contrast, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _plane(marks: Sequence[Mark], around: Box) -> GrayImage:
    """Return the contrast of marks together, strongest 255."""
    plane = np.zeros((around.height, around.width), np.uint8)
    for mark in marks:
        own = _frame_plane(mark)
        view = plane[mark.box.y - around.y :, mark.box.x - around.x :]
        view = view[: own.shape[0], : own.shape[1]]
        np.maximum(view, own, out=view)
    bright = cv2.convertScaleAbs(plane, alpha=255 / max(cv2.norm(plane, cv2.NORM_INF), 1))
    return np.asarray(bright, np.uint8)


def _is_seen(spot: Spot, ink: GrayImage) -> bool:
    """Say whether the ink of a digit was found, as good as all of it."""
    rows = slice(max(int(spot.top), 0), max(int(spot.bottom), 0))
    columns = slice(max(int(spot.left), 0), max(int(spot.right), 0))
    _, _, width, height = cv2.boundingRect((ink[rows, columns] > INK).view(np.uint8))
    return (
        width >= SEEN * (spot.right - spot.left) - 1
        and height >= SEEN * (spot.bottom - spot.top) - 1
    )


def splice(numbers: Sequence[Photographed], rng: np.random.Generator) -> Ink:
    """Put parts of several numbers together, cut where digits do not touch."""
    canvas = np.zeros((CANVAS_ROWS, 2400), np.uint8)
    x, digits = 12.0, list[int]()
    wanted, gap = rng.integers(1, 8), rng.uniform(-4, 12)
    for _ in range(6):
        if len(digits) >= wanted:
            break
        number = numbers[int(rng.integers(len(numbers)))]
        first = int(rng.integers(len(number.cuts) - 1))
        end = first + 1
        if rng.random() < 0.6:
            end = int(rng.integers(first + 1, len(number.cuts)))
        (start, left), (stop, right) = number.cuts[first], number.cuts[end]
        spots = number.spots[start:stop]
        if right - left < 3 or len(digits) + len(spots) > MAX_DIGITS:
            continue
        top, bottom = min(spot.top for spot in spots), max(spot.bottom for spot in spots)
        scale = min(HEIGHT_PX / max(bottom - top, 8) * np.exp(rng.normal(0, 0.1)), 4.0)
        part = _scaled(number.ink[:, left:right], scale)
        below = part.shape[0] - bottom * scale + rng.normal(0, 2)
        at = round(max(x + (rng.normal(gap, 3) if digits else 0), 0))
        row = min(max(round(BASELINE + below) - part.shape[0], 0), CANVAS_ROWS - part.shape[0])
        if at + part.shape[1] > canvas.shape[1]:
            break
        view = canvas[row : row + part.shape[0], at : at + part.shape[1]]
        np.maximum(view, part, out=view)
        x = at + part.shape[1]
        digits += [spot.digit for spot in spots]
    return _cropped(canvas), tuple(digits)


def _scaled(ink: GrayImage, scale: float) -> GrayImage:
    height, width = ink.shape
    size = max(round(width * scale), 2), min(max(round(height * scale), 4), CANVAS_ROWS)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(ink, size, interpolation=way), np.uint8)


def _cropped(ink: GrayImage) -> GrayImage:
    x, y, width, height = cv2.boundingRect((ink > INK).view(np.uint8))
    return ink[y : y + height, x : x + width] if width and height else ink
