"""What is evaluated: a training's network, or a bundle as a device runs it.

Beside a loaded TensorFlow tflite-runtime 2.14 fails, so only one of the two is ever loaded: Keras
for a training, a TFLite runtime for a bundle.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.bundle import Bundle, load_bundle
from digitcam.edge.classify import Classifier
from digitcam.edge.errors import ModelError
from digitcam.edge.settings import Runtime

from .errors import RunError
from .evaluation import probabilities
from .finished import FinishedRun, is_raw, load_finished, load_history
from .paper import CLASSES
from .saliency import GradCam, Heat, Images, Probabilities

if TYPE_CHECKING:
    import keras

BUNDLE_SUFFIXES = (".tflite", ".json")
FROM_TRAINING = ("architecture", "width", "seed", "epochs", "batch_size", "optimizer")
"""What a recipe tells that a reader wants first."""
DISTRIBUTIONS = {"litert": "ai-edge-litert", "tflite-runtime": "tflite-runtime"}
"""What the runtimes are called where their versions are."""


@dataclass(frozen=True)
class Subject:
    """A network with what its files say of it."""

    name: str
    """As it was asked for."""
    kind: str
    """``training`` or ``bundle``."""
    classes: tuple[str, ...]
    """What it tells apart."""
    temperature: float
    """What its logits are divided by."""
    min_confidence: float
    """Less certain digits are rejected, 0 to 1."""
    recipe: Mapping[str, Any]
    """How it was trained, as ``recipe.json`` has it."""
    facts: Mapping[str, str | int | float]
    """What else there is to say: digest, size, the library that computes."""
    probabilities: Probabilities
    """Calibrated: (N, 28, 28) uint8 -> (N, 12), columns as ``paper.CLASSES``, 0 for those that it
    does not know."""
    grad_cam: Callable[[Images, NDArray[np.intp]], Heat] | None
    """Images and columns -> heat; None if it cannot be had."""
    grad_cam_about: str
    """What its map is like, or why there is none."""
    history: Sequence[Mapping[str, float]] = field(default_factory=tuple)
    """A row an epoch of the training, if it is known."""

    @property
    def rejects(self) -> bool:
        """Whether it knows what is no digit."""
        return len(self.classes) > len(CLASSES[:10])

    @property
    def raw(self) -> bool:
        """Whether it was trained on MNIST as it is, as published networks are."""
        return is_raw(self.recipe)

    def facts_of_training(self) -> dict[str, Any]:
        """Return what the recipe tells that a reader wants first."""
        return {key: self.recipe[key] for key in FROM_TRAINING if key in self.recipe}


def open_subject(name: Path, runtime: Runtime | None = None) -> Subject:
    """Load what is evaluated.

    Args:
        name: The folder of a finished training; a bundle, with or without ``.tflite`` or
            ``.json``; or the name of a shipped bundle.
        runtime: What a bundle runs on; the fastest that is installed by default.

    Raises:
        RunError: There is neither, or the training cannot be used.
        ModelError: The bundle cannot be used.
    """
    if name.is_dir():
        if runtime:
            raise RunError(f"{name}: a training runs in Keras; --runtime goes with a bundle")
        return _of_run(name)
    return _of_bundle(name, runtime or "auto")


def _of_run(folder: Path) -> Subject:
    run, history = load_finished(folder), load_history(folder)
    try:
        import keras  # noqa: F401 - also says whether its backend is there
    except ImportError as error:
        raise RunError(
            f"{folder}: its network needs Keras and TensorFlow ({error}); "
            "pip install 'digitcam[train]'"
        ) from error
    from .network import load_model, predict_logits

    model = load_model(run.model_path, "train again with digitcam-train in another folder")
    _check_shapes(run, model)
    grad_cam, about = _grad_cam_of(model)
    return Subject(
        name=str(folder),
        kind="training",
        classes=run.classes,
        temperature=run.temperature,
        min_confidence=run.min_confidence,
        recipe=run.recipe,
        facts={
            "parameters": model.count_params(),
            "multiplications": _multiplications(model),
            "model_sha256": hashlib.sha256(run.model_path.read_bytes()).hexdigest(),
            "evaluated_with": f"keras {version('keras')}",
        },
        probabilities=lambda images: _in_order(
            probabilities(predict_logits(model, images), run.temperature), run.classes
        ),
        grad_cam=grad_cam,
        grad_cam_about=about,
        history=history,
    )


def _check_shapes(run: FinishedRun, model: keras.Model) -> None:
    found = model.input_shape[1:], model.output_shape[-1]
    if found != ((28, 28, 1), len(run.classes)):
        raise RunError(
            f"{run.model_path}: expected a network of 28 x 28 images and {len(run.classes)} "
            f"classes, found {found[0]} and {found[1]}; train again with digitcam-train"
        )


def _multiplications(model: keras.Model) -> int:
    from .architectures.cost import multiplications

    return multiplications(model)


def _grad_cam_of(model: keras.Model) -> tuple[GradCam | None, str]:
    try:
        grad_cam = GradCam(model)
    except ValueError as error:
        return None, f"There is no Grad-CAM of this network: {error}."
    return grad_cam, (
        f"Its map has {grad_cam.rows} x {grad_cam.columns} cells, each drawn on the middle of the "
        f"{grad_cam.view_px} x {grad_cam.view_px} px that it sees."
    )


def _of_bundle(name: Path, runtime: Runtime) -> Subject:
    bundle = _find_bundle(name)
    classifier = Classifier(bundle, runtime)
    training = bundle.sidecar.get("training")
    recipe = training if isinstance(training, dict) else {}
    measured = recipe.get("metrics")
    known = measured if isinstance(measured, dict) else {}
    return Subject(
        name=bundle.name,
        kind="bundle",
        classes=bundle.classes,
        temperature=bundle.temperature,
        min_confidence=bundle.min_confidence,
        recipe=recipe,
        facts={
            **{key: known[key] for key in ("parameters",) if key in known},
            "bytes": len(bundle.model),
            "model_sha256": bundle.sha256,
            "evaluated_with": f"{classifier.runtime} {version(DISTRIBUTIONS[classifier.runtime])}",
        },
        probabilities=lambda images: _in_order(classifier.probabilities(images), bundle.classes),
        grad_cam=None,
        grad_cam_about="A bundle's graph has no gradients, so there is no Grad-CAM of it; evaluate "
        "the training that it was made from to see one.",
    )


def _find_bundle(name: Path) -> Bundle:
    if name.is_file() and name.suffix not in BUNDLE_SUFFIXES:
        raise RunError(
            f"{name}: expected a bundle or the folder of a training, found a file; give the folder "
            "that it is in, or a bundle's name"
        )
    try:
        return load_bundle(name)
    except ModelError as error:
        if not isinstance(error.__cause__, FileNotFoundError) or name.suffix in BUNDLE_SUFFIXES:
            raise
        raise RunError(f"{name}: no training's folder, and no bundle: {error}") from error


def _in_order(found: NDArray[np.float32], classes: tuple[str, ...]) -> NDArray[np.float32]:
    """Put columns in the order of CLASSES: (N, classes) -> (N, 12); others are improbable."""
    result = np.zeros((len(found), len(CLASSES)), np.float32)
    result[:, [CLASSES.index(name) for name in classes]] = found
    return result
