"""Layouts with lines around the numbers: tables, grids, boxes, combs, forms, sums in columns."""

from __future__ import annotations

import numpy as np

from digitcam.edge.frame import Box

from ..pens import texts
from . import drawing, rulings, text
from .page import Kind
from .rows import baselines, budget_of
from .scribe import Scribe


def table(scribe: Scribe) -> None:
    """Write numbers in columns, with or without lines between them and a head above."""
    rng, height, area = scribe.rng, scribe.height_px, scribe.area
    row = height * (rng.uniform(1.25, 1.6) if scribe.plan.close_rows else rng.uniform(1.6, 2.6))
    longest = int(rng.integers(1, 6))
    column = height * (0.9 * longest + rng.uniform(0.5, 2))
    columns = min(int(area.width * 0.95 / column), int(rng.integers(2, 8)))
    rows = min(int(area.height * 0.95 / row), int(rng.integers(2, 14)))
    if columns < 1 or rows < 1:
        return
    left = area.x + rng.uniform(0, area.width - columns * column)
    top = area.y + rng.uniform(0, area.height - rows * row)
    thin, drawn = _line_px(scribe), int(rng.integers(4))
    for k in range(rows + 1):
        if drawn in (1, 2):
            along = Box(int(left), int(top + k * row), int(columns * column), 1)
            rulings.line(scribe.sheet, along, scribe.palette.ruling, thin)
    for k in range(columns + 1):
        if drawn in (1, 3):
            along = Box(int(left + k * column), int(top), 1, int(rows * row))
            rulings.line(scribe.sheet, along, scribe.palette.ruling, thin)
    right_aligned, head, budget = rng.random() < 0.5, rng.random() < 0.4, 2 * budget_of(scribe)
    for r in range(rows):
        for c in range(columns):
            x, baseline = left + (c + 0.08) * column, top + (r + 0.5) * row + 0.45 * height
            if (r == 0 and head) or (c == 0 and head and rng.random() < 0.7):
                scribe.print(text.random_label(rng), x, baseline - 0.75 * height, height * 0.6)
                continue
            word = texts.random_number(rng, longest=longest)
            writing = scribe.writing(word, height)
            if writing is None or budget <= 0 or rng.random() < 0.08:
                continue
            if right_aligned:
                x = max(left + (c + 0.93) * column - writing.ink.shape[1], x)
            if x + writing.ink.shape[1] < left + (c + 1.1) * column:
                budget -= len(word)
                scribe.place(writing, x, baseline + rng.normal(0, 0.05) * height, height)


def cells(scribe: Scribe) -> None:
    """Draw a grid with a digit in a cell, some of them printed, as in a puzzle."""
    rng, height, area = scribe.rng, scribe.height_px, scribe.area
    side = height * rng.uniform(1.25, 2.3)
    most = int(area.height * 0.96 / side), int(area.width * 0.96 / side)
    if min(most) < 1:
        return
    count = (9, 9) if min(most) >= 9 and rng.random() < 0.7 else tuple(
        min(m, int(rng.integers(2, 10))) for m in most
    )  # fmt: skip
    left = area.x + rng.uniform(0, area.width - count[1] * side)
    top = area.y + rng.uniform(0, area.height - count[0] * side)
    thin = _line_px(scribe)
    colour = scribe.palette.print_ink if rng.random() < 0.6 else scribe.palette.ruling
    for k in range(max(count) + 1):
        thick = thin * (2 if k % 3 == 0 else 1)
        if k <= count[0]:
            across = Box(int(left), int(top + k * side), int(count[1] * side), 1)
            rulings.line(scribe.sheet, across, colour, thick)
        if k <= count[1]:
            down = Box(int(left + k * side), int(top), 1, int(count[0] * side))
            rulings.line(scribe.sheet, down, colour, thick)
    filled, printed = rng.uniform(0.2, 0.9), rng.choice([0.0, 0.35])
    budget = budget_of(scribe) + 12
    for r in range(count[0]):
        for c in range(count[1]):
            x, y = left + c * side, top + r * side
            draw = rng.random()
            digit = str(rng.integers(1, 10) if printed else rng.integers(10))
            if draw < printed:
                at = x + side / 2 - 0.32 * height, y + (side - 0.9 * height) / 2
                scribe.print(digit, *at, 0.9 * height)
            elif draw < printed + filled and budget > 0:
                budget -= 1
                _write_in(scribe, digit, Box(int(x), int(y), int(side), int(side)))


def boxed_numbers(scribe: Scribe) -> None:
    """Write numbers with each digit in its box or circle, or between the teeth of a comb."""
    rng, height, area = scribe.rng, scribe.height_px, scribe.area
    wide, tall = height * rng.uniform(1.05, 1.7), height * rng.uniform(1.2, 1.8)
    gap = rng.choice([0.0, rng.uniform(0.05, 0.5) * height])
    kind, thin, budget = int(rng.integers(3)), max(_line_px(scribe), 1), budget_of(scribe)
    y = area.y + rng.uniform(0.02, 0.3) * area.height
    while y + tall < area.bottom and budget > 0:
        x = area.x + rng.uniform(0.02, 0.3) * area.width
        if rng.random() < 0.4:
            label = scribe.print(text.random_label(rng), x, y + 0.3 * tall, height * 0.6)
            x = label.right + 0.5 * height if label else x
        numbers: list[int] = []
        for digit in texts.random_number(rng):
            if x + wide > area.right:
                break
            box = Box(round(x), round(y), round(wide), round(tall))
            if kind == 0:
                rulings.frame(scribe.sheet, box, scribe.palette.ruling, thin)
            elif kind == 1:
                rulings.circle(scribe.sheet, box, scribe.palette.ruling, thin)
            else:
                _tooth(scribe, box, thin)
            before = len(scribe.sheet.numbers)
            if _write_in(scribe, digit, box) is not None:
                numbers.append(before)
                budget -= 1
            x += wide + gap
        if len(numbers) > 1 and gap < 0.35 * height:
            scribe.sheet.join(numbers)
        y += tall * rng.uniform(1.2, 2.5)


def form(scribe: Scribe) -> None:
    """Print labels, and write values beside them on lines or in boxes."""
    rng, height, area = scribe.rng, scribe.height_px, scribe.area
    type_px = max(height * rng.uniform(0.4, 0.8), 6.5)
    thin, style = max(_line_px(scribe), 0.8), int(rng.integers(3))
    left = area.x + rng.uniform(0.02, 0.1) * area.width
    columns = 2 if area.width > 22 * height and rng.random() < 0.5 else 1
    broad = area.width * 0.95 / columns
    if rng.random() < 0.5:
        scribe.print(text.random_line(rng, 2, 0), left, area.y + 0.5 * type_px, type_px * 1.5)
    for baseline in baselines(scribe, area):
        for c in range(columns):
            x = left + c * broad
            label = scribe.print(text.random_label(rng), x, baseline - type_px, type_px)
            start = (label.right if label else x) + 0.5 * height
            room = x + 0.95 * broad - start
            if room < height:
                continue
            line = Box(int(start), int(baseline + 0.15 * height), int(room), 1)
            if style == 0:
                rulings.line(scribe.sheet, line, scribe.palette.ruling, thin)
            elif style == 1:
                tall = int(1.45 * height)
                box = Box(line.x, int(baseline - 1.2 * height), line.width, tall)
                rulings.frame(scribe.sheet, box, scribe.palette.ruling, thin)
            value = texts.random_value(rng) if rng.random() < 0.75 else text.random_word(rng)
            writing = scribe.writing(value, height)
            if writing is not None and writing.ink.shape[1] < room and rng.random() < 0.9:
                scribe.place(writing, start + 0.2 * height, baseline, height)


def column_sum(scribe: Scribe, place: tuple[float, float], rows: int, pitch: float) -> int:
    """Write numbers below each other, a line, and what they make; return how many characters."""
    rng, height = scribe.rng, scribe.height_px
    right, baseline, count = place[0] + 4.3 * height, place[1] + 1.1 * height, 0
    values = [int(texts.random_number(rng, longest=3)) for _ in range(rows)]
    for k, value in enumerate([*values, sum(values)]):
        writing = scribe.writing(str(value), height)
        if writing is None:
            return count
        if k == rows:
            line = drawing.underline(rng, 4.2 * height, height, scribe.stroke_px)
            at = place[0], baseline - 1.35 * height
            scribe.stamp(line, *at, Kind.RULING, scribe.palette.ink, over=True)
            baseline += 0.35 * height
        scribe.place(writing, right - writing.ink.shape[1], baseline, height)
        if k == rows - 1:
            scribe.write("+", place[0], baseline)
        baseline, count = baseline + pitch, count + len(str(value))
    return count


def _write_in(scribe: Scribe, digit: str, box: Box) -> Box | None:
    """Write one digit about the middle of a box; it may touch the lines, as hands do."""
    rng, height = scribe.rng, scribe.height_px * scribe.rng.uniform(0.85, 1.08)
    writing = scribe.writing(digit, height)
    if writing is None:
        return None
    tall, wide = writing.ink.shape
    x = box.x + (box.width - wide) / 2 + rng.normal(0, 0.1) * max(box.width - wide, 2)
    y = box.y + (box.height - tall) / 2 + rng.normal(0, 0.1) * max(box.height - tall, 2)
    return scribe.place(writing, x, y + writing.baseline, height)


def _tooth(scribe: Scribe, box: Box, thin: float) -> None:
    """Print one cell of a comb: a base line and short uprights."""
    colour, tooth = scribe.palette.ruling, max(box.height // 3, 2)
    rulings.line(scribe.sheet, Box(box.x, box.bottom, box.width, 1), colour, thin)
    for x in (box.x, box.right):
        rulings.line(scribe.sheet, Box(x, box.bottom - tooth, 1, tooth + 1), colour, thin)


def _line_px(scribe: Scribe) -> float:
    return float(np.clip(scribe.height_px * scribe.rng.uniform(0.02, 0.07), 0.7, 4))
