"""The network that reads strings: its layers, and its training by CTC.

Plain convolutions and pooling, for the reasons that flagship.py gives. The height is pooled away,
and a step of four columns gets a logit a class. Graves et al. 2006, "Connectionist Temporal
Classification"; the network's form is that of Shi, Bai and Yao 2017, "An End-to-End Trainable
Neural Network for Image-Based Sequence Recognition", without its recurrent layers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from digitcam.edge.bundle import STRING_CLASSES
from digitcam.edge.reading.word_image import HEIGHT_PX

if TYPE_CHECKING:
    import keras

FILTERS = (16, 32, 64, 80, 112, 112)
"""Of the convolutions."""


def build(width: float = 1.0) -> keras.Model:
    """Return the model: (N, 32, W, 1) float32, 0 to 1 -> (N, W / 4, classes) logits.

    Args:
        width: Filters a layer, as a multiple of FILTERS.
    """
    import keras
    from keras import layers

    def convolution(
        x: keras.KerasTensor, place: int, kernel: tuple[int, int], padding: str = "same"
    ) -> keras.KerasTensor:
        count = max(round(FILTERS[place] * width), 1)
        x = layers.Conv2D(count, kernel, padding=padding, use_bias=False)(x)
        return layers.ReLU()(layers.BatchNormalization(momentum=0.98)(x))

    image = keras.Input((HEIGHT_PX, None, 1), name="image")
    x = layers.MaxPooling2D(2)(convolution(image, 0, (3, 3)))
    x = layers.MaxPooling2D(2)(convolution(x, 1, (3, 3)))
    x = layers.MaxPooling2D((2, 1))(convolution(x, 2, (3, 3)))
    x = layers.Dropout(0.1)(convolution(x, 3, (3, 3)))
    x = convolution(x, 4, (4, 1), padding="valid")
    x = layers.Dropout(0.2)(convolution(x, 5, (1, 3)))
    steps = layers.Conv2D(len(STRING_CLASSES), (1, 3), padding="same", name="logits")(x)
    return keras.Model(image, layers.Reshape((-1, len(STRING_CLASSES)))(steps), name="strings")


def compile_model(
    model: keras.Model, *, learning_rate: float, weight_decay: float, steps: int
) -> None:
    """Give the network its loss and its optimizer.

    Args:
        model: The network.
        learning_rate: Highest rate; reached after a fiftieth of the steps, then it falls to 0.
        weight_decay: Decoupled (Loshchilov and Hutter 2019).
        steps: Of the whole training.
    """
    from keras import losses, optimizers  # CTC takes class 0 for the blank

    warmup = math.ceil(steps / 50)
    rate = optimizers.schedules.CosineDecay(
        learning_rate / 30,
        decay_steps=max(steps - warmup, 1),
        warmup_target=learning_rate,
        warmup_steps=warmup,
    )
    optimizer = optimizers.AdamW(rate, weight_decay=weight_decay, clipnorm=5.0)
    # XLA makes a step five times as long on processors, and compiles half a minute a width.
    model.compile(optimizer, losses.CTC(), jit_compile=False)
