"""A sheet of paper before the camera sees it: its picture and whose every pixel is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitcam.edge.frame import Box
from digitcam.train.pens.writing import Writing

from .page import Colour, Gray, Kind

FIRST_KIND = 60000
"""Labels from here on stand for a kind; below, for 1 + the index of a character."""

LEAST_COVERAGE = 77
"""Coverage (0-255) from which a pixel is ink, if the stroke is as strong anywhere."""


@dataclass(frozen=True)
class Written:
    """A character on the sheet."""

    label: str
    """One character, or nothing for a scribble."""
    kind: Kind
    number: int
    """Index into `Sheet.numbers`, or -1."""
    struck: bool


class Sheet:
    """A sheet that is written on; later ink covers earlier ink.

    Args:
        image: (H, W, 3) uint8, BGR: the bare paper; written on in place.
        visible: Whether all of a box, px on the sheet, will be in the photograph.
    """

    def __init__(self, image: Gray, visible: Callable[[Box], bool] | None = None) -> None:
        self.image = image
        self.label: NDArray[np.uint16] = np.zeros(image.shape[:2], np.uint16)
        """(H, W): 0 bare, else 1 + index into `characters`, or FIRST_KIND + a Kind."""
        self.characters: list[Written] = []
        self.numbers: list[str] = []
        """Texts of the numbers."""
        self._places: list[tuple[float, float, float]] = []
        """Baseline, height of a digit, and left edge of each number, px."""
        self._visible = visible

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.image.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.image.shape[1])

    def is_free(self, box: Box, margin: float = 0, *, seen: bool = True) -> bool:
        """Whether a box lies on the sheet, is seen by the camera, and holds no writing or print."""
        if seen and not self._shows(box):
            return False
        m = int(margin)
        around = self.label[max(box.y - m, 0) : box.bottom + m, max(box.x - m, 0) : box.right + m]
        return not bool(((around != 0) & (around != FIRST_KIND + Kind.RULING)).any())

    def takes(self, writing: Writing, x: int, y: int) -> bool:
        """Whether a text can be written at a place without meeting other ink."""
        height, width = writing.ink.shape
        if not self._shows(Box(x, y, width, height)):
            return False
        there = self.label[y : y + height, x : x + width]
        taken = (there != 0) & (there != FIRST_KIND + Kind.RULING) & (writing.owner > 0)
        return not bool(taken.any())

    def write(
        self, writing: Writing, x: int, y: int, colour: Colour, *,
        struck: bool = False, row: tuple[float, float] | None = None,
    ) -> tuple[int, ...]:  # fmt: skip
        """Write a text; its runs of digits become numbers unless it is struck out.

        Args:
            writing: The text.
            x: Left edge, px.
            y: Upper edge, px.
            colour: Of the ink.
            struck: It will be crossed out.
            row: Baseline and height of a digit, px, that tell the row it belongs to; by default
                where and as tall as the ink is.

        Returns:
            Indices of the numbers that were written.
        """
        height = writing.ink.shape[0]
        runs = runs_of_digits(writing)
        first, numbers = len(self.characters), []
        number_of = {}
        if not struck:
            for run in runs:
                number_of.update(dict.fromkeys(run, len(self.numbers)))
                numbers.append(len(self.numbers))
                self.numbers.append("".join(writing.characters[k] for k in run))
                baseline, tall = row or (y + writing.baseline, height)
                self._places.append((baseline, tall, x + writing.boxes[run[0]].x))
        for k, sign in enumerate(writing.characters):
            digit = not struck and k in number_of
            kind = Kind.DIGIT if digit else Kind.WRITING
            self.characters.append(Written(sign, kind, number_of.get(k, -1), struck))
        owner = np.where(_is_ink(writing.ink), writing.owner, 0).astype(np.uint16)
        for k in range(len(writing.characters)):
            if not (owner == k + 1).any():  # So thin that only its outline is left.
                owner[writing.owner == k + 1] = k + 1
        label = np.where(owner > 0, owner + np.uint16(first), 0).astype(np.uint16)
        self._put(writing.ink, label, x, y, colour)
        return tuple(numbers)

    def join(self, numbers: Sequence[int]) -> None:
        """Make one number of several that were written after each other."""
        first, *others = numbers
        self.numbers[first] = "".join(self.numbers[k] for k in numbers)
        for other in others:
            self.numbers[other] = ""
        self.characters = [
            Written(c.label, c.kind, first, c.struck) if c.number in others else c
            for c in self.characters
        ]

    def reading_order(self) -> list[int]:
        """Return the numbers' indices, row by row from the top, each row from the left."""
        by_row = sorted(range(len(self.numbers)), key=lambda k: self._places[k][0])
        rows: list[list[int]] = []
        for k in by_row:
            baseline, tall, _ = self._places[k]
            if rows and baseline - self._places[rows[-1][0]][0] < 0.5 * tall:
                rows[-1].append(k)
            else:
                rows.append([k])
        return [k for row in rows for k in sorted(row, key=lambda k: self._places[k][2])]

    def draw(self, ink: Gray, x: int, y: int, colour: Colour) -> None:
        """Put a drawing or scribble, (h, w) coverage, on the sheet as one character without name.

        What reaches over the edges is left out.
        """
        self.characters.append(Written("", Kind.WRITING, -1, False))
        label = np.where(_is_ink(ink), np.uint16(len(self.characters)), 0).astype(np.uint16)
        self._put(ink, label, x, y, colour)

    def mark(self, ink: Gray, x: int, y: int, colour: Colour, kind: Kind) -> None:
        """Put print or rulings, (h, w) coverage, on the sheet; rulings go under other ink."""
        label = np.where(_is_ink(ink), np.uint16(FIRST_KIND + kind), 0).astype(np.uint16)
        self._put(ink, label, x, y, colour, under=kind is Kind.RULING)

    def rule(self, box: Box, colour: Colour, strength: float) -> None:
        """Print a line, a box of some px, of a strength (0-1), under other ink."""
        rows = slice(max(box.y, 0), max(box.bottom, 0))
        columns = slice(max(box.x, 0), max(box.right, 0))
        place, owners = self.image[rows, columns], self.label[rows, columns]
        if not owners.size:
            return
        ink = strength * np.array([*colour, 0.0])  # What OpenCV takes for a scalar.
        place[:] = cv2.add(cv2.convertScaleAbs(place, alpha=1 - strength), ink)
        owners[owners == 0] = FIRST_KIND + Kind.RULING

    def _shows(self, box: Box) -> bool:
        if box.x < 0 or box.y < 0 or box.right > self.width or box.bottom > self.height:
            return False
        return self._visible is None or self._visible(box)

    def _put(
        self, ink: Gray, label: NDArray[np.uint16], x: int, y: int, colour: Colour, *,
        under: bool = False,
    ) -> None:  # fmt: skip
        height, width = ink.shape
        left, top = max(-x, 0), max(-y, 0)
        right, bottom = min(width, self.width - x), min(height, self.height - y)
        if right <= left or bottom <= top:
            return
        ink, label = ink[top:bottom, left:right], label[top:bottom, left:right]
        rows, columns = slice(y + top, y + bottom), slice(x + left, x + right)
        place = self.image[rows, columns]
        kept = cv2.multiply(place, cv2.merge([cv2.bitwise_not(ink)] * 3), scale=1 / 255)
        laid = cv2.merge([cv2.convertScaleAbs(ink, alpha=level / 255) for level in colour])
        place[:] = cv2.add(kept, laid)
        owners = self.label[rows, columns]
        new = (label > 0) & (owners == 0) if under else label > 0
        np.copyto(owners, label, where=new)


def runs_of_digits(writing: Writing) -> list[list[int]]:
    """Return runs of digits as indices; a dot or comma between two digits does not part them.

    ``12.50`` is one number, as on cheques; ``12:50``, ``3/4`` and ``3 4`` are two.
    """
    runs: list[list[int]] = []
    index, open_ = 0, False
    for place, sign in enumerate(writing.text):
        if sign == " ":
            open_ = False
            continue
        if _is_digit(sign):
            if open_:
                runs[-1].append(index)
            else:
                runs.append([index])
            open_ = True
        elif sign not in ".," or not _is_digit(writing.text[place + 1 : place + 2]):
            open_ = False
        index += 1
    return runs


def _is_digit(sign: str) -> bool:
    return sign.isascii() and sign.isdigit()


def _is_ink(ink: Gray) -> NDArray[np.bool_]:
    return ink >= max(min(LEAST_COVERAGE, int(ink.max()) // 2), 1)
