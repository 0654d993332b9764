"""The network itself: built, compiled, saved and loaded, run. All that knows Keras' models."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .architectures import build_model
from .damage import DAMAGE, reason_of
from .datasets import classes_of
from .errors import RunError
from .run import Recipe

if TYPE_CHECKING:
    import keras


COMPILED_SAMPLES = 500_000
"""Shorter trainings are over before XLA, half a minute at work, has made up for its time."""


def fresh_model(recipe: Recipe, *, compiled: bool = False) -> keras.Model:
    """Return the recipe's network with the first weights that its seed draws.

    Args:
        recipe: Names the network.
        compiled: Whether its steps will be, see is_compiled.
    """
    seed_everything(recipe.seed, compiled=compiled)
    return build_model(recipe.architecture, len(classes_of(recipe)), recipe.width)


def seed_everything(seed: int, *, compiled: bool = False) -> None:
    """Have weights and order come from a seed, and the same operations give the same bits."""
    import keras

    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow" and not compiled:
        import tensorflow

        tensorflow.config.experimental.enable_op_determinism()


def compile_model(
    model: keras.Model, recipe: Recipe, samples: int, *, taught: bool, compiled: bool = False
) -> None:
    """Give a network its loss and its optimizer.

    Args:
        model: The network.
        recipe: Names the optimizer.
        samples: Of an epoch.
        taught: Targets are probabilities rather than labels.
        compiled: Have XLA make its steps.
    """
    import keras

    losses = keras.losses
    loss = losses.CategoricalCrossentropy if taught else losses.SparseCategoricalCrossentropy
    model.compile(
        _optimizer(recipe, samples),
        loss(from_logits=True),
        metrics=["accuracy"],
        jit_compile=True if compiled else "auto",
    )


def is_compiled(recipe: Recipe, team_size: int) -> bool:
    """Tell whether XLA makes a network's steps: on a CPU they take half the time, and less.

    Its CPU code gives the same bits each time, without the slower operations that TensorFlow takes
    to be sure of that. Published networks are trained as they were.

    Args:
        recipe: What is trained.
        team_size: Machines that train together.
    """
    import keras

    if recipe.feed is None or team_size > 1 or keras.backend.backend() != "tensorflow":
        return False
    samples = recipe.epochs * recipe.feed.samples(with_paper=True)
    if samples < COMPILED_SAMPLES:
        return False
    import tensorflow

    return not tensorflow.config.list_physical_devices("GPU")


def _optimizer(recipe: Recipe, samples: int) -> keras.Optimizer:
    from keras import optimizers

    if recipe.optimizer == "sgd":
        return optimizers.SGD(recipe.learning_rate, momentum=recipe.momentum)
    if recipe.optimizer == "adam":
        return optimizers.Adam(recipe.learning_rate)
    if recipe.optimizer == "adadelta":
        return optimizers.Adadelta(recipe.learning_rate)
    steps = math.ceil(samples / recipe.batch_size)
    rate = optimizers.schedules.CosineDecay(
        recipe.learning_rate / 30,
        decay_steps=max(steps * (recipe.epochs - 1), 1),
        warmup_target=recipe.learning_rate,
        warmup_steps=steps,
    )
    return optimizers.AdamW(rate, weight_decay=recipe.weight_decay)


def seed_dropout(model: keras.Model, seed: int, epoch: int) -> None:
    """Have an epoch drop the same whether or not the training went on before it.

    A saved model does not hold the state of its random layers.
    """
    for place, layer in enumerate(model.layers):
        if generator := getattr(layer, "seed_generator", None):
            rng = np.random.default_rng((seed, epoch, place))
            generator.state.assign(rng.integers(2**31, size=2))


def load_model(path: Path, remedy: str = "begin anew in another --out") -> keras.Model:
    """Load a saved network with its optimizer.

    Keras reads other formats too, which hold code that it runs: HDF5 with a Lambda layer does. So
    only the archives called ``.keras`` are, of layers that Keras knows.

    Raises:
        RunError: It is damaged or none; the message ends with ``remedy``.
    """
    import keras

    try:
        if path.suffix != ".keras":
            raise ValueError(f"its name must end with .keras, not with {path.suffix!r}")
        zipfile.ZipFile(path).close()
        return keras.models.load_model(path, safe_mode=True)
    except DAMAGE as error:
        raise RunError(
            f"{path}: expected a Keras model, cannot read it: {reason_of(error)}; {remedy}"
        ) from error


def load_teacher(path: Path, classes: int) -> keras.Model:
    """Load a network to learn from.

    Raises:
        RunError: It is damaged, or has other classes.
    """
    model = load_model(path, "give the model.keras of a finished training as --teacher")
    if model.input_shape[1:] != (28, 28, 1) or model.output_shape[-1] != classes:
        raise RunError(
            f"{path}: expected a teacher for 28 x 28 images and {classes} classes, found "
            f"{model.input_shape[1:]} and {model.output_shape[-1]}; train one with this version"
        )
    return model


def predict_logits(model: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return float logits: (N, 28, 28) uint8 model images -> (N, classes) float32."""
    logits = model.predict(network_input(images), batch_size=1000, verbose=0)
    return np.asarray(logits, np.float32).reshape(len(images), -1)


def network_input(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what a network takes: (N, 28, 28) uint8 -> (N, 28, 28, 1) float32, 0 to 1."""
    return (images / np.float32(255))[..., None]
