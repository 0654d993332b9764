"""Every published network trains with its own settings, and goes on where it was interrupted."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitcam.train.architectures import PRESETS
from digitcam.train.data import DigitData
from digitcam.train.datasets import MnistDataset, split_dataset
from digitcam.train.run import Recipe

PUBLISHED = [name for name, preset in PRESETS.items() if preset.published]
Call = Callable[..., Any]


def read(folder: Path, name: str = "metrics.json") -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / name).read_text())
    return content


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_preset_trains(keras_call: Call, digits_npz: Path, tmp_path: Path, name: str) -> None:
    """An epoch of each runs through; the run holds its recipe and what was measured."""
    run = tmp_path / "run"
    flags = ["--epochs", "1", "--batch-size", "40", "--validation", "0"]
    answer = keras_call("train", "--arch", name, "--out", run, "--data", digits_npz, *flags)
    assert answer.value == 0, answer
    recipe, metrics = read(run, "recipe.json"), read(run)
    preset = PRESETS[name].recipe
    assert recipe["feed"] is None
    assert recipe["classes"] == list("0123456789")
    assert (recipe["optimizer"], recipe["learning_rate"]) == (
        preset.optimizer,
        preset.learning_rate,
    )
    assert metrics["temperature"] == 1.0, "nothing was held back to fit it on"
    assert 0 <= metrics["test_accuracy"] <= 1
    assert "digit_accuracy" not in metrics


def test_dropout_and_optimizer_survive_an_interruption(
    keras_call: Call, digits_npz: Path, tmp_path: Path
) -> None:
    """A network with dropout, ended after its first epoch, goes on to the very same weights."""
    flags = ("--arch", "phase2-2025", "--epochs", "2", "--validation", "40", "--data", digits_npz)
    whole, interrupted = tmp_path / "whole", tmp_path / "interrupted"
    assert keras_call("train", *flags, "--out", whole).value == 0
    assert keras_call("train_one_epoch", *flags, "--out", interrupted).value == 1
    assert not (interrupted / "metrics.json").exists()
    assert keras_call("train", *flags, "--out", interrupted).value == 0
    assert read(interrupted) == read(whole)
    contents = [keras_call("contents", run / "model.keras").value for run in (whole, interrupted)]
    assert contents[0] == contents[1]


def test_what_is_held_back_is_not_trained_on(digits: DigitData) -> None:
    """The held-back digits and those of the epochs are the training set, each digit once."""
    numbered = np.zeros((200, 28, 28), np.uint8)
    numbered[:, 0, 0] = np.arange(200)
    data = replace(digits, x_train=numbered, y_train=np.arange(200, dtype=np.uint8) % 10)
    dataset = split_dataset(data, replace(Recipe(), feed=None, validation=30))
    assert isinstance(dataset, MnistDataset)
    held, epoch = dataset.held["digit"][0], dataset.epoch(0)[0]
    assert len(held) == 30
    assert sorted([*held[:, 0, 0], *epoch[:, 0, 0]]) == list(range(200))
    assert (dataset.test[0] == data.x_test).all()


def test_epochs_differ_and_repeat(digits: DigitData) -> None:
    """Each epoch has another order and other turns, the same whenever it is asked for again."""
    recipe = replace(Recipe(), feed=None, validation=0, rotation_deg=10.0)
    first, again = (split_dataset(digits, recipe) for _ in range(2))
    assert isinstance(first, MnistDataset)
    assert isinstance(again, MnistDataset)
    assert (first.epoch(1)[0] == again.epoch(1)[0]).all()
    assert (first.epoch(0)[0] != first.epoch(1)[0]).any()


def test_turns_stay_within_their_bound(digits: DigitData) -> None:
    """A bar that is turned by up to ten degrees leans by about as much, to both sides."""
    bar = np.zeros((200, 28, 28), np.uint8)
    bar[:, 4:24, 13:15] = 255
    data = replace(digits, x_train=bar, y_train=np.zeros(200, np.uint8))
    recipe = replace(Recipe(), feed=None, validation=0, rotation_deg=10.0)
    dataset = split_dataset(data, recipe)
    assert isinstance(dataset, MnistDataset)
    columns = np.arange(28)
    tops, feet = (
        (dataset.epoch(0)[0][:, rows].sum(1) * columns).sum(1)
        / dataset.epoch(0)[0][:, rows].sum(1).sum(1)
        for rows in (slice(5, 8), slice(20, 23))
    )
    lean = np.degrees(np.arctan2(tops - feet, 15))
    assert np.abs(lean).max() < 11, "allows a degree for sampling"
    assert lean.min() < -8
    assert lean.max() > 8


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--photographs", "."], "wbsu2023 learns from MNIST as it is; --photographs goes with"),
        (["--samples", "kept"], "wbsu2023 learns from MNIST as it is; --samples goes with"),
        (["--digits", "10"], "wbsu2023 learns from MNIST as it is; --digits goes with digitcam"),
        (["--width", "2"], "width of wbsu2023 must be 1, as it was published, found 2.0"),
        (["--validation", "240"], "validation must be from 0 to less than the 240 training digits"),
    ],
)
def test_what_does_not_go_together(
    keras_call: Call, digits_npz: Path, tmp_path: Path, flags: list[str], line: str
) -> None:
    """A published network refuses what belongs to digitcam's own; nothing is written."""
    run = tmp_path / "run"
    answer = keras_call("train", "--arch", "wbsu2023", "--out", run, "--data", digits_npz, *flags)
    assert answer.value == 1
    assert line in answer.err.splitlines()[-1]
    assert not run.exists()


def test_a_loss_that_is_no_number(keras_call: Call, digits_npz: Path, tmp_path: Path) -> None:
    """A rate at which the loss is lost ends with a line that says what to do."""
    answer = keras_call(
        "train",
        *("--arch", "wbsu2023", "--out", tmp_path / "run", "--data", digits_npz),
        *("--learning-rate", "1e30", "--batch-size", "20"),
    )
    assert answer.value == 1
    last = answer.err.splitlines()[-1]
    assert "epoch 1: the loss is nan" in last
    assert "train with a lower --learning-rate in another --out" in last
