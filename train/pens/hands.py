"""Every hand that the data holds."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from .hand import Hand


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
    raise NotImplementedError
