"""The bundles that ship, on data that does not: MNIST, photographed notes and amounts."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from digitcam.edge import Recognizer
from digitcam.edge.bundle import load_bundle
from digitcam.edge.classify import Classifier
from digitcam.edge.settings import Runtime
from digitcam.train.augment import plain_images
from digitcam.train.data import DATA_VARIABLE, load_digits
from digitcam.train.evaluation import digit_accuracy
from digitcam.train.held_back import Score, load_sets, read

LEAST = {"digits": (0.992, 100_000), "digits-tiny": (0.989, 20_000)}
"""Least part of MNIST's test set that is read right, and most bytes."""
MIN_NOTE_NUMBERS = {"digits": 9, "digits-tiny": 6}
"""Of the 11 numbers on the three notes."""
MIN_AMOUNTS = 0.6
"""Part of the held-back amounts that is read exactly."""
MIN_CHARACTERS, MIN_LETTERS, MIN_CELLS = 0.93, 0.6, 0.96
"""Part of the held-back lone digits that is read right, of the letters that is not read, and of the
handwritten cells that is read right."""
MAX_FALSE_DIGITS = 5
"""On the six pages that hold no number."""


@pytest.fixture(scope="module")
def data() -> Path:
    """The folder of data, or skip."""
    folder = os.environ.get(DATA_VARIABLE)
    if not folder:
        pytest.skip(f"{DATA_VARIABLE} names no folder of data")
    return Path(folder)


@pytest.fixture(scope="module")
def mnist(data: Path) -> tuple[np.ndarray, np.ndarray]:
    """MNIST's test set and its labels."""
    digits = load_digits(data)
    return digits.x_test, digits.y_test


@pytest.mark.parametrize("name", LEAST)
def test_the_model_is_small(name: str) -> None:
    """The flagship fits into 100 kB, the other into 20."""
    assert len(load_bundle(Path(name)).model) <= LEAST[name][1]


@pytest.mark.parametrize("name", LEAST)
def test_mnist(mnist: tuple[np.ndarray, np.ndarray], name: str, runtime: Runtime) -> None:
    """Through each runtime a shipped model tells the ten digits of MNIST's test set apart."""
    images, labels = mnist
    bundle = load_bundle(Path(name))
    told = Classifier(bundle, runtime).probabilities(plain_images(images))
    assert digit_accuracy(told, labels, bundle.classes) >= LEAST[name][0]


@pytest.mark.parametrize("name", LEAST)
def test_notes(data: Path, name: str) -> None:
    """The numbers on photographed notes are read, and hardly a digit where there is none."""
    folder = data / "notes"
    if not (folder / "truth.json").is_file():
        pytest.skip(f"{folder} holds no truth.json")
    recognizer = Recognizer(name)
    exact = false = 0
    for file, numbers in json.loads((folder / "truth.json").read_text()).items():
        found = recognizer.read(folder / file).text.split()
        exact += sum(number in found for number in numbers)
        false += 0 if numbers else sum(map(len, found))
    assert exact >= MIN_NOTE_NUMBERS[name]
    assert false <= MAX_FALSE_DIGITS


def score_of(data: Path, name: str) -> Score:
    """Read a held-back set, or skip."""
    sets = {each.name: each for each in load_sets(data)}
    if name not in sets:
        pytest.skip(f"{data} holds no {name}")
    recognizer, score = Recognizer(), Score()
    for case in sets[name].cases:
        sets[name].score(case, read(recognizer, case.load()), score)
    return score


def test_amounts(data: Path) -> None:
    """Handwritten amounts that nothing was trained on are read, though their digits touch."""
    assert score_of(data, "amounts").share("exact", "numbers") >= MIN_AMOUNTS


def test_characters(data: Path) -> None:
    """A lone digit is read, and a letter that looks like none is not."""
    assert score_of(data, "characters: digits").share("right", "pictures") >= MIN_CHARACTERS
    assert score_of(data, "characters: letters").share("rejected", "pictures") >= MIN_LETTERS


def test_cells(data: Path) -> None:
    """A digit in a cell cut out of a form is read."""
    assert score_of(data, "cells: handwritten").share("right", "pictures") >= MIN_CELLS
