"""What a training gave, measured once at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from digitcam.edge.bundle import DIGIT_CLASSES, REJECT_CLASS

from .augment import plain_images
from .data import DigitData
from .datasets import Dataset
from .evaluation import (
    calibration_error,
    choose_min_confidence,
    coverage_curve,
    digit_accuracy,
    fit_temperature,
    report,
)
from .network import load_model, predict_logits
from .plots import save_coverage, save_curves
from .run import Recipe, RunFolder, State

if TYPE_CHECKING:
    import keras

CALIBRATION_MARKS = 500
"""Other marks that the conversion measures the ranges of activations on, beside digits."""


def finish(
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
