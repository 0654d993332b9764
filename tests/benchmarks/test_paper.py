"""The benchmark on paper counts what it says, on drawn pages whose truth is known."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from digitcam.train import held_back
from digitcam.train.held_back import Answer, Mark
from digitcam.train.paper import part_of
from digitcam.train.scene import render_rows

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "paper.py"


@pytest.mark.parametrize(
    ("read", "truth", "distance"),
    [("", "", 0), ("12", "12", 0), ("", "123", 3), ("1234", "124", 1), ("21", "12", 2)],
)
def test_edit_distance(read: str, truth: str, distance: int) -> None:
    """Insertions, deletions and replacements count one each."""
    assert held_back.edit_distance(read, truth) == distance
    assert held_back.edit_distance(truth, read) == distance


@pytest.mark.parametrize(
    ("read", "truth", "right"),
    [
        ("", "12", []),
        ("123", "", [False] * 3),
        ("123", "123", [True] * 3),
        ("1730", "130", [True, False, True, True]),
        ("130", "1730", [True] * 3),
        ("140", "130", [True, False, True]),
    ],
)
def test_digits_are_judged_by_the_number(read: str, truth: str, right: list[bool]) -> None:
    """A digit that is missing or too many leaves those beside it right."""
    assert held_back.matching(read, truth) == right


def test_calibration_error() -> None:
    """Nine of ten right at 0.9 is honest, all wrong at 0.9 is off by 0.9."""
    assert held_back.calibration_error([(0.9, i > 0) for i in range(10)]) == pytest.approx(0)
    assert held_back.calibration_error([(0.9, False)] * 5) == pytest.approx(0.9)
    assert held_back.calibration_error([]) == 0


def answer(*marks: tuple[str, float, float]) -> Answer:
    """Make an answer of digits at places, 10 px wide and high."""
    found = tuple(Mark(digit, 0.9, (x - 5, y - 5, 10, 10)) for digit, x, y in marks)
    return Answer(("".join(mark.digit for mark in found),), found, 0.0)


def test_forms_are_judged_cell_by_cell() -> None:
    """Right and wrong digits of handwritten cells, digits where none is, and those beside."""
    kind = [["."] * 9 for _ in range(9)]
    grid = [[0] * 9 for _ in range(9)]
    kind[0][0], grid[0][0] = "H", 5
    kind[0][1], grid[0][1] = "H", 6
    kind[8][8], grid[8][8] = "P", 1
    kind[4][4], grid[4][4] = "C", 10
    corners = [[100, 100], [100, 1000], [1000, 1000], [1000, 100]]
    case = held_back.Case("form", lambda: np.zeros((1, 1, 3), np.uint8),
                     {"kind": kind, "grid": grid, "corners_tl_bl_br_tr": corners})  # fmt: skip
    score = held_back.Score()
    verdict = held_back._score_form(
        case,
        answer(("5", 150, 150), ("8", 250, 150), ("1", 950, 950), ("2", 550, 550),
               ("7", 150, 950), ("3", 50, 50)),
        score,
    )  # fmt: skip
    assert score.counts["handwritten"] == 2
    assert score.counts["right"] == 1
    assert score.counts["false_digits"] == 1
    assert score.counts["candidates"] == 1
    assert score.counts["beside"] == 1
    assert {mark.digit for mark in verdict.right_marks} == {"5", "1"}
    assert {mark.digit for mark in verdict.wrong_marks} == {"8", "7"}


def test_what_cannot_be_told_is_no_digit_of_an_amount() -> None:
    """A `?` makes a number wrong, is not found, and shifts no other digit."""
    case = held_back.Case("amount", lambda: np.zeros((1, 1, 3), np.uint8), {"text": "12,4"})
    marks = answer(("1", 0, 0), ("4", 20, 0)).marks
    score = held_back.Score()
    verdict = held_back._score_amount(case, Answer(("1?4",), marks, 0.0), score)
    assert (score.counts["exact"], score.counts["found"], score.counts["edits"]) == (0, 2, 1)
    assert (verdict.right_marks, verdict.wrong_marks) == (marks, ())


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Notes and amounts, drawn; the names are held back."""
    rng = np.random.default_rng(1)
    for name in ("notes", "amounts"):
        (tmp_path / name).mkdir()
    cv2.imwrite(str(tmp_path / "notes/note.png"), render_rows(["3141", "592"], rng).image)
    cv2.imwrite(str(tmp_path / "notes/blank.jpg"), np.full((200, 300, 3), 220, np.uint8))
    truth: dict[str, object] = {"note.png": ["3141", "592"], "blank.jpg": []}
    (tmp_path / "notes/truth.json").write_text(json.dumps(truth))
    names = [f"{n}.png" for n in range(40) if part_of(f"amounts/{n}.png") == "held-back"][:3]
    amounts = {}
    for name in (*names, "trained.png"):
        scene = render_rows(["27182"], rng, size=(80, 300))
        cv2.imwrite(str(tmp_path / "amounts" / name), scene.image)
        boxes = [[d.x, d.y, d.width, d.height, d.digit] for d in scene.digits]
        amounts[name] = {"text": "27.182", "boxes": boxes}
    amounts[names[0]]["text"] = "99999"  # What is read is wrong, then.
    (tmp_path / "amounts/truth.json").write_text(json.dumps(amounts))
    assert part_of("amounts/trained.png") != "held-back"
    return tmp_path


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(PROGRAM), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_table_counts_what_is_held_back(photographs: Path, tmp_path: Path) -> None:
    """Each set has its rows; what was trained on is left out; the gallery shows all pictures."""
    gallery, figures = tmp_path / "gallery.html", tmp_path / "figures.json"
    done = run("--data", photographs, "--gallery", gallery, "--json", figures)
    assert done.returncode == 0, done.stderr
    result = json.loads(figures.read_text())
    assert result["notes (2): numbers exact, of 11"]["digitcam"] == 2
    assert result["notes (2): digits on pages without"]["digitcam"] == 0
    assert result["notes: turned (4): numbers exact"]["digitcam"] >= 0.5
    assert result["amounts (3): numbers exact"]["digitcam"] == pytest.approx(2 / 3)
    assert result["amounts (3): digits found and right"]["digitcam"] == pytest.approx(2 / 3)
    assert "baseline" in done.stdout
    page = gallery.read_text()
    assert page.count("<figure") == 9
    amounts = [each for each in page.split("<figure") if "amounts/" in each]
    assert sum('class="wrong"' in each for each in amounts) == 1


def test_nothing_to_read_is_one_line(tmp_path: Path) -> None:
    """A folder without photographs is refused with what was expected."""
    done = run("--data", tmp_path)
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("paper:")]
    assert "found none; give the folder with --data" in line
