"""A photographed page and what is known of each of its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.frame import Box

from .plan import PagePlan

Gray = NDArray[np.uint8]
Colour = tuple[float, float, float]
"""Blue, green and red under full light, 0-255."""


class Kind(IntEnum):
    """What a pixel of a page shows."""

    BARE = 0
    """Paper, board or screen that nothing is on, stained or shaded as it may be."""
    DIGIT = 1
    """A digit written by hand that may be read."""
    WRITING = 2
    """Other writing by hand: letters, signs, drawings, and digits that are struck out."""
    PRINT = 3
    """Print, digits too."""
    RULING = 4
    """Rulings, grids, boxes, combs, underlines and fine print under the writing."""
    TEXTURE = 5
    """Whatever lies around the sheet, or is photographed in place of one."""


@dataclass(frozen=True)
class PageCharacter:
    """A character written by hand; the box is tight around its pixels in `Page.owner`."""

    label: str
    """One character, or nothing for a scribble or drawing."""
    box: Box
    """In pixels of the photograph."""
    number: int
    """Index into `Page.numbers`; -1 for what belongs to none."""
    struck: bool
    """Crossed out, and so to be read by no one."""


@dataclass(frozen=True)
class Number:
    """Digits that are written as one number."""

    text: str
    """Digits only; dots and commas between them are left out."""
    members: tuple[int, ...]
    """Indices into `Page.characters`, in the order of the text."""
    box: Box
    """Around all members, in pixels of the photograph."""


@dataclass(frozen=True)
class Page:
    """A photograph and the truth about it."""

    image: Gray
    """(H, W, 3) uint8, BGR: the photograph."""
    kind: Gray
    """(H, W) uint8, values of Kind."""
    owner: NDArray[np.uint16]
    """(H, W) uint16: 0, or 1 + index into `characters` where one of them was written last."""
    characters: tuple[PageCharacter, ...]
    """Everything that was written by hand and is seen."""
    numbers: tuple[Number, ...]
    """In reading order: rows from the top, each from the left, as they lie on the sheet."""
    light_on_dark: bool
    """Whether the writing is lighter than what it stands on."""
    plan: PagePlan
    """What was asked for, or drawn."""
    textures: frozenset[str]
    """Names of the textures that were used."""
    faces: frozenset[str]
    """Names of the typefaces that were used."""
