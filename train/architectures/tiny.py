"""The network of ``digits-tiny``: a model below 20 kB, built as the flagship is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..run import Recipe
from .blocks import convolution, inner, residual
from .preset import Preset

if TYPE_CHECKING:
    import keras


def build(classes: int, width: float = 1.0) -> keras.Model:
    """Return the model: (N, 28, 28, 1) float32, 0 to 1 -> (N, 1, 1, classes) logits."""
    import keras
    from keras import layers

    image = keras.Input((28, 28, 1), name="image")
    x = convolution(inner(image), 10 * width, kernel=3)
    x = residual(convolution(x, 11 * width, kernel=3, stride=2))
    x = residual(convolution(x, 14 * width, kernel=3, stride=2))
    return keras.Model(image, layers.Conv2D(classes, 4, name="logits")(x), name="tiny")


PRESETS = {
    "tiny": Preset(
        build, Recipe(architecture="tiny"), "digitcam's own: the flagship with fewer filters"
    )
}
