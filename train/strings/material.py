"""What strings are made of: single digits, marks that are none, and strings of photographs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from digitcam.edge.frame import GrayImage, enclosing_box
from digitcam.edge.segment import find_marks, union_of
from digitcam.edge.settings import SegmentSettings

from ..errors import DataError
from ..paper import REJECT, PaperData, Part, ink_of, part_of, read_gray


@dataclass(frozen=True)
class Spot:
    """Where a digit of a string stands, px of the string's ink."""

    left: float
    top: float
    right: float
    bottom: float
    digit: int


@dataclass(frozen=True)
class RealString:
    """A string cut from a photograph."""

    ink: GrayImage
    """(h, w) uint8: contrast of all marks that the device finds, strongest 255, 0 elsewhere."""
    digits: tuple[int, ...]
    """What is written."""
    spots: tuple[Spot, ...] = ()
    """One a digit, from left to right; none where the truth does not tell."""


@dataclass(frozen=True)
class Material:
    """What strings are written with.

    Every array is a part of a training set or of what is held back, never of both.
    """

    x: NDArray[np.uint8]
    """(N, 28, 28) digits of MNIST, white on black."""
    y: NDArray[np.uint8]
    """(N,) their labels."""
    paper_x: NDArray[np.uint8]
    """(M, 28, 28) digits of photographs, laid out alike; perhaps none."""
    paper_y: NDArray[np.uint8]
    """(M,) their labels."""
    others: NDArray[np.uint8]
    """(K, 28, 28) marks of photographs that are no digit; perhaps none."""
    strings: tuple[RealString, ...] = ()

    def digest(self) -> str:
        """Return ``sha256:`` and a hash of everything."""
        content = hashlib.sha256()
        for array in (self.x, self.y, self.paper_x, self.paper_y, self.others):
            content.update(array.tobytes())
        for string in self.strings:
            content.update(string.ink.tobytes() + bytes(string.digits))
            content.update(np.array([astuple(spot) for spot in string.spots]).tobytes())
        return f"sha256:{content.hexdigest()}"


def make_material(
    x: NDArray[np.uint8],
    y: NDArray[np.uint8],
    paper: PaperData | None = None,
    strings: tuple[RealString, ...] = (),
) -> Material:
    """Put together what strings are written with.

    Args:
        x: (N, 28, 28) uint8 digits, white on black.
        y: (N,) uint8 labels.
        paper: Marks of photographs, if there are any.
        strings: Strings of photographs, if there are any.
    """
    if paper is None:
        nothing = np.zeros((0, *x.shape[1:]), np.uint8)
        return Material(x, y, nothing, y[:0], nothing, strings)
    return Material(x, y, *paper.digits(), paper.glyphs[paper.labels == REJECT], strings)


def load_strings(folder: Path, part: Part = "training") -> tuple[RealString, ...]:
    """Return the strings of the photographs in ``folder/amounts`` that are used for something.

    Raises:
        DataError: None is there, or the set is damaged.
    """
    try:
        strings = tuple(_strings(folder / "amounts", part))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise DataError(
            f"{folder}: expected amounts/ with truth.json and its pictures, cannot use it: "
            f"{error!r:.120}; see CONTRIBUTING.md"
        ) from error
    if not strings:
        raise DataError(
            f"{folder}: expected strings of digits in amounts/, found none for {part}; see "
            "CONTRIBUTING.md"
        )
    return strings


def _strings(folder: Path, part: Part) -> Iterator[RealString]:
    for name, entry in sorted(json.loads((folder / "truth.json").read_text()).items()):
        if part_of(f"amounts/{name}") != part:
            continue
        frame, ink = ink_of(read_gray(folder / name))
        marks = find_marks(ink, SegmentSettings())
        found = [*marks.digits, *marks.bits]
        if not found:
            continue
        box = enclosing_box([mark.box for mark in found])
        patch = union_of(found, box)
        bright = cv2.convertScaleAbs(patch, alpha=255 / max(cv2.norm(patch, cv2.NORM_INF), 1))
        digits = tuple(int(sign) for sign in entry["text"] if sign.isdecimal())
        scale = frame.luma.shape[1] / frame.width
        spots = tuple(
            Spot(
                x * scale - box.x,
                y * scale - box.y,
                (x + width) * scale - box.x,
                (y + height) * scale - box.y,
                int(digit),
            )
            for x, y, width, height, digit in sorted(entry.get("boxes", ()))
        )
        told = tuple(spot.digit for spot in spots) == digits
        if all(spot.left < box.width and spot.right > 0 for spot in spots):  # else ink is missing
            yield RealString(np.asarray(bright, np.uint8), digits, spots if told else ())
