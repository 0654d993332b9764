"""Whole texts: spacing, owners, boxes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitcam.train.pens.drawn import drawn_hand
from digitcam.train.pens.groups import strokes_by_digit
from digitcam.train.pens.hand import Hand
from digitcam.train.pens.pen import KINDS, Kind, Pen, random_pen
from digitcam.train.pens.strokes import StrokePack, load_strokes
from digitcam.train.pens.writing import Writing, string_writing, write

FELT = Pen(width=0.08)


def rng(seed: int = 0) -> np.random.Generator:
    """Return a source of draws."""
    return np.random.default_rng(seed)


def check(writing: Writing) -> None:
    """Check what every writing promises."""
    assert writing.ink.shape == writing.owner.shape
    assert ((writing.ink > 0) == (writing.owner > 0)).all()
    assert writing.owner.max() <= len(writing.characters) == len(writing.boxes)
    assert "".join(writing.characters) == writing.text.replace(" ", "")
    ink = writing.ink
    assert all(side.any() for side in (ink[0], ink[-1], ink[:, 0], ink[:, -1]))
    for number, box in enumerate(writing.boxes, 1):
        assert box.x >= 0
        assert box.y >= 0
        assert box.right <= ink.shape[1]
        assert box.bottom <= ink.shape[0]
        own = writing.owner == number
        assert own.sum() == box.part_of(own.view(np.uint8)).sum()


@pytest.mark.parametrize("kind", KINDS)
def test_every_pixel_of_ink_has_an_owner(hand: Hand, kind: Kind) -> None:
    """Owners cover the ink and nothing else, each within its character's box."""
    for seed in range(6):
        r = rng(seed)
        check(write(hand, "1234 567890", float(r.uniform(10, 90)), random_pen(r, kind), r))


def test_boxes_are_tight(hand: Hand) -> None:
    """Well apart, a character's box is the box around the pixels that it owns."""
    writing = write(hand, "0123456789", 40, FELT, rng(), spacing=0.6)
    for number, box in enumerate(writing.boxes, 1):
        x, y, width, height = cv2.boundingRect((writing.owner == number).view(np.uint8))
        assert (x, y, width, height) == (box.x, box.y, box.width, box.height)


def test_a_digit_is_as_high_as_asked_for(hand: Hand) -> None:
    """Digits' boxes have the height on average, within a tenth for stray, slant and rim."""
    for height in (14, 40, 120):
        boxes = [
            box for seed in range(12) for box in write(hand, "23568", height, FELT, rng(seed)).boxes
        ]
        assert np.mean([box.height for box in boxes]) == pytest.approx(height, rel=0.1, abs=1.5)


def test_equal_seeds_write_equal_texts(hand: Hand) -> None:
    """The source of draws alone decides."""
    first, again = (write(hand, "407", 30, random_pen(r), r) for r in (rng(5), rng(5)))
    np.testing.assert_array_equal(first.ink, again.ink)
    np.testing.assert_array_equal(first.owner, again.owner)
    assert first.boxes == again.boxes


def gaps(writing: Writing) -> list[int]:
    """Return the columns between neighbouring boxes."""
    return [b.x - a.right for a, b in zip(writing.boxes, writing.boxes[1:], strict=False)]


def test_spacing_is_as_asked_for(hand: Hand) -> None:
    """More of it moves characters apart, and a space adds half a height or more."""
    close, far, words = (
        np.mean([np.mean(gaps(write(hand, text, 40, FELT, rng(s), spacing))) for s in range(12)])
        for text, spacing in (("2468", 0.0), ("2468", 0.5), ("2 4 6 8", 0.5))
    )
    assert far - close == pytest.approx(20, abs=5)
    assert words - far > 15


def test_writers_touch_now_and_then() -> None:
    """Of neighbours that are spaced as writers do, some share a connected piece of ink."""
    touching = 0
    for seed in range(60):
        writing = write(drawn_hand(), "38", 40, FELT, rng(seed))
        pieces = cv2.connectedComponents(writing.ink)[0] - 1
        touching += pieces == 1
    assert 2 <= touching <= 30


def test_a_missing_character_is_another_hands(pictures: Hand) -> None:
    """The fallback writes it, and without one the drawn signs do."""
    writing = write(pictures, "12:30 €", 30, FELT, rng(), fallback=drawn_hand())
    check(writing)
    assert writing.characters == ("1", "2", ":", "3", "0", "€")
    check(write(pictures, "85 %", 30, FELT, rng()))


@pytest.mark.parametrize("text", ["", "   ", "1" * 256, "12 ж"])
def test_what_cannot_be_written_is_refused(text: str) -> None:
    """Blank, too long, or a character that nobody has."""
    with pytest.raises(ValueError, match="text: expected"):
        write(drawn_hand(), text, 30, FELT, rng())


def test_signs_stand_where_they_belong() -> None:
    """A dot is low and small, a dash in the middle, a comma below the line."""
    boxes = {
        sign: write(drawn_hand(), f"8{sign}8", 100, Pen(width=0.05), rng(), 0.3).boxes
        for sign in ".-,"
    }
    dot, dash, comma = (boxes[sign][1] for sign in ".-,")
    digit = boxes["-"][0]
    assert max(dot.width, dot.height) < 22
    assert abs(dot.bottom - boxes["."][0].bottom) < 20
    assert abs(dash.center_y - digit.center_y) < 25
    assert comma.bottom > boxes[","][0].bottom


@pytest.fixture
def numbers_pack(
    tmp_path: Path,
    pack_arrays: Callable[..., dict[str, NDArray[Any]]],
    digit_strokes: Callable[..., list[NDArray[np.float32]]],
) -> StrokePack:
    """Numbers whose digits stand apart, and one whose digits are one stroke."""
    apart = [stroke for k, d in enumerate((4, 0, 5)) for stroke in digit_strokes(d, 900 * k)]
    joined = [np.concatenate(digit_strokes(0) + digit_strokes(8, 900))]
    arrays = pack_arrays([("405", "x/a", apart), ("08", "x/a", joined)], key="text")
    np.savez(tmp_path / "strings.npz", **arrays)
    return load_strokes(tmp_path / "strings.npz")


def test_a_recorded_number_has_owners(numbers_pack: StrokePack) -> None:
    """Strokes that stand above each other are one digit's, whatever their order."""
    pack = numbers_pack
    writing = string_writing(pack, 0, 40, FELT, rng())
    assert writing is not None
    check(writing)
    assert writing.text == "405"
    assert [box.x for box in writing.boxes] == sorted(box.x for box in writing.boxes)
    groups = strokes_by_digit(pack.strokes_of(0), 3)
    assert groups is not None
    assert [len(group) for group in groups] == [2, 1, 2]


def test_a_number_in_one_stroke_has_no_owners(numbers_pack: StrokePack) -> None:
    """What can't be told isn't guessed."""
    assert string_writing(numbers_pack, 1, 40, FELT, rng()) is None


def test_most_real_numbers_have_owners(data: Path) -> None:
    """Nine in ten of UNIPEN's numbers can be told apart into digits."""
    pack = load_strokes(data / "strokes" / "unipen_strings.npz")
    writings = [string_writing(pack, i, 30, FELT, rng()) for i in range(len(pack))]
    known = [writing for writing in writings if writing is not None]
    assert len(known) > 0.9 * len(pack)
    for writing in known[::10]:
        check(writing)
