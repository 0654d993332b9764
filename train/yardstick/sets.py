"""All sets of the yardstick by kind, each from a fixed seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..held_back import Set
from . import digits, photographs, silence
from . import numbers as written
from .photo import Ruling

SEED = 20_261
RULINGS: tuple[Ruling, ...] = ("plain", "ruled", "squared")


def load_kinds(
    folder: Path, kinds: frozenset[str], limit: int | None = None, *, everything: bool = False
) -> Iterator[tuple[str, Set]]:
    """Yield the sets of some kinds, each with its kind, in the order of KINDS.

    Args:
        folder: Of the data.
        kinds: Some of KINDS.
        limit: Most cases of a set, drawn evenly; all by default.
        everything: Take whole sources, also what a shipped reader was trained on.

    Raises:
        DataError: A source is missing or damaged.
    """
    for kind, load in KINDS.items():
        if kind in kinds:
            for each in load(folder, everything):
                yield kind, limited(each, limit)


def limited(each: Set, limit: int | None) -> Set:
    """Return a set of at most so many of the cases, the same ones each time."""
    if limit is None or len(each.cases) <= limit:
        return each
    order = np.random.default_rng(SEED).permutation(len(each.cases))[:limit]
    return replace(each, cases=tuple(each.cases[i] for i in np.sort(order).tolist()))


def single_digits(folder: Path, everything: bool) -> Iterator[Set]:
    """Yield photographed digits, a set a source."""
    for source in digits.sources(everything):
        yield digits.by_source(folder, source, 100, SEED, everything)


def _pens(folder: Path, everything: bool) -> Iterator[Set]:
    for width in digits.WIDTHS:
        for height in digits.PEN_HEIGHTS_PX:
            yield digits.by_pen(folder, width, height, 200, SEED, everything)


def _numbers(folder: Path, everything: bool) -> Iterator[Set]:
    for ruling in RULINGS:
        yield written.on_paper(folder, ruling, 150, SEED, everything)
    yield written.on_desks(folder, 160, SEED, everything)
    yield written.recorded(folder, 150, SEED)


def _rows(folder: Path, everything: bool) -> Iterator[Set]:
    for pitch in written.PITCHES:
        yield written.in_rows(folder, pitch, 20, SEED, everything)


def _silence(folder: Path, everything: bool) -> Iterator[Set]:
    yield silence.pages(folder, 300, SEED)


def _places(folder: Path, everything: bool) -> Iterator[Set]:
    yield digits.by_place(folder, 1500, SEED)


def _files(folder: Path, everything: bool) -> Iterator[Set]:
    for negative in (False, True):
        for side in digits.FILE_SIDES_PX:
            yield digits.as_files(folder, side, negative, 500, SEED)


def _canvas(folder: Path, everything: bool) -> Iterator[Set]:
    yield digits.on_canvas(folder, 4, SEED)


def _photographs(folder: Path, everything: bool) -> Iterator[Set]:
    yield from photographs.photographs(folder, everything=everything)


KINDS: dict[str, Callable[[Path, bool], Iterator[Set]]] = {
    "digits": single_digits,
    "pens": _pens,
    "numbers": _numbers,
    "rows": _rows,
    "silence": _silence,
    "places": _places,
    "files": _files,
    "canvas": _canvas,
    "photographs": _photographs,
}
"""What there is to read, by the name that ``--sets`` knows."""
