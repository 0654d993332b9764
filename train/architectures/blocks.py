"""Parts that networks share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def convolution(
    x: keras.KerasTensor, filters: float, kernel: int, stride: int = 1, padding: str = "valid"
) -> keras.KerasTensor:
    """Return a convolution, batch normalization and ReLU, which the conversion makes one.

    ``filters`` is rounded to a whole number, at least 1.
    """
    from keras import layers

    count = max(round(filters), 1)
    x = layers.Conv2D(count, kernel, stride, padding=padding, use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization()(x))
