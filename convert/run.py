"""A training run's folder, as conversion needs it."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.reading.view import IMAGE_SHAPE
from digitcam.train.damage import DAMAGE, load_arrays, reason_of
from digitcam.train.data import DigitData
from digitcam.train.finished import AGAIN, RECIPE, FinishedRun, load_finished

from .errors import RunFolderError

CALIBRATION_NAME = "calibration.npz"


def load_run(folder: Path) -> FinishedRun:
    """Read a run's folder, but not its model, which is known to be whole then.

    Raises:
        RunError: It is none, was made by other code, is not finished, or is damaged.
        RunFolderError: Its model is damaged.
    """
    run = load_finished(folder)
    check_archive(run.model_path)
    return run


def check_data(folder: Path, recipe: Mapping[str, Any], data: DigitData) -> None:
    """Refuse other digits than a run was trained and tested with.

    Args:
        folder: Of the run.
        recipe: Of the run; tells the digests.
        data: What is given now.

    Raises:
        RunFolderError: A digest differs.
    """
    recorded = recipe.get("data")
    if not isinstance(recorded, dict):
        raise RunFolderError(
            f"{folder / RECIPE}: expected the digests of the data under 'data', found "
            f"{recorded!r}; {AGAIN}"
        )
    other = [name for name, digest in data.digests().items() if recorded.get(name) != digest]
    if other:
        raise RunFolderError(
            f"{folder}: was trained on other data than is given ({', '.join(other)} differ); "
            "give the same with --data"
        )


def calibration_extras(run: FinishedRun) -> NDArray[np.uint8]:
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
        images: NDArray[np.uint8] = load_arrays(path)["images"]
    except DAMAGE as error:
        raise RunFolderError(
            f"{path}: expected images to calibrate with, cannot read them: {reason_of(error)}; "
            f"{AGAIN}"
        ) from error
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != IMAGE_SHAPE:
        raise RunFolderError(
            f"{path}: images must be (N, 28, 28) uint8, found {images.shape} {images.dtype}; "
            f"{AGAIN}"
        )
    return images


def check_archive(path: Path) -> None:
    """Refuse a damaged model before TensorFlow, which would call it not found.

    Raises:
        RunFolderError: It is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except DAMAGE as error:
        raise RunFolderError(
            f"{path}: expected a whole Keras model, cannot read it: {reason_of(error)}; {AGAIN}"
        ) from error
    if damaged:
        raise RunFolderError(
            f"{path}: expected a whole Keras model, found {damaged} in it damaged; {AGAIN}"
        )
