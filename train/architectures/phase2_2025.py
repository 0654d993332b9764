"""phase2-2025: the tutorials' network with dropout, Adam, a tenth held back."""

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
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(64, 3, activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    x = layers.Dense(128, activation="relu")(x)
    x = layers.Dropout(0.5)(x)
    return keras.Model(image, layers.Dense(classes, name="logits")(x), name="phase2-2025")


PRESETS = {
    "phase2-2025": Preset(
        build,
        Recipe(
            architecture="phase2-2025",
            epochs=10,
            batch_size=128,
            optimizer="adam",
            learning_rate=1e-3,
            validation=6000,
            feed=None,
        ),
        "conv 32, pool, conv 64, pool, dense 128, dropout, dense 10",
        Reported(0.98, up_to=0.99),
    )
}
