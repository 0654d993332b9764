"""What an image costs a network."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..errors import RunError

if TYPE_CHECKING:
    import keras


def multiplications(model: keras.Model) -> int:
    """Return the multiply-accumulate operations an image, as convolutions, dense and LSTM need.

    What is left out, such as activations, pooling and normalization, is a few in a hundred of it.

    Raises:
        RunError: A layer that has weights is of another kind.
    """
    return sum(_of_layer(layer) for layer in model.layers)


def _of_layer(layer: keras.layers.Layer) -> int:
    from keras import layers

    if isinstance(layer, layers.Conv2D):
        _, rows, columns, _ = layer.output.shape
        return int(rows * columns * math.prod(layer.kernel.shape))
    if isinstance(layer, layers.Dense):
        return math.prod(layer.kernel.shape)
    if isinstance(layer, layers.LSTM):
        steps, cell = layer.input.shape[1], layer.cell
        kernels = math.prod(cell.kernel.shape) + math.prod(cell.recurrent_kernel.shape)
        return int(steps * kernels)
    if layer.weights and not isinstance(layer, layers.BatchNormalization | layers.Dropout):
        raise RunError(f"multiplications of a layer {layer.name!r} are not known; count them there")
    return 0
