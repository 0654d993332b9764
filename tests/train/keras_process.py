"""What the tests have Keras do, in one process that they share.

TensorFlow takes seconds to load, and is never loaded into the process of the tests: it fails
beside a TFLite runtime, which the tests of digitcam.edge load there.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import resource
import sys
import unittest.mock
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from digitcam.train import training
from digitcam.train.architectures import PRESETS, build_model
from digitcam.train.architectures.cost import multiplications
from digitcam.train.cli.evaluate import main as evaluate_main
from digitcam.train.cli.strings import main as strings_main
from digitcam.train.cli.train import main
from digitcam.train.data import load_digits
from digitcam.train.datasets import classes_of
from digitcam.train.errors import TrainError
from digitcam.train.network import fresh_model
from digitcam.train.saliency import GradCam


def train(*arguments: str) -> int:
    """Call digitcam-train and return its exit status."""
    return main(arguments)


def train_strings(*arguments: str) -> int:
    """Call digitcam-train-strings and return its exit status."""
    return strings_main(arguments)


def train_one_epoch(*arguments: str) -> int:
    """Call digitcam-train and end it after its first epoch, as Ctrl-C would."""

    def end(row: Mapping[str, float]) -> None:
        raise TrainError(f"ended after epoch {row['epoch']:.0f}")

    with unittest.mock.patch.object(training, "train", partial(training.train, watch=end)):
        return main(arguments)


def save_with_code(path: str, ran: str) -> None:
    """Save a network whose Lambda layer makes a file when it is loaded or called."""
    import keras

    def touch(image: Any, ran: str = ran) -> Any:
        Path(ran).touch()
        return image

    image = keras.Input((28, 28, 1))
    middle = keras.layers.Lambda(touch, output_shape=(28, 28, 1))(image)
    keras.Model(image, keras.layers.Conv2D(12, 28)(middle)).save(path)


def download(url: str, sha256: str, cache: str) -> dict[str, str]:
    """Download a data set into a cache and return its digests."""
    return load_digits(url=url, sha256=sha256, cache=Path(cache)).digests()


def architecture(name: str) -> dict[str, Any]:
    """Return what can be said of a network that has not been trained."""
    model = fresh_model(PRESETS[name].recipe)
    logits = np.asarray(model(np.random.default_rng(0).random((5, 28, 28, 1), np.float32)))
    return {
        "input": model.input_shape,
        "output": model.output_shape,
        "logits": logits.tolist(),
        "parameters": model.count_params(),
        "multiplications": multiplications(model),
    }


def filters(name: str, width: str) -> list[int]:
    """Return the filters of each convolution of a network of another width."""
    model = build_model(name, 12, float(width))
    return [layer.filters for layer in model.layers if hasattr(layer, "filters")]


def unit_columns(case: str) -> list[float]:
    """Return by how much the first layer differs from Keras' normalization before training."""
    import keras

    images = np.random.default_rng(0).random((5, 28, 28, 1), np.float32)
    images[:, :, 3] = 0
    model = build_model(f"jetir2021-{case}", 10)
    own = np.asarray(model.layers[1](images))
    return [
        float(np.abs(own - keras.utils.normalize(images, axis=1)).max()),
        float(own[:, :, 3].max()),
    ]


def penalty(case: str) -> float:
    """Return the L2 penalty of a network whose first kernel and bias are all 1."""
    model = build_model(f"jetir2021-{case}", 10)
    first = next(layer for layer in model.layers if hasattr(layer, "filters"))
    first.set_weights([np.ones_like(each) for each in first.get_weights()])
    return float(np.sum([np.asarray(each) for each in model.losses]))


def contents(path: str) -> list[str]:
    """Return the sha256 of each variable of a saved model and its optimizer."""
    import keras

    model = keras.models.load_model(path)
    variables = [*model.weights, *model.optimizer.variables]
    return [hashlib.sha256(np.asarray(each).tobytes()).hexdigest() for each in variables]


def train_without_room(*arguments: str) -> int:
    """Call digitcam-train where no file can grow beyond 100 kB, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        return main(arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def evaluate(*arguments: str) -> int:
    """Call digitcam-evaluate and return its exit status."""
    return evaluate_main(arguments)


def grad_cam_of(name: str) -> list[float]:
    """Return what Grad-CAM's map of an untrained network is: cells, first, step, view."""
    grad_cam = GradCam(build_model(name, len(classes_of(PRESETS[name].recipe))))
    return [grad_cam.rows, grad_cam._first, grad_cam._step, grad_cam.view_px]


def grad_cam_of_bars(stride: str, padding: str) -> dict[str, Any]:
    """Show an upright and a lying bar to a network of one map and class for each.

    Returns:
        The heat for each class, and the middle of each bar: row, column.
    """
    from keras import Input, Model, layers

    image = Input((28, 28, 1))
    convolution = layers.Conv2D(2, 7, int(stride), padding=padding, activation="relu")
    pooled = layers.GlobalAveragePooling2D()(convolution(image))
    model = Model(image, layers.Dense(2, kernel_initializer="identity")(pooled))
    # Bars of three pixels between what must be empty.
    kernel = np.full((7, 7, 1, 2), -1.0)
    kernel[:, 2:5, :, 0] = kernel[2:5, :, :, 1] = 1
    convolution.set_weights([kernel, np.array([-6.0, -6.0])])
    bars = np.zeros((28, 28), np.uint8)
    bars[4:12, 5:8] = bars[19:22, 15:23] = 255
    heat = GradCam(model)(np.stack([bars, bars]), np.array([0, 1]))
    return {"heat": heat.tolist(), "middles": [[7.5, 6], [20, 18.5]]}


def grad_cam_beside_kernels() -> list[Any]:
    """Return the heat of a network that adds up its maps, and what its kernels say it must be."""
    import keras
    from keras import Input, Model, layers

    keras.utils.set_random_seed(1)
    image = Input((28, 28, 1))
    maps = layers.Conv2D(4, 3, padding="same", activation="relu")(image)
    dense = layers.Dense(3)
    model = Model(image, dense(layers.Flatten()(maps)))
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28)).astype(np.uint8)
    weights = dense.get_weights()[0].reshape(28, 28, 4, 3).sum(axis=(0, 1))
    found = np.asarray(Model(image, maps)((images / np.float32(255))[..., None]))
    own = [np.maximum(found[which] @ weights[:, which], 0) for which in range(3)]
    expected = [heat / max(heat.max(), 1e-9) for heat in own]
    return [GradCam(model)(images, np.arange(3)).tolist(), np.stack(expected).tolist()]


CALLS = {
    call.__name__: call
    for call in (
        train,
        train_strings,
        train_without_room,
        train_one_epoch,
        download,
        save_with_code,
        architecture,
        filters,
        unit_columns,
        penalty,
        contents,
        evaluate,
        grad_cam_of,
        grad_cam_of_bars,
        grad_cam_beside_kernels,
    )
}


def serve() -> None:
    """Answer requests, a line of JSON each: [name, arguments] gets [value, out, err, failure]."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # What libraries print past Python goes elsewhere.
    for line in sys.stdin:
        name, arguments = json.loads(line)
        value, failure, out, err = None, None, io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                value = CALLS[name](*arguments)
            except (Exception, SystemExit) as error:
                failure = f"{type(error).__name__}: {error}"
        print(
            json.dumps([value, out.getvalue(), err.getvalue(), failure]), file=replies, flush=True
        )


if __name__ == "__main__":
    serve()
