"""Writes texts with a hand: characters beside each other, each pixel with its owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from digitcam.edge.frame import Box

from .curves import settled
from .drawn import drawn_hand
from .groups import strokes_by_digit
from .hand import Hand
from .ink import Inked, draw_script, owned_by
from .manner import random_manner
from .pen import Pen
from .place import place_of
from .script import Script, script_of
from .spacing import outline_of_planes, outline_of_script, random_spacing
from .stroke_hand import StrokeHand, laid_out
from .strokes import StrokePack
from .texture import Plane, textured, tight

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
    writers = [_writer(character, hand, fallback) for character in characters]
    manner = random_manner(rng)
    gaps = random_spacing(rng, pen.width, spacing).gaps(text, rng)
    stray = [max(manner.size_stray, place_of(character).stray) for character in characters]
    sizes = np.exp(np.array(stray) * rng.standard_normal(len(characters))) * height_px
    strokes = [writer for writer in writers if isinstance(writer, StrokeHand)]
    if len(strokes) == len(writers):
        shapes = [w.shape(c, rng) for w, c in zip(strokes, characters, strict=True)]
        script = laid_out(shapes, sizes.tolist(), pen.width, manner, rng)
        outline = outline_of_script(script, height_px, pen.width * height_px)
        columns = outline.columns(gaps, height_px)
        shift = np.array([columns, _baselines(columns, height_px, rng)], np.float32).T
        script = _shifted(script, shift)
        return _inked(script, characters, text, 0.0, pen, height_px, rng)
    even = _even(pen)
    glyphs = [
        writer.glyph(character, size, even, rng, manner)
        for writer, character, size in zip(writers, characters, sizes.tolist(), strict=True)
    ]
    planes = [glyph.ink for glyph in glyphs]
    tops = [-glyph.rise - glyph.ink.shape[0] for glyph in glyphs]
    columns = outline_of_planes(planes, tops, height_px).columns(gaps, height_px)
    rows = _baselines(columns, height_px, rng)
    pieces = [
        Inked(plane, round(x), round(top + y))
        for plane, top, x, y in zip(planes, tops, columns, rows, strict=True)
    ]
    return _composed(pieces, characters, text, pen, height_px, rng)


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
    owners = [number for number, group in enumerate(groups, 1) for _ in group]
    script = script_of([strokes[i] for group in groups for i in group], owners)
    points = script.points @ random_manner(rng).poses(1, rng)[0].T
    starts = script.starts()
    bottoms = np.maximum.reduceat(points[:, 1], starts)
    tall = float(np.median(bottoms - np.minimum.reduceat(points[:, 1], starts)))
    scale = np.float32(max(height_px * (1 - pen.width), 1.0) / max(tall, 1.0))
    script = Script(points * scale, script.ends, script.owners)
    baseline = float(np.median(bottoms) * scale) + pen.width * height_px / 2
    return _inked(script, tuple(text), text, baseline, pen, height_px, rng)


def _checked(text: str) -> tuple[str, ...]:
    characters = tuple(text.replace(" ", ""))
    if not 0 < len(characters) <= MAX_CHARACTERS:
        raise ValueError(f"text: expected 1 to {MAX_CHARACTERS} characters, found {text!r}")
    return characters


def _writer(character: str, hand: Hand, fallback: Hand | None) -> Hand:
    for writer in (hand, fallback, drawn_hand()):
        if writer is not None and character in writer.characters:
            return writer
    raise ValueError(
        f"text: expected characters that {hand.name} or its fallback can write, found {character!r}"
    )


def _even(pen: Pen) -> Pen:
    """Return the pen without what is laid over the whole writing at once."""
    return replace(pen, grain=0.0, flow=0.0, skips=0.0, opacity=1.0, softness=0.0)


def _baselines(columns: list[float], height_px: float, rng: np.random.Generator) -> list[float]:
    """Return the row of each character's baseline: it climbs, wanders and shakes."""
    slope = 0.025 * rng.standard_normal()
    walk, shake = 0.035 * rng.random(), 0.09 * rng.random()
    steps, shakes = rng.standard_normal((2, len(columns)))
    stray = walk * np.cumsum(steps) + shake * shakes
    rows: list[float] = (slope * np.array(columns) + stray * height_px).tolist()
    return rows


def _shifted(script: Script, shift: NDArray[np.float32]) -> Script:
    counts = np.diff(script.starts(), append=len(script.points))
    return script.moved(np.repeat(shift, counts, axis=0))


def _inked(
    script: Script,
    characters: tuple[str, ...],
    text: str,
    baseline: float,
    pen: Pen,
    height_px: float,
    rng: np.random.Generator,
) -> Writing:
    """Draw a whole writing at once."""
    even, owner = draw_script(script, height_px, pen, rng, owned=True)
    plane, x, y = tight(textured(even.ink, pen, height_px, rng))
    tall, wide = plane.shape
    owner = owned_by(owner[y : y + tall, x : x + wide], plane)
    left, top = even.x + x, even.y + y
    starts = script.starts()
    reach = pen.width * height_px / 2
    points = script.points - np.array([left, top], np.float32)
    lows = np.rint(np.minimum.reduceat(points, starts) - reach + 1).astype(int).tolist()
    highs = np.rint(np.maximum.reduceat(points, starts) + reach - 1).astype(int).tolist()
    boxes = [
        _own_box(owner, number, low, high)
        for number, (low, high) in enumerate(zip(lows, highs, strict=True), 1)
    ]
    return Writing(plane, owner, characters, tuple(boxes), text, baseline - top)


def _own_box(owner: Plane, number: int, low: Sequence[int], high: Sequence[int]) -> Box:
    """Return the box around a character's own pixels and those that others took from it.

    Args:
        owner: (h, w).
        number: Whose box.
        low: Column and row of what is surely inside.
        high: Column and row after it.
    """
    height, width = owner.shape
    # What it owns lies within a few pixels of that: the rim, a blob, the press of a brush.
    reach = 6 + (high[1] - low[1]) // 4
    x0, y0 = max(low[0] - reach, 0), max(low[1] - reach, 0)
    part = owner[y0 : max(high[1] + reach, y0), x0 : max(high[0] + reach, x0)]
    x, y, wide, tall = cv2.boundingRect((part == number).view(np.uint8))
    x, y = x + x0, y + y0
    if not wide:
        x, y, wide, tall = low[0], low[1], max(high[0] - low[0], 1), max(high[1] - low[1], 1)
    x1, y1 = min(max(x + wide, high[0]), width), min(max(y + tall, high[1]), height)
    x, y = max(min(x, low[0]), 0), max(min(y, low[1]), 0)
    return Box(x, y, x1 - x, y1 - y)


def _composed(
    pieces: Sequence[Inked],
    characters: tuple[str, ...],
    text: str,
    pen: Pen,
    height_px: float,
    rng: np.random.Generator,
) -> Writing:
    """Lay planes of even ink over each other."""
    pad = int(np.ceil(3 * pen.softness * pen.width * height_px))
    left, top = min(piece.x for piece in pieces) - pad, min(piece.y for piece in pieces) - pad
    width = max(piece.x + piece.ink.shape[1] for piece in pieces) - left + pad
    height = max(piece.y + piece.ink.shape[0] for piece in pieces) - top + pad
    plane, owner = np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint8)
    for number, piece in enumerate(pieces, 1):
        rows, columns = _slices(piece, left, top)
        part = plane[rows, columns]
        # Where two meet, the rim of the later one doesn't take the middle of the other.
        owner[rows, columns][(piece.ink > 63) | (piece.ink > part)] = number
        cv2.max(part, piece.ink, part)
    plane, x, y = tight(textured(plane, pen, height_px, rng))
    tall, wide = plane.shape
    owner = owned_by(owner[y : y + tall, x : x + wide], plane)
    boxes = [
        _own_box(owner, number, *_inner(plane, piece, left + x, top + y))
        for number, piece in enumerate(pieces, 1)
    ]
    return Writing(plane, owner, characters, tuple(boxes), text, -float(top + y))


def _slices(piece: Inked, left: int, top: int) -> tuple[slice, slice]:
    height, width = piece.ink.shape
    x, y = piece.x - left, piece.y - top
    return slice(max(y, 0), max(y + height, 0)), slice(max(x, 0), max(x + width, 0))


def _inner(plane: Plane, piece: Inked, left: int, top: int) -> tuple[list[int], list[int]]:
    """Return what of a piece is left in the plane: column and row of its corner, and after it."""
    rows, columns = _slices(piece, left, top)
    part = plane[rows, columns]
    tall, wide = part.shape
    own = piece.ink[rows.start - piece.y + top :, columns.start - piece.x + left :][:tall, :wide]
    x, y, width, height = cv2.boundingRect(cv2.min(part, own))
    if not width:  # Nothing, as of a dot between grains.
        width, height = max(wide, 1), max(tall, 1)
    x, y = columns.start + x, rows.start + y
    return [x, y], [x + width, y + height]
