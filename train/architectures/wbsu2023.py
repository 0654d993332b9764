"""wbsu2023: two blocks of convolutions with He's initialization, SGD with momentum."""

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

    relu = {"activation": "relu", "kernel_initializer": "he_uniform"}
    image = keras.Input((28, 28, 1), name="image")
    x = layers.Conv2D(32, 3, **relu)(image)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(64, 3, **relu)(x)
    x = layers.Conv2D(64, 3, **relu)(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    x = layers.Dense(100, **relu)(x)
    x = layers.BatchNormalization()(x)
    return keras.Model(image, layers.Dense(classes, name="logits")(x), name="wbsu2023")


PRESETS = {
    "wbsu2023": Preset(
        build,
        Recipe(
            architecture="wbsu2023",
            epochs=10,
            batch_size=64,
            optimizer="sgd",
            learning_rate=0.01,
            momentum=0.9,
            validation=0,
            feed=None,
        ),
        "conv 32, pool, conv 64, conv 64, pool, dense 100, batch norm, dense 10",
        Reported(0.9914),
    )
}
