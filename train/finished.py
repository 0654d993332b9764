"""A finished training: its run folder, read and checked for what is done with it next."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitcam.edge.reading.view import fingerprint

from .errors import RunError
from .paper import CLASSES, REJECT, SEVERAL
from .run import FORMAT, read_json
from .strings.recipe import KIND as STRINGS

MIN_CONFIDENCE = 0.5
"""Threshold of a run that chose none."""
AGAIN = "train again with digitcam-train"
MODEL, RECIPE, METRICS = "model.keras", "recipe.json", "metrics.json"


@dataclass(frozen=True)
class FinishedRun:
    """What a training was and what it measured."""

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
    def model_path(self) -> Path:
        """The trained Keras model."""
        return self.folder / MODEL

    @property
    def recipe_path(self) -> Path:
        """Where the recipe was read."""
        return self.folder / RECIPE


def load_finished(folder: Path) -> FinishedRun:
    """Read the folder of a training, but not its model.

    Raises:
        RunError: It is none, was made by other code, is not finished, or is damaged.
    """
    recipe_path, metrics_path = folder / RECIPE, folder / METRICS
    if not folder.is_dir():
        raise RunError(
            f"{folder}: expected the folder of a training, found "
            f"{'a file' if folder.exists() else 'nothing'}; make one with digitcam-train --out"
        )
    if not recipe_path.is_file():
        raise RunError(
            f"{folder}: expected the folder of a training, found no {RECIPE} in it; give one "
            "that digitcam-train made"
        )
    recipe = read_json(recipe_path)
    _check_version(recipe_path, recipe)
    missing = [name for name in (MODEL, METRICS) if not (folder / name).is_file()]
    if missing:
        raise RunError(
            f"{folder}: expected a finished training, missing {' and '.join(missing)}; finish it "
            f"with digitcam-train --out {folder} and its flags"
        )
    metrics = read_json(metrics_path)
    return FinishedRun(
        folder,
        recipe,
        metrics,
        _classes(recipe_path, recipe),
        _number(metrics_path, metrics, "temperature", 0.05, 20),
        _number(metrics_path, {"min_confidence": MIN_CONFIDENCE} | metrics, "min_confidence", 0, 1),
        recipe["preprocessing"],
    )


def load_history(folder: Path) -> Sequence[Mapping[str, float]]:
    """Read what a training's epochs were like.

    Returns:
        One row an epoch; nothing where the folder no longer holds it.

    Raises:
        RunError: It is damaged.
    """
    path = folder / "state.json"
    history = read_json(path).get("history", []) if path.is_file() else []
    if not isinstance(history, list) or not all(_is_epoch(row) for row in history):
        raise RunError(f"{path}: history must be a row of numbers an epoch; {AGAIN}")
    return history


def is_raw(recipe: Mapping[str, Any]) -> bool:
    """Tell whether a network was trained on MNIST as it is, as published networks are."""
    return "feed" in recipe and recipe["feed"] is None


def _check_version(path: Path, recipe: Mapping[str, Any]) -> None:
    if recipe.get("format") != FORMAT:
        raise RunError(
            f"{path}: format must be {FORMAT}, found {recipe.get('format')!r}; {AGAIN} of this "
            "version"
        )
    if recipe.get("kind") == STRINGS:
        raise RunError(
            f"{path}: expected the training of a network for single digits, found one of a reader "
            "of strings; give it to digitcam-convert, or here one that digitcam-train made"
        )
    if recipe.get("preprocessing") != fingerprint():
        raise RunError(
            f"{path}: trained for preprocessing {recipe.get('preprocessing')}, this digitcam does "
            f"{fingerprint()}; {AGAIN} of this version"
        )


def _is_epoch(row: object) -> bool:
    return (
        isinstance(row, dict)
        and {"epoch", "loss", "accuracy", "learning_rate"} <= row.keys()
        and all(isinstance(value, int | float) for value in row.values())
    )


def _classes(path: Path, recipe: Mapping[str, Any]) -> tuple[str, ...]:
    found = recipe.get("classes")
    allowed = [list(CLASSES[:count]) for count in range(REJECT, len(CLASSES) + 1)]
    if not isinstance(found, list) or found not in allowed:
        raise RunError(
            f"{path}: classes must be the digits 0 to 9 in order, perhaps with "
            f"{CLASSES[REJECT]!r} and {CLASSES[SEVERAL]!r} after them, found {found!r:.100}; "
            f"{AGAIN}"
        )
    return CLASSES[: len(found)]


def _number(path: Path, holder: Mapping[str, Any], key: str, low: float, high: float) -> float:
    found = holder.get(key)
    if (
        isinstance(found, bool)
        or not isinstance(found, int | float)
        or not (math.isfinite(found) and low <= found <= high)
    ):
        raise RunError(f"{path}: {key} must be from {low} to {high}, found {found!r}; {AGAIN}")
    return float(found)
