"""Parts that networks share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

MARGIN_PX = 3
"""Black at each side of the model image that no convolution needs to see."""


def inner(image: keras.KerasTensor) -> keras.KerasTensor:
    """Cut off what is always black but for 2 px, which a stroke's outer edge is seen by.

    A third of the multiplications of a first convolution over all places goes.
    """
    from keras import layers

    return layers.Cropping2D(MARGIN_PX)(image)


def convolution(
    x: keras.KerasTensor, filters: float, kernel: int, stride: int = 1, padding: str = "valid"
) -> keras.KerasTensor:
    """Return a convolution, batch normalization and ReLU, which the conversion makes one.

    ``filters`` is rounded to a whole number, at least 1.
    """
    from keras import layers

    return layers.ReLU()(_normalized(x, max(round(filters), 1), kernel, stride, padding))


def residual(x: keras.KerasTensor) -> keras.KerasTensor:
    """Return what two convolutions of 3 x 3 add to a map, as many filters as it has channels.

    He, Zhang, Ren and Sun 2016, "Deep Residual Learning for Image Recognition".
    """
    from keras import layers

    filters = x.shape[-1]
    change = _normalized(convolution(x, filters, 3, padding="same"), filters, 3, 1, "same")
    return layers.ReLU()(layers.Add()([x, change]))


def _normalized(
    x: keras.KerasTensor, filters: int, kernel: int, stride: int, padding: str
) -> keras.KerasTensor:
    from keras import layers

    x = layers.Conv2D(filters, kernel, stride, padding=padding, use_bias=False)(x)
    return layers.BatchNormalization()(x)
