"""Layouts with text: notes, words, print, and drawings."""

from __future__ import annotations

import numpy as np

from digitcam.edge.frame import Box

from ..pens import texts
from . import drawing, rulings, text
from .noise import clouds
from .page import Gray, Kind
from .plan import Addition
from .rows import baselines, budget_of
from .scribe import Scribe


def notes(scribe: Scribe) -> None:
    """Write words, and numbers with units and signs among them."""
    _lines(scribe, numbers=float(scribe.rng.uniform(0.25, 0.8)))


def words(scribe: Scribe) -> None:
    """Write letters and words only."""
    if scribe.rng.random() < 0.25:
        for _ in range(int(scribe.rng.integers(1, 30))):
            _letter(scribe)
        return
    _lines(scribe, numbers=0)


def printed(scribe: Scribe) -> None:
    """Print headings, paragraphs, columns, tables."""
    for _ in range(int(scribe.rng.integers(1, 6))):
        paragraph(scribe)
    if scribe.rng.random() < 0.3:
        printed_table(scribe)


def drawings(scribe: Scribe) -> None:
    """Draw a few things."""
    for _ in range(int(scribe.rng.integers(1, 9))):
        draw(scribe)


def draw(scribe: Scribe) -> None:
    """Draw one thing in a free place."""
    size = scribe.height_px * scribe.rng.uniform(1.2, 5)
    size = min(size, 0.8 * min(scribe.area.width, scribe.area.height))
    ink = drawing.random_drawing(scribe.rng, size, scribe.stroke_px * scribe.rng.uniform(0.8, 1.6))
    place = scribe.spot(ink.shape[1], ink.shape[0])
    if place is not None:
        colour = scribe.palette.other_ink if scribe.rng.random() < 0.5 else scribe.palette.ink
        scribe.stamp(ink, *place, Kind.WRITING, colour)


def paragraph(scribe: Scribe, digits: float = 0.12, lines: int | None = None) -> None:
    """Print a block of lines where there is room."""
    rng, area = scribe.rng, scribe.area
    size = float(np.exp(rng.uniform(np.log(6), np.log(max(min(0.12 * area.height, 60), 7)))))
    width, count = rng.uniform(0.3, 1) * area.width, lines or int(rng.geometric(0.18))
    pitch = size * rng.uniform(1.4, 2.2)
    count = max(min(count, int(area.height * 0.9 / pitch)), 1)
    place = scribe.spot(width * 0.9, count * pitch, tries=6)
    while place is None and count > 1:
        count //= 2
        place = scribe.spot(width * 0.6, count * pitch, tries=6)
    if place is None:
        return
    per_line = max(int(width / (size * 4.4)), 1)
    for k in range(count):
        line = text.random_line(rng, per_line if k < count - 1 else max(per_line // 2, 1), digits)
        scribe.print(line, place[0], place[1] + k * pitch, size, anew=k == 0)


def printed_table(scribe: Scribe) -> None:
    """Print columns of numbers, as on bills, calendars and dials."""
    rng, area = scribe.rng, scribe.area
    size = float(np.exp(rng.uniform(np.log(7), np.log(max(0.07 * area.height, 8)))))
    rows, columns = int(rng.integers(2, 8)), int(rng.integers(2, 8))
    row, column = size * rng.uniform(1.5, 2.6), size * rng.uniform(2.2, 5)
    place = scribe.spot(columns * column, rows * row, tries=6)
    if place is None:
        return
    lined, anew = rng.random() < 0.4, True
    for r in range(rows):
        for c in range(columns):
            x, y = place[0] + c * column, place[1] + r * row
            if lined:
                box = Box(int(x - 0.3 * size), int(y - 0.3 * size), int(column), int(row))
                rulings.frame(scribe.sheet, box, scribe.palette.ruling, 1)
            scribe.print(texts.random_number(rng, longest=3), x, y, size, anew=anew)
            anew = False


def add(scribe: Scribe) -> None:
    """Add what the plan wants around the content."""
    rng, wanted = scribe.rng, scribe.plan.additions
    if Addition.PRINT in wanted:
        for _ in range(int(rng.integers(1, 4))):
            paragraph(scribe)
    if Addition.LETTERS in wanted:
        for _ in range(int(rng.integers(1, 7))):
            _letter(scribe)
    if Addition.STRUCK in wanted:
        _struck(scribe)
    if Addition.DRAWINGS in wanted:
        for _ in range(int(rng.integers(1, 4))):
            draw(scribe)
    if Addition.UNDERLINES in wanted:
        _underlines(scribe)
    if Addition.STAMPS in wanted:
        _stamp(scribe)


def _lines(scribe: Scribe, numbers: float) -> None:
    """Write lines of words; a share of them are numbers with what stands beside them."""
    rng, height, area = scribe.rng, scribe.height_px, scribe.area
    left = area.x + rng.uniform(0.02, 0.15) * area.width
    scribe.slope, budget = rng.normal(0, 0.015), 1.5 * budget_of(scribe)
    gap, start = rng.uniform(0.5, 1.1), rng.random() < 0.4
    for baseline in baselines(scribe, area):
        x, misses = left + rng.normal(0, 0.1) * height, 0
        for place in range(int(rng.integers(1, 9))):
            # A word and a value after it, as in lists of things, or any order.
            value = rng.random() < numbers or (start and numbers > 0 and place == 1)
            word = _value(scribe) if value else text.random_word(rng)
            if budget <= 0 or x > area.right or misses > 3:
                break
            written = scribe.write(word, x, baseline)
            if written is None:
                misses, x = misses + 1, x + 0.6 * height
                continue
            budget -= len(word)
            x = written.right + gap * height * rng.uniform(0.8, 1.6)


def _value(scribe: Scribe) -> str:
    rng, draw = scribe.rng, scribe.rng.random()
    if draw < 0.4:
        return texts.random_number(rng, longest=6)
    if draw < 0.7:
        space = " " if rng.random() < 0.4 else ""
        unit = texts.UNITS[rng.integers(len(texts.UNITS))]
        return f"{texts.random_number(rng, longest=4)}{space}{unit}"
    return texts.random_value(rng)


def _letter(scribe: Scribe) -> None:
    """Write a letter or a word in a free place, now and then with another pen."""
    rng = scribe.rng
    height = scribe.height_px * rng.uniform(0.7, 1.3)
    word = text.random_word(rng) if rng.random() < 0.5 else str(rng.choice(list(_LETTERS)))
    place = scribe.spot(height * 0.8 * len(word), height * 1.2)
    if place is not None:
        other = bool(rng.random() < 0.3)
        scribe.write(word, place[0], place[1] + height, height, other=other)


def _struck(scribe: Scribe) -> None:
    """Write numbers and words, and cross them out."""
    rng, height = scribe.rng, scribe.height_px
    for _ in range(int(rng.integers(1, 4))):
        has_digits = scribe.plan.content.has_digits
        word = texts.random_number(rng, longest=5) if has_digits else text.random_word(rng)
        place = scribe.spot(height * (0.9 * len(word) + 0.5), height * 1.4)
        if place is not None:
            scribe.write(word, place[0] + 0.2 * height, place[1] + 1.1 * height, struck=True)


def _underlines(scribe: Scribe) -> None:
    """Underline or ring some of the numbers."""
    rng, height = scribe.rng, scribe.height_px
    rate = rng.uniform(0.1, 0.9)
    for box in list(scribe.written):
        if rng.random() > rate:
            continue
        if rng.random() < 0.75:
            line = drawing.underline(
                rng, box.width * rng.uniform(0.9, 1.3), height, scribe.stroke_px
            )
            at = box.x - 0.05 * box.width, box.bottom + rng.uniform(0.02, 0.2) * height
            scribe.stamp(line, *at, Kind.RULING, scribe.palette.ink, over=True)
        else:
            size = box.width * 1.2 + height, box.height * 1.2 + 0.6 * height
            ink = drawing.ring(rng, *size, scribe.stroke_px)
            x = box.x + (box.width - ink.shape[1]) / 2
            y = box.y + (box.height - ink.shape[0]) / 2
            scribe.stamp(ink, x, y, Kind.WRITING, scribe.palette.other_ink, over=True)


def _stamp(scribe: Scribe) -> None:
    """Stamp a word in a frame or ring, in the colour of stamps, worn at places."""
    rng, height = scribe.rng, scribe.height_px
    side = round(min(height * rng.uniform(3, 6), 0.7 * min(scribe.area.width, scribe.area.height)))
    if side < 24:
        return
    place = scribe.spot(side, side)
    if place is None:
        return
    colour = [(60.0, 40.0, 190.0), (160.0, 60.0, 40.0), (90.0, 60.0, 120.0)][int(rng.integers(3))]
    word = text.random_word(rng, 2).upper()
    t = np.linspace(0, 2 * np.pi, 60)
    rounds = np.stack([np.cos(t), np.sin(t)], 1) * (side / 2 - 2)
    ink: Gray = drawing.traced([rounds, rounds * 0.8], max(side / 40, 1), rng)
    worn = np.clip(clouds((ink.shape[0], ink.shape[1]), rng, 8, 3) * 2.5, 0, 1)
    scribe.stamp((ink * worn).astype(np.uint8), *place, Kind.PRINT, colour, over=True)
    size = max(side / max(len(word), 3) * 0.8, 6)
    at = place[0] + 0.15 * side, place[1] + 0.5 * (side - size)
    scribe.print(word, *at, size, colour=colour, over=True)


_LETTERS = "ABCDEFGHIJKLMNPQRTUVWXYZabcdefhijkmnprtuvwxyz"
"""Without those that may be told from no digit: o, O, S, s, l, q, g."""
