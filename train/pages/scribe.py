"""Who writes on a sheet: a hand with a pen, and what is printed around it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from digitcam.edge.frame import Box
from digitcam.train.pens import writing as pens
from digitcam.train.pens.hand import Hand
from digitcam.train.pens.pen import Pen, random_pen
from digitcam.train.pens.writing import Writing

from . import drawing
from .cast import cast_of
from .page import Colour, Gray, Kind
from .palette import PENS, Palette
from .plan import PagePlan
from .print_ink import random_face, set_line
from .sheet import Sheet

THINNEST_PX = 1.1
"""Width of the thinnest stroke, px: thinner pens are given this much."""

LEAST_LEGIBLE = 13.0
"""Grey levels that the palest pen's strokes stand out by, under full light."""


class Scribe:
    """Writes, draws and prints on one sheet, in one hand, with one or two pens.

    Args:
        sheet: What is written on.
        area: Part of the sheet that may be used, px.
        hands: All there are; one writes the digits, one the letters.
        palette: Colours of the page.
        plan: What the page shall be.
        height_px: Height of a digit, px.
        rng: Source of every draw.
        without_faces: Typefaces that are not used.

    Raises:
        ValueError: no hand writes all ten digits.
    """

    def __init__(
        self,
        sheet: Sheet,
        area: Box,
        hands: Sequence[Hand],
        palette: Palette,
        plan: PagePlan,
        height_px: float,
        rng: np.random.Generator,
        without_faces: Collection[str] = (),
    ) -> None:
        self.sheet, self.area, self.palette, self.plan, self.rng = sheet, area, palette, plan, rng
        self.height_px = height_px
        self.faces: set[str] = set()
        """Names of the typefaces that were used."""
        self.thinnest_px = 99.0
        """Width of the thinnest stroke that was written, px."""
        self.smallest_px = 999.0
        """Height of the smallest digits that were written, px."""
        self.baselines: tuple[float, float] | None = None
        """First ruled line and the distance to the next, px, to write on."""
        self.slope = 0.0
        """Rows that lines of writing sink by, per column."""
        self.written: list[Box] = []
        """Where texts stand that are not struck out, px."""
        self._without_faces = without_faces
        self.hand, self.letters = cast_of(hands).choose(rng)
        self._able = self.hand.characters | (
            self.letters.characters if self.letters else frozenset()
        )
        self.pen = self._random_pen()
        self.other_pen = self._random_pen()
        self.spacing = self._random_spacing()
        self.palette = palette.at_least(LEAST_LEGIBLE / self._strength)
        self._face = ""

    def write(
        self,
        text: str,
        x: float,
        baseline: float,
        height_px: float | None = None,
        *,
        struck: bool = False,
        other: bool = False,
    ) -> Box | None:
        """Write a text if there is room for it.

        Args:
            text: What to write; the hand's fallback writes what it lacks.
            x: Left edge, px.
            baseline: Row of the baseline, px.
            height_px: Height of a digit; by default the page's.
            struck: Cross it out.
            other: With the other pen.

        Returns:
            Where it stands, or None if it does not.
        """
        height = height_px or self.height_px
        askew = baseline + self.slope * (x - self.area.x)
        least = max(int(0.3 * height * len(text)), 1), max(int(0.6 * height), 1)
        if not self.sheet.is_free(Box(round(x), round(askew - 0.8 * height), *least)):
            return None  # However narrow it will be, there is no room.
        writing = self.writing(text, height, other=other)
        if writing is None:
            return self._scrawl(text, x, baseline, height, other=other)
        return self.place(writing, x, baseline, height, struck=struck, other=other)

    def writing(self, text: str, height_px: float, *, other: bool = False) -> Writing | None:
        """Return a text in ink; None if no hand on this page writes its letters."""
        legible = "".join(sign for sign in text if sign in self._able or sign == " ").strip()
        if len(legible.replace(" ", "")) < 0.7 * len(text.replace(" ", "")):
            return None
        pen = self._thick_enough(self.other_pen if other else self.pen, height_px)
        return pens.write(
            self.hand, legible, height_px, pen, self.rng, self.spacing, fallback=self.letters
        )

    def place(
        self, writing: Writing, x: float, baseline: float, height_px: float, *,
        struck: bool = False, other: bool = False,
    ) -> Box | None:  # fmt: skip
        """Put a text on the sheet if there is room for it, and return where it stands."""
        askew = baseline + self.slope * (x - self.area.x)
        left, top = round(x), round(askew - writing.baseline)
        if not self.sheet.takes(writing, left, top):
            return None
        pen = self._thick_enough(self.other_pen if other else self.pen, height_px)
        colour = self.palette.other_ink if other else self.palette.ink
        self.sheet.write(writing, left, top, colour, struck=struck, row=(baseline, height_px))
        self.thinnest_px = min(self.thinnest_px, pen.width * height_px)
        self.smallest_px = min(self.smallest_px, height_px)
        height, width = writing.ink.shape
        if struck:
            line = drawing.strike(self.rng, width, height, pen.width * height_px)
            self.sheet.draw(
                line,
                left - (line.shape[1] - width) // 2,
                top - (line.shape[0] - height) // 2,
                colour,
            )
        else:
            self.written.append(Box(left, top, width, height))
        return Box(left, top, width, height)

    def print(
        self,
        text: str,
        x: float,
        y: float,
        height_px: float,
        *,
        colour: Colour | None = None,
        anew: bool = False,
        over: bool = False,
    ) -> Box | None:
        """Print a line if there is room for it.

        Args:
            text: What to print.
            x: Left edge, px.
            y: Upper edge, px.
            height_px: Height of a capital letter, px.
            colour: By default the page's.
            anew: In another typeface than the last line.
            over: Whatever is there already.

        Returns:
            Where it stands, or None.
        """
        ink = self.set(text, height_px, anew=anew)
        return self.stamp(ink, x, y, Kind.PRINT, colour or self.palette.print_ink, over=over)

    def set(self, text: str, height_px: float, *, anew: bool = False) -> Gray:
        """Set a line in the page's typeface, or in a new one: (h, w) uint8 coverage."""
        if not self._face or anew:
            self._face = random_face(self.rng, self._without_faces)
        self.faces.add(self._face)
        return set_line(text, height_px, self._face)

    def stamp(
        self, ink: Gray, x: float, y: float, kind: Kind, colour: Colour, *, over: bool = False
    ) -> Box | None:
        """Put ink of a kind on the sheet if there is room for it, and return where it stands."""
        box = Box(round(x), round(y), ink.shape[1], ink.shape[0])
        if not over and not self.sheet.is_free(box, 2, seen=False):
            return None
        if kind is Kind.WRITING:
            self.sheet.draw(ink, box.x, box.y, colour)
        else:
            self.sheet.mark(ink, box.x, box.y, colour, kind)
        return box

    def spot(self, width: float, height: float, tries: int = 10) -> tuple[float, float] | None:
        """Return the upper left corner of a free place of a size, px; None if none was found."""
        room = self.area.width - width, self.area.height - height
        if min(room) < 0:
            return None
        for _ in range(tries):
            x = self.area.x + self.rng.uniform(0, room[0])
            y = self.area.y + self.rng.uniform(0, room[1])
            if self.sheet.is_free(Box(int(x), int(y), int(width) + 1, int(height) + 1), 2):
                return float(x), float(y)
        return None

    @property
    def contrast(self) -> float:
        """Grey levels that the page's strokes are apart from the paper, blurred as they will be."""
        return self.palette.contrast * self._strength

    @property
    def _strength(self) -> float:
        """What is left of a full stroke's contrast in the thinner and paler of both pens (0-1)."""
        return min(
            pen.opacity * (1 - 0.4 * max(pen.grain, pen.flow))
            * min(max(pen.width * self.height_px, THINNEST_PX) / 2.2, 1)
            for pen in (self.pen, self.other_pen)
        )  # fmt: skip

    @property
    def stroke_px(self) -> float:
        """Width of a stroke of the pen at the page's height of digits, px."""
        return max(self.pen.width * self.height_px, THINNEST_PX)

    def _scrawl(
        self, text: str, x: float, baseline: float, height_px: float, *, other: bool
    ) -> Box | None:
        letters = sum(sign.isalpha() for sign in text)
        if not letters:
            return None
        ink = drawing.scrawl(self.rng, height_px, letters, self.stroke_px)
        colour = self.palette.other_ink if other else self.palette.ink
        top = baseline - 0.75 * ink.shape[0]
        if not self.sheet.is_free(Box(round(x), round(top), ink.shape[1], ink.shape[0])):
            return None
        return self.stamp(ink, x, top, Kind.WRITING, colour, over=True)

    def _random_pen(self) -> Pen:
        kinds = PENS[self.plan.medium]
        return random_pen(self.rng, kinds[int(self.rng.integers(len(kinds)))])

    def _random_spacing(self) -> float | None:
        draw = self.rng.random()
        if draw < 0.6:
            return None
        return float(self.rng.uniform(0.3, 1.0) if draw < 0.72 else self.rng.uniform(0.02, 0.3))

    def _thick_enough(self, pen: Pen, height_px: float) -> Pen:
        return replace(pen, width=max(pen.width, THINNEST_PX / height_px))
