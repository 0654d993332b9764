"""What is left out of a training whole, and what is then read of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..held_back import Set
from .digits import by_source
from .photographs import photographs
from .sets import SEED, limited
from .specimens import GROUPS

SINGLE_DIGITS = 150
"""Digits of a source, each read at three sizes and cut to its ink."""
PHOTOGRAPHS = 400
"""Pictures of a set of photographs, at most."""


@dataclass(frozen=True)
class LeftOut:
    """An entry of the table of left-out sources."""

    without: tuple[str, ...]
    """Sources that the training does without, see `Recipe.without`."""
    load: Callable[[Path], Iterator[Set]]
    """What is read afterwards, from the folder of the data."""


def _photographs(folder: Path, names: frozenset[str]) -> Iterator[Set]:
    for each in photographs(folder, everything=True):
        if each.name in names:
            yield limited(each, PHOTOGRAPHS)


def _singles(folder: Path, source: str) -> Iterator[Set]:
    yield by_source(folder, source, SINGLE_DIGITS, SEED, everything=True)


def _characters(folder: Path) -> Iterator[Set]:
    yield from _photographs(folder, frozenset({"characters: digits"}))
    yield from _singles(folder, "characters")


def _of(*names: str) -> Callable[[Path], Iterator[Set]]:
    return partial(_photographs, names=frozenset(names))


ENTRIES: dict[str, LeftOut] = {
    "notes": LeftOut(("notes",), _of("notes")),
    "amounts": LeftOut(("amounts",), _of("amounts")),
    "characters": LeftOut(("characters",), _characters),
    "cells and forms": LeftOut(
        ("cells", "forms"), _of("cells: handwritten", "cells: empty", "forms")
    ),
    **{
        source: LeftOut((source,), partial(_singles, source=source))
        for source in ("nsysu", "optdigits", "semeion")
    },
    **{name: LeftOut(group, partial(_singles, source=name)) for name, group in GROUPS.items()},
    "mnist": LeftOut(("mnist",), partial(_singles, source="mnist")),
}
"""Each source, or few together where they are of the same people or too small alone."""
