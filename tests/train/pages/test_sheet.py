"""Claims about a sheet and what is written on it."""

import numpy as np
import pytest

from digitcam.edge.frame import Box
from digitcam.train.pages.page import Kind
from digitcam.train.pages.sheet import FIRST_KIND, Sheet, runs_of_digits
from digitcam.train.pages.truth import tell
from digitcam.train.pens.drawn import drawn_hand
from digitcam.train.pens.pen import Pen
from digitcam.train.pens.writing import Writing, write

INK = (20.0, 20.0, 20.0)


def written(text: str) -> Writing:
    return write(drawn_hand(), text, 30, Pen(), np.random.default_rng(0))


def blank() -> Sheet:
    return Sheet(np.full((200, 400, 3), 230, np.uint8))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1234", ["1234"]),
        ("12.50", ["1250"]),
        ("1,5", ["15"]),
        ("12:50", ["12", "50"]),
        ("3 4", ["3", "4"]),
        ("12. 50", ["12", "50"]),
        ("7.", ["7"]),
        ("5+12=17", ["5", "12", "17"]),
        ("-3%", ["3"]),
        ("1..2", ["1", "2"]),
    ],
)
def test_a_number_is_a_run_of_digits(text, numbers):
    """One dot or comma between digits does not part a number; everything else does."""
    writing = written(text)
    runs = runs_of_digits(writing)
    assert ["".join(writing.characters[k] for k in run) for run in runs] == numbers


def test_numbers_are_read_row_by_row():
    """Rows come from the top, numbers of a row from the left, whatever was written first."""
    sheet = blank()
    for text, x, y in (("3", 200, 104), ("4", 30, 150), ("2", 30, 100), ("1", 300, 10)):
        sheet.write(written(text), x, y, INK)
    _, _, characters, numbers = tell(sheet.label, sheet)
    assert [number.text for number in numbers] == ["1", "2", "3", "4"]
    assert [characters[number.members[0]].label for number in numbers] == ["1", "2", "3", "4"]


def test_joined_numbers_are_one():
    """Digits that were written into neighbouring boxes make one number."""
    sheet = blank()
    parts = [sheet.write(written(digit), 20 + 40 * k, 50, INK)[0] for k, digit in enumerate("420")]
    sheet.join(parts)
    _, _, characters, numbers = tell(sheet.label, sheet)
    assert [number.text for number in numbers] == ["420"]
    assert {character.number for character in characters} == {0}


def test_ink_covers_no_taken_place():
    """Writing is taken where there is no other ink, and rulings do not count as ink."""
    sheet, writing = blank(), written("8")
    sheet.mark(np.full((2, 400), 255, np.uint8), 0, 60, INK, Kind.RULING)
    assert sheet.takes(writing, 50, 50)
    sheet.write(writing, 50, 50, INK)
    assert not sheet.takes(writing, 52, 50)
    assert not sheet.is_free(Box(40, 40, 60, 60))
    assert not sheet.takes(writing, 395, 50)


def test_rulings_go_under_writing():
    """A line printed after a digit does not take its pixels; print does."""
    sheet, writing = blank(), written("0")
    sheet.write(writing, 50, 50, INK)
    before = int((sheet.label == 1).sum())
    sheet.mark(np.full((3, 400), 255, np.uint8), 0, 65, INK, Kind.RULING)
    assert int((sheet.label == 1).sum()) == before
    assert (sheet.label == FIRST_KIND + Kind.RULING).any()
    sheet.mark(np.full((3, 400), 255, np.uint8), 0, 65, INK, Kind.PRINT)
    assert int((sheet.label == 1).sum()) < before


def test_a_stroke_thinner_than_a_pixel_is_marked():
    """Ink that covers no pixel by a third still belongs to its character."""
    sheet, writing = blank(), written("1")
    pale = Writing(
        np.minimum(writing.ink, 50), writing.owner, writing.characters, writing.boxes, "1",
        writing.baseline,
    )  # fmt: skip
    sheet.write(pale, 10, 10, INK)
    assert (sheet.label == 1).sum() > 20


def test_what_is_hidden_is_not_told():
    """A character that other ink covers whole is among neither characters nor numbers."""
    sheet = blank()
    sheet.write(written("5"), 50, 50, INK)
    sheet.write(written("6"), 200, 50, INK)
    sheet.draw(np.full((80, 80), 255, np.uint8), 30, 30, INK)
    _, owner, characters, numbers = tell(sheet.label, sheet)
    assert [number.text for number in numbers] == ["6"]
    assert [character.label for character in characters] == ["6", ""]
    assert int(owner.max()) == 2
