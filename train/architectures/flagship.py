"""The network that ships: five plain convolutions, 1 million multiplications a digit.

Plain convolutions, because both TFLite runtimes compute them bit by bit alike and in vector units;
depthwise ones cost tflite-runtime five times as much. The first one strides over the padding that
every model image has, and the last takes the place of a dense layer, whose per-channel
quantization older runtimes do not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def build() -> keras.Model:
    """Return the model: (N, 28, 28, 1) float32, 0 to 1 -> (N, 1, 1, 10) logits."""
    import keras
    from keras import layers

    image = keras.Input((28, 28, 1), name="image")
    x = _convolution(image, 16, kernel=5, stride=2)
    x = _convolution(x, 32, kernel=3)
    x = _convolution(x, 64, kernel=3, stride=2)
    x = _convolution(x, 80, kernel=3)
    return keras.Model(image, layers.Conv2D(10, 2, name="logits")(x), name="flagship")


def _convolution(
    x: keras.KerasTensor, filters: int, kernel: int, stride: int = 1
) -> keras.KerasTensor:
    from keras import layers

    x = layers.Conv2D(filters, kernel, stride, use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization()(x))
