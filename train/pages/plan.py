"""What a page shall be: its content, paper, place before the camera, and camera."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

import numpy as np


class Content(Enum):
    """What is on the page."""

    LOOSE = "loose"
    """Numbers in loose lines."""
    LIST = "list"
    """A number a row, with bullets or item numbers now and then."""
    TABLE = "table"
    """Numbers in the columns of a table."""
    DIGIT = "digit"
    """One digit alone, anywhere, of any size."""
    CUT = "cut"
    """One digit or number, and the frame cut to its ink."""
    CELLS = "cells"
    """A grid with a digit in a cell, as in a puzzle."""
    BOXES = "boxes"
    """A number a row, each digit in its box, circle or comb."""
    FORM = "form"
    """Printed labels, and values written beside them."""
    SUMS = "sums"
    """Sums, in a line or in columns."""
    NOTES = "notes"
    """Words, and numbers with units among them."""
    WORDS = "words"
    """Letters and words only: no digit."""
    PRINT = "print"
    """Print only: no digit by hand."""
    DRAWINGS = "drawings"
    """Drawings, arrows and scribbles: no digit."""
    TEXTURE = "texture"
    """No page at all: no digit."""
    BARE = "bare"
    """A page that nothing is on, or no more than its rulings: no digit."""

    @property
    def has_digits(self) -> bool:
        """Whether digits are written on such a page."""
        return self not in _WITHOUT_DIGITS


_WITHOUT_DIGITS = frozenset(
    {Content.WORDS, Content.PRINT, Content.DRAWINGS, Content.TEXTURE, Content.BARE}
)


class Paper(Enum):
    """What the sheet is ruled with."""

    PLAIN = "plain"
    RULED = "ruled"
    SQUARED = "squared"
    DOTTED = "dotted"
    PATTERNED = "patterned"
    """Fine print all over, as on cheques."""


class Medium(Enum):
    """What is written on, and with what."""

    PAPER = "paper"
    COLOURED = "coloured"
    """Coloured paper; some of it is dark and written on with a white pen."""
    WHITEBOARD = "whiteboard"
    BLACKBOARD = "blackboard"
    SCREEN = "screen"
    """A drawing program: flat, a pen of constant width, no camera."""
    NEGATIVE = "negative"
    """White ink on black without a camera, as in sets of single digits."""


class Placement(Enum):
    """Where the sheet lies in the frame."""

    FULL = "full"
    """It fills the frame."""
    PART = "part"
    """All of it, or most, is seen on a textured ground."""


class Camera(Enum):
    """How the page is taken."""

    SCAN = "scan"
    """Even light, straight, hardly any noise; sometimes black and white."""
    PHONE = "phone"
    """Some perspective, soft shadows, little blur and noise."""
    HARD = "hard"
    """Shadows with edges, glare, turns up to 45 degrees, blur, noise, strong compression."""


class Addition(Enum):
    """What stands around the numbers."""

    LETTERS = "letters"
    PRINT = "print"
    STRUCK = "struck"
    """Numbers that are crossed out."""
    DRAWINGS = "drawings"
    """Arrows, scribbles, rings and doodles."""
    STAMPS = "stamps"
    UNDERLINES = "underlines"
    DAMAGE = "damage"
    """Creases, stains and what shows through from the other side."""


@dataclass(frozen=True)
class PagePlan:
    """What to render; the rest is left to chance."""

    content: Content = Content.LOOSE
    paper: Paper = Paper.PLAIN
    medium: Medium = Medium.PAPER
    placement: Placement = Placement.FULL
    camera: Camera = Camera.PHONE
    additions: frozenset[Addition] = frozenset()
    strong_ruling: bool = False
    """Rulings as dark as writing instead of faint ones."""
    close_rows: bool = False
    """Rows 1.15 to 1.6 digit heights apart instead of 1.6 to 3.5."""


_Choice = TypeVar("_Choice", bound=Enum)

_CONTENTS = {
    Content.LOOSE: 0.14, Content.LIST: 0.07, Content.TABLE: 0.06, Content.DIGIT: 0.09,
    Content.CUT: 0.06, Content.CELLS: 0.05, Content.BOXES: 0.04, Content.FORM: 0.05,
    Content.SUMS: 0.04, Content.NOTES: 0.08, Content.WORDS: 0.07, Content.PRINT: 0.08,
    Content.DRAWINGS: 0.04, Content.TEXTURE: 0.1, Content.BARE: 0.03,
}  # fmt: skip
_PAPERS = {
    Paper.PLAIN: 0.5, Paper.RULED: 0.2, Paper.SQUARED: 0.17, Paper.DOTTED: 0.05,
    Paper.PATTERNED: 0.08,
}  # fmt: skip
_MEDIA = {
    Medium.PAPER: 0.62, Medium.COLOURED: 0.1, Medium.WHITEBOARD: 0.07, Medium.BLACKBOARD: 0.09,
    Medium.SCREEN: 0.12,
}  # fmt: skip
_SINGLE_MEDIA = {
    Medium.PAPER: 0.6, Medium.COLOURED: 0.08, Medium.WHITEBOARD: 0.05, Medium.BLACKBOARD: 0.04,
    Medium.SCREEN: 0.13, Medium.NEGATIVE: 0.1,
}  # fmt: skip
_CAMERAS = {Camera.SCAN: 0.2, Camera.PHONE: 0.6, Camera.HARD: 0.2}
_ADDITIONS = {
    Addition.LETTERS: 0.15, Addition.PRINT: 0.22, Addition.STRUCK: 0.1, Addition.DRAWINGS: 0.12,
    Addition.STAMPS: 0.05, Addition.UNDERLINES: 0.12, Addition.DAMAGE: 0.15,
}  # fmt: skip
_SINGLE = (Content.DIGIT, Content.CUT)
_ALONE = (Content.CUT, Content.TEXTURE, Content.BARE)
"""Nothing is added to these."""

_SIZES = {
    (480, 640): 0.3, (240, 320): 0.24, (640, 480): 0.16, (320, 240): 0.1, (360, 480): 0.09,
    (600, 800): 0.06, (720, 1280): 0.02, (960, 1280): 0.03,
}  # fmt: skip


def random_plan(rng: np.random.Generator) -> PagePlan:
    """Draw what a page shall be; a third of the pages hold no digit."""
    content = _drawn(rng, _CONTENTS)
    single = content in _SINGLE
    medium = _drawn(rng, _SINGLE_MEDIA if single else _MEDIA)
    flat = medium in (Medium.SCREEN, Medium.NEGATIVE)
    paper = _drawn(rng, _PAPERS)
    if flat or (medium in (Medium.WHITEBOARD, Medium.BLACKBOARD) and rng.random() < 0.8):
        paper = Paper.PLAIN
    additions = frozenset(
        addition for addition, rate in _ADDITIONS.items() if rng.random() < rate * (1 - single / 2)
    )
    camera = Camera.SCAN if flat else _drawn(rng, _CAMERAS)
    part = content is not Content.CUT and camera is not Camera.SCAN and rng.random() < 0.45
    return PagePlan(
        content=content,
        paper=paper,
        medium=medium,
        placement=Placement.PART if part else Placement.FULL,
        camera=camera,
        additions=frozenset() if content in _ALONE else additions,
        strong_ruling=bool(rng.random() < 0.2),
        close_rows=bool(rng.random() < 0.3),
    )


def random_size(rng: np.random.Generator, plan: PagePlan) -> tuple[int, int]:
    """Draw the height and width of a frame, px; most are 240 x 320 to 480 x 640."""
    negative = plan.medium is Medium.NEGATIVE
    if plan.content is Content.CUT:
        height = round(float(np.exp(rng.uniform(np.log(36), np.log(260)))))
        if negative and rng.random() < 0.5:
            height = 28
        square = negative or rng.random() < 0.3
        return height, height if square else max(round(height * rng.uniform(0.6, 3.2)), 28)
    if plan.content is Content.DIGIT and (negative or rng.random() < 0.3):
        side = int(rng.choice([28, 56, 64, 96, 128, 160, 200, 280]))
        return side, side
    height, width = list(_SIZES)[int(rng.choice(len(_SIZES), p=list(_SIZES.values())))]
    return height, width


def _drawn(rng: np.random.Generator, weights: dict[_Choice, float]) -> _Choice:
    share = np.array(list(weights.values()))
    return list(weights)[int(rng.choice(len(share), p=share / share.sum()))]
