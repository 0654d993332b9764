"""The bundle that ships, on data that does not: MNIST and photographed notes."""

import importlib.util
import json
import os
from pathlib import Path

import numpy as np
import pytest

from digitcam.edge import Recognizer
from digitcam.edge.bundle import DEFAULT_BUNDLE, load_bundle
from digitcam.edge.classify import MODULES, Classifier, find_interpreter
from digitcam.edge.errors import RuntimeUnavailableError
from digitcam.edge.settings import Runtime
from digitcam.train.augment import plain_images
from digitcam.train.data import DATA_VARIABLE, load_digits

MIN_ACCURACY = 0.996
MAX_BYTES = 100_000
MIN_NOTE_NUMBERS = 8
"""Of the 11 numbers on the three notes."""


@pytest.fixture(scope="module")
def data() -> Path:
    """The folder of data, or skip."""
    folder = os.environ.get(DATA_VARIABLE)
    if not folder:
        pytest.skip(f"{DATA_VARIABLE} names no folder of data")
    return Path(folder)


@pytest.fixture(scope="module")
def mnist(data: Path) -> tuple[np.ndarray, np.ndarray]:
    """MNIST's test set, cropped as the device crops, and its labels."""
    digits = load_digits(data)
    return plain_images(digits.x_test), digits.y_test


def test_the_model_is_small() -> None:
    """The model fits into 100 kB."""
    assert DEFAULT_BUNDLE.with_suffix(".tflite").stat().st_size <= MAX_BYTES


@pytest.mark.parametrize("runtime", sorted(MODULES))
def test_mnist(mnist: tuple[np.ndarray, np.ndarray], runtime: Runtime) -> None:
    """Through each runtime the shipped model reads 99.6 % of MNIST's test set."""
    if importlib.util.find_spec(MODULES[runtime].partition(".")[0]) is None:
        pytest.skip(f"{runtime} is not installed")
    try:
        find_interpreter(runtime)
    except RuntimeUnavailableError as error:
        pytest.skip(str(error))
    images, labels = mnist
    bundle = load_bundle()
    best = Classifier(bundle, runtime).logits(images).argmax(axis=1)
    classes = np.array(bundle.classes)
    assert (classes[best] == labels.astype(str)).mean() >= MIN_ACCURACY


def test_notes(data: Path) -> None:
    """Of the 11 numbers on photographed notes at least 8 are read exactly."""
    folder = data / "notes"
    if not (folder / "truth.json").is_file():
        pytest.skip(f"{folder} holds no truth.json")
    recognizer = Recognizer()
    exact = 0
    for name, numbers in json.loads((folder / "truth.json").read_text()).items():
        if numbers:
            read = recognizer.read(folder / name).text.split()
            exact += sum(number in read for number in numbers)
    assert exact >= MIN_NOTE_NUMBERS
