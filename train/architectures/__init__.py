"""Network architectures by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import RunError
from . import flagship, tiny

if TYPE_CHECKING:
    import keras

ARCHITECTURES: dict[str, Callable[[int], keras.Model]] = {
    "flagship": flagship.build,
    "tiny": tiny.build,
}


def build_model(name: str, classes: int) -> keras.Model:
    """Return a fresh model: (N, 28, 28, 1) float32, 0 to 1 -> (N, 1, 1, classes) logits.

    Raises:
        RunError: No architecture has that name.
    """
    if name not in ARCHITECTURES:
        raise RunError(f"architecture {name!r} is unknown; known are {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name](classes)
