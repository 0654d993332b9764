"""The network of ``digits-tiny``: a model below 20 kB, the flagship with fewer filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..run import Recipe
from .flagship import network
from .preset import Preset

if TYPE_CHECKING:
    import keras

FILTERS = (14, 13, 16)


def build(classes: int, width: float = 1.0) -> keras.Model:
    """Return the model: (N, 28, 28, 1) float32, 0 to 1 -> (N, 1, 1, classes) logits."""
    return network("tiny", classes, [count * width for count in FILTERS])


PRESETS = {
    "tiny": Preset(
        build,
        Recipe(architecture="tiny", epochs=60),
        "digitcam's own: the flagship with fewer filters",
    )
}
