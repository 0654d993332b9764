"""The network that ships: five plain convolutions, 1.4 million multiplications a mark.

Plain convolutions, because both TFLite runtimes compute them bit by bit alike and in vector units;
depthwise ones cost tflite-runtime five times as much. The last one takes the place of a dense
layer, whose per-channel quantization older runtimes do not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..run import Recipe
from .blocks import convolution
from .preset import Preset

if TYPE_CHECKING:
    import keras


def build(classes: int, width: float = 1.0) -> keras.Model:
    """Return the model: (N, 28, 28, 1) float32, 0 to 1 -> (N, 1, 1, classes) logits."""
    import keras
    from keras import layers

    image = keras.Input((28, 28, 1), name="image")
    x = convolution(image, 24 * width, kernel=5, stride=2)
    x = convolution(x, 48 * width, kernel=3, stride=2)
    x = convolution(x, 64 * width, kernel=3, padding="same")
    x = convolution(x, 72 * width, kernel=3)
    return keras.Model(image, layers.Conv2D(classes, 3, name="logits")(x), name="flagship")


PRESETS = {
    "flagship": Preset(
        build,
        Recipe(),
        "digitcam's own: five plain convolutions, no pooling, the bundle that ships",
    )
}
