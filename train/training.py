"""The training loop: resumable, and the same whether it was interrupted or not."""

from __future__ import annotations

import hashlib
import math
import sys
import time
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.bundle import DIGIT_CLASSES
from digitcam.edge.crop import fingerprint

from .architectures import build_model
from .augment import plain_images
from .data import DigitData
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
from .feed import EpochFeed, Samples, scene_samples
from .paper import CLASSES, PaperData, load_paper
from .plots import save_coverage, save_curves
from .run import FORMAT, Recipe, RunFolder, State, read_json

if TYPE_CHECKING:
    import keras

VALIDATION_SCENE_MARKS = 4000
"""Most marks that are looked at as the device finds them in scenes of held-back digits."""
CALIBRATION_MARKS = 500
"""Other marks that the conversion measures the ranges of activations on, beside digits."""
TAUGHT = 0.7
"""Part of a target that comes from a teacher, if there is one; the label makes the rest. Hinton,
Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network"."""
LIBRARIES = ("keras", "numpy", "opencv-python-headless", "tensorflow")


@dataclass(frozen=True)
class _Split:
    x: NDArray[np.uint8]
    y: NDArray[np.uint8]
    paper: PaperData | None
    digits: Samples
    """Held-back digits as plain model images."""
    scenes: Samples
    """Marks as found in scenes of held-back digits."""
    marks: Samples
    """Marks of photographs that are kept for the calibration, as plain model images."""

    @property
    def held(self) -> Samples:
        """Everything that is not trained on."""
        images, labels = zip(self.digits, self.scenes, self.marks, strict=True)
        return np.concatenate(images), np.concatenate(labels)


def train(
    data: DigitData,
    recipe: Recipe,
    path: Path,
    workers: int | None = None,
    photographs: Path | None = None,
    teacher: Path | None = None,
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

    Returns:
        The metrics.

    Raises:
        RunError: The folder holds another training, or the loss is no longer a number.
    """
    _check_validation(data, recipe)
    paper = load_paper(photographs) if photographs else None
    model = _deterministic_model(recipe)
    guide = _load_teacher(teacher) if teacher else None
    folder = RunFolder(path, describe(data, recipe, paper, teacher))
    if (path / "metrics.json").exists():
        _say(f"{path} is trained already; give another --out for a new training")
    else:
        split = _split(data, recipe, paper, photographs)
        state = _epochs(model, split, recipe, folder, workers, guide)
        _finish(data, split, state, folder, recipe.epochs)
    return read_json(path / "metrics.json")


def describe(
    data: DigitData, recipe: Recipe, paper: PaperData | None = None, teacher: Path | None = None
) -> dict[str, Any]:
    """Return what ``recipe.json`` holds: settings, data digests, preprocessing, versions."""
    return {
        "format": FORMAT,
        **asdict(recipe),
        "classes": list(CLASSES),
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


def _deterministic_model(recipe: Recipe) -> keras.Model:
    import keras

    keras.utils.set_random_seed(recipe.seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        tensorflow.config.experimental.enable_op_determinism()
    return build_model(recipe.architecture, len(CLASSES))


def _check_validation(data: DigitData, recipe: Recipe) -> None:
    if recipe.validation >= len(data.x_train):
        raise RunError(
            f"validation must be less than the {len(data.x_train)} training digits, "
            f"found {recipe.validation}"
        )


def _split(
    data: DigitData, recipe: Recipe, paper: PaperData | None, photographs: Path | None
) -> _Split:
    """Hold back a part that the seed chooses."""
    order = np.random.default_rng(recipe.seed).permutation(len(data.x_train))
    held, kept = order[: recipe.validation], order[recipe.validation :]
    x, y = data.x_train[held], data.y_train[held]
    in_scenes = min(VALIDATION_SCENE_MARKS, recipe.validation)
    scenes = scene_samples(x, y, in_scenes, np.random.default_rng(recipe.seed))
    marks = (np.zeros((0, *x.shape[1:]), np.uint8), np.zeros(0, np.uint8))
    if photographs:
        apart = load_paper(photographs, "calibration")
        marks = (plain_images(apart.glyphs), apart.labels)
    return _Split(
        data.x_train[kept], data.y_train[kept], paper, (plain_images(x), y), scenes, marks
    )


def _epochs(
    model: keras.Model,
    split: _Split,
    recipe: Recipe,
    folder: RunFolder,
    workers: int | None,
    teacher: keras.Model | None,
) -> State:
    state = folder.state()
    if state:
        _say(f"going on after epoch {len(state.history)} of {recipe.epochs}")
        model = _load(folder.path / state.checkpoint)
    else:
        samples = recipe.feed.samples(with_paper=split.paper is not None)
        _compile(model, recipe, samples, taught=teacher is not None)
    with EpochFeed(split.x, split.y, split.paper, recipe.feed, recipe.seed, workers) as feed:
        for epoch in range(len(state.history) if state else 0, recipe.epochs):
            if state and epoch - 1 - state.best_epoch >= recipe.patience:
                _say(f"stopping: no better validation loss in {recipe.patience} epochs")
                break
            images, labels = feed.epoch(epoch, last=epoch + 1 == recipe.epochs)
            targets = _targets(images, labels, teacher)
            row = _train_epoch(model, epoch, images, targets, split, recipe)
            if not math.isfinite(row["loss"] + row["val_loss"]):
                kept = f"the checkpoint before is kept in {folder.path}; " if state else ""
                raise RunError(
                    f"epoch {epoch + 1}: the loss is {row['loss']}, on held-back digits "
                    f"{row['val_loss']}; {kept}train with a lower --learning-rate in another --out"
                )
            state = _save(model, epoch, row, state, folder)
    if state is None:
        raise RunError(f"epochs must be at least 1, found {recipe.epochs}")
    return state


def _load(path: Path, remedy: str = "begin anew in another --out") -> keras.Model:
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


def _load_teacher(path: Path) -> keras.Model:
    model = _load(path, "give the model.keras of a finished training as --teacher")
    classes = model.output_shape[-1]
    if model.input_shape[1:] != (28, 28, 1) or classes != len(CLASSES):
        raise RunError(
            f"{path}: expected a teacher for 28 x 28 images and {len(CLASSES)} classes, found "
            f"{model.input_shape[1:]} and {classes}; train one with this version"
        )
    return model


def _targets(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], teacher: keras.Model | None
) -> NDArray[Any]:
    """Return what to learn: labels (N, 1, 1), or probabilities (N, 1, 1, classes) if taught."""
    if teacher is None:
        return labels.reshape(-1, 1, 1)
    taught = probabilities(predict_logits(teacher, images))
    own = np.eye(len(CLASSES), dtype=np.float32)[labels]
    return (TAUGHT * taught + (1 - TAUGHT) * own)[:, None, None]


def _compile(model: keras.Model, recipe: Recipe, samples: int, *, taught: bool) -> None:
    import keras

    steps = math.ceil(samples / recipe.batch_size)
    rate = keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate / 30,
        decay_steps=max(steps * (recipe.epochs - 1), 1),
        warmup_target=recipe.learning_rate,
        warmup_steps=steps,
    )
    losses = keras.losses
    loss = losses.CategoricalCrossentropy if taught else losses.SparseCategoricalCrossentropy
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay),
        loss(from_logits=True),
        metrics=["accuracy"],
    )


def _train_epoch(
    model: keras.Model,
    epoch: int,
    images: NDArray[np.uint8],
    targets: NDArray[Any],
    split: _Split,
    recipe: Recipe,
) -> dict[str, float]:
    _say(f"epoch {epoch + 1} of {recipe.epochs}")
    start = time.perf_counter()
    fitted = model.fit(
        _network_input(images),
        targets,
        batch_size=recipe.batch_size,
        shuffle=False,
        verbose=1 if sys.stdout.isatty() else 0,
    )
    held, labels = split.held
    logits = predict_logits(model, held)
    ends = np.cumsum([len(split.digits[1]), len(split.scenes[1])])
    digits, scenes, marks = np.split(logits, ends)
    row = {
        "epoch": epoch + 1,
        "loss": float(fitted.history["loss"][0]),
        "accuracy": float(fitted.history["accuracy"][0]),
        "val_loss": cross_entropy(logits, labels),
        "digit_accuracy": digit_accuracy(digits, split.digits[1]),
        "scene_accuracy": accuracy(scenes, split.scenes[1]),
        "paper_accuracy": accuracy(marks, split.marks[1]) if len(marks) else 0.0,
        "learning_rate": float(np.asarray(model.optimizer.learning_rate)),
        "seconds": round(time.perf_counter() - start, 1),
    }
    _say("  " + "  ".join(f"{key} {value:.5g}" for key, value in row.items() if key != "epoch"))
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


def _finish(data: DigitData, split: _Split, state: State, folder: RunFolder, epochs: int) -> None:
    """Measure the trained network on the test set once, and write what came of it.

    A training that ran to its end has let the learning rate fall to nothing, which settles the
    weights better than any epoch's noise can tell; one that was stopped early falls back to its
    best.
    """
    whole = len(state.history) == epochs
    model = _load(folder.path / (state.checkpoint if whole else state.best))
    # What the device sees: MNIST's own digits are easier than those on paper.
    images, labels = (np.concatenate(a) for a in zip(split.scenes, split.marks, strict=True))
    held = predict_logits(model, images)
    temperature = fit_temperature(held, labels)
    curve = coverage_curve(held, labels, temperature, CLASSES)
    min_confidence = choose_min_confidence(curve)
    at = next(row for row in curve if row["threshold"] == min_confidence)
    test = predict_logits(model, plain_images(data.x_test))
    chosen = len(state.history) - 1 if whole else state.best_epoch
    folder.write("model.keras", model.save)
    folder.write("curves.png", lambda path: save_curves(state.history, path))
    folder.write("coverage.png", lambda path: save_coverage(curve, min_confidence, path))
    few = np.random.default_rng(0).permutation(len(images))[:CALIBRATION_MARKS]
    folder.write("calibration.npz", lambda path: np.savez_compressed(path, images=images[few]))
    metrics = {
        "epochs": len(state.history),
        "chosen_epoch": chosen + 1,
        "parameters": model.count_params(),
        "digit_accuracy": state.history[chosen]["digit_accuracy"],
        "scene_accuracy": state.history[chosen]["scene_accuracy"],
        "paper_accuracy": state.history[chosen]["paper_accuracy"],
        "temperature": temperature,
        "calibration_error": calibration_error(held, labels, temperature),
        "min_confidence": min_confidence,
        "coverage": at["coverage"],
        "error": at["error"],
        "coverage_curve": curve,
        "test_accuracy": digit_accuracy(test, data.y_test),
        "test": report(test[:, : len(DIGIT_CLASSES)], data.y_test, DIGIT_CLASSES),
    }
    # Last, because its presence says that the run is whole.
    folder.write_json("metrics.json", metrics)


def _network_input(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N, 28, 28) uint8 -> (N, 28, 28, 1) float32, 0 to 1."""
    return (images / np.float32(255))[..., None]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except ImportError:
        return None


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - progress is what the user waits for
