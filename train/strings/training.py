"""The training of the reader of words: resumable after any interruption."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.bundle import STRING_CLASSES
from digitcam.edge.reading.word_image import (
    HEIGHT_PX,
    WIDTH_STEP_PX,
    logits_by_width,
    word_fingerprint,
)

from ..data import DigitData
from ..epochs import EpochFeed, Job
from ..errors import DataError, RunError
from ..network import load_model, network_input, seed_dropout, seed_everything
from ..run import FORMAT, RunFolder, State, read_json, say
from ..training import diverged, versions
from ..writers import Writers, check_sources
from .network import build, compile_model
from .reading import calibration_error, fit_temperature, texts_of, truths_of, worth
from .recipe import KIND, StringFeedSettings, StringRecipe
from .sample import MAX_DIGITS, Samples, batches
from .source import Material, StringSource, plain_photographs, unipen_numbers

if TYPE_CHECKING:
    import keras

HELD = StringFeedSettings(written=500, pages=400, photographed=300, nothing=200)
"""What is made of what is held back, to judge and calibrate by, at most as an epoch has."""
MIN_CONFIDENCE = 0.5
CALIBRATION_STRINGS = 500
"""Of those that the conversion measures the ranges of activations on."""
Held = Mapping[str, Samples]
"""Words of each kind."""


def train_strings(
    data: DigitData,
    recipe: StringRecipe,
    path: Path,
    workers: int | None = None,
    photographs: Path | None = None,
    samples: Path | None = None,
) -> dict[str, Any]:
    """Train a reader of words, or go on where a run folder stands.

    Args:
        data: MNIST.
        recipe: Everything that decides the result.
        path: The run folder; gets ``model.keras``, ``metrics.json``, ``history.csv``,
            ``calibration.npz`` and a checkpoint every epoch.
        workers: Processes that make words; does not change the result.
        photographs: Folder of real handwriting, see CONTRIBUTING.md; without it words are
            written with MNIST's digits and drawn ones alone.
        samples: Folder to keep the samples of epochs in, for other trainings with the same data,
            feed and seed.

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
    check_sources(recipe.without)
    if photographs and not photographs.is_dir():
        raise DataError(f"{photographs}: expected a folder of handwriting, see CONTRIBUTING.md")
    order = np.random.default_rng(recipe.seed).permutation(len(data.x_train))
    held, kept = order[: recipe.validation], order[recipe.validation :]
    writers = Writers(photographs, recipe.without, optional=True)
    material = Material((data.x_train[kept], data.y_train[kept]), writers)
    source = StringSource(material, recipe.feed)
    if source.samples < recipe.batch_size:
        raise RunError(
            f"an epoch must be at least one batch of {recipe.batch_size} words, found "
            f"{source.samples}; ask for more with {_flags(source.amounts)}"
        )
    if source.amounts["photographed"] and not material.numbers:
        raise DataError(
            f"{photographs}: expected numbers in amounts/, found none to train on; see "
            "CONTRIBUTING.md, or leave them out with --photographed 0"
        )
    folder = RunFolder(path, _describe(data, recipe, material))
    if folder.finished:
        say(f"{path} is trained already; give another --out for a new training")
        return read_json(path / "metrics.json")
    keep = samples / f"{source.digest():.16}-{recipe.seed}" if samples else None
    with EpochFeed(source, recipe.seed, workers, recipe.feed.distinct_epochs, keep) as feed:
        judged = _held(
            Material((data.x_train[held], data.y_train[held]), writers, "calibration"), recipe
        )
        state = _epochs(feed, source.samples, judged, recipe, folder)
    _finish(state, judged, folder)
    return read_json(path / "metrics.json")


def _flags(kinds: Iterable[str]) -> str:
    return " or ".join(f"--{kind}" for kind in kinds)


def _describe(data: DigitData, recipe: StringRecipe, material: Material) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "kind": KIND,
        **asdict(recipe),
        "without": list(recipe.without),
        "classes": list(STRING_CLASSES),
        "preprocessing": word_fingerprint(),
        "data": {
            **data.digests(),
            "hands": len(material.hands),
            "photographs": len(material.numbers),
            "material_sha256": material.digest(),
        },
        "versions": versions(),
    }


def _held(material: Material, recipe: StringRecipe) -> Held:
    """Return words of what is held back, made as those that are trained on; and real numbers."""
    source = StringSource(material, replace(HELD, distortion=recipe.feed.distortion))
    amounts = {
        kind: min(amount, getattr(recipe.feed, kind)) for kind, amount in source.amounts.items()
    }
    held = {
        kind: source.make(Job((recipe.seed, place), amount, kind))
        for place, (kind, amount) in enumerate(amounts.items())
        if amount and (kind != "photographed" or material.numbers)
    }
    plain = plain_photographs(material.numbers)
    recorded = unipen_numbers(material.writers.folder, recipe.seed)
    others = {"plain_photographs": plain, "unipen_strings": recorded}
    return held | {name: samples for name, samples in others.items() if len(samples[1])}


def _epochs(
    feed: EpochFeed, samples: int, held: Held, recipe: StringRecipe, folder: RunFolder
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
            steps=recipe.epochs * (samples // recipe.batch_size),
        )
    _trace(model, recipe.batch_size)
    judged = _judged(held)
    for epoch in range(len(state.history) if state else 0, recipe.epochs):
        say(f"epoch {epoch + 1} of {recipe.epochs}")
        seed_dropout(model, recipe.seed, epoch)
        words: Any = feed.epoch(epoch, last=epoch + 1 == recipe.epochs)
        row = _train_epoch(model, epoch, words, judged, recipe)
        if not math.isfinite(row["loss"]):
            raise RunError(diverged(row, folder.path if state else None))
        state = folder.save_epoch(model.save, row, state)
    if state is None:
        raise RunError(f"epochs must be at least 1, found {recipe.epochs}")
    return state


def _judged(held: Held) -> Samples:
    """Return the words to judge and calibrate by: those made as what is trained on."""
    made = [held[kind] for kind in held if hasattr(HELD, kind)]
    images, widths, labels = (np.concatenate(each) for each in zip(*made, strict=True))
    return images, widths, labels


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
    """Return the logits of words: (W / 4, classes) float32 each, W filled up."""
    images = [image[:, :width] for image, width in zip(*samples[:2], strict=True)]

    def run(batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        made = model.predict(network_input(batch), batch_size=250, verbose=0)
        return np.asarray(made, np.float32)

    return logits_by_width(images, run)


def _finish(state: State, held: Held, folder: RunFolder) -> None:
    """Calibrate, measure, and write what came of the training.

    The learning rate has fallen to nothing, which settles the weights better than any epoch's
    noise can tell: the last epoch counts.
    """
    model = load_model(folder.path / state.checkpoint)
    folder.write("model.keras", model.save)
    judged = _judged(held)
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
    read = worth(texts_of(logits), truths)
    metrics: dict[str, Any] = {
        "epochs": len(state.history),
        "parameters": model.count_params(),
        "temperature": temperature,
        "calibration_error": calibration_error(logits, truths, temperature),
        "min_confidence": MIN_CONFIDENCE,
        "held_strings": len(truths),
        "held_exact": read.exact,
        "held_digit_error_rate": read.digit_error_rate,
    }
    for kind, samples in held.items():
        read = worth(texts_of(predict(model, samples)), truths_of(samples[2]))
        metrics[f"{kind}_strings"] = len(samples[1])
        metrics[f"{kind}_exact"] = read.exact
        metrics[f"{kind}_digit_error_rate"] = read.digit_error_rate
        say(f"  {kind}: {read.exact:.2%} exact, digit error rate {read.digit_error_rate:.4f}")
    # Last, because its presence says that the run is whole.
    folder.write_json("metrics.json", metrics)
