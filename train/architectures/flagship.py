"""The network that ships: a residual one of 2.7 million multiplications a mark.

Convolutions and sums alone, because both TFLite runtimes compute them nearly alike and in vector
units; depthwise ones cost tflite-runtime five times as much. The last one takes the place of a
dense layer, whose per-channel quantization older runtimes do not know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..run import Recipe
from .blocks import convolution, inner, residual
from .preset import Preset

if TYPE_CHECKING:
    import keras

FILTERS = (16, 31, 48)
"""Of the first convolution and of the two halvings, each with a residual block behind it."""


def build(classes: int, width: float = 1.0) -> keras.Model:
    """Return the model: (N, 28, 28, 1) float32, 0 to 1 -> (N, 1, 1, classes) logits."""
    return network("flagship", classes, [count * width for count in FILTERS])


def network(name: str, classes: int, filters: Sequence[float]) -> keras.Model:
    """Return a network of the flagship's shape with three numbers of filters of its own."""
    import keras
    from keras import layers

    first, second, third = filters
    image = keras.Input((28, 28, 1), name="image")
    x = convolution(inner(image), first, kernel=3)
    x = residual(convolution(x, second, kernel=3, stride=2))
    x = residual(convolution(x, third, kernel=3, stride=2))
    return keras.Model(image, layers.Conv2D(classes, 4, name="logits")(x), name=name)


PRESETS = {
    "flagship": Preset(
        build,
        Recipe(),
        "digitcam's own: convolutions with two residual blocks, the bundle that ships",
    )
}
