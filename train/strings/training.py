"""The training of the reader of strings: resumable after any interruption."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.bundle import STRING_CLASSES
from digitcam.edge.string_image import (
    HEIGHT_PX,
    WIDTH_STEP_PX,
    logits_by_width,
    string_fingerprint,
)

from ..data import DigitData
from ..epochs import EpochFeed, Job
from ..errors import RunError
from ..network import load_model, network_input, seed_dropout, seed_everything
from ..paper import Part, load_paper
from ..run import FORMAT, RunFolder, State, read_json, say
from ..training import diverged, versions
from .compose import MAX_DIGITS, Writer
from .material import load_strings, make_material
from .network import build, compile_model
from .reading import calibration_error, fit_temperature, texts_of, truths_of, worth
from .recipe import KIND, StringFeedSettings, StringRecipe
from .source import Samples, StringSource, batches, plain_strings

if TYPE_CHECKING:
    import keras

HELD = StringFeedSettings(whole=400, spliced=200, composed=400, nothing=200)
"""What is made of what is held back, to judge and calibrate by."""
MIN_CONFIDENCE = 0.5
CALIBRATION_STRINGS = 500
"""Of those that the conversion measures the ranges of activations on."""


def train_strings(
    data: DigitData,
    recipe: StringRecipe,
    path: Path,
    workers: int | None = None,
    photographs: Path | None = None,
) -> dict[str, Any]:
    """Train a reader of strings, or go on where a run folder stands.

    Args:
        data: MNIST.
        recipe: Everything that decides the result.
        path: The run folder; gets ``model.keras``, ``metrics.json``, ``history.csv``,
            ``calibration.npz`` and a checkpoint every epoch.
        workers: Processes that write strings; does not change the result.
        photographs: Folder of real handwriting, see CONTRIBUTING.md; without it strings are
            composed of MNIST's digits alone.

    Returns:
        The metrics.

    Raises:
        RunError: The folder holds another training, or the loss is no longer a number.
        DataError: The photographs are not as expected.
    """
    if not 1 <= recipe.validation < len(data.x_train):
        raise RunError(
            f"validation must be from 1 to less than the {len(data.x_train)} training digits, "
            f"found {recipe.validation}"
        )
    order = np.random.default_rng(recipe.seed).permutation(len(data.x_train))
    held, kept = order[: recipe.validation], order[recipe.validation :]
    writers = []
    parts: tuple[tuple[Part, NDArray[np.int64]], ...] = (("training", kept), ("calibration", held))
    for part, chosen in parts:
        paper = load_paper(photographs, part) if photographs else None
        strings = load_strings(photographs, part) if photographs else ()
        writers.append(
            Writer(make_material(data.x_train[chosen], data.y_train[chosen], paper, strings))
        )
    source = StringSource(writers[0], recipe.feed)
    if source.samples < recipe.batch_size:
        raise RunError(
            f"an epoch must be at least one batch of {recipe.batch_size} strings, found "
            f"{source.samples}; ask for more with {_flags(source.amounts)}"
        )
    folder = RunFolder(path, _describe(data, recipe, writers[0]))
    if folder.finished:
        say(f"{path} is trained already; give another --out for a new training")
        return read_json(path / "metrics.json")
    judged = _held(writers[1], recipe.seed)
    state = _epochs(source, judged, recipe, folder, workers)
    _finish(state, judged, plain_strings(writers[1]), folder)
    return read_json(path / "metrics.json")


def _flags(kinds: Iterable[str]) -> str:
    return " or ".join(f"--{kind}" for kind in kinds)


def _describe(data: DigitData, recipe: StringRecipe, writer: Writer) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "kind": KIND,
        **asdict(recipe),
        "classes": list(STRING_CLASSES),
        "preprocessing": string_fingerprint(),
        "data": {
            **data.digests(),
            "strings": len(writer.material.strings),
            "material_sha256": writer.material.digest(),
        },
        "versions": versions(),
    }


def _held(writer: Writer, seed: int) -> Samples:
    """Return strings of what is held back, distorted as those that are trained on."""
    source = StringSource(writer, HELD)
    parts = [
        source.make(Job((seed, place), amount, kind))
        for place, (kind, amount) in enumerate(source.amounts.items())
    ]
    images, widths, labels = (np.concatenate(each) for each in zip(*parts, strict=True))
    return images, widths, labels


def _epochs(
    source: StringSource,
    judged: Samples,
    recipe: StringRecipe,
    folder: RunFolder,
    workers: int | None,
) -> State:
    seed_everything(recipe.seed)
    state = folder.state()
    if state:
        say(f"going on after epoch {len(state.history)} of {recipe.epochs}")
        model = load_model(folder.path / state.checkpoint)
    else:
        model = build(recipe.width)
        compile_model(
            model,
            learning_rate=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            steps=recipe.epochs * (source.samples // recipe.batch_size),
        )
    _trace(model, recipe.batch_size)
    with EpochFeed(source, recipe.seed, workers) as feed:
        for epoch in range(len(state.history) if state else 0, recipe.epochs):
            say(f"epoch {epoch + 1} of {recipe.epochs}")
            seed_dropout(model, recipe.seed, epoch)
            samples: Any = feed.epoch(epoch, last=epoch + 1 == recipe.epochs)
            row = _train_epoch(model, epoch, samples, judged, recipe)
            if not math.isfinite(row["loss"]):
                raise RunError(diverged(row, folder.path if state else None))
            state = folder.save_epoch(model.save, row, state)
    if state is None:
        raise RunError(f"epochs must be at least 1, found {recipe.epochs}")
    return state


def _trace(model: keras.Model, batch_size: int) -> None:
    """Have the training's step laid out alike wherever a training begins or goes on.

    TensorFlow lays it out for the first width that it sees, and for all others at the second; the
    two round differently. What the steps have changed is put back.
    """
    model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *model.optimizer.variables]
    before = [np.array(each) for each in variables]
    for width in (WIDTH_STEP_PX, 2 * WIDTH_STEP_PX):
        images = np.zeros((batch_size, HEIGHT_PX, width), np.uint8)
        model.train_on_batch(network_input(images), np.zeros((batch_size, MAX_DIGITS), np.int32))
    for variable, value in zip(variables, before, strict=True):
        variable.assign(value)


def _train_epoch(
    model: keras.Model, epoch: int, samples: Samples, judged: Samples, recipe: StringRecipe
) -> dict[str, float]:
    start = time.perf_counter()
    losses = [
        float(model.train_on_batch(network_input(images), labels.astype(np.int32)))
        for images, labels in batches(samples, recipe.batch_size)
    ]
    read = worth(texts_of(predict(model, judged)), truths_of(judged[2]))
    row = {
        "epoch": epoch + 1,
        "loss": float(np.mean(losses)),
        "held_exact": read.exact,
        "held_digit_error_rate": read.digit_error_rate,
        "learning_rate": float(np.asarray(model.optimizer.learning_rate)),
        "seconds": round(time.perf_counter() - start, 1),
    }
    say("  " + "  ".join(f"{key} {value:.5g}" for key, value in row.items() if key != "epoch"))
    return row


def predict(model: keras.Model, samples: Samples) -> list[NDArray[np.float32]]:
    """Return the logits of strings: (W / 4, classes) float32 each, W filled up."""
    images = [image[:, :width] for image, width in zip(*samples[:2], strict=True)]

    def run(batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        made = model.predict(network_input(batch), batch_size=250, verbose=0)
        return np.asarray(made, np.float32)

    return logits_by_width(images, run)


def _finish(state: State, judged: Samples, photographed: Samples, folder: RunFolder) -> None:
    """Calibrate, measure, and write what came of the training.

    The learning rate has fallen to nothing, which settles the weights better than any epoch's
    noise can tell: the last epoch counts.
    """
    model = load_model(folder.path / state.checkpoint)
    folder.write("model.keras", model.save)
    logits, truths = predict(model, judged), truths_of(judged[2])
    temperature = fit_temperature(logits, truths)
    images, widths, labels = judged
    few = np.random.default_rng(0).permutation(len(widths))[:CALIBRATION_STRINGS]
    folder.write(
        "calibration.npz",
        lambda path: np.savez_compressed(
            path, images=images[few], widths=widths[few], labels=labels[few]
        ),
    )
    measured: Mapping[str, Samples] = {"held": judged, "photographed": photographed}
    metrics: dict[str, Any] = {
        "epochs": len(state.history),
        "parameters": model.count_params(),
        "temperature": temperature,
        "calibration_error": calibration_error(logits, truths, temperature),
        "min_confidence": MIN_CONFIDENCE,
    }
    for name, samples in measured.items():
        if len(samples[1]):
            read = worth(texts_of(predict(model, samples)), truths_of(samples[2]))
            metrics[f"{name}_strings"] = len(samples[1])
            metrics[f"{name}_exact"] = read.exact
            metrics[f"{name}_digit_error_rate"] = read.digit_error_rate
    # Last, because its presence says that the run is whole.
    folder.write_json("metrics.json", metrics)
