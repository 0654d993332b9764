"""Who writes for a part of a training, and who never does."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from digitcam.train import writers as writers_module
from digitcam.train.data import DigitData
from digitcam.train.errors import DataError, RunError
from digitcam.train.paper import part_of
from digitcam.train.writers import Writers, check_sources

DIGITS = frozenset("0123456789")


@dataclass(frozen=True)
class Named:
    """A hand that has no more than a name."""

    name: str
    source: str
    characters: frozenset[str] = DIGITS


HANDS = [
    *(Named(f"unipen:abc:{k}", "unipen:abc") for k in range(100)),
    *(Named(f"fonts:{k}", "fonts") for k in range(60)),
    *(Named(f"nsysu:{k}", "nsysu") for k in range(5)),
]


@pytest.fixture
def writers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Writers:
    """Those of a folder with UNIPEN's writers, fonts and pictures."""
    monkeypatch.setattr(writers_module, "load_hands", lambda *_, **__: list(HANDS))
    return Writers(tmp_path)


def test_writers_and_fonts_are_held_back_by_name(writers: Writers, digits: DigitData) -> None:
    """No one writes for two parts; pictures, whose writers nobody knows, are all trained on."""
    mnist = digits.x_train, digits.y_train
    training = {hand.name for hand in writers.hands("training", mnist)}
    held = writers.hands("calibration", mnist)
    calibration = {hand.name for hand in held if hand.source != "mnist"}
    assert 100 < len(training) < 140
    assert 3 <= len(calibration) <= 20
    assert not training & calibration
    assert all(part_of(f"hands/{name}") == "calibration" for name in calibration)
    assert {hand.name for hand in HANDS if hand.source == "nsysu"} <= training


def test_mnist_and_the_drawn_hand_need_no_folder(digits: DigitData) -> None:
    """Without a folder they write; what is left out does not."""
    mnist = digits.x_train, digits.y_train
    sources = [hand.source for hand in Writers().hands("training", mnist)]
    assert set(sources) == {"mnist", "drawn"}
    (drawn,) = Writers(without=("mnist",)).hands("training", mnist)
    assert drawn.source == "drawn"


def test_somebody_writes_all_digits_for_the_calibration(digits: DigitData) -> None:
    """Where the held-back digits lack one, the drawn hand stands in, unless it is left out."""
    ones = digits.x_train[digits.y_train == 1], np.ones(24, np.uint8)
    assert "drawn" in {hand.source for hand in Writers().hands("calibration", ones)}
    with pytest.raises(DataError, match="a hand that writes all ten digits for calibration"):
        Writers(without=("drawn",)).hands("calibration", ones)


def test_a_missing_source_is_named(tmp_path: Path, digits: DigitData) -> None:
    """What the folder lacks is an error that names it, unless it is optional."""
    mnist = digits.x_train, digits.y_train
    with pytest.raises(DataError, match="of the source unipen, found nothing"):
        Writers(tmp_path).hands("training", mnist)
    assert len(Writers(tmp_path, optional=True).hands("training", mnist)) > 1


def test_other_hands_have_another_digest(tmp_path: Path) -> None:
    """Files and what is left out count."""
    before = Writers(tmp_path).digest()
    assert Writers(tmp_path, ("fonts",)).digest() != before
    np.savez(tmp_path / "font_glyphs.npz", glyph=np.zeros(3))
    assert Writers(tmp_path).digest() != before


@pytest.mark.parametrize("source", ["amounts", "optdigits", "unipen", "unipen:apb", "notes"])
def test_sources_can_be_left_out(source: str) -> None:
    """Every source of hands and of photographs, and a single contributor."""
    check_sources([source])


def test_an_unknown_source_is_refused() -> None:
    """One that there is not is named, beside those that there are."""
    with pytest.raises(RunError, match="must be one of amounts, .* found emnist"):
        check_sources(["emnist"])
