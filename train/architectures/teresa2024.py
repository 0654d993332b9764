"""teresa2024: a convolutional network, and the recurrent one that it is compared with.

Its accuracy is that on the digits that ``fit`` validated with; how many those were, the batch and
the size of the recurrent layer were not reported: a tenth, Keras' 32 and 128 stand in for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..run import Recipe
from .preset import Preset, Reported

if TYPE_CHECKING:
    import keras


def build(classes: int) -> keras.Model:
    """Return the convolutional model: (N, 28, 28, 1) float32, 0 to 1 -> (N, classes) logits."""
    import keras
    from keras import layers

    image = keras.Input((28, 28, 1), name="image")
    x = layers.Conv2D(32, 3, activation="relu")(image)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(64, 3, activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(64, 3, activation="relu")(x)
    x = layers.Flatten()(x)
    x = layers.Dense(64, activation="relu")(x)
    return keras.Model(image, layers.Dense(classes, name="logits")(x), name="teresa2024")


def build_recurrent(classes: int) -> keras.Model:
    """Return the recurrent model, which reads the image row by row; shapes as ``build`` has."""
    import keras
    from keras import layers

    image = keras.Input((28, 28, 1), name="image")
    x = layers.Reshape((28, 28))(image)
    x = layers.LSTM(128)(x)
    return keras.Model(image, layers.Dense(classes, name="logits")(x), name="teresa2024-rnn")


def _recipe(architecture: str) -> Recipe:
    return Recipe(
        architecture=architecture,
        epochs=5,
        batch_size=32,
        optimizer="adam",
        learning_rate=1e-3,
        validation=6000,
        feed=None,
    )


PRESETS = {
    "teresa2024": Preset(
        build,
        _recipe("teresa2024"),
        "conv 32, pool, conv 64, pool, conv 64, dense 64, dense 10",
        Reported(0.9897, "validation"),
    ),
    "teresa2024-rnn": Preset(
        build_recurrent, _recipe("teresa2024-rnn"), "rows as a sequence: LSTM 128, dense 10"
    ),
}
