"""Every hand that the data holds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path

from ..errors import DataError
from .bitmaps import COLLECTIONS, load_collection, load_mnist
from .characters import load_characters
from .drawn import drawn_hand
from .fonts import FILE as FONTS
from .fonts import load_fonts
from .hand import Hand
from .unipen import FILES as UNIPEN
from .unipen import load_unipen

_PLACES: Mapping[str, tuple[str, ...]] = {
    "unipen": UNIPEN,
    "fonts": (FONTS,),
    "characters": ("characters",),
    "mnist": ("mnist.npz",),
    **{source: tuple(file for file, _ in files) for source, files in COLLECTIONS.items()},
}
"""Where each source lies."""


def load_hands(
    folder: Path, without: Collection[str] = (), *, optional: bool = False
) -> list[Hand]:
    """Load every hand whose source is not left out.

    Args:
        folder: Holds ``strokes/``, ``digits/``, ``mnist.npz``, ``font_glyphs.npz`` and
            ``characters/``.
        without: Sources to leave out whole, such as ``unipen:apb``, ``mnist`` or ``unipen``, which
            stands for all of its contributors.
        optional: Pass over what the folder lacks.

    Raises:
        DataError: a source is missing or damaged.

    """
    loaders: dict[str, Callable[[Path], list[Hand]]] = {
        "unipen": partial(load_unipen, without=without),
        "fonts": load_fonts,
        "characters": load_characters,
        "mnist": load_mnist,
        **{source: partial(load_collection, source=source) for source in COLLECTIONS},
    }
    hands: list[Hand] = [] if "drawn" in without else [drawn_hand()]
    for source, load in loaders.items():
        if source in without:
            continue
        missing = [place for place in _PLACES[source] if not (folder / place).exists()]
        if not missing:
            hands += load(folder)
        elif not optional:
            raise DataError(
                f"{folder}: expected {missing[0]} of the source {source}, found nothing; put it "
                "there or leave the source out"
            )
    return hands
