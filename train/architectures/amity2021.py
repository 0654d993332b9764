"""amity2021: two convolutions and one wide dense layer with dropout, Adadelta.

Adadelta's learning rate is 1, as Zeiler 2012 ("ADADELTA: An Adaptive Learning Rate Method") has it
and Keras had it by default until 2.2. Today's default is 0.001, which is another training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..run import Recipe
from .preset import Preset, Reported

if TYPE_CHECKING:
    import keras


def build(classes: int) -> keras.Model:
    """Return the model: (N, 28, 28, 1) float32, 0 to 1 -> (N, classes) logits."""
    import keras
    from keras import layers

    image = keras.Input((28, 28, 1), name="image")
    x = layers.Conv2D(32, 3, activation="relu")(image)
    x = layers.Conv2D(64, 3, activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Dropout(0.25)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(256, activation="relu")(x)
    x = layers.Dropout(0.5)(x)
    return keras.Model(image, layers.Dense(classes, name="logits")(x), name="amity2021")


PRESETS = {
    "amity2021": Preset(
        build,
        Recipe(
            architecture="amity2021",
            epochs=5,
            batch_size=200,
            optimizer="adadelta",
            learning_rate=1.0,
            validation=0,
            feed=None,
        ),
        "conv 32, conv 64, pool, dropout, dense 256, dropout, dense 10",
        Reported(0.9917),
    )
}
