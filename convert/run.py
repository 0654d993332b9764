"""A training run's folder, as digitcam-train leaves it."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.bundle import DIGIT_CLASSES, REJECT_CLASS, SEVERAL_CLASS
from digitcam.edge.crop import IMAGE_SHAPE, fingerprint
from digitcam.train.data import DigitData
from digitcam.train.run import FORMAT, read_json

from .errors import RunFolderError

MODEL_NAME = "model.keras"
RECIPE_NAME = "recipe.json"
METRICS_NAME = "metrics.json"
CALIBRATION_NAME = "calibration.npz"
MIN_CONFIDENCE = 0.5
"""Threshold of a run that chose none."""
AGAIN = "train again with digitcam-train"


@dataclass(frozen=True)
class TrainingRun:
    """What a conversion needs to know of a training run."""

    folder: Path
    recipe: Mapping[str, Any]
    """Architecture, seed, settings, digests of the data, library versions."""
    metrics: Mapping[str, Any]
    """What the training measured."""
    classes: tuple[str, ...]
    """What each logit stands for."""
    temperature: float
    """What logits are divided by before the softmax."""
    min_confidence: float
    """Less certain digits are rejected unless the user says otherwise, 0 to 1."""
    preprocessing: str
    """Fingerprint of the way from luma to model image that it was trained for."""

    @property
    def published(self) -> bool:
        """Whether it was trained on MNIST as it is, as published networks are."""
        return "feed" in self.recipe and self.recipe["feed"] is None

    @property
    def model_path(self) -> Path:
        """The trained Keras model."""
        return self.folder / MODEL_NAME


def load_run(folder: Path) -> TrainingRun:
    """Read a run's folder, but not its model.

    Raises:
        RunFolderError: Something is missing, or made for other code.
        RunError: A file of it is damaged.
    """
    if not folder.is_dir():
        raise RunFolderError(
            f"{folder}: expected the folder of a training run, found "
            f"{'a file' if folder.exists() else 'nothing'}; make one with digitcam-train --out"
        )
    missing = [
        name for name in (MODEL_NAME, RECIPE_NAME, METRICS_NAME) if not (folder / name).is_file()
    ]
    if missing:
        raise RunFolderError(
            f"{folder}: expected a finished training run, missing {', '.join(missing)}; "
            "let digitcam-train finish it (it resumes)"
        )
    _check_archive(folder / MODEL_NAME)
    recipe, metrics = read_json(folder / RECIPE_NAME), read_json(folder / METRICS_NAME)
    if recipe.get("format") != FORMAT:
        raise RunFolderError(
            f"{folder / RECIPE_NAME}: format must be {FORMAT}, found {recipe.get('format')!r}; "
            f"{AGAIN} of this version"
        )
    return TrainingRun(
        folder=folder,
        recipe=recipe,
        metrics=metrics,
        classes=_classes(folder / RECIPE_NAME, recipe),
        temperature=_temperature(folder / METRICS_NAME, metrics),
        min_confidence=_min_confidence(folder / METRICS_NAME, metrics),
        preprocessing=_preprocessing(folder / RECIPE_NAME, recipe),
    )


def check_data(run: TrainingRun, data: DigitData) -> None:
    """Refuse other digits than the run was trained and tested with.

    Raises:
        RunFolderError: A digest differs.
    """
    recorded = run.recipe.get("data")
    if not isinstance(recorded, dict):
        raise RunFolderError(
            f"{run.folder / RECIPE_NAME}: expected the digests of the data under 'data', found "
            f"{recorded!r}; {AGAIN}"
        )
    other = [name for name, digest in data.digests().items() if recorded.get(name) != digest]
    if other:
        raise RunFolderError(
            f"{run.folder}: was trained on other data than is given ({', '.join(other)} differ); "
            "give the same with --data"
        )


def calibration_extras(run: TrainingRun) -> NDArray[np.uint8]:
    """Read some of everything that the run was trained on, to calibrate with beside MNIST.

    Returns:
        (N, 28, 28) uint8 model images; N is 0 where the run left none.

    Raises:
        RunFolderError: The file is damaged, or holds something else.
    """
    path = run.folder / CALIBRATION_NAME
    if not path.exists():
        return np.empty((0, *IMAGE_SHAPE), np.uint8)
    try:
        with np.load(path) as content:
            images: NDArray[np.uint8] = content["images"]
    except (OSError, ValueError, LookupError, EOFError, zipfile.BadZipFile) as error:
        raise RunFolderError(
            f"{path}: expected images to calibrate with, cannot read them: {error}; {AGAIN}"
        ) from error
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != IMAGE_SHAPE:
        raise RunFolderError(
            f"{path}: images must be (N, 28, 28) uint8, found {images.shape} {images.dtype}; "
            f"{AGAIN}"
        )
    return images


def _check_archive(path: Path) -> None:
    """Refuse a damaged model before TensorFlow, which would call it not found."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (OSError, zipfile.BadZipFile) as error:
        raise RunFolderError(
            f"{path}: expected a whole Keras model, cannot read it: {error}; {AGAIN}"
        ) from error
    if damaged:
        raise RunFolderError(
            f"{path}: expected a whole Keras model, found {damaged} in it damaged; {AGAIN}"
        )


def _classes(path: Path, recipe: Mapping[str, Any]) -> tuple[str, ...]:
    found = recipe.get("classes")
    others = [REJECT_CLASS, SEVERAL_CLASS]
    allowed = [[*DIGIT_CLASSES, *others[:count]] for count in range(len(others) + 1)]
    if not isinstance(found, list) or found not in allowed:
        raise RunFolderError(
            f"{path}: classes must be the digits 0 to 9 in order, perhaps with {REJECT_CLASS!r} "
            f"and {SEVERAL_CLASS!r} after them, found {found!r}; {AGAIN}"
        )
    return tuple(found)


def _temperature(path: Path, metrics: Mapping[str, Any]) -> float:
    found = metrics.get("temperature")
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise RunFolderError(f"{path}: temperature must be a number, found {found!r}; {AGAIN}")
    if not (math.isfinite(found) and found > 0):
        raise RunFolderError(f"{path}: temperature must be above 0, found {found!r}; {AGAIN}")
    return float(found)


def _min_confidence(path: Path, metrics: Mapping[str, Any]) -> float:
    found = metrics.get("min_confidence", MIN_CONFIDENCE)
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found <= 1:
        raise RunFolderError(
            f"{path}: min_confidence must be from 0 to 1, found {found!r}; {AGAIN}"
        )
    return float(found)


def _preprocessing(path: Path, recipe: Mapping[str, Any]) -> str:
    found = recipe.get("preprocessing")
    if found != fingerprint():
        raise RunFolderError(
            f"{path}: trained for preprocessing {found}, this digitcam does {fingerprint()}; "
            f"{AGAIN} of this version"
        )
    return fingerprint()
