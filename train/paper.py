"""Real ink: marks cut from photographs of handwriting, and which are never trained on.

The photographs are optional. A folder of them holds ``amounts/``, ``characters/``, ``cells.npz``,
``forms/`` and ``glyphs.npz``. The marks are those that the device finds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from digitcam.edge.bundle import DIGIT_CLASSES, REJECT_CLASS, SEVERAL_CLASS
from digitcam.edge.frame import Box, GrayImage, enclosing_box
from digitcam.edge.reading.ink import find_ink
from digitcam.edge.reading.marks import Mark, find_marks
from digitcam.edge.reading.view import IMAGE_SHAPE, model_image

from .box_labels import BAR, REJECT, SEVERAL, labels_of, overlaps
from .damage import DAMAGE, reason_of
from .errors import DataError

__all__ = [
    "CLASSES", "LOOK_ALIKE", "REJECT", "SETS", "SEVERAL", "PaperData", "Part", "Photograph",
    "load_numbers", "load_paper", "part_of", "read_gray", "sets_of",
]  # fmt: skip
CLASSES = (*DIGIT_CLASSES, REJECT_CLASS, SEVERAL_CLASS)
"""What labels stand for, in order."""

LOOK_ALIKE = frozenset("OoDQlIiJjZzSsbGBgqyY")
"""Letters that a digit is often written like; a reader may take either for the other."""

LIKE_DIGITS = Path(__file__).parent / "like_digits.txt"
"""Characters of glyphs.npz, by index, that are shaped like digits: a network took them for some."""

SETS: Mapping[str, str] = {
    "amounts": "amounts/truth.json",
    "characters": "characters",
    "cells": "cells.npz",
    "forms": "forms/truth.json",
    "glyphs": "glyphs.npz",
}
"""Sources of marks, and what a folder holds of each."""
WHOLE = 0.6
"""Intersection over union of a lone character's mark and all ink of its picture, at least."""
STRONG = 0.5
"""Marks of a picture whose ink is fainter than this part of the strongest are its ground's."""
TALL = 0.4
"""Height of a digit in its cell, in heights of the cell, at least; lower marks are pieces."""
DRAWN_FLOOR = 0.2
"""Part of the peak from which a drawn or scanned glyph is ink."""


@dataclass(frozen=True)
class PaperData:
    """Marks cut from photographs."""

    contrasts: tuple[GrayImage, ...]
    """(h, w) uint8 each, 0 ground: the mark alone."""
    labels: NDArray[np.uint8]
    """(N,) indices of CLASSES."""
    floors: NDArray[np.uint8]
    """(N,) contrast from which each is ink."""

    def images(self) -> NDArray[np.uint8]:
        """Return what the device makes of them: (N, 28, 28) model images."""
        images = np.zeros((len(self.labels), *IMAGE_SHAPE), np.uint8)
        for contrast, floor, image in zip(self.contrasts, self.floors, images, strict=True):
            model_image(contrast, float(floor), image)
        return images

    def digits(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return the model images and labels of those that are one digit."""
        chosen = self.labels < REJECT
        return self.images()[chosen], self.labels[chosen]

    def digest(self) -> str:
        """Return ``sha256:`` and a hash of everything."""
        content = hashlib.sha256(self.labels.tobytes() + self.floors.tobytes())
        for contrast in self.contrasts:
            content.update(repr(contrast.shape).encode() + contrast.tobytes())
        return f"sha256:{content.hexdigest()}"


@dataclass(frozen=True)
class Photograph:
    """A picture, and the digits that are written in it."""

    image: NDArray[np.uint8]
    """(H, W) or (H, W, 3) uint8, BGR."""
    digits: tuple[tuple[Box, int], ...]
    """Where each stands, in px of the image, and which it is."""


Part = Literal["training", "calibration", "held-back"]


def part_of(name: str) -> Part:
    """Say what a picture or a hand is used for: a fixed fifth is only measured on, by its name.

    A twentieth is not trained on either; the confidence is calibrated on it.

    Args:
        name: ``amounts/FILE``, ``characters/CLASS/FILE``, ``forms/FILE``, ``hands/NAME``, or
            ``cells/KIND/INDEX`` with KIND ``handwritten``, ``printed``, ``empty`` or ``notes`` and
            the index in its array.
    """
    number = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
    if number % 5 == 0:
        return "held-back"
    return "calibration" if number % 20 == 1 else "training"


def sets_of(folder: Path, without: Collection[str] = (), *, optional: bool = True) -> list[str]:
    """Return the names of the sets that a folder holds and that are not left out.

    Raises:
        DataError: One is missing, and is not optional.
    """
    wanted = {name: file for name, file in SETS.items() if name not in without}
    missing = [name for name, file in wanted.items() if not (folder / file).exists()]
    if missing and not optional:
        raise DataError(
            f"{folder}: expected {SETS[missing[0]]} of the source {missing[0]}, found nothing; put "
            f"it there, leave it out with --without {missing[0]}, or give --optional-sources"
        )
    return [name for name in wanted if name not in missing]


def load_paper(
    folder: Path, part: Part = "training", without: Collection[str] = (), *, optional: bool = True
) -> PaperData:
    """Return the marks of the photographs in ``folder`` that are used for something.

    Args:
        folder: Holds the sets.
        part: What the photographs are used for.
        without: Names in SETS, to leave out; others are passed over.
        optional: Take what is there of the sets.

    Raises:
        DataError: None of the sets is there, one is missing that is not optional, or is damaged.
    """
    names = sets_of(folder, without, optional=optional)
    if not names:
        raise DataError(
            f"{folder}: expected amounts/, characters/, cells.npz, forms/ or glyphs.npz, found "
            "none; give the folder of the photographs"
        )
    with _damage_told(folder):
        found = [mark for name in names for mark in _LOADERS[name](folder, part)]
    contrasts, floors, labels = zip(*found, strict=True) if found else ((), (), ())
    return PaperData(contrasts, np.array(labels, np.uint8), np.array(floors, np.uint8))


def load_numbers(
    folder: Path, part: Part, without: Collection[str] = (), *, optional: bool = True
) -> list[Photograph]:
    """Return the photographs of numbers that are used for something.

    Args:
        folder: Holds the sets.
        part: What the photographs are used for.
        without: Names in SETS, to leave out; others are passed over.
        optional: Take what is there of the sets.

    Raises:
        DataError: A set is missing that is not optional, or is damaged.
    """
    if "amounts" not in sets_of(folder, without, optional=optional):
        return []
    with _damage_told(folder):
        return list(_amounts(folder, part))


_UNREADABLE: tuple[type[Exception], ...] = (*DAMAGE, cv2.error)


@contextmanager
def _damage_told(folder: Path) -> Iterator[None]:
    """Say of what fails to be read in which folder it lies."""
    try:
        yield
    except _UNREADABLE as error:
        raise DataError(f"{folder}: a set of photographs is damaged: {reason_of(error)}") from error


Cut = tuple[GrayImage, int, int]
"""Contrast, floor, and label of a mark."""


def read_gray(file: Path) -> GrayImage:
    """Read a photograph: (H, W) uint8, 0 black.

    Raises:
        ValueError: It is none.
    """
    image = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise ValueError(f"{file} is no picture")
    return image  # type: ignore[return-value]


def _found(image: NDArray[np.uint8]) -> list[Mark]:
    """Find the marks of a photograph, as the device does."""
    luma = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image
    return find_marks(find_ink(luma))  # type: ignore[arg-type]


def _dark(marks: list[Mark]) -> list[Mark]:
    """Return the marks of dark ink: what is lighter than its ground is none in these pictures."""
    return [mark for mark in marks if not mark.level.light_on_dark]


def _cut(mark: Mark, label: int) -> Cut:
    return mark.contrast, mark.floor, label


def _from_characters(folder: Path, part: Part) -> Iterator[Cut]:
    """One character a picture: the mark that holds nearly all of its ink."""
    for file in sorted((folder / "characters").glob("*/*.*")):
        name = file.parent.name
        sign = name[-1].upper() if name.startswith("upper") else name[-1]
        if part_of(f"characters/{name}/{file.name}") != part or sign in LOOK_ALIKE:
            continue
        if whole := _only_mark(_dark(_found(read_gray(file)))):
            yield _cut(whole, int(sign) if sign.isdigit() else REJECT)


def _only_mark(marks: list[Mark]) -> Mark | None:
    """Return the mark around nearly everything whose ink is strong."""
    if not marks:
        return None
    peaks = np.array([cv2.norm(mark.contrast, cv2.NORM_INF) for mark in marks])
    strong = [mark for mark, ok in zip(marks, peaks >= STRONG * peaks.max(), strict=True) if ok]
    whole = enclosing_box([mark.box for mark in strong])
    fits = overlaps([mark.box for mark in strong], [whole])[:, 0]
    return strong[int(fits.argmax())] if fits.max() >= WHOLE else None


def _from_cells(folder: Path, part: Part) -> Iterator[Cut]:
    """Cells of a grid: the digit in the middle, and what is left of the grid around it."""
    with np.load(folder / "cells.npz") as archive:
        written, labels, empty = (archive[k] for k in ("x_handwritten", "y_handwritten", "x_empty"))
    for index, (image, label) in enumerate(zip(written, labels, strict=True)):
        if part_of(f"cells/handwritten/{index}") == part:
            side = len(image)
            middle = [m for m in _dark(_found(image)) if _is_whole(m.box, 0, 0, side)]
            if middle:
                yield _cut(max(middle, key=lambda mark: mark.box.area), int(label))
    for index, image in enumerate(empty):
        if part_of(f"cells/empty/{index}") == part:
            yield from (_cut(mark, REJECT) for mark in _found(image) if not _is_bar(mark.box))


def _is_whole(box: Box, left: float, top: float, side: float) -> bool:
    """Say whether a mark stands in the middle of its cell and does not reach the cell's frame."""
    x, y = box.x - left, box.y - top
    beside = min(x, y, side - x - box.width, side - y - box.height)
    off = abs(x + box.width / 2 - side / 2), abs(y + box.height / 2 - side / 2)
    return beside > 0.03 * side and max(off) < 0.2 * side and box.height > TALL * side


def _is_bar(box: Box) -> bool:
    return box.width < BAR * box.height


def _from_forms(folder: Path, part: Part) -> Iterator[Cut]:
    """Photographed grids: what is written in a cell, what is printed in it, what is empty."""
    truth = json.loads((folder / "forms/truth.json").read_text())
    for name, entry in sorted(truth.items()):
        if part_of(f"forms/{name}") == part:
            yield from _of_form(_found(read_gray(folder / "forms" / name)), entry)


def _of_form(marks: list[Mark], entry: Mapping[str, Any]) -> Iterator[Cut]:
    corners = np.array(entry["corners_tl_bl_br_tr"], np.float32)
    unit = np.array([[0, 0], [0, 9], [9, 9], [9, 0]], np.float32)
    to_grid = cv2.getPerspectiveTransform(corners, unit)
    digits: dict[tuple[int, int], Mark] = {}
    for mark in marks:
        box = mark.box
        ends = np.array([[[box.x, box.y]], [[box.right, box.bottom]]], np.float32)
        (x, y), (right, bottom) = cv2.perspectiveTransform(ends, to_grid)[:, 0].tolist()
        row, column = int((y + bottom) // 2), int((x + right) // 2)
        if not (0 <= row < 9 and 0 <= column < 9):
            continue
        cell = Box(round(100 * x), round(100 * y), round(100 * (right - x)),
                   round(100 * (bottom - y)))  # fmt: skip
        whole = _is_whole(cell, 100 * column, 100 * row, 100)
        kind = entry["kind"][row][column]
        if kind == "H":
            known = digits.get((row, column))
            dark = not mark.level.light_on_dark
            if whole and dark and (known is None or box.area > known.box.area):
                digits[row, column] = mark
        elif (kind == "P" and whole) or (kind == "." and not _is_bar(box)):
            yield _cut(mark, REJECT)
    for (row, column), mark in digits.items():
        yield _cut(mark, int(entry["grid"][row][column]))


def _from_amounts(folder: Path, part: Part) -> Iterator[Cut]:
    """Numbers with a box a digit: digits, pieces of them, and several at once."""
    for photograph in _amounts(folder, part):
        marks = _dark(_found(photograph.image))
        labels = labels_of([mark.box for mark in marks], photograph.digits)
        for mark, label in zip(marks, labels, strict=True):
            if label is not None:
                yield _cut(mark, label)


def _amounts(folder: Path, part: Part) -> Iterator[Photograph]:
    truth = json.loads((folder / "amounts/truth.json").read_text())
    for name, entry in sorted(truth.items()):
        if part_of(f"amounts/{name}") == part and "boxes" in entry:
            digits = tuple((Box(*b[:4]), int(b[4])) for b in entry["boxes"])
            yield Photograph(read_gray(folder / "amounts" / name), digits)


def _from_alphabets(folder: Path, part: Part) -> Iterator[Cut]:
    """Characters of other alphabets."""
    with np.load(folder / "glyphs.npz") as archive:
        images = archive["x"]
    like_digits = {int(word) for word in LIKE_DIGITS.read_text().split() if word.isdecimal()}
    for index, image in enumerate(images):
        if part_of(f"glyphs/{index}") == part and index not in like_digits:
            yield image, round(DRAWN_FLOOR * int(image.max())), REJECT


_LOADERS: Mapping[str, Callable[[Path, Part], Iterator[Cut]]] = {
    "amounts": _from_amounts,
    "characters": _from_characters,
    "cells": _from_cells,
    "forms": _from_forms,
    "glyphs": _from_alphabets,
}
