"""Numbers of writers who are held back: on paper, on desks, in close rows, and as recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ..held_back import Case, Image, Set
from ..pens.hand import Hand
from ..pens.pen import random_pen
from ..pens.strokes import StrokePack, load_strokes
from ..pens.writing import Writing, string_writing, write
from .photo import Placed, Ruling, laid, on_desk, photograph, ruled, seeded
from .scoring import score_number, score_rows
from .specimens import PENS, writers

DESKS = ("wood", "leather", "weave", "tiles", "parquet", "carpet", "marble", "checks")
"""What sheets lie on; training sees the first four, and does without the others."""
PITCHES = (1.15, 1.35, 1.6)
"""From one row's baseline to the next, in heights of a digit."""
ROWS = 8
LONGEST_PX = 900
"""Longest number, px; long ones are written smaller."""
HEIGHTS_PX = (18.0, 60.0)


def on_paper(folder: Path, kind: Ruling, count: int, seed: int, everything: bool = False) -> Set:
    """Write numbers of 2 to 10 digits on plain, ruled or squared paper."""
    hands = writers(folder, everything=everything)
    return _numbers(f"numbers: {kind} paper", hands, partial(_sheet, kind=kind), count, seed)


def on_desks(folder: Path, count: int, seed: int, everything: bool = False) -> Set:
    """Write numbers on sheets that lie on eight desks in turn."""
    hands = writers(folder, everything=everything)
    rng = np.random.default_rng(seed)
    cases = []
    for index in range(count):
        desk = DESKS[index % len(DESKS)]
        text, hand = random_digits(rng, 2, 10), hands[int(rng.integers(len(hands)))]
        make = partial(_desk, hand, text, desk)
        name = f"numbers: desks/{index}/{hand.name}/desk={desk}/digits={len(text)}"
        cases.append(Case(name, seeded(make, seed, index), text))
    return Set("numbers: desks", tuple(cases), score_number)


def recorded(folder: Path, count: int, seed: int) -> Set:
    """Draw numbers that people wrote at once, on plain paper; no training sees them."""
    pack = load_strokes(folder / "strokes" / "unipen_strings.npz")
    rng, cases = np.random.default_rng(seed), []
    for index in rng.permutation(len(pack)).tolist():
        text = str(pack.label[index])
        # Few strings do not tell which stroke is whose, and cannot be drawn.
        if string_writing(pack, index, 20.0, random_pen(rng, "felt"), rng) is None:
            continue
        make = partial(_string, pack, index)
        name = f"numbers: recorded/{index}/digits={len(text)}"
        cases.append(Case(name, seeded(make, seed, index), text))
        if len(cases) == count:
            break
    return Set("numbers: recorded", tuple(cases), score_number)


def in_rows(folder: Path, pitch: float, count: int, seed: int, everything: bool = False) -> Set:
    """Write pages of eight numbers below each other, rows so many heights apart."""
    hands = writers(folder, everything=everything)
    rng, cases = np.random.default_rng(seed), []
    for index in range(count):
        numbers = [random_digits(rng, 3, 8) for _ in range(ROWS)]
        hand = hands[int(rng.integers(len(hands)))]
        make = seeded(partial(_rows, hand, numbers, pitch), seed, index)
        cases.append(Case(f"rows: {pitch}/{index}/{hand.name}", make, numbers))
    return Set(f"rows: {pitch}", tuple(cases), score_rows)


def random_digits(rng: np.random.Generator, least: int, most: int) -> str:
    """Draw a number of `least` to `most` digits."""
    return "".join(map(str, rng.integers(0, 10, int(rng.integers(least, most + 1))).tolist()))


def _numbers(
    name: str, hands: Sequence[Hand], make: Callable[..., Image], count: int, seed: int
) -> Set:
    rng, cases = np.random.default_rng(seed), []
    for index in range(count):
        text, hand = random_digits(rng, 2, 10), hands[int(rng.integers(len(hands)))]
        load = seeded(partial(make, hand, text), seed, index)
        cases.append(Case(f"{name}/{index}/{hand.name}/digits={len(text)}", load, text))
    return Set(name, tuple(cases), score_number)


def _height(rng: np.random.Generator, text: str) -> float:
    low, high = HEIGHTS_PX
    return float(rng.uniform(low, min(high, LONGEST_PX / (1.2 * len(text)))))


def _sheet(hand: Hand, text: str, rng: np.random.Generator, kind: Ruling = "plain") -> Image:
    height = _height(rng, text)
    pen = random_pen(rng, PENS[int(rng.integers(len(PENS)))])
    return _taken(write(hand, text, height, pen, rng), height, pen.width, kind, rng)


def _desk(hand: Hand, text: str, desk: str, rng: np.random.Generator) -> Image:
    return on_desk(_sheet(hand, text, rng), desk, rng)


def _string(pack: StrokePack, index: int, rng: np.random.Generator) -> Image:
    height = _height(rng, str(pack.label[index]))
    pen = random_pen(rng, PENS[int(rng.integers(len(PENS)))])
    writing = string_writing(pack, index, height, pen, rng)
    if writing is None:
        raise ValueError(f"string {index}: expected strokes that tell whose digit they are")
    return _taken(writing, height, pen.width, "plain", rng)


def _taken(
    writing: Writing, height: float, width: float, kind: Ruling, rng: np.random.Generator
) -> Image:
    """Photograph a number with a height or two of paper around it."""
    tall, wide = writing.ink.shape
    left, top, right, bottom = (round(u * height) for u in rng.uniform(1.0, 2.2, 4))
    size = top + tall + bottom, left + wide + right
    lines = ruled(size, kind, height, top + writing.baseline, rng)
    ink = laid([Placed(writing.ink, left, top)], size)
    return photograph(ink, rng, width * height, lines)


def _rows(hand: Hand, numbers: Sequence[str], pitch: float, rng: np.random.Generator) -> Image:
    height = float(rng.uniform(22, 44))
    pen = random_pen(rng, PENS[int(rng.integers(len(PENS)))])
    rows = [write(hand, number, height, pen, rng) for number in numbers]
    indent = [round(u * height) for u in rng.uniform(1.0, 2.0, len(rows))]
    first = 2.2 * height
    placed = [
        Placed(row.ink, left, round(first + k * pitch * height - row.baseline))
        for k, (row, left) in enumerate(zip(rows, indent, strict=True))
    ]
    wide = max(each.x + each.ink.shape[1] for each in placed) + round(1.5 * height)
    tall = round(first + (len(rows) - 1) * pitch * height + 1.5 * height)
    return photograph(laid(placed, (tall, wide)), rng, pen.width * height)
