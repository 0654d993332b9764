"""The training loop: resumable, and the same whether it was interrupted or not."""

from __future__ import annotations

import hashlib
import math
import sys
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.bundle import DIGIT_CLASSES, REJECT_CLASS
from digitcam.edge.crop import fingerprint

from .architectures import build_model
from .augment import plain_images
from .data import DigitData
from .datasets import Dataset, classes_of, split_dataset
from .errors import RunError
from .evaluation import (
    accuracy,
    calibration_error,
    choose_min_confidence,
    coverage_curve,
    cross_entropy,
    digit_accuracy,
    fit_temperature,
    probabilities,
    report,
)
from .feed import Samples
from .paper import PaperData, load_paper
from .plots import save_coverage, save_curves
from .run import FORMAT, Recipe, RunFolder, State, read_json

if TYPE_CHECKING:
    import keras

CALIBRATION_MARKS = 500
"""Other marks that the conversion measures the ranges of activations on, beside digits."""
TAUGHT = 0.7
"""Part of a target that comes from a teacher, if there is one; the label makes the rest. Hinton,
Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network"."""
LIBRARIES = ("keras", "numpy", "opencv-python-headless", "tensorflow")


Watch = Callable[[Mapping[str, float]], None]
"""Is told the row of each epoch; what it raises ends the training."""


def train(
    data: DigitData,
    recipe: Recipe,
    path: Path,
    workers: int | None = None,
    photographs: Path | None = None,
    teacher: Path | None = None,
    watch: Watch | None = None,
) -> dict[str, Any]:
    """Train a network, or go on where a run folder stands.

    Args:
        data: The digits.
        recipe: Everything that decides the result.
        path: The run folder; gets ``model.keras``, ``metrics.json``, ``history.csv``,
            ``curves.png``, and a checkpoint every epoch.
        workers: Processes that distort digits; does not change the result.
        photographs: Folder of real handwriting, see paper.load_paper; without it the network
            learns from rendered scenes alone what is no digit.
        teacher: A trained ``model.keras`` with the same classes, whose probabilities the network
            learns beside the labels.
        watch: Is told of each epoch.

    Returns:
        The metrics.

    Raises:
        RunError: The folder holds another training, the recipe does not fit the data, or the loss
            is no longer a number.
    """
    _check(data, recipe, photographs)
    paper = load_paper(photographs) if photographs else None
    model = _deterministic_model(recipe)
    guide = _load_teacher(teacher, model.output_shape[-1]) if teacher else None
    folder = RunFolder(path, describe(data, recipe, paper, teacher))
    if (path / "metrics.json").exists():
        say(f"{path} is trained already; give another --out for a new training")
    else:
        marks = load_paper(photographs, "calibration") if photographs else None
        dataset = split_dataset(data, recipe, paper, marks)
        state = _epochs(model, dataset, recipe, folder, workers, guide, watch)
        _finish(data, dataset, state, folder, recipe)
    return read_json(path / "metrics.json")


def describe(
    data: DigitData, recipe: Recipe, paper: PaperData | None = None, teacher: Path | None = None
) -> dict[str, Any]:
    """Return what ``recipe.json`` holds: settings, data digests, preprocessing, versions."""
    return {
        "format": FORMAT,
        **asdict(recipe),
        "classes": list(classes_of(recipe)),
        "preprocessing": fingerprint(),
        "data": {
            **data.digests(),
            **({"paper": len(paper.labels), "paper_sha256": paper.digest()} if paper else {}),
        },
        "teacher_sha256": _hash_of(teacher) if teacher else None,
        "versions": {name: _version(name) for name in LIBRARIES},
    }


def predict_logits(model: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return float logits: (N, 28, 28) uint8 model images -> (N, classes) float32."""
    logits = model.predict(_network_input(images), batch_size=1000, verbose=0)
    return np.asarray(logits, np.float32).reshape(len(images), -1)


def _check(data: DigitData, recipe: Recipe, photographs: Path | None) -> None:
    least = 0 if recipe.feed is None else 1
    if not least <= recipe.validation < len(data.x_train):
        raise RunError(
            f"validation must be from {least} to less than the {len(data.x_train)} training "
            f"digits, found {recipe.validation}"
        )
    if recipe.feed is None and photographs:
        raise RunError(
            f"{recipe.architecture} learns from MNIST as it is; photographs go with digitcam's own "
            "networks"
        )


def _deterministic_model(recipe: Recipe) -> keras.Model:
    import keras

    keras.utils.set_random_seed(recipe.seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        tensorflow.config.experimental.enable_op_determinism()
    return build_model(recipe.architecture, len(classes_of(recipe)), recipe.width)


def _epochs(
    model: keras.Model,
    dataset: Dataset,
    recipe: Recipe,
    folder: RunFolder,
    workers: int | None,
    teacher: keras.Model | None,
    watch: Watch | None,
) -> State:
    state = folder.state()
    if state:
        say(f"going on after epoch {len(state.history)} of {recipe.epochs}")
        model = load_model(folder.path / state.checkpoint)
    else:
        _compile(model, recipe, dataset.samples, taught=teacher is not None)
    with dataset.feed(workers) as feed:
        for epoch in range(len(state.history) if state else 0, recipe.epochs):
            if state and epoch - 1 - state.best_epoch >= recipe.patience:
                say(f"stopping: no better validation loss in {recipe.patience} epochs")
                break
            say(f"epoch {epoch + 1} of {recipe.epochs}")
            images, labels = feed.epoch(epoch, last=epoch + 1 == recipe.epochs)
            targets = _targets(model, images, labels, teacher)
            _seed_dropout(model, recipe.seed, epoch)
            row = _train_epoch(model, epoch, images, targets, dataset, recipe)
            if not math.isfinite(row["loss"] + row.get("val_loss", 0)):
                raise RunError(_diverged(row, folder.path if state else None))
            state = _save(model, epoch, row, state, folder)
            if watch:
                watch(row)
    if state is None:
        raise RunError(f"epochs must be at least 1, found {recipe.epochs}")
    return state


def _seed_dropout(model: keras.Model, seed: int, epoch: int) -> None:
    """Have an epoch drop the same whether or not the training went on before it.

    A saved model does not hold the state of its random layers.
    """
    for place, layer in enumerate(model.layers):
        if generator := getattr(layer, "seed_generator", None):
            rng = np.random.default_rng((seed, epoch, place))
            generator.state.assign(rng.integers(2**31, size=2))


def _diverged(row: Mapping[str, float], kept: Path | None) -> str:
    held = f", on held-back digits {row['val_loss']}" if "val_loss" in row else ""
    before = f"the checkpoint before is kept in {kept}; " if kept else ""
    return (
        f"epoch {row['epoch']}: the loss is {row['loss']}{held}; {before}train with a lower "
        "--learning-rate in another --out"
    )


def load_model(path: Path, remedy: str = "begin anew in another --out") -> keras.Model:
    """Load a saved network with its optimizer.

    Raises:
        RunError: It is damaged or none; the message ends with ``remedy``.
    """
    import keras

    try:
        return keras.models.load_model(path)
    except (OSError, ValueError, LookupError, zipfile.BadZipFile, zlib.error) as error:
        reason = str(error).splitlines()[0]
        raise RunError(
            f"{path}: expected a Keras model, cannot read it: {reason}; {remedy}"
        ) from error


def _hash_of(file: Path) -> str:
    return f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"


def _load_teacher(path: Path, classes: int) -> keras.Model:
    model = load_model(path, "give the model.keras of a finished training as --teacher")
    if model.input_shape[1:] != (28, 28, 1) or model.output_shape[-1] != classes:
        raise RunError(
            f"{path}: expected a teacher for 28 x 28 images and {classes} classes, found "
            f"{model.input_shape[1:]} and {model.output_shape[-1]}; train one with this version"
        )
    return model


def _targets(
    model: keras.Model,
    images: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    teacher: keras.Model | None,
) -> NDArray[Any]:
    """Return what to learn: labels (N, ...), or probabilities (N, ..., classes) if taught."""
    _, *between, classes = model.output_shape
    if teacher is None:
        return labels.reshape(-1, *between)
    taught = probabilities(predict_logits(teacher, images))
    own = np.eye(classes, dtype=np.float32)[labels]
    return (TAUGHT * taught + (1 - TAUGHT) * own).reshape(-1, *between, classes)


def _compile(model: keras.Model, recipe: Recipe, samples: int, *, taught: bool) -> None:
    import keras

    losses = keras.losses
    loss = losses.CategoricalCrossentropy if taught else losses.SparseCategoricalCrossentropy
    model.compile(_optimizer(recipe, samples), loss(from_logits=True), metrics=["accuracy"])


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


def _train_epoch(
    model: keras.Model,
    epoch: int,
    images: NDArray[np.uint8],
    targets: NDArray[Any],
    dataset: Dataset,
    recipe: Recipe,
) -> dict[str, float]:
    start = time.perf_counter()
    fitted = model.fit(
        _network_input(images),
        targets,
        batch_size=recipe.batch_size,
        shuffle=False,
        verbose=1 if sys.stdout.isatty() else 0,
    )
    row = {
        "epoch": epoch + 1,
        "loss": float(fitted.history["loss"][0]),
        "accuracy": float(fitted.history["accuracy"][0]),
        **_validate(model, dataset.held),
        "learning_rate": float(np.asarray(model.optimizer.learning_rate)),
        "seconds": round(time.perf_counter() - start, 1),
    }
    say("  " + "  ".join(f"{key} {value:.5g}" for key, value in row.items() if key != "epoch"))
    return row


def _validate(model: keras.Model, held: Mapping[str, Samples]) -> dict[str, float]:
    """Return the loss over all that is held back, and the accuracy of each part."""
    if not held:
        return {}
    images, labels = (np.concatenate(each) for each in zip(*held.values(), strict=True))
    logits = predict_logits(model, images)
    ends = np.cumsum([len(part[1]) for part in held.values()])[:-1]
    row = {"val_loss": cross_entropy(logits, labels)}
    for name, part, own in zip(held, np.split(logits, ends), np.split(labels, ends), strict=True):
        judge = digit_accuracy if name == "digit" else accuracy
        row[f"{name}_accuracy"] = judge(part, own) if len(own) else 0.0
    return row


def _save(
    model: keras.Model,
    epoch: int,
    row: Mapping[str, float],
    before: State | None,
    folder: RunFolder,
) -> State:
    name = f"checkpoint-{epoch + 1:04d}.keras"
    folder.write(name, model.save)
    history = [*(before.history if before else ()), row]
    best = before.best if before else name
    state = State(name, best, history)
    if state.best_epoch == epoch:
        state = State(name, name, history)
    folder.write_state(state)
    return state


def _finish(
    data: DigitData, dataset: Dataset, state: State, folder: RunFolder, recipe: Recipe
) -> None:
    """Measure the trained network on the test set once, and write what came of it.

    A training that ran to its end has let the learning rate fall to nothing, which settles the
    weights better than any epoch's noise can tell; one that was stopped early falls back to its
    best. A published training takes its last epoch as it comes.
    """
    whole = len(state.history) == recipe.epochs
    model = load_model(folder.path / (state.checkpoint if whole else state.best))
    chosen = state.history[-1 if whole else state.best_epoch]
    folder.write("model.keras", model.save)
    folder.write("curves.png", lambda path: save_curves(state.history, path))
    images, labels = dataset.test
    test = predict_logits(model, images)
    metrics = {
        "epochs": len(state.history),
        "chosen_epoch": chosen["epoch"],
        "parameters": model.count_params(),
        **{key: value for key, value in chosen.items() if key.endswith("_accuracy")},
        **_calibrate(model, dataset, folder),
        "test_accuracy": digit_accuracy(test, labels),
        "device_accuracy": digit_accuracy(
            predict_logits(model, plain_images(data.x_test)), data.y_test
        ),
        "test": report(test[:, : len(DIGIT_CLASSES)], labels, DIGIT_CLASSES),
    }
    # Last, because its presence says that the run is whole.
    folder.write_json("metrics.json", metrics)


def _calibrate(model: keras.Model, dataset: Dataset, folder: RunFolder) -> dict[str, Any]:
    """Make the confidence honest, and choose the least one if the network can reject."""
    images, labels = dataset.calibration
    if not len(images):
        return {"temperature": 1.0}
    logits = predict_logits(model, images)
    temperature = fit_temperature(logits, labels)
    metrics = {
        "temperature": temperature,
        "calibration_error": calibration_error(logits, labels, temperature),
    }
    if REJECT_CLASS not in dataset.classes:
        return metrics
    few = np.random.default_rng(0).permutation(len(images))[:CALIBRATION_MARKS]
    folder.write("calibration.npz", lambda path: np.savez_compressed(path, images=images[few]))
    curve = coverage_curve(logits, labels, temperature, dataset.classes)
    min_confidence = choose_min_confidence(curve)
    folder.write("coverage.png", lambda path: save_coverage(curve, min_confidence, path))
    at = next(row for row in curve if row["threshold"] == min_confidence)
    return metrics | {
        "min_confidence": min_confidence,
        "coverage": at["coverage"],
        "error": at["error"],
        "coverage_curve": curve,
    }


def _network_input(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N, 28, 28) uint8 -> (N, 28, 28, 1) float32, 0 to 1."""
    return (images / np.float32(255))[..., None]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except ImportError:
        return None


def say(text: str) -> None:
    """Tell of the progress on stderr."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - progress is what the user waits for
