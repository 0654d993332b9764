"""The network of ``digits-tiny``: a model below 20 kB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .blocks import convolution

if TYPE_CHECKING:
    import keras


def build(classes: int) -> keras.Model:
    """Return the model: (N, 28, 28, 1) float32, 0 to 1 -> (N, 1, 1, classes) logits."""
    import keras
    from keras import layers

    image = keras.Input((28, 28, 1), name="image")
    x = convolution(image, 8, kernel=5, stride=2)
    x = convolution(x, 14, kernel=3)
    x = convolution(x, 16, kernel=3, padding="same")
    x = convolution(x, 24, kernel=3, stride=2)
    x = convolution(x, 24, kernel=3)
    return keras.Model(image, layers.Conv2D(classes, 2, name="logits")(x), name="tiny")
