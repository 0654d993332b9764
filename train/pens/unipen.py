"""UNIPEN's writers: one hand each, digits, letters and signs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .hand import Hand
from .script import Shape, shape_of
from .stroke_hand import StrokeHand
from .strokes import StrokePack, load_strokes

NUMBERS = "strokes/unipen_strings.npz"
FILES = ("strokes/unipen_digits.npz", "strokes/unipen_letters.npz")


def load_unipen(folder: Path, without: Collection[str] = ()) -> list[Hand]:
    """Load one hand a writer: digits, and letters and signs by the same name.

    Some writers have letters alone, or lack a digit: `Hand.characters` tells.

    Args:
        folder: Holds ``strokes/unipen_digits.npz`` and ``strokes/unipen_letters.npz``.
        without: Contributors to leave out, such as ``unipen:apb``.

    Raises:
        DataError: a file is missing or damaged.

    """
    ways: defaultdict[str, defaultdict[str, list[Callable[[], Shape]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for file in FILES:
        pack = load_strokes(folder / file)
        samples = _Samples(pack, {})
        names = pack.writers[pack.writer].tolist()
        for index, (writer, label) in enumerate(zip(names, pack.label.tolist(), strict=True)):
            ways[writer][label].append(partial(samples.shape, index))
    return [
        StrokeHand(f"unipen:{writer.replace('/', ':')}", source_of(writer), dict(of_writer))
        for writer, of_writer in ways.items()
        if source_of(writer) not in without
    ]


def load_numbers(folder: Path, without: Collection[str] = ()) -> tuple[StrokePack, list[int]]:
    """Load the recorded numbers, and which of them are by contributors that aren't left out.

    Args:
        folder: Holds ``strokes/unipen_strings.npz``.
        without: Contributors to leave out, such as ``unipen:apd``, or ``unipen`` for all.

    Raises:
        DataError: the file is missing or damaged.

    """
    pack = load_strokes(folder / NUMBERS)
    sources = [source_of(writer) for writer in pack.writers[pack.writer].tolist()]
    barred = set(sources) if "unipen" in without else set(without)
    return pack, [index for index, source in enumerate(sources) if source not in barred]


def source_of(writer: str) -> str:
    """Return the source of a writer such as ``apb/Ruth_Flagg``: ``unipen:apb``."""
    return f"unipen:{writer.partition('/')[0]}"


@dataclass(frozen=True)
class _Samples:
    """Samples, each given its shape when it is first written."""

    pack: StrokePack
    known: dict[int, Shape]

    def shape(self, index: int) -> Shape:
        if index not in self.known:
            strokes = self.pack.strokes_of(index)
            self.known[index] = shape_of(strokes, str(self.pack.label[index]))
        return self.known[index]
