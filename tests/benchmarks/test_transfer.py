"""The table of left-out sources is resumed, and told apart by settings."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from digitcam.train.data import DigitData, load_digits
from digitcam.train.held_back import Answer, Case, Score
from digitcam.train.yardstick.left_out import ENTRIES
from digitcam.train.yardstick.scoring import score_number

transfer = pytest.importorskip("transfer", reason="benchmarks/ is not importable")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A file of a few digits, laid out as MNIST is."""
    labels = np.arange(40, dtype=np.uint8) % 10
    images = np.zeros((40, 28, 28), np.uint8)
    images[:, 4:24, 10:16] = 255
    path = tmp_path / "mnist.npz"
    np.savez(path, x_train=images, y_train=labels, x_test=images[:20], y_test=labels[:20])
    return path


@pytest.fixture
def digits(data: Path) -> DigitData:
    return load_digits(data)


def entry(settings: object, exact: float) -> dict[str, object]:
    """Return what is kept of an entry."""
    figures = dict.fromkeys(transfer.MEASURED, 0.0) | {"exact": exact}
    return {"settings": settings, "figures": figures}


def test_settings_tell_entries_and_recipes_apart(digits: DigitData) -> None:
    """What is left out, the recipe and the data decide; library versions do not."""
    settings = [
        transfer.settings_of(ENTRIES["nsysu"], transfer.SHORT, digits),
        transfer.settings_of(ENTRIES["semeion"], transfer.SHORT, digits),
        transfer.settings_of(ENTRIES["nsysu"], replace(transfer.SHORT, epochs=4), digits),
    ]
    assert settings[0] == transfer.settings_of(ENTRIES["nsysu"], transfer.SHORT, digits)
    assert settings[0] not in settings[1:]
    assert settings[0] == json.loads(json.dumps(settings[0]))
    assert "versions" not in settings[0]["training"]


def test_what_is_known_is_not_measured_again(
    data: Path, digits: DigitData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """An entry with equal settings stays; one with others is measured anew, and kept."""
    results, asked = tmp_path / "transfer.json", []
    same = transfer.settings_of(ENTRIES["nsysu"], transfer.SHORT, digits)
    transfer.save_results(results, {"semeion": entry("other", 0.5), "nsysu": entry(same, 0.9)})

    def measure(name: str, settings: object, *_: object) -> dict[str, object]:
        asked.append(name)
        return entry(settings, 0.7)

    monkeypatch.setattr(transfer, "measure", measure)
    arguments = ["--data", str(data), "--results", str(results)]
    assert transfer.main([*arguments, "--only", "nsysu", "--only", "semeion"]) == 0
    assert asked == ["semeion"]
    assert transfer.main([*arguments, "--only", "semeion"]) == 0
    assert asked == ["semeion"]
    known = transfer.load_results(results)
    assert known["semeion"]["figures"]["exact"] == 0.7
    rows = capsys.readouterr().out.splitlines()
    assert any(row.startswith("mean of 2 of 12") and "80.00 %" in row for row in rows)
    assert any(row.startswith("worst") and row.endswith("semeion") for row in rows)


def test_an_entry_that_fails_leaves_the_others(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is one line, the status is 1, and what comes after is measured and kept."""

    def measure(name: str, settings: object, *_: object) -> dict[str, object]:
        if name == "nsysu":
            raise OSError("no room")
        return entry(settings, 0.7)

    monkeypatch.setattr(transfer, "measure", measure)
    results = tmp_path / "transfer.json"
    arguments = ["--data", str(data), "--results", str(results)]
    assert transfer.main([*arguments, "--only", "nsysu", "--only", "mnist"]) == 1
    assert "transfer: nsysu: no room" in capsys.readouterr().err
    assert list(transfer.load_results(results)) == ["mnist"]


def test_a_recipe_file_changes_the_short_recipe(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fields of the recipe and of its feed; another name is one line."""
    file = tmp_path / "recipe.json"
    options = transfer._parser().parse_args(["--recipe", str(file)])
    file.write_text('{"epochs": 7, "feed": {"digits": 11}}')
    recipe = transfer.load_recipe(options)
    assert (recipe.epochs, recipe.feed.digits) == (7, 11)
    assert recipe.feed.page_marks == transfer.SHORT.feed.page_marks
    file.write_text('{"epoch": 7}')
    assert transfer.main(["--data", str(data), "--recipe", str(file)]) == 1
    assert "expected fields of a recipe" in capsys.readouterr().err


def test_figures_are_shares_of_numbers_and_digits() -> None:
    """Exact of numbers; errors, lost, invented and `?` of the digits written."""
    score = Score()
    for read, truth in (("12", "12"), ("1?", "12"), ("3", "34"), ("560", "56")):
        case = Case("case", lambda: np.zeros((1, 1, 3), np.uint8), truth)
        score_number(case, Answer((read,), (), 0.0), score)
    figures = transfer.figures_of(score)
    assert figures["exact"] == 0.25
    assert (figures["digit errors"], figures["lost"]) == (0.375, 0.125)
    assert (figures["invented"], figures["?"]) == (0.125, 0.125)
