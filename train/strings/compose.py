"""Strings as people write them: whole ones of photographs, spliced ones, and composed ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import cv2
import numpy as np
from numpy.typing import NDArray

from digitcam.edge.frame import GrayImage

from ..clutter import random_clutter
from .material import Material, RealString

KINDS = ("whole", "spliced", "composed", "nothing")
"""What strings are made of: one of a photograph, parts of several, single digits, no digit."""
MAX_DIGITS = 12
"""Longest string."""
HEIGHT_PX = 32
"""Height of a digit, more or less."""
CANVAS_ROWS, BASELINE = 140, 95
"""Rows to write on, and the row that digits stand on."""
LENGTHS = (0.04, 0.1, 0.2, 0.2, 0.18, 0.14, 0.08, 0.06)
"""How often a composed string has one to eight digits."""
GAP_PX, GAP_SPREAD_PX = (-6.0, 8.0), (0.5, 3.5)
"""Range of the mean space between a writer's digits, below 0 they overlap; and of its spread."""
MAX_OVERLAP = 0.45
"""Of a digit's width."""
TALL, TALLER = 0.1, (1.2, 2.0)
"""Share of composed digits that are much higher than the others, and how much higher."""
ZEROS = 0.3
"""Share of composed strings in whose ends zeros are common, as in amounts."""
MARKS = 0.3
"""Share of composed strings that end with a dot, a comma or dashes."""
OTHERS = 0.12
"""Share of composed strings with marks among the digits that are none."""
CUT_GAP_PX = -1.0
"""Spliced strings are cut where boxes are so far apart."""
INK = 50
"""Grey level from which a pixel bounds the ink."""


@dataclass
class _Paper:
    """A canvas that is written on from left to right."""

    canvas: GrayImage
    x: float = 12.0

    def put(self, ink: GrayImage, bottom: float, gap: float) -> bool:
        """Write a mark ``gap`` px behind the last one; False if there is no room."""
        height, width = ink.shape
        left = round(max(self.x + max(gap, -MAX_OVERLAP * width), 0))
        top = min(max(round(bottom) - height, 0), self.canvas.shape[0] - height)
        if top < 0 or left + width > self.canvas.shape[1]:
            return False
        view = self.canvas[top : top + height, left : left + width]
        np.maximum(view, ink, out=view)
        self.x = left + width
        return True


@dataclass(frozen=True)
class Writer:
    """Writes strings of digits with some material."""

    material: Material

    def write(self, kind: str, rng: np.random.Generator) -> tuple[GrayImage, list[int]]:
        """Return a string's ink, (h, w) uint8 and the strongest 255, and its digits."""
        ways: Mapping[str, Callable[[np.random.Generator], tuple[GrayImage, list[int]]]] = {
            "whole": self._whole,
            "spliced": self._spliced,
            "composed": self._composed,
            "nothing": self._nothing,
        }
        return ways[kind](rng)

    @property
    def kinds(self) -> tuple[str, ...]:
        """What can be written with the material."""
        return KINDS if self.material.strings else ("composed", "nothing")

    @cached_property
    def _segmented(self) -> list[RealString]:
        return [string for string in self.material.strings if string.spots]

    def _whole(self, rng: np.random.Generator) -> tuple[GrayImage, list[int]]:
        string = self.material.strings[rng.integers(len(self.material.strings))]
        return string.ink, list(string.digits)

    def _spliced(self, rng: np.random.Generator) -> tuple[GrayImage, list[int]]:
        """Parts of several strings, cut where digits do not touch: other numbers, same hands."""
        if not self._segmented:
            return self._composed(rng)
        paper = _Paper(np.zeros((CANVAS_ROWS, 1400), np.uint8))
        digits: list[int] = []
        wanted, gap = rng.integers(2, 8), rng.uniform(-3, 8)
        for _ in range(4):
            if len(digits) >= wanted:
                break
            string = self._segmented[rng.integers(len(self._segmented))]
            cuts = _cuts(string)
            first = int(rng.integers(len(cuts) - 1))
            one = rng.random() < 0.4
            end = first + 1 if one else int(rng.integers(first + 1, len(cuts)))
            (start, left), (stop, right) = cuts[first], cuts[end]
            spots = string.spots[start:stop]
            if right - left < 3 or len(digits) + len(spots) > MAX_DIGITS:
                continue
            top, bottom = min(s.top for s in spots), max(s.bottom for s in spots)
            scale = min(HEIGHT_PX / max(bottom - top, 8) * np.exp(rng.normal(0, 0.1)), 3.0)
            part = _scaled(string.ink[:, left:right], scale)
            below = (part.shape[0] - bottom * scale) + rng.normal(0, 1.5)
            if paper.put(part, BASELINE + below, rng.normal(gap, 2) if digits else 0):
                digits += [spot.digit for spot in spots]
        return _cropped(paper.canvas), digits

    def _composed(self, rng: np.random.Generator) -> tuple[GrayImage, list[int]]:
        """Single digits in a row, at a writer's spaces."""
        count = 1 + int(rng.choice(len(LENGTHS), p=LENGTHS))
        paper = _Paper(np.zeros((CANVAS_ROWS, 60 + 110 * count), np.uint8))
        gap, spread = rng.uniform(*GAP_PX), rng.uniform(*GAP_SPREAD_PX)
        size, slope = rng.uniform(0.02, 0.18), rng.normal(0, 0.05)
        real = float(rng.choice([0, 0.5, 1])) if len(self.material.paper_y) else 0.0
        zeros, others = rng.random() < ZEROS, rng.random() < OTHERS
        low = zeros and rng.random() < 0.5
        digits: list[int] = []
        for place in range(count):
            is_zero = zeros and place > 0 and rng.random() < 0.6
            glyph, digit = self._glyph(rng, real, 0 if is_zero else None)
            height = HEIGHT_PX * np.exp(rng.normal(0, size)) * (rng.uniform(0.5, 1) if low else 1)
            if rng.random() < TALL:
                height *= rng.uniform(*TALLER)
            base = BASELINE + slope * paper.x + rng.normal(0, 1.2)
            ink = _scaled(glyph, height / max(glyph.shape[0], 0.7 * glyph.shape[1]))
            if paper.put(ink, base, rng.normal(gap, spread) if place else 0):
                digits.append(digit)
            if others and rng.random() < 0.3:
                paper.put(self._other(rng), base, rng.normal(gap, spread) + 2)
        if rng.random() < MARKS:
            _end(paper, rng, BASELINE + slope * paper.x)
        return _cropped(paper.canvas), digits

    def _nothing(self, rng: np.random.Generator) -> tuple[GrayImage, list[int]]:
        """Letters, signs and strokes in a row."""
        count = int(rng.integers(1, 7))
        paper = _Paper(np.zeros((CANVAS_ROWS, 60 + 160 * count), np.uint8))
        gap, spread = rng.uniform(*GAP_PX), rng.uniform(*GAP_SPREAD_PX)
        for _ in range(count):
            paper.put(self._other(rng), BASELINE + rng.normal(0, 2), rng.normal(gap, spread))
        return _cropped(paper.canvas), []

    def _glyph(
        self, rng: np.random.Generator, real: float, digit: int | None
    ) -> tuple[GrayImage, int]:
        """Draw a digit, cut to its ink; ``real`` is the share of those from photographs."""
        m = self.material
        x, y = (m.paper_x, m.paper_y) if rng.random() < real else (m.x, m.y)
        index = _drawn(y, digit, rng)
        return _cropped(x[index]), int(y[index])

    def _other(self, rng: np.random.Generator) -> GrayImage:
        others = self.material.others
        if len(others) and rng.random() < 0.6:
            glyph = _cropped(others[rng.integers(len(others))])
            return _scaled(glyph, HEIGHT_PX * np.exp(rng.normal(0, 0.2)) / max(glyph.shape))
        return random_clutter(rng, HEIGHT_PX * np.exp(rng.normal(0, 0.2)))


def _drawn(labels: NDArray[np.uint8], digit: int | None, rng: np.random.Generator) -> int:
    """Return the index of any digit, or of a certain one if it is found soon."""
    index = int(rng.integers(len(labels)))
    for _ in range(100):
        if digit is None or labels[index] == digit:
            break
        index = int(rng.integers(len(labels)))
    return index


def _cuts(string: RealString) -> list[tuple[int, int]]:
    """Return where a string may be cut: (digits to the left, column)."""
    width = string.ink.shape[1]
    reached = accumulate((spot.right for spot in string.spots), max)
    inside = [
        # A box may reach beyond the ink that was found.
        (place, min(max(round((right + spot.left) / 2), 0), width))
        for place, (right, spot) in enumerate(zip(reached, string.spots[1:], strict=False), 1)
        if spot.left - right >= CUT_GAP_PX
    ]
    return [(0, 0), *inside, (len(string.spots), width)]


def _end(paper: _Paper, rng: np.random.Generator, base: float) -> None:
    """Write a dot, a comma or dashes behind a string."""
    x, y = round(paper.x + rng.uniform(0, 6)), round(base)
    pen = int(rng.integers(2, 5))
    kind = rng.integers(3)
    if kind == 0:
        cv2.circle(paper.canvas, (x, y - 2), pen // 2 + 1, (255,), -1)
    elif kind == 1:
        cv2.line(paper.canvas, (x + 2, y - 4), (x - 1, y + 5), (255,), pen)
    else:
        for row in range(int(rng.integers(1, 3))):
            start, end = y - 16 + 8 * row + rng.normal(0, 3, 2)
            length = int(rng.integers(5, 40))
            cv2.line(paper.canvas, (x, round(start)), (x + length, round(end)), (255,), pen)


def _scaled(ink: GrayImage, scale: float) -> GrayImage:
    height, width = ink.shape
    size = max(round(width * scale), 2), min(max(round(height * scale), 4), CANVAS_ROWS)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(ink, size, interpolation=way), np.uint8)


def _cropped(ink: GrayImage) -> GrayImage:
    x, y, width, height = cv2.boundingRect((ink > INK).view(np.uint8))
    return ink[y : y + height, x : x + width] if width and height else ink


def as_labels(digits: Sequence[int]) -> NDArray[np.uint8]:
    """Return (MAX_DIGITS,) uint8 classes of a string's digits, filled up with 0, the blank."""
    labels = np.zeros(MAX_DIGITS, np.uint8)
    labels[: len(digits)] = np.array(digits, np.uint8) + 1
    return labels
