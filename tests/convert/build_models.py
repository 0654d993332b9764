"""Builds the models that the tests convert; run in a process of its own, as TensorFlow needs.

Arguments: the .npz of digits, the folder to write to.
"""

import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from digitcam.train.augment import plain_images

EPOCHS = 12


def network() -> keras.Model:
    image = keras.Input((28, 28, 1))
    x = convolution(image, 12, 5, 2)
    x = convolution(x, 24, 3, 2)
    return keras.Model(image, keras.layers.Conv2D(10, 5)(x))


def convolution(x: keras.KerasTensor, filters: int, kernel: int, stride: int) -> keras.KerasTensor:
    x = keras.layers.Conv2D(filters, kernel, stride, use_bias=False)(x)
    return keras.layers.ReLU()(keras.layers.BatchNormalization()(x))


def published() -> keras.Model:
    """Normalized columns, a pool, dense layers, dropout: what digitcam's own networks are not."""
    image = keras.Input((28, 28, 1))
    x = keras.layers.UnitNormalization(axis=1)(image)
    x = keras.layers.Conv2D(12, 5, 2, activation="relu")(x)
    x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Dropout(0.1)(keras.layers.Flatten()(x))
    x = keras.layers.Dense(24, activation="relu")(x)
    x = keras.layers.BatchNormalization()(x)
    return keras.Model(image, keras.layers.Dense(10)(x))


def recurrent() -> keras.Model:
    """Read row by row."""
    image = keras.Input((28, 28, 1))
    x = keras.layers.LSTM(24)(keras.layers.Reshape((28, 28))(image))
    return keras.Model(image, keras.layers.Dense(10)(x))


def sequences() -> keras.Model:
    """Hand on every output of an LSTM, which no conversion rebuilds."""
    image = keras.Input((28, 28, 1))
    x = keras.layers.LSTM(4, return_sequences=True)(keras.layers.Reshape((28, 28))(image))
    return keras.Model(image, keras.layers.Dense(10)(keras.layers.Flatten()(x)))


def soft() -> keras.Model:
    """Compare all values of a vector, which as a map are compared channel by channel."""
    image = keras.Input((28, 28, 1))
    x = keras.layers.Softmax()(keras.layers.Flatten()(image))
    return keras.Model(image, keras.layers.Dense(10)(x))


def fit(model: keras.Model, x: NDArray[np.float32], y: NDArray[np.uint8]) -> None:
    model.compile(
        keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    shape = (-1, *model.output_shape[1:-1])
    model.fit(x, y.reshape(shape), batch_size=50, epochs=EPOCHS, verbose=0)


def dynamic_range_dense() -> bytes:
    """Weights in int8, activations in float: what some call quantized."""
    image = keras.Input(batch_shape=(1, 28, 28, 1))
    model = keras.Model(image, keras.layers.Dense(10)(keras.layers.Flatten()(image)))
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return bytes(converter.convert())


def hostile(model: keras.Model) -> keras.Model:
    """Push one logit so far down that one int8 step swallows the differences of the others."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    kernel, bias = copy.layers[-1].get_weights()
    bias[0] = -10_000
    copy.layers[-1].set_weights([kernel, bias])
    return copy


def rejecting(model: keras.Model, images: NDArray[np.float32]) -> keras.Model:
    """Add an eleventh class, no digit, that is the likeliest whatever is seen."""
    kernel, bias = model.layers[-1].get_weights()
    highest = model.predict(images, verbose=0).max()
    head = keras.layers.Conv2D(11, 5)
    wide = keras.Model(model.input, head(model.layers[-2].output))
    head.set_weights(
        [np.pad(kernel, [(0, 0), (0, 0), (0, 0), (0, 1)]), np.append(bias, highest + 1)]
    )
    return wide


def main() -> None:
    data, out = np.load(sys.argv[1]), Path(sys.argv[2])
    keras.utils.set_random_seed(1)
    model = network()
    x = (plain_images(data["x_train"]) / np.float32(255))[..., None]
    fit(model, x, data["y_train"])
    model.save(out / "model.keras")
    for other in (published, recurrent):
        trained = other()
        fit(trained, x, data["y_train"])
        trained.save(out / f"{other.__name__}.keras")
    for other in (sequences, soft):
        other().save(out / f"{other.__name__}.keras")
    hostile(model).save(out / "hostile.keras")
    rejecting(model, x).save(out / "reject.keras")
    keras.Model(model.input, keras.layers.Conv2D(3, 1)(model.output)).save(out / "three.keras")
    (out / "float.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    (out / "dynamic.tflite").write_bytes(dynamic_range_dense())


if __name__ == "__main__":
    main()
