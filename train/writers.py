"""Who writes the digits of a training, and who those that it is judged by."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import DataError, RunError
from .paper import SETS, Part, part_of
from .pens.bitmaps import COLLECTIONS, split_hands
from .pens.drawn import drawn_hand
from .pens.hand import Hand
from .pens.hands import load_hands

Labelled = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""(N, 28, 28) digits of MNIST and their (N,) labels."""
MNIST, DRAWN, NOTES = "mnist", "drawn", "notes"
UNIPEN, FONTS = "unipen", "fonts"
SOURCES = frozenset(
    {MNIST, DRAWN, NOTES, UNIPEN, FONTS, "characters", *COLLECTIONS, *SETS}
)  # fmt: skip
"""What can be left out whole, beside a single contributor, ``unipen:apb``."""
DIGITS = frozenset("0123456789")
HELD_DIGITS = 400
"""Held-back digits of MNIST that write on the pages that a training is judged by."""
FILES = ("strokes/*.npz", "digits/*.npz", "font_glyphs.npz")
"""What hands are made of, beside MNIST and the characters of the photographs."""


@dataclass(frozen=True)
class Writers:
    """Where hands come from.

    Args:
        folder: See pens.hands.load_hands; without one MNIST and the drawn hand write.
        without: Sources to leave out.
        optional: Pass over what the folder lacks.
    """

    folder: Path | None = None
    without: tuple[str, ...] = ()
    optional: bool = False

    def hands(self, part: Part, mnist: Labelled) -> list[Hand]:
        """Return those who write for a part.

        UNIPEN's writers and the fonts are split, see paper.part_of. Pictures of other sources,
        whose writers are not told apart, are all trained on.

        Args:
            part: Of the writers.
            mnist: Digits of MNIST of that part.

        Raises:
            DataError: A source is missing or damaged, or no one writes all ten digits.
        """
        training = part == "training"
        hands = [hand for hand in self._loaded() if _is_of(hand, part)]
        if MNIST not in self.without:
            x, y = mnist if training else (each[:HELD_DIGITS] for each in mnist)
            hands += split_hands(MNIST, list(x), list(map(str, y.tolist())))
        able = any(hand.characters >= DIGITS for hand in hands)
        if DRAWN not in self.without and (training or not able):
            hands.append(drawn_hand())
        elif not able:
            raise DataError(
                f"expected a hand that writes all ten digits for {part}, found {len(hands)} that "
                "do not; leave out fewer sources"
            )
        return hands

    def digest(self) -> str:
        """Return ``sha256:`` and a hash of what the hands are made of, MNIST apart."""
        content = hashlib.sha256(repr(sorted(self.without)).encode())
        for file in self._files():
            content.update(file.name.encode() + file.read_bytes())
        return f"sha256:{content.hexdigest()}"

    def _loaded(self) -> list[Hand]:
        """Load the hands of the folder, less MNIST and the drawn one."""
        if self.folder is None:
            return []
        return load_hands(self.folder, {MNIST, DRAWN, *self.without}, optional=self.optional)

    def _files(self) -> Iterator[Path]:
        for pattern in FILES if self.folder else ():
            yield from sorted((self.folder or Path()).glob(pattern))


def check_sources(without: Collection[str]) -> None:
    """Refuse to leave out what there is not.

    Raises:
        RunError: A source is unknown.
    """
    for source in without:
        if source not in SOURCES and not source.startswith(f"{UNIPEN}:"):
            raise RunError(
                f"--without must be one of {', '.join(sorted(SOURCES))}, or unipen:NAME of a "
                f"contributor, found {source}"
            )


def _is_of(hand: Hand, part: Part) -> bool:
    if hand.source == FONTS or hand.source.startswith(f"{UNIPEN}:"):
        return part_of(f"hands/{hand.name}") == part
    return part == "training"
