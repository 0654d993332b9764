"""A finished training: its run folder, read and checked for what is done with it next."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitcam.edge.crop import fingerprint

from .errors import RunError
from .paper import CLASSES
from .run import FORMAT, read_json

MIN_CONFIDENCE = 0.5
"""Threshold of a run that chose none."""
AGAIN = "train again with digitcam-train"


@dataclass(frozen=True)
class FinishedRun:
    """What a training was and what it measured."""

    folder: Path
    recipe: Mapping[str, Any]
    """Architecture, seed, settings, digests of the data, library versions."""
    metrics: Mapping[str, Any]
    """What the training measured."""
    history: Sequence[Mapping[str, float]]
    """One row an epoch; nothing where the folder no longer holds it."""
    classes: tuple[str, ...]
    """What each logit stands for."""
    temperature: float
    """What logits are divided by before the softmax."""
    min_confidence: float
    """Less certain digits are rejected, 0 to 1."""

    @property
    def model_path(self) -> Path:
        """The trained Keras model."""
        return self.folder / "model.keras"


def load_finished(folder: Path) -> FinishedRun:
    """Read the folder of a training, but not its model.

    Raises:
        RunError: It is none, was made by other code, is not finished, or is damaged.
    """
    recipe_path, metrics_path = folder / "recipe.json", folder / "metrics.json"
    if not recipe_path.is_file():
        raise RunError(
            f"{folder}: expected the folder of a training, found no recipe.json in it; give one "
            "that digitcam-train made"
        )
    recipe = read_json(recipe_path)
    _check_version(recipe_path, recipe)
    missing = [name for name in ("model.keras", "metrics.json") if not (folder / name).is_file()]
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
        _history(folder / "state.json"),
        _classes(recipe_path, recipe),
        _number(metrics_path, metrics, "temperature", 0.05, 20),
        _number(metrics_path, {"min_confidence": MIN_CONFIDENCE} | metrics, "min_confidence", 0, 1),
    )


def _check_version(path: Path, recipe: Mapping[str, Any]) -> None:
    if recipe.get("format") != FORMAT:
        raise RunError(
            f"{path}: format must be {FORMAT}, found {recipe.get('format')!r}; {AGAIN} of this "
            "version"
        )
    if recipe.get("preprocessing") != fingerprint():
        raise RunError(
            f"{path}: trained for preprocessing {recipe.get('preprocessing')}, this digitcam does "
            f"{fingerprint()}; {AGAIN} of this version"
        )


def _history(path: Path) -> Sequence[Mapping[str, float]]:
    history = read_json(path).get("history", []) if path.is_file() else []
    if not isinstance(history, list) or not all(_is_epoch(row) for row in history):
        raise RunError(f"{path}: history must be a row of numbers an epoch; {AGAIN}")
    return history


def _is_epoch(row: object) -> bool:
    return (
        isinstance(row, dict)
        and {"epoch", "loss", "accuracy", "learning_rate"} <= row.keys()
        and all(isinstance(value, int | float) for value in row.values())
    )


def _classes(path: Path, recipe: Mapping[str, Any]) -> tuple[str, ...]:
    found = recipe.get("classes")
    if found not in [list(CLASSES[:count]) for count in (10, 11, 12)]:
        raise RunError(
            f"{path}: classes must be {', '.join(CLASSES)}, the last two as it may be, found "
            f"{found!r:.100}; {AGAIN}"
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
