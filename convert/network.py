"""The trained network: loaded, run in float, quantized. The only module that knows TensorFlow."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.reading.view import IMAGE_SHAPE
from digitcam.train.damage import DAMAGE, reason_of

from .apart import apart
from .compact import compact
from .convolutions import as_convolutions
from .errors import DiedError, RunFolderError, ToolError

INPUT_SHAPE = (*IMAGE_SHAPE, 1)
BATCH = 500
TOLERANCE = 1e-4
"""Part of the largest logit by which a rebuilt network may be off, as float32 rounds."""


@dataclass(frozen=True)
class Quantized:
    """A network, converted and run."""

    model: bytes
    """Content of the .tflite; its batch is 1, and a runtime can resize it."""
    float_logits: NDArray[np.float32]
    """(N, classes), of the network before quantization."""
    versions: dict[str, str]
    """Of the libraries that made the model."""


def quantize(
    path: Path, classes: int, calibration: NDArray[np.uint8], images: NDArray[np.uint8]
) -> Quantized:
    """Convert a network to a full-integer .tflite with int8 input and output.

    Args:
        path: The ``.keras`` file.
        classes: How many logits it must have.
        calibration: (M, 28, 28) uint8 model images, on which the ranges are measured.
        images: (N, 28, 28) uint8 model images to run in float.

    Raises:
        ToolError: TensorFlow or Keras is missing, or dies.
        RunFolderError: The file is damaged, its input or output has another shape, or it has layers
            that cannot be converted.

    """
    try:
        return apart(_quantize, path, classes, calibration, images)
    except DiedError as error:
        raise ToolError(
            f"{path}: TensorFlow cannot convert it: {error}; --debug shows more"
        ) from error


def _quantize(
    path: Path, classes: int, calibration: NDArray[np.uint8], images: NDArray[np.uint8]
) -> Quantized:
    keras, tf = import_libraries()
    network = _load(keras, path, classes)
    float_logits = _run(network, images)
    rebuilt = _rebuild(path, network, images[:BATCH], float_logits[:BATCH])
    return Quantized(
        model=convert_map(keras, tf, rebuilt, calibration),
        float_logits=float_logits,
        versions={"tensorflow": tf.__version__, "keras": keras.__version__},
    )


def import_libraries() -> tuple[Any, Any]:
    """Return Keras, on the only backend with a TFLite converter, and TensorFlow.

    Raises:
        ToolError: One of them is missing.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    try:
        import keras
        import tensorflow as tf
    except ImportError as error:
        raise ToolError(
            f"expected TensorFlow and Keras, cannot import them ({reason_of(error)}); "
            "pip install 'digitcam[train,litert]'"
        ) from error
    return keras, tf


def _load(keras: Any, path: Path, classes: int) -> Any:
    try:
        network = keras.models.load_model(path, compile=False, safe_mode=True)
    except DAMAGE as error:
        raise RunFolderError(
            f"{path}: expected a Keras model of this version, found: {reason_of(error)}; "
            "train again with digitcam-train"
        ) from error
    _check_shape(path, "input", network.input_shape, INPUT_SHAPE)
    _check_shape(path, "output", network.output_shape, (1, 1, classes), (classes,))
    return network


def _check_shape(path: Path, what: str, found: Any, *expected: tuple[int, ...]) -> None:
    if not isinstance(found, tuple) or found[1:] not in expected:
        shapes = " or ".join(f"(None, {', '.join(map(str, shape))})" for shape in expected)
        raise RunFolderError(
            f"{path}: {what} must be {shapes}, found {found}; train again with digitcam-train"
        )


def _run(network: Any, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the logits: (N, 28, 28) uint8 -> (N, classes) float32."""
    parts = [
        network.predict_on_batch(_values(images[start : start + BATCH]))
        for start in range(0, len(images), BATCH)
    ]
    logits: NDArray[np.float32] = np.concatenate(parts).reshape(len(images), -1)
    return logits


def _rebuild(
    path: Path, network: Any, images: NDArray[np.uint8], expected: NDArray[np.float32]
) -> Any:
    """Make convolutions of the network, and have them give the same logits.

    A network whose logits are a map is one of convolutions already.
    """
    if len(network.output_shape) == len(INPUT_SHAPE) + 1:
        return network
    layers = ", ".join(sorted({type(layer).__name__ for layer in network.layers}))
    try:
        rebuilt = as_convolutions(network)
        found = _run(rebuilt, images)
    except (ValueError, TypeError) as error:
        raise RunFolderError(
            f"{path}: expected layers that become convolutions, found {layers}: "
            f"{reason_of(error)}; train another architecture"
        ) from error
    worst, largest = np.abs(found - expected).max(), np.abs(expected).max()
    if not worst <= TOLERANCE * largest:
        raise RunFolderError(
            f"{path}: expected layers that become convolutions of equal logits, found {layers} "
            f"and logits off by {worst:.3g} of {largest:.3g}; train another architecture"
        )
    return rebuilt


def convert_map(keras: Any, tf: Any, network: Any, calibration: NDArray[np.uint8]) -> bytes:
    """Quantize a network whose logits are a map.

    Args:
        keras: The module.
        tf: The module.
        network: (N, H, W, 1) float32, 0 to 1 -> a map of logits.
        calibration: (M, H, W) uint8 images, on which the ranges are measured.

    Returns:
        A full-integer .tflite for one image of that size.
    """

    def representative_dataset() -> Iterator[list[NDArray[np.float32]]]:
        for image in calibration:
            yield [_values(image[None])]

    # A free batch dimension grows SHAPE and PACK operators and loses LiteRT's delegate.
    fixed = keras.Input(batch_shape=(1, *calibration.shape[1:], 1))
    wrapped = keras.Model(fixed, network(fixed, training=False))
    converter = tf.lite.TFLiteConverter.from_keras_model(wrapped)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative_dataset
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return compact(bytes(converter.convert()))


def _values(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return (images / np.float32(255))[..., None].astype(np.float32)
