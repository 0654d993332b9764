"""A tiny training run on drawn digits, converted once for all tests.

Nothing here loads TensorFlow or a TFLite runtime into the process of the tests: beside each other
they fail, and the tests of digitcam.edge need theirs.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitcam.edge.bundle import DIGIT_CLASSES, REJECT_CLASS, Bundle
from digitcam.edge.reading.view import fingerprint
from digitcam.train.data import load_digits
from digitcam.train.handwriting import draw_digit
from digitcam.train.run import FORMAT

NEEDED = ("tensorflow", "tflite_runtime", "ai_edge_litert")
CLASSES = [*DIGIT_CLASSES]
CHOSEN = {"min_confidence": 0.62, "coverage": 0.9312, "error": 0.0087}
"""What a run with a class for no digit measures besides."""
PAPER_GLYPHS = 1234
PUBLISHED = ("published", "recurrent")
EXTRAS = 40
"""Images that a run leaves to calibrate with."""
RUN_JSON = ("recipe.json", "metrics.json")
MAX_GAP = 7.5
"""Points that a published network's conversion may lose."""
PER_CLASS = 20
COPIES = 5
"""Few digits, often, are learnt by heart in seconds."""
BUILDER = Path(__file__).parent / "build_models.py"


@pytest.fixture(scope="session")
def tools() -> None:
    """Skip where the libraries that convert or verify are not installed."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"conversion needs {', '.join(missing)}")
    # The machine that runs the tests has other things to do.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "2")


@pytest.fixture(scope="session")
def digits_npz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn digits as MNIST lays them out; what is tested on was trained on, so int8 loses none."""
    rng = np.random.default_rng(7)
    y = np.repeat(np.arange(10, dtype=np.uint8), PER_CLASS)
    rng.shuffle(y)
    x = np.stack([_mnist_like(draw_digit(int(digit), rng, 40, variant=0)) for digit in y])
    x, y = np.tile(x, (COPIES, 1, 1)), np.tile(y, COPIES)
    path = tmp_path_factory.mktemp("data") / "digits.npz"
    np.savez(path, x_train=x, y_train=y, x_test=x, y_test=y)
    return path


@pytest.fixture(scope="session")
def models(tools: None, digits_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with model.keras and models that must be refused."""
    folder = tmp_path_factory.mktemp("models")
    subprocess.run(
        [sys.executable, str(BUILDER), str(digits_npz), str(folder)],
        check=True,
        capture_output=True,
    )
    return folder


MakeRun = Callable[..., Path]


@pytest.fixture
def make_run(models: Path, digits_npz: Path, tmp_path: Path) -> MakeRun:
    """Lay out a run's folder; keyword arguments change its recipe."""

    def make(model: str = "model.keras", data: Path = digits_npz, **recipe: Any) -> Path:
        folder = tmp_path / "run"
        write_run(folder, models / model, data, **recipe)
        return folder

    return make


def write_run(folder: Path, model: Path, data: Path, **recipe: Any) -> None:
    folder.mkdir()
    shutil.copy(model, folder / "model.keras")
    whole = {
        "format": FORMAT,
        "architecture": "tiny",
        "seed": 1,
        "epochs": 12,
        "classes": CLASSES,
        "preprocessing": fingerprint(),
        "data": load_digits(data).digests(),
        "versions": {},
    }
    metrics = {"temperature": 1.25, "test_accuracy": 1.0, "epochs": 12, "test": {"confusion": []}}
    (folder / "recipe.json").write_text(json.dumps(whole | recipe))
    (folder / "metrics.json").write_text(json.dumps(metrics))


def make_published(run: Path) -> None:
    """Turn a run into one of a network trained as it was published."""
    recipe = json.loads((run / "recipe.json").read_text())
    recipe |= {"feed": None, "optimizer": "adam", "rotation_deg": 10.0}
    (run / "recipe.json").write_text(json.dumps(recipe))


def make_rejecting(run: Path) -> None:
    """Turn a run into one of the digits, paper and what is no digit."""
    recipe, metrics = (json.loads((run / name).read_text()) for name in RUN_JSON)
    recipe["classes"].append(REJECT_CLASS)
    recipe["data"]["paper"] = PAPER_GLYPHS
    (run / "recipe.json").write_text(json.dumps(recipe))
    (run / "metrics.json").write_text(json.dumps(metrics | CHOSEN))
    marks = np.random.default_rng(8).integers(0, 256, (EXTRAS, 28, 28)).astype(np.uint8)
    np.savez(run / "calibration.npz", images=marks)


@pytest.fixture(scope="session")
def conversions(models: Path, digits_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder each for what the command line makes of six networks, and what it says.

    They are converted side by side, because most of the time is TensorFlow's start.
    """
    folder = tmp_path_factory.mktemp("conversions")
    started = []
    for name in ("model", "hostile", "three", "reject", "published", "recurrent"):
        here = folder / name
        here.mkdir()
        write_run(here / "run", models / f"{name}.keras", digits_npz)
        if name == "reject":
            make_rejecting(here / "run")
        if name in PUBLISHED:
            make_published(here / "run")
        command = [
            *(sys.executable, "-m", "digitcam.convert.cli", str(here / "run"), "--debug"),
            *("--out", str(here / "bundle" / "tiny.tflite"), "--data", str(digits_npz)),
            *(["--max-gap", str(MAX_GAP)] if name in PUBLISHED else []),
        ]
        with (here / "stdout").open("w") as out, (here / "stderr").open("w") as err:
            started.append((here, subprocess.Popen(command, stdout=out, stderr=err)))
    for here, converter in started:
        (here / "status").write_text(str(converter.wait()))
    return folder


@pytest.fixture(scope="session")
def converted(conversions: Path) -> Path:
    """A bundle that the command line converted."""
    return _bundle(conversions / "model")


@pytest.fixture(scope="session")
def converted_rejecting(conversions: Path) -> Path:
    """A bundle with a class for what is no digit, which to it is everything."""
    return _bundle(conversions / "reject")


@pytest.fixture(scope="session")
def converted_published(conversions: Path) -> Path:
    """A bundle of a network with normalization and dense layers, trained on MNIST as it is."""
    return _bundle(conversions / "published")


@pytest.fixture(scope="session")
def converted_recurrent(conversions: Path) -> Path:
    """A bundle of a recurrent network."""
    return _bundle(conversions / "recurrent")


def _bundle(here: Path) -> Path:
    assert (here / "status").read_text() == "0", (here / "stderr").read_text()
    return here / "bundle" / "tiny"


@pytest.fixture
def bundle_copy(converted: Path, tmp_path: Path) -> Path:
    """A copy of the converted bundle, free to be damaged."""
    shutil.copytree(converted.parent, tmp_path / "copy")
    return tmp_path / "copy" / converted.name


@pytest.fixture
def as_bundle() -> Callable[[bytes], Bundle]:
    """Make a bundle of a .tflite's content."""

    def make(model: bytes) -> Bundle:
        digest = hashlib.sha256(model).hexdigest()
        return Bundle(model, "test.tflite", tuple(CLASSES), 1.0, 0.5, digest, {})

    return make


def _mnist_like(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Fit into 20 x 20 in the middle of 28 x 28, as MNIST does."""
    scale = 20 / max(ink.shape)
    size = [max(round(side * scale), 1) for side in reversed(ink.shape)]
    small = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
    image = np.zeros((28, 28), np.uint8)
    top, left = (28 - small.shape[0]) // 2, (28 - small.shape[1]) // 2
    image[top : top + small.shape[0], left : left + small.shape[1]] = small
    return image
