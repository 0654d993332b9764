"""Writes texts with a hand: characters beside each other, each pixel with its owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from digitcam.edge.frame import Box

from .curves import settled
from .drawn import drawn_hand
from .groups import strokes_by_digit
from .hand import Hand
from .ink import Inked, ink_strokes
from .manner import random_manner
from .pen import Pen
from .spacing import nearest, profile_of, random_spacing
from .strokes import StrokePack
from .texture import LEAST, Plane, textured

MAX_CHARACTERS = 255
"""What a uint8 tells apart."""


@dataclass(frozen=True)
class Writing:
    """A written text and whose every pixel is."""

    ink: NDArray[np.uint8]
    """(h, w) coverage, 0 to 255."""
    owner: NDArray[np.uint8]
    """(h, w), 0 where there is no ink, k + 1 where it is character k's; the later one's where
    two overlap."""
    characters: tuple[str, ...]
    """What was written, without spaces."""
    boxes: tuple[Box, ...]
    """Tight around each character's ink, whoever owns it."""
    text: str
    """What was written, with spaces."""
    baseline: float
    """Row of the baseline where the text starts."""


def write(
    hand: Hand,
    text: str,
    height_px: float,
    pen: Pen,
    rng: np.random.Generator,
    spacing: float | None = None,
    fallback: Hand | None = None,
) -> Writing:
    """Write a text on one line.

    Args:
        hand: Who writes.
        text: Characters and spaces; not blank.
        height_px: Height of a digit, px.
        pen: What it is written with.
        rng: Source of every draw; equal states write equal ink.
        spacing: Mean free space between characters in heights; by default as writers have it.
        fallback: Who writes the characters that the hand lacks. Digits and signs that nobody else
            can write are drawn.

    Raises:
        ValueError: the text is blank, too long (over 255 characters), or has a character that
            nobody can write.

    """
    characters = _checked(text)
    writers = {character: _writer(character, hand, fallback) for character in characters}
    manner = random_manner(rng)
    space = random_spacing(rng, pen.width, spacing)
    even = _even(pen)
    baselines = _Baseline.random(rng, height_px)
    pieces: list[Inked] = []
    before, pending, left, right = None, 0.0, 0.0, 0.0
    for character in text:
        if character == " ":
            pending += space.word * float(rng.uniform(0.8, 1.25))
            continue
        size = height_px * float(np.exp(manner.size_stray * rng.standard_normal()))
        glyph = writers[character].glyph(character, size, even, rng, manner)
        tall, wide = glyph.ink.shape
        profile = profile_of(glyph.ink, -glyph.rise - tall, height_px)
        x = 0.0
        if before is not None:
            gap = (space.gap(rng) + pending) * height_px
            touching = nearest(before, profile)
            x = left + (touching if touching is not None else right - left) + gap
            # No character slips under the arm of the one before it, or passes it.
            x = max(x, right - 0.45 * height_px, left + 0.3 * (right - left))
        y = round(baselines.at(x, rng) - glyph.rise) - tall
        pieces.append(Inked(glyph.ink, round(x), y))
        before, pending, left, right = profile, 0.0, x, x + wide
    return _composed(pieces, characters, text, 0.0, pen, height_px, rng)


def string_writing(
    pack: StrokePack, index: int, height_px: float, pen: Pen, rng: np.random.Generator
) -> Writing | None:
    """Write a recorded number with its writer's own spacing and touching.

    Args:
        pack: Numbers, such as ``unipen_strings.npz``.
        index: Which of them.
        height_px: Median height of its digits, px.
        pen: What it is written with.
        rng: Source of slant, breadth and texture.

    Returns:
        The number; None if its strokes don't tell which digit they belong to.

    """
    text = str(pack.label[index])
    strokes = settled(pack.strokes_of(index))
    groups = strokes_by_digit(strokes, len(text))
    if groups is None:
        return None
    manner = replace(random_manner(rng), wobble=0.0, stray=0.0)
    strokes = manner.moved(strokes, rng)
    digits = [np.concatenate([strokes[i] for i in group]) for group in groups]
    tall = float(np.median([np.ptp(digit[:, 1]) for digit in digits]))
    scale = np.float32(max(height_px * (1 - pen.width), 1.0) / max(tall, 1.0))
    bottom = float(np.median([digit[:, 1].max() for digit in digits]))
    even = _even(pen)
    pieces = [
        ink_strokes([strokes[i] * scale for i in group], height_px, even, rng) for group in groups
    ]
    return _composed(pieces, tuple(text), text, bottom * float(scale), pen, height_px, rng)


def _checked(text: str) -> tuple[str, ...]:
    characters = tuple(text.replace(" ", ""))
    if not 0 < len(characters) <= MAX_CHARACTERS:
        raise ValueError(f"text: expected 1 to {MAX_CHARACTERS} characters, found {text!r}")
    return characters


@cache
def _signs() -> Hand:
    return drawn_hand()


def _writer(character: str, hand: Hand, fallback: Hand | None) -> Hand:
    for writer in (hand, fallback, _signs()):
        if writer is not None and character in writer.characters:
            return writer
    raise ValueError(
        f"text: expected characters that {hand.name} or its fallback can write, found {character!r}"
    )


def _even(pen: Pen) -> Pen:
    """Return the pen without what is laid over the whole writing at once."""
    return replace(pen, grain=0.0, flow=0.0, skips=0.0, opacity=1.0)


@dataclass
class _Baseline:
    """Where a writer's baseline wanders; rows, 0 at its start."""

    height_px: float
    slope: float
    walk: float
    shake: float
    wandered: float = 0.0

    @classmethod
    def random(cls, rng: np.random.Generator, height_px: float) -> _Baseline:
        slope = 0.025 * float(rng.standard_normal())
        return cls(height_px, slope, 0.035 * float(rng.random()), 0.09 * float(rng.random()))

    def at(self, x: float, rng: np.random.Generator) -> float:
        self.wandered += self.walk * float(rng.standard_normal())
        shaken = self.wandered + self.shake * float(rng.standard_normal())
        return self.slope * x + shaken * self.height_px


def _composed(
    pieces: Sequence[Inked],
    characters: tuple[str, ...],
    text: str,
    baseline: float,
    pen: Pen,
    height_px: float,
    rng: np.random.Generator,
) -> Writing:
    left, top = min(piece.x for piece in pieces), min(piece.y for piece in pieces)
    width = max(piece.x + piece.ink.shape[1] for piece in pieces) - left
    height = max(piece.y + piece.ink.shape[0] for piece in pieces) - top
    plane, owner = np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint8)
    for number, piece in enumerate(pieces, 1):
        rows, columns = _slices(piece, left, top)
        part = plane[rows, columns]
        # Where two meet, the rim of the later one doesn't take the middle of the other.
        owner[rows, columns][(piece.ink > 63) | (piece.ink > part)] = number
        cv2.max(part, piece.ink, part)
    plane = _worn(plane, pen, height_px, rng)
    owner[plane == 0] = 0
    boxes = tuple(_box(plane, piece, left, top) for piece in pieces)
    return Writing(plane, owner, characters, boxes, text, baseline - top)


def _worn(plane: Plane, pen: Pen, height_px: float, rng: np.random.Generator) -> Plane:
    worn = textured(plane, replace(pen, softness=0.0), height_px, rng)
    return np.asarray(cv2.threshold(worn, LEAST - 1, 0, cv2.THRESH_TOZERO)[1], np.uint8)


def _slices(piece: Inked, left: int, top: int) -> tuple[slice, slice]:
    height, width = piece.ink.shape
    x, y = piece.x - left, piece.y - top
    return slice(y, y + height), slice(x, x + width)


def _box(plane: Plane, piece: Inked, left: int, top: int) -> Box:
    rows, columns = _slices(piece, left, top)
    x, y, width, height = cv2.boundingRect(cv2.min(plane[rows, columns], piece.ink))
    if not width:  # Nothing of it is left, as of a dot between grains.
        return Box(columns.start, rows.start, piece.ink.shape[1], piece.ink.shape[0])
    return Box(columns.start + x, rows.start + y, width, height)
