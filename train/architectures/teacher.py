"""The network that teaches the others: too large for a Pi, and trained for nothing else."""

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
    x = convolution(inner(image), 48 * width, kernel=3)
    x = convolution(x, 48 * width, kernel=3)
    x = residual(residual(convolution(x, 96 * width, kernel=3, stride=2)))
    x = residual(convolution(x, 160 * width, kernel=3, stride=2))
    x = layers.Dropout(0.3)(x)
    return keras.Model(image, layers.Conv2D(classes, 3, name="logits")(x), name="teacher")


PRESETS = {
    "teacher": Preset(
        build,
        Recipe(architecture="teacher", epochs=50, learning_rate=3e-3),
        "digitcam's own: a million parameters, to learn from with --teacher",
    )
}
