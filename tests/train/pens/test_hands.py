"""Hands: who there is, what they write, and what is left out."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitcam.train.errors import DataError
from digitcam.train.pens.bitmaps import bitmap_hand, split_hands
from digitcam.train.pens.characters import load_characters
from digitcam.train.pens.drawn import drawn_hand
from digitcam.train.pens.fonts import load_fonts
from digitcam.train.pens.hand import Hand
from digitcam.train.pens.hands import load_hands
from digitcam.train.pens.manner import Manner
from digitcam.train.pens.pen import KINDS, Pen, random_pen
from digitcam.train.pens.texture import Plane
from digitcam.train.pens.unipen import load_unipen

DrawImage = Callable[..., Plane]
FELT = Pen(width=0.08)
DIGITS = frozenset("0123456789")


def rng(seed: int = 0) -> np.random.Generator:
    """Return a source of draws."""
    return np.random.default_rng(seed)


def by_name(hands: list[Hand]) -> dict[str, Hand]:
    """Return the hands by their names, which are all different."""
    assert len({hand.name for hand in hands}) == len(hands)
    return {hand.name: hand for hand in hands}


def test_a_writer_is_one_hand(stroke_folder: Path) -> None:
    """Digits, letters and signs of the same name are one hand; letters alone are one too."""
    hands = by_name(load_unipen(stroke_folder))
    assert set(hands) == {"unipen:aaa:Ann", "unipen:bbb:Bob", "unipen:ccc:Cid"}
    assert hands["unipen:aaa:Ann"].characters == DIGITS | set("agl-.")
    assert hands["unipen:bbb:Bob"].characters == DIGITS
    assert hands["unipen:ccc:Cid"].source == "unipen:ccc"


def test_letters_are_in_proportion(stroke_folder: Path) -> None:
    """Samples that fill their boxes alike come out as high as their kind of character is."""
    hand = by_name(load_unipen(stroke_folder))["unipen:aaa:Ann"]
    glyphs = {c: hand.glyph(c, 100, FELT, rng()) for c in "0agl-."}
    heights = {c: glyph.ink.shape[0] for c, glyph in glyphs.items()}
    assert heights["0"] == pytest.approx(100, abs=3)
    assert heights["a"] == pytest.approx(60, abs=3)
    assert heights["l"] == pytest.approx(105, abs=3)
    assert heights["."] < 20
    assert glyphs["a"].rise == pytest.approx(0, abs=2)
    assert glyphs["g"].rise == pytest.approx(-38, abs=3)
    assert glyphs["-"].rise == pytest.approx(42, abs=4)
    assert all(glyph.advance > glyph.ink.shape[1] for glyph in glyphs.values())


def test_a_manner_leans(stroke_folder: Path) -> None:
    """A slanted one moves the top to the right and keeps the height."""
    hand = by_name(load_unipen(stroke_folder))["unipen:aaa:Ann"]
    upright = hand.glyph("1", 100, FELT, rng()).ink
    leaning = hand.glyph("1", 100, FELT, rng(), Manner(slant=0.4)).ink
    assert abs(leaning.shape[0] - upright.shape[0]) <= 2
    assert leaning.shape[1] > upright.shape[1] + 25


def test_sources_are_left_out_whole(stroke_folder: Path) -> None:
    """By contributor, or all of UNIPEN; the rest stays."""
    names = {h.source for h in load_hands(stroke_folder, ["unipen:aaa"], optional=True)}
    assert names == {"drawn", "unipen:bbb", "unipen:ccc"}
    assert {h.source for h in load_hands(stroke_folder, ["unipen"], optional=True)} == {"drawn"}
    assert load_hands(stroke_folder, ["unipen", "drawn"], optional=True) == []


def test_a_missing_source_is_named(stroke_folder: Path) -> None:
    """One line says which source and which file; left out, it isn't looked for."""
    with pytest.raises(DataError, match="source fonts, found nothing") as error:
        load_hands(stroke_folder)
    assert "\n" not in str(error.value)
    rest = ["fonts", "characters", "mnist", "nsysu", "optdigits", "semeion"]
    assert len(load_hands(stroke_folder, rest)) == 4


def test_a_drawn_hand_has_digits_and_signs() -> None:
    """It draws each of them with every pen."""
    hand = drawn_hand()
    assert hand.characters >= DIGITS | set(".,:-+=/()%$€°x")
    for character in sorted(hand.characters):
        for kind in KINDS:
            assert hand.glyph(character, 24, random_pen(rng(), kind), rng()).ink.max() > 15


def test_a_collection_is_dealt_out(digit_image: DrawImage) -> None:
    """About a hundred pictures a hand, and each has every digit."""
    images = [digit_image(k % 10) for k in range(320)]
    hands = split_hands("made", images, [str(k % 10) for k in range(320)])
    assert len(hands) == 3
    assert all(hand.characters == DIGITS for hand in hands)
    assert len(by_name(hands)) == 3


@pytest.mark.parametrize("digit", range(10))
def test_a_picture_keeps_its_shape(digit_image: DrawImage, digit: int) -> None:
    """From 20 px to 60, the ink is where it is in the digit drawn that large, by most of it."""
    hand = bitmap_hand("made:0", "made", {str(digit): [digit_image(digit)]})
    ink = hand.glyph(str(digit), 60, Pen(width=0.12), rng()).ink
    wanted = digit_image(digit, 60)
    same = cv2.resize(ink, wanted.shape[::-1], interpolation=cv2.INTER_AREA)
    both = np.minimum(same, wanted).sum(dtype=float)
    assert both / np.maximum(same, wanted).sum(dtype=float) > 0.7


@pytest.mark.parametrize("digit", [0, 3, 6, 8])
def test_a_picture_keeps_its_holes_with_any_pen(digit_image: DrawImage, digit: int) -> None:
    """Thinner, it stays in one piece; thicker, its counters stay open."""
    hand = bitmap_hand("made:0", "made", {str(digit): [digit_image(digit)]})
    ways = []
    for width in (0.05, 0.12, 0.2):
        ink = hand.glyph(str(digit), 90, Pen(width=width), rng()).ink
        solid = np.pad((ink > 127).view(np.uint8), 1)
        pieces = cv2.connectedComponents(solid)[0] - 1
        holes = cv2.connectedComponents(1 - solid, connectivity=4)[0] - 2
        ways.append((pieces, holes))
    assert set(ways) == {(1, {0: 1, 3: 0, 6: 1, 8: 2}[digit])}


def test_a_pen_changes_a_pictures_weight(digit_image: DrawImage) -> None:
    """A broad pen leaves more ink than a thin one, in proportion to a degree."""
    hand = bitmap_hand("made:0", "made", {"3": [digit_image(3)]})
    areas = [
        float(hand.glyph("3", 60, Pen(width=width), rng()).ink.sum()) / 255
        for width in (0.06, 0.12, 0.18)
    ]
    assert areas[0] < 0.75 * areas[1]
    assert areas[2] > 1.15 * areas[1]


def font_arrays(digit_image: DrawImage) -> dict[str, NDArray[Any]]:
    """Return one font whose digits and g stand at the baseline of font_glyphs.npz."""
    glyphs = np.zeros((1, 11, 112, 112), np.uint8)
    for digit in range(10):
        ink = digit_image(digit, 52)[:52]
        glyphs[0, digit, 84 - ink.shape[0] : 84, 24 : 24 + ink.shape[1]] = ink
    glyphs[0, 10, 60:100, 24:44] = 255
    return {
        "glyph": glyphs,
        "advance": np.full((1, 11), 40, np.float32),
        "char": np.array(list("0123456789g")),
        "font": np.array(["made"]),
    }


def test_a_font_is_a_hand(digit_image: DrawImage, tmp_path: Path) -> None:
    """Digits stand on the baseline, descenders below it, in the font's proportions."""
    np.savez(tmp_path / "font_glyphs.npz", **font_arrays(digit_image))
    (hand,) = load_fonts(tmp_path)
    assert hand.name == "fonts:made"
    eight, g = hand.glyph("8", 52, FELT, rng()), hand.glyph("g", 52, FELT, rng())
    assert eight.ink.shape[0] == pytest.approx(52, abs=4)
    assert eight.rise == pytest.approx(0, abs=3)
    assert g.rise == pytest.approx(-16, abs=8)


def test_a_font_without_a_digit_is_refused(digit_image: DrawImage, tmp_path: Path) -> None:
    """The line names the font and the digit."""
    arrays = font_arrays(digit_image)
    arrays["glyph"][0, 7] = 0
    np.savez(tmp_path / "font_glyphs.npz", **arrays)
    with pytest.raises(DataError, match="ten digits in made, found none for 7"):
        load_fonts(tmp_path)


def test_photographed_characters_are_a_hand(digit_image: DrawImage, tmp_path: Path) -> None:
    """Dark ink on grey paper is found; a neighbour's end at the border isn't taken along."""
    for folder, digit in (("3", 3), ("upper_b", 8), ("lower_k", 4)):
        picture = np.full((48, 44), 170, np.uint8)
        ink = digit_image(digit, 30)
        part = picture[8 : 8 + ink.shape[0], 10 : 10 + ink.shape[1]]
        cv2.subtract(part, ink // 2, part)
        picture[-3:, :6] = 80
        (tmp_path / "characters" / folder).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "characters" / folder / "1.png"), picture)
    (hand,) = load_characters(tmp_path)
    assert hand.characters == {"3", "B", "k"}
    ink = hand.glyph("3", 60, Pen(width=0.12), rng()).ink
    assert abs(ink.shape[0] - 60) <= 6
    assert cv2.connectedComponents((ink > 100).view(np.uint8))[0] == 2


def test_every_real_hand_writes_all_its_characters(hands: list[Hand]) -> None:
    """Each has ink of a sensible size for each character."""
    pen = replace(FELT, width=0.06)
    for hand in hands[:: max(len(hands) // 60, 1)]:
        for character in sorted(hand.characters):
            glyph = hand.glyph(character, 30, pen, rng())
            assert glyph.ink.max() > 30, (hand.name, character)
            assert glyph.ink.shape[0] <= 100, (hand.name, character)


def test_the_real_data_has_every_source(hands: list[Hand]) -> None:
    """All sources are there, most writers have all ten digits, and names differ."""
    by_name(hands)
    sources = {hand.source.partition(":")[0] for hand in hands}
    assert sources == {
        "unipen", "fonts", "drawn", "characters", "mnist", "nsysu", "optdigits", "semeion",
    }  # fmt: skip
    whole = [h for h in hands if h.source.startswith("unipen") and h.characters >= DIGITS]
    assert len(whole) > 100
