"""Parts that networks share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def convolution(
    x: keras.KerasTensor, filters: int, kernel: int, stride: int = 1, padding: str = "valid"
) -> keras.KerasTensor:
    """Return a convolution, batch normalization and ReLU, which the conversion makes one."""
    from keras import layers

    x = layers.Conv2D(filters, kernel, stride, padding=padding, use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization()(x))
