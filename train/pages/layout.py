"""Where things stand on a page, by its content."""

from __future__ import annotations

from collections.abc import Callable

from ..pens import texts
from . import boxes, prose
from .plan import Content
from .rows import baselines, budget_of
from .scribe import Scribe


def lay_out(scribe: Scribe) -> None:
    """Write and print what the plan's content asks for."""
    layout = _LAYOUTS.get(scribe.plan.content)
    if layout is not None:
        layout(scribe)
    if scribe.plan.content.has_digits and not scribe.sheet.numbers:
        _any_number(scribe)


def _loose(scribe: Scribe) -> None:
    """Write numbers in lines that are slightly askew, with wide gaps."""
    rng, height, area = scribe.rng, scribe.height_px, scribe.area
    left = area.x + rng.uniform(0.02, 0.2) * area.width
    scribe.slope, budget = rng.normal(0, 0.02), budget_of(scribe)
    longest = int(rng.choice([1, 3, 6, 10], p=[0.1, 0.25, 0.35, 0.3]))
    loose = rng.uniform(0.7, 2.5)
    for baseline in baselines(scribe, area):
        x = left + rng.exponential(0.3) * height
        misses = 0
        while x < area.right and budget > 0 and misses < 6:
            word = texts.random_number(rng, longest=longest)
            written = scribe.write(word, x, baseline)
            if written is None:
                misses += 1
                x += height * rng.uniform(0.3, 1.5)
                continue
            budget -= len(word)
            x = written.right + height * loose * rng.uniform(0.8, 1.4)
            if rng.random() < 0.12:
                break


def _list(scribe: Scribe) -> None:
    """Write a number a row."""
    rng, height, area = scribe.rng, scribe.height_px, scribe.area
    left = area.x + rng.uniform(0.02, 0.5) * area.width
    style, budget = int(rng.integers(6)), budget_of(scribe)
    values = rng.random() < 0.35
    for index, baseline in enumerate(baselines(scribe, area)):
        x = left + rng.normal(0, 0.15) * height
        if budget <= 0:
            break
        if style == 0:  # Item numbers.
            item = scribe.write(f"{index + 1}{'.' if rng.random() < 0.5 else ')'}", x, baseline)
            x = item.right + height * rng.uniform(0.5, 1.2) if item else x
        elif style == 1:
            item = scribe.write("-", x, baseline)
            x = item.right + height * rng.uniform(0.4, 1) if item else x
        word = texts.random_value(rng) if values else texts.random_number(rng)
        for _ in range(3):
            written = scribe.write(word, x, baseline)
            if written is not None:
                budget -= len(word)
                break
            word = word[: max(len(word) // 2, 1)]
            if style > 1:  # Nothing stands before it.
                x = max(x - 2 * height, area.x)


def _any_number(scribe: Scribe) -> None:
    """Write a number where nothing else had room, smaller until it fits."""
    rng, height = scribe.rng, scribe.height_px
    for attempt in range(24):
        word = texts.random_number(rng, longest=4 if attempt < 8 else 1)
        place = scribe.spot(0.9 * height * len(word), 1.3 * height)
        if place and scribe.write(word, place[0], place[1] + 1.1 * height, height) is not None:
            return
        height = max(0.85 * height, 10)


def _digit(scribe: Scribe) -> None:
    """Write one digit, anywhere."""
    rng, area, height = scribe.rng, scribe.area, scribe.height_px
    digit = str(rng.integers(10))
    writing = scribe.writing(digit, height)
    if writing is None:
        return
    tall, wide = writing.ink.shape
    for attempt in range(40):
        u, v = rng.random(2)
        if rng.random() < 0.25:  # In a corner, at a border.
            u, v = (float(round(u)), v) if rng.random() < 0.5 else (u, float(round(v)))
        if attempt > 30:
            u = v = 0.5
        x = area.x + u * max(area.width - wide, 0)
        y = area.y + v * max(area.height - tall, 0)
        if scribe.place(writing, x, y + writing.baseline, height) is not None:
            return


def _cut(scribe: Scribe) -> None:
    """Write one digit, or one number, in the middle."""
    rng, area = scribe.rng, scribe.area
    word = str(rng.integers(10)) if rng.random() < 0.55 else texts.random_number(rng, longest=6)
    height = scribe.height_px
    for _ in range(12):
        writing = scribe.writing(word, height)
        if writing is None:
            return
        tall, wide = writing.ink.shape
        x, y = area.x + (area.width - wide) / 2, area.y + (area.height - tall) / 2
        if scribe.place(writing, x, y + writing.baseline, height) is not None:
            return
        word, height = word[: max(len(word) - 1, 1)], max(height * 0.93, 9)


def _sums(scribe: Scribe) -> None:
    """Write sums, in lines or in columns."""
    rng, height, area = scribe.rng, scribe.height_px, scribe.area
    budget = budget_of(scribe)
    if rng.random() < 0.5:
        left = area.x + rng.uniform(0.03, 0.3) * area.width
        for baseline in baselines(scribe, area):
            word = texts.random_sum(rng)
            if budget > 0 and scribe.write(word, left, baseline) is not None:
                budget -= len(word)
        return
    for _ in range(int(rng.integers(1, 5))):
        rows = int(rng.integers(2, 5))
        pitch = height * rng.uniform(1.25, 1.8)
        place = scribe.spot(height * 4.5, pitch * (rows + 1.5))
        if place is not None and budget > 0:
            budget -= boxes.column_sum(scribe, place, rows, pitch)


_LAYOUTS: dict[Content, Callable[[Scribe], None]] = {
    Content.LOOSE: _loose,
    Content.LIST: _list,
    Content.TABLE: boxes.table,
    Content.DIGIT: _digit,
    Content.CUT: _cut,
    Content.CELLS: boxes.cells,
    Content.BOXES: boxes.boxed_numbers,
    Content.FORM: boxes.form,
    Content.SUMS: _sums,
    Content.NOTES: prose.notes,
    Content.WORDS: prose.words,
    Content.PRINT: prose.printed,
    Content.DRAWINGS: prose.drawings,
}
