"""jetir2021: eight cases of one network, with and without a dense layer, L2 and rotation."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ..run import Recipe
from .preset import Preset, Reported

if TYPE_CHECKING:
    import keras

REPORTED = (0.9861, 0.9869, 0.9817, 0.9840, 0.9882, 0.9871, 0.9882, 0.9837)
"""Accuracy on the test set, case 1 to 8."""
REGULARIZED = (3, 4, 7, 8)
"""Cases whose first convolution has an L2 penalty."""
ROTATED = (5, 6, 7, 8)
"""Cases whose training digits are turned."""
L2 = 0.01
ROTATION_DEG = 10.0


def build(classes: int, *, case: int) -> keras.Model:
    """Return a case's model: (N, 28, 28, 1) float32, 0 to 1 -> (N, classes) logits."""
    import keras
    from keras import layers, regularizers

    penalty = {}
    if case in REGULARIZED:
        penalty = {
            "kernel_regularizer": regularizers.L2(L2),
            "bias_regularizer": regularizers.L2(L2),
        }
    image = keras.Input((28, 28, 1), name="image")
    # Each column of pixels gets the length 1, as keras.utils.normalize(axis=1) did before training;
    # in the network a device has nothing to know of it.
    x = layers.UnitNormalization(axis=1)(image)
    for options in (penalty, {}, {}):
        x = layers.MaxPooling2D()(layers.Conv2D(64, 3, activation="relu", **options)(x))
    x = layers.Flatten()(x)
    for units in (64, 32) if case % 2 else (64, 64, 32):
        x = layers.Dense(units, activation="relu")(x)
    return keras.Model(image, layers.Dense(classes, name="logits")(x), name=f"jetir2021-{case}")


def _preset(case: int) -> Preset:
    parts = ["conv 64 and pool, three times", f"dense 64, {'' if case % 2 else '64, '}32, 10"]
    parts += ["L2 on the first convolution"] * (case in REGULARIZED)
    parts += ["turned digits"] * (case in ROTATED)
    recipe = Recipe(
        architecture=f"jetir2021-{case}",
        epochs=20,
        batch_size=32,
        optimizer="adam",
        learning_rate=1e-3,
        validation=0,
        rotation_deg=ROTATION_DEG if case in ROTATED else 0.0,
        feed=None,
    )
    return Preset(partial(build, case=case), recipe, "; ".join(parts), Reported(REPORTED[case - 1]))


PRESETS = {f"jetir2021-{case}": _preset(case) for case in range(1, 9)}
