"""Marks of photographs: what they are, and which are never trained on."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from digitcam.edge.frame import Box
from digitcam.train.box_labels import REJECT, SEVERAL, labels_of
from digitcam.train.errors import DataError
from digitcam.train.handwriting import draw_digit
from digitcam.train.paper import load_paper, part_of
from digitcam.train.scene import render_rows


def test_a_fixed_fifth_is_held_back() -> None:
    """By the name alone, for ever; a twentieth is kept for the calibration."""
    parts = [part_of(f"amounts/a_car_{number:06}.jpg") for number in range(4000)]
    assert 0.18 < parts.count("held-back") / 4000 < 0.22
    assert 0.04 < parts.count("calibration") / 4000 < 0.06
    assert part_of("forms/form_06.jpg") == "held-back"
    assert part_of("forms/form_01.jpg") == "training"


DIGITS = [(Box(10, 10, 20, 40), 3), (Box(40, 10, 30, 40), 8)]


def test_the_mark_that_fits_best_is_the_digit() -> None:
    """Of two that fit a digit's box the closer one is it; of the other nothing is said."""
    assert labels_of([Box(10, 10, 20, 40), Box(10, 10, 24, 40)], DIGITS) == [3, None]


def test_what_holds_two_digits_is_several() -> None:
    """A mark around both is several, one around a digit and more is left open."""
    assert labels_of([Box(8, 8, 64, 44), Box(8, 8, 28, 100)], DIGITS) == [SEVERAL, None]


def test_what_reaches_into_the_next_digit_is_several() -> None:
    """A digit with a third of the next; with a tenth nothing is said."""
    boxes = [Box(10, 10, 20, 40), Box(10, 10, 36, 40), Box(10, 10, 24, 40)]
    close = [(Box(10, 10, 20, 40), 3), (Box(30, 10, 30, 40), 8)]
    assert labels_of(boxes, close) == [3, SEVERAL, None]


def test_what_holds_no_digit_is_none() -> None:
    """Marks elsewhere and low pieces are no digit; bars and slices of full height are open."""
    boxes = [Box(100, 10, 30, 40), Box(12, 40, 16, 8), Box(100, 60, 5, 40), Box(40, 10, 9, 40)]
    assert labels_of(boxes, DIGITS) == [REJECT, REJECT, None, None]
    assert labels_of([Box(0, 0, 30, 30)], []) == [REJECT]


def test_pieces_that_look_like_digits_are_open() -> None:
    """The loop of an 8 is a 0: nothing is said of a digit's larger pieces."""
    pieces = [Box(40, 10, 30, 40), Box(44, 28, 20, 20), Box(54, 10, 16, 40)]
    assert labels_of(pieces, DIGITS) == [8, None, None]
    assert labels_of([], DIGITS) == []


def write_forms(folder: Path) -> None:
    """Grids with a 5 by hand in each cell of the first row, and a printed 8 in each of the last."""
    (folder / "forms").mkdir()
    kinds = ["H" * 9, *(["." * 9] * 7), "P" * 9]
    grid = [[5] * 9, *([[0] * 9] * 7), [8] * 9]
    truth = {}
    for number in range(3):
        image = np.full((500, 500), 225, np.uint8)
        for column in range(9):
            for row, digit in ((0, 5), (8, 8)):
                ink = draw_digit(digit, np.random.default_rng(column), 30)[:, :44]
                left, top = 25 + 50 * column + (50 - ink.shape[1]) // 2, 35 + 50 * row
                image[top : top + 30, left : left + ink.shape[1]] -= ink // 3 * 2
        cv2.imwrite(str(folder / "forms" / f"{number}.png"), image)
        corners = [[25, 25], [25, 475], [475, 475], [475, 25]]
        truth[f"{number}.png"] = {"corners_tl_bl_br_tr": corners, "grid": grid, "kind": kinds}
    (folder / "forms/truth.json").write_text(json.dumps(truth))


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All sets, drawn."""
    folder = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(1)
    for name in ("3", "upper_k", "upper_o"):
        (folder / "characters" / name).mkdir(parents=True)
        for number in range(12):
            digit = draw_digit(3, rng, 60)
            picture = np.pad(255 - digit, 20, constant_values=255)
            cv2.imwrite(str(folder / "characters" / name / f"{number}.png"), picture)
    (folder / "amounts").mkdir()
    truth = {}
    for number in range(12):
        scene = render_rows(["31415"], rng, size=(80, 300), height_px=40)
        cv2.imwrite(str(folder / "amounts" / f"{number}.jpg"), scene.image)
        boxes = [[d.x, d.y, d.width, d.height, d.digit] for d in scene.digits]
        truth[f"{number}.jpg"] = {"text": "31415", "boxes": boxes}
    truth["text-only.jpg"] = {"text": "1"}
    (folder / "amounts/truth.json").write_text(json.dumps(truth))
    cells = np.full((40, 64, 64, 3), 230, np.uint8)
    cells[:, 15:50, 30:34] = cells[:, 15:19, 18:34] = 40
    np.savez(
        folder / "cells.npz",
        x_handwritten=cells,
        y_handwritten=np.full(40, 7, np.uint8),
        x_empty=np.full((40, 64, 64, 3), 230, np.uint8),
    )
    write_forms(folder)
    shapes = np.zeros((30, 56, 56), np.uint8)
    cv2.circle(shapes[0], (28, 28), 20, (255,), 3)
    shapes[1:] = shapes[0]
    np.savez(folder / "glyphs.npz", x=shapes)
    return folder


def test_every_set_gives_its_marks(photographs: Path) -> None:
    """Digits get their labels, letters and alphabets are none; look-alike letters are left out."""
    training = load_paper(photographs)
    counts = np.bincount(training.labels, minlength=12)
    assert training.images().shape == (len(training.labels), 28, 28)
    assert training.images().any(axis=(1, 2)).all()
    assert counts[7] > 20
    assert counts[3] > 15
    assert counts[1] >= 12
    assert counts[REJECT] > 10
    assert training.digest() == load_paper(photographs).digest()


def test_parts_have_nothing_in_common(photographs: Path) -> None:
    """What is measured on is not trained on; together the parts are all there is."""
    parts = [load_paper(photographs, part) for part in ("training", "held-back", "calibration")]
    sizes = [len(part.labels) for part in parts]
    assert sizes[0] > sizes[1] > 0


def test_a_form_gives_what_is_written_in_its_cells(photographs: Path) -> None:
    """A digit by hand is what the grid says, a printed one is none."""
    others = ("amounts", "characters", "cells", "glyphs")
    marks = load_paper(photographs, without=others)
    counts = np.bincount(marks.labels, minlength=12)
    assert counts[5] >= 9
    assert counts[REJECT] >= 9
    assert counts.sum() == counts[5] + counts[REJECT]


def test_a_missing_set_is_named(photographs: Path, tmp_path: Path) -> None:
    """Unless it is optional or left out, one that is not there is an error with its name."""
    (tmp_path / "glyphs.npz").write_bytes((photographs / "glyphs.npz").read_bytes())
    with pytest.raises(DataError, match=r"amounts/truth.json of the source amounts, .*--without"):
        load_paper(tmp_path, optional=False)
    rest = ("amounts", "characters", "cells", "forms")
    assert set(load_paper(tmp_path, without=rest, optional=False).labels) == {REJECT}
    assert set(load_paper(tmp_path).labels) == {REJECT}


def test_a_folder_without_sets_is_refused(tmp_path: Path) -> None:
    """One line says what was expected."""
    with pytest.raises(DataError, match=r"expected amounts/, .* found none; give the folder"):
        load_paper(tmp_path)


def test_a_damaged_set_is_refused(tmp_path: Path) -> None:
    """One line says which folder."""
    (tmp_path / "cells.npz").write_bytes(b"no archive")
    with pytest.raises(DataError, match="a set of photographs is damaged"):
        load_paper(tmp_path)
