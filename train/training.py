"""The training loop: resumable, and the same whether it was interrupted or not."""

from __future__ import annotations

import hashlib
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.reading.view import fingerprint

from .data import DigitData
from .datasets import Dataset, classes_of, split_dataset
from .epochs import Annotation, Arrays
from .errors import RunError
from .evaluation import accuracy, cross_entropy, digit_accuracy, probabilities
from .feed import Samples
from .metrics import finish
from .network import (
    compile_model,
    fresh_model,
    is_compiled,
    load_model,
    load_teacher,
    network_input,
    predict_logits,
    seed_dropout,
)
from .paper import PaperData, Part, load_paper, sets_of
from .run import FORMAT, Recipe, RunFolder, State, foreign_flag, read_json, say
from .workers import Team, join_team
from .writers import Writers, check_sources

if TYPE_CHECKING:
    import keras

LIBRARIES = ("keras", "numpy", "opencv-python-headless", "tensorflow", "jax", "torch")


Watch = Callable[[Mapping[str, float]], None]
"""Is told the row of each epoch; what it raises ends the training."""


def train(
    data: DigitData,
    recipe: Recipe,
    path: Path,
    workers: int | None = None,
    photographs: Path | None = None,
    teachers: Sequence[Path] = (),
    watch: Watch | None = None,
    samples: Path | None = None,
    *,
    optional: bool = False,
) -> dict[str, Any]:
    """Train a network, or go on where a run folder stands.

    Args:
        data: The digits.
        recipe: Everything that decides the result.
        path: The run folder; gets ``model.keras``, ``metrics.json``, ``history.csv``,
            ``curves.png``, and a checkpoint every epoch.
        workers: Processes that distort digits; does not change the result.
        photographs: Folder of real handwriting, see paper.load_paper and pens.hands.load_hands;
            without it all pages are written by MNIST and the drawn hand.
        teachers: Each a trained ``model.keras`` with the same classes; the mean of their
            probabilities is learnt in place of the labels.
        watch: Is told of each epoch.
        samples: Folder to keep the samples of epochs in, for other trainings with the same data,
            feed and seed; does not change the result.
        optional: Pass over sources that the folder lacks.

    Returns:
        The metrics.

    Raises:
        RunError: The folder holds another training, the recipe does not fit the data, or the loss
            is no longer a number.
    """
    check_fits(recipe, data, photographs, samples)
    paper = paper_for(recipe, photographs, "training", optional=optional)
    writers = Writers(photographs, recipe.without, optional)
    with join_team(recipe.batch_size) as team:
        model = fresh_model(recipe, compiled=is_compiled(recipe, team.count))
        answers = _answers(teachers, model.output_shape[-1])
        description = describe(data, recipe, paper, teachers, writers)
        team.agree_on(description)
        folder = RunFolder(path, description) if team.chief else None
        if team.tell(bool(folder and folder.finished)):
            say(f"{path} is trained already; give another --out for a new training")
        else:
            marks = paper_for(recipe, photographs, "calibration", optional=optional)
            dataset = split_dataset(data, recipe, paper, marks, writers)
            state = _epochs(model, dataset, recipe, folder, team, workers, answers, watch, samples)
            if folder and state:
                finish(data, dataset, state, folder, recipe)
    return read_json(path / "metrics.json") if folder else {}


def paper_for(
    recipe: Recipe, photographs: Path | None, part: Part, *, optional: bool
) -> PaperData | None:
    """Return the marks of photographs for a part of a training, if there are to be any.

    Raises:
        DataError: A source is missing or damaged.
    """
    if not photographs or not sets_of(photographs, recipe.without, optional=optional):
        return None
    paper = load_paper(photographs, part, recipe.without, optional=optional)
    return paper if len(paper.labels) else None


def describe(
    data: DigitData,
    recipe: Recipe,
    paper: PaperData | None = None,
    teachers: Sequence[Path] = (),
    writers: Writers | None = None,
) -> dict[str, Any]:
    """Return what ``recipe.json`` holds: settings, data digests, preprocessing, versions."""
    hashes = [_hash_of(teacher) for teacher in teachers]
    return {
        "format": FORMAT,
        **asdict(recipe),
        "classes": list(classes_of(recipe)),
        "preprocessing": fingerprint(),
        "data": {
            **data.digests(),
            **({"paper": len(paper.labels), "paper_sha256": paper.digest()} if paper else {}),
            **({"hands_sha256": writers.digest()} if writers and writers.folder else {}),
        },
        "teacher_sha256": hashes if len(hashes) > 1 else next(iter(hashes), None),
        "versions": versions(),
    }


def check_fits(
    recipe: Recipe, data: DigitData, photographs: Path | None, samples: Path | None = None
) -> None:
    """Refuse a recipe that does not fit the data.

    Raises:
        RunError: It does not.
    """
    own = {"--photographs": photographs, "--samples": samples}
    given = [flag for flag, value in own.items() if value]
    if recipe.feed is None and given:
        raise foreign_flag(recipe, given[0])
    if recipe.feed is None and recipe.without:
        raise foreign_flag(recipe, "--without")
    check_sources(recipe.without)
    least = 0 if recipe.feed is None else 1
    if not least <= recipe.validation < len(data.x_train):
        raise RunError(
            f"validation must be from {least} to less than the {len(data.x_train)} training "
            f"digits, found {recipe.validation}"
        )
    if recipe.epochs < 1:
        raise RunError(f"epochs must be at least 1, found {recipe.epochs}")


def _epochs(
    model: keras.Model,
    dataset: Dataset,
    recipe: Recipe,
    folder: RunFolder | None,
    team: Team,
    workers: int | None,
    answers: Annotation | None,
    watch: Watch | None,
    samples: Path | None,
) -> State | None:
    state = folder.state() if folder else None
    if folder and state:
        say(f"going on after epoch {len(state.history)} of {recipe.epochs}")
        model = load_model(folder.path / state.checkpoint)
    else:
        compiled = is_compiled(recipe, team.count)
        compile_model(model, recipe, dataset.samples, taught=answers is not None, compiled=compiled)
    done = team.tell(len(state.history) if state else 0)
    team.train_together(model)
    with dataset.feed(workers, samples, answers) as feed:
        for epoch in range(done, recipe.epochs):
            if team.tell(bool(state and epoch - 1 - state.best_epoch >= recipe.patience)):
                say(f"stopping: no better validation loss in {recipe.patience} epochs")
                break
            say(f"epoch {epoch + 1} of {recipe.epochs}")
            # The last column is what is learnt: the teachers' answers if there are any, or labels.
            epoch_samples = feed.epoch(epoch, last=epoch + 1 == recipe.epochs)
            if recipe.feed:
                epoch_samples = _whole_batches(epoch_samples, recipe.batch_size)
            images, *_, told = epoch_samples
            targets = told.reshape(len(told), *model.output_shape[1:-1], *told.shape[1:])
            seed_dropout(model, recipe.seed, epoch)
            row = _train_epoch(model, epoch, images, targets, dataset, recipe, team)
            if not math.isfinite(row["loss"] + row.get("val_loss", 0)):
                raise RunError(diverged(row, folder.path if folder and state else None))
            if folder:
                state = folder.save_epoch(model.save, row, state)
            if watch:
                watch(row)
    return state


def _whole_batches(columns: Arrays, size: int) -> Arrays:
    """Leave out the last few samples: a batch of another size would be compiled anew."""
    count = len(columns[0]) // size * size
    return tuple(column[: count or len(column)] for column in columns)


def diverged(row: Mapping[str, float], kept: Path | None) -> str:
    """Say that a loss is no longer a number, and where the checkpoint before is."""
    held = f", on held-back digits {row['val_loss']}" if "val_loss" in row else ""
    before = f"the checkpoint before is kept in {kept}; " if kept else ""
    return (
        f"epoch {row['epoch']}: the loss is {row['loss']}{held}; {before}train with a lower "
        "--learning-rate in another --out"
    )


def _hash_of(file: Path) -> str:
    return f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"


def _answers(teachers: Sequence[Path], classes: int) -> Annotation | None:
    """Return what to learn in place of labels: the mean of the teachers' probabilities.

    Teachers alone are learnt from, for some labels are wrong. Beyer et al. 2022, "Knowledge
    distillation: A good teacher is patient and consistent".
    """
    if not teachers:
        return None
    models = [load_teacher(teacher, classes) for teacher in teachers]
    names = "".join(_hash_of(teacher) for teacher in teachers)
    name = f"taught-{hashlib.sha256(names.encode()).hexdigest():.16}"
    return Annotation(name, partial(_mean_answer, models))


def _mean_answer(teachers: Sequence[keras.Model], columns: Arrays) -> NDArray[np.float32]:
    """Return (N, classes) probabilities."""
    told = [probabilities(predict_logits(each, columns[0])) for each in teachers]
    mean: NDArray[np.float32] = np.mean(told, axis=0)
    return mean


def _train_epoch(
    model: keras.Model,
    epoch: int,
    images: NDArray[np.uint8],
    targets: NDArray[Any],
    dataset: Dataset,
    recipe: Recipe,
    team: Team,
) -> dict[str, float]:
    start = time.perf_counter()
    fitted = model.fit(
        network_input(team.part(images)),
        team.part(targets),
        batch_size=recipe.batch_size // team.count,
        shuffle=False,
        verbose=1 if sys.stdout.isatty() else 0,
    )
    row = {
        "epoch": epoch + 1,
        "loss": team.mean(fitted.history["loss"][0]),
        "accuracy": team.mean(fitted.history["accuracy"][0]),
        **(_validate(model, dataset.held) if team.chief else {}),
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


def versions() -> dict[str, str | None]:
    """Return the versions of the libraries that decide a training."""
    return {name: _version(name) for name in LIBRARIES}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except ImportError:
        return None
