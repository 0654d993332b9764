"""A trained network as an equal one of convolutions, whose int8 a device runs in any batch.

Not all of Keras' layers become integer operators that do. Flatten fixes the batch in a RESHAPE, and
Dense's quantization by channel is unknown to tflite-runtime 2.14. LSTM becomes a loop or leaves
float tensors; UnitNormalization an int8 RSQRT, which is too coarse. Here every tensor stays a map,
(N, height, width, channels); a vector or a sequence is one whose values, in order, are its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras

SQUARED_NORM = 1e-12
"""Least sum of squares that is divided by; a black column stays black."""

Weights = NDArray[np.float32]


def as_convolutions(network: keras.Model) -> keras.Model:
    """Rebuild a network with its weights; its layers get other names.

    Returns:
        A model of the same input; logits that were (N, classes) are (N, 1, 1, classes).

    Raises:
        ValueError: A layer cannot be rebuilt.

    """
    from keras import Model, models

    whole = Model(network.inputs[0], network.outputs[0])  # a Sequential cannot be cloned so
    for operation in whole.operations:  # the new ones count their names from nothing again
        operation.name = f"trained_{operation.name}"
    return models.clone_model(whole, clone_function=lambda layer: layer, call_function=_rebuild)


def _rebuild(layer: Any, x: Any, *arguments: Any, **options: Any) -> Any:
    """Call a layer, or what takes its place, on a map."""
    from keras import layers

    rebuilders: tuple[tuple[type, Callable[[Any, Any], Any]], ...] = (
        (layers.Flatten, _keep),
        (layers.Reshape, _keep),
        (layers.Dense, _dense),
        (layers.BatchNormalization, _batch_normalization),
        (layers.UnitNormalization, _unit_normalization),
        (layers.LSTM, _lstm),
    )
    for kind, rebuild in rebuilders:
        if isinstance(layer, kind):
            return rebuild(layer, x)
    return layer(x, *arguments, **options)


def _keep(layer: Any, x: Any) -> Any:
    """Leave a map as it is where a vector or a sequence is made of it."""
    return x if len(layer.output.shape) < len(x.shape) else layer(x)


def _dense(layer: Any, x: Any) -> Any:
    """Connect a vector by a convolution as large as its map."""
    kernel, *bias = layer.get_weights()
    size = x.shape[1:3] if len(layer.input.shape) == 2 else (1, 1)
    kernel = kernel.reshape(*size, -1, layer.units)
    return _convolution(kernel, bias, layer.activation)(x)


def _batch_normalization(layer: Any, x: Any) -> Any:
    """Scale and shift a vector by a diagonal convolution; converters fold that of a map."""
    if len(layer.input.shape) != 2:
        return layer(x)
    mean, variance = np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)
    scale = 1 / np.sqrt(variance + layer.epsilon)
    if layer.scale:
        scale *= np.asarray(layer.gamma)
    shift = -mean * scale
    if layer.center:
        shift += np.asarray(layer.beta)
    return _convolution(np.diag(scale)[None, None], [shift])(x)


def _unit_normalization(layer: Any, x: Any) -> Any:
    """Normalize along the last axis, as the pattern that becomes one L2_NORMALIZATION."""
    from keras import layers, ops

    axes = np.atleast_1d(layer.axis) % len(x.shape)
    if len(layer.input.shape) != len(x.shape) or len(axes) != 1:
        raise ValueError(f"UnitNormalization must be of one axis of a map, found {layer.axis}")
    order = [1, 2, 3]
    order[axes[0] - 1], order[2] = order[2], order[axes[0] - 1]
    x = layers.Permute(order)(x)
    squares = ops.sum(ops.square(x), axis=-1, keepdims=True)
    return layers.Permute(order)(x * ops.rsqrt(ops.maximum(squares, SQUARED_NORM)))


def _lstm(layer: Any, x: Any) -> Any:
    """Unroll an LSTM over the rows of a map; each gate is a convolution of 1 by 1."""
    from keras import activations, layers

    if layer.return_sequences or layer.return_state or layer.stateful:
        raise ValueError("LSTM must return its last output alone and keep no state")
    if layer.activation is not activations.tanh:
        raise ValueError(f"LSTM must have the activation tanh, found {layer.activation}")
    kernel, recurrent, *rest = layer.get_weights()
    bias = rest[0] if rest else np.zeros(4 * layer.units, np.float32)
    # Columns become channels by an identity; a transposition would fix the batch in a RESHAPE.
    rows = _convolution(np.eye(x.shape[2], dtype=np.float32)[None, :, None], [])(x)
    steps = [rows[:, row : row + 1] for row in range(x.shape[1])]
    if layer.go_backwards:
        steps.reverse()
    entered, _, candidate, shown = _gates(layer, kernel, bias)(steps[0])
    state = entered * candidate
    output = shown * layer.activation(state)
    # Later candidates are negated and subtracted: Keras takes a sum of two (1, 1, 1, C) for a bias,
    # whose shape would fix the batch.
    sign = np.repeat([1, 1, -1, 1], layer.units)
    gates = _gates(layer, np.concatenate([kernel, recurrent]) * sign, bias * sign)
    for step in steps[1:]:
        entered, kept, negated, shown = gates(layers.Concatenate()([step, output]))
        state = kept * state - entered * negated
        output = shown * layer.activation(state)
    return output


def _gates(layer: Any, kernel: Weights, bias: Weights) -> Callable[[Any], list[Any]]:
    """Return what gives the input gate, forget gate, candidate and output gate of a step."""
    sigmoid, tanh = layer.recurrent_activation, layer.activation
    gates = [
        _convolution(part[None, None], [shift], activation)
        for part, shift, activation in zip(
            np.split(kernel, 4, axis=1),
            np.split(bias, 4),
            (sigmoid, sigmoid, tanh, sigmoid),
            strict=True,
        )
    ]
    return lambda x: [gate(x) for gate in gates]


def _convolution(
    kernel: Weights, bias: list[Weights], activation: Callable[[Any], Any] | None = None
) -> Any:
    """Return a convolution with its weights: (height, width, channels, filters) and (filters,)."""
    from keras import layers

    height, width, channels, filters = kernel.shape
    convolution = layers.Conv2D(
        filters, (height, width), activation=activation, use_bias=bool(bias)
    )
    convolution.build((None, height, width, channels))
    convolution.set_weights([kernel, *bias])
    return convolution
