"""Words have the digits that their labels say, whoever makes them, and fit the network."""

import json
import pickle
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitcam.edge.frame import Box
from digitcam.edge.reading.ink import Level
from digitcam.edge.reading.marks import Mark, find_marks
from digitcam.edge.reading.word_image import (
    HEIGHT_PX,
    MAX_WIDTH_PX,
    SIDE_PX,
    padded_width,
    plane_image,
    word_image,
)
from digitcam.train import epochs
from digitcam.train.data import DigitData
from digitcam.train.epochs import EpochFeed, Job
from digitcam.train.errors import DataError
from digitcam.train.pages.page import Kind, Number, Page, PageCharacter
from digitcam.train.pages.plan import PagePlan
from digitcam.train.paper import part_of
from digitcam.train.pens.drawn import drawn_hand
from digitcam.train.scene import render_rows
from digitcam.train.strings import page_words, source
from digitcam.train.strings.distort import USUAL_FLOOR, distort
from digitcam.train.strings.page_words import nothing_of, numbers_of
from digitcam.train.strings.photographs import (
    Photographed,
    Spot,
    digest_of,
    load_numbers,
    splice,
)
from digitcam.train.strings.reading import (
    answers,
    calibration_error,
    fit_temperature,
    texts_of,
    truths_of,
    worth,
)
from digitcam.train.strings.recipe import StringDistortion, StringFeedSettings
from digitcam.train.strings.sample import MAX_DIGITS, as_labels, batches, readable
from digitcam.train.strings.source import (
    Material,
    StringSource,
    plain_photographs,
    unipen_numbers,
    written_numbers,
)
from digitcam.train.strings.written import NumberWriter
from digitcam.train.writers import Writers

SMALL = StringFeedSettings(written=30, pages=12, photographed=25, nothing=12)
KINDS = ("written", "pages", "photographed", "nothing")


@pytest.fixture(scope="module")
def material(digits: DigitData, numbers: Path) -> Material:
    """What drawn photographs and digits hold to train on."""
    return Material((digits.x_train, digits.y_train), Writers(numbers, optional=True))


# --- written ---------------------------------------------------------------------------------


def test_a_number_is_written_by_one_hand_with_its_digits() -> None:
    """One to eight digits, sometimes with signs that are not told; equal draws are equal."""
    writer = NumberWriter([drawn_hand()])
    made = [writer.write(np.random.default_rng(seed)) for seed in range(120)]
    assert {len(digits) for _, digits in made} == set(range(1, 9))
    for ink, digits in made:
        assert ink.dtype == np.uint8
        assert ink.max() > 50
        assert all(0 <= digit <= 9 for digit in digits)
    again = writer.write(np.random.default_rng(7))
    assert np.array_equal(again[0], made[7][0])
    assert again[1] == made[7][1]


def test_sources_write_alike_however_many_hands_they_have() -> None:
    """Sources write by the square root of their hands: one of a hundred ten times as often."""
    hand = drawn_hand()

    class Named:
        def __init__(self, name: str, source: str) -> None:
            self.name, self.source = name, source
            self.characters, self.glyph = hand.characters, hand.glyph

    few, many = Named("one", "few"), [Named(str(i), "many") for i in range(100)]
    writer = NumberWriter([few, *many])
    rng = np.random.default_rng(3)
    drawn = [writer.choose(rng).source for _ in range(2200)]
    assert 130 < drawn.count("few") < 275  # 200 are expected


# --- distorted -------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**32),
    st.tuples(st.integers(4, 140), st.integers(4, 1200)),
    st.sampled_from(["lines", "dots", "nothing"]),
)
def test_any_ink_is_distorted_into_an_image(seed: int, shape: tuple[int, int], what: str) -> None:
    """Ink of any size becomes an image of bounded width, black at both sides, not of nothing."""
    rng = np.random.default_rng(seed)
    ink = np.zeros(shape, np.uint8)
    if what == "lines":
        ink[:, :: rng.integers(3, 20)] = 255
    elif what == "dots":
        ink[rng.random(shape) < 0.05] = 255
    image = distort(ink, rng, StringDistortion())
    assert image.shape[0] == HEIGHT_PX
    assert 2 * SIDE_PX + 3 <= image.shape[1] <= MAX_WIDTH_PX
    assert not image[:, :SIDE_PX].any()
    assert not image[:, -SIDE_PX:].any()
    assert image.any() == ink.any()


def test_some_words_stay_as_they_are() -> None:
    """A word that is not distorted is what the device makes of it; a distorted one is another."""
    ink, _ = NumberWriter([drawn_hand()]).write(np.random.default_rng(4))
    rng = np.random.default_rng(0)
    plain = plane_image(ink, USUAL_FLOOR)
    assert np.array_equal(distort(ink, rng, StringDistortion(plain=1)), plain)
    others = [distort(ink, rng, StringDistortion(plain=0)) for _ in range(5)]
    assert len({other.tobytes() for other in others} | {plain.tobytes()}) == 6


# --- of photographs --------------------------------------------------------------------------


def row_of_blocks(digits: Sequence[int], gaps: Sequence[int], side: int = 20) -> Photographed:
    """Write blocks in a row, as high as their digit says, each so many px behind the last."""
    spots, x = [], 0
    for digit, gap in zip(digits, [0, *gaps], strict=True):
        x += gap
        spots.append(Spot(x, 0, x + side, 32, digit))
        x += side
    ink = np.zeros((32, x), np.uint8)
    for spot in spots:
        ink[:, int(spot.left) : int(spot.right)] = 255
    return Photographed(ink, (), tuple(spots))


def test_spliced_numbers_are_parts_of_others() -> None:
    """Digits that touch stay together, in their order."""
    numbers = [row_of_blocks([1, 2, 3, 4], [6, -2, 6]), row_of_blocks([5, 6, 7], [4, 0])]
    made = [splice(numbers, np.random.default_rng(seed)) for seed in range(200)]
    for ink, digits in made:
        assert ink.any()
        for a, b in pairwise([None, *digits, None]):
            assert (a == 2) == (b == 3)
    assert len({digits for _, digits in made}) > 50
    assert max(len(digits) for _, digits in made) <= MAX_DIGITS


@given(
    st.lists(st.tuples(st.integers(-10, 90), st.integers(1, 40)), min_size=1, max_size=6),
)
def test_cuts_go_through_no_digit(places: list[tuple[int, int]]) -> None:
    """Wherever boxes lie, a cut is within the ink and no box reaches across by more than 1 px."""
    spots = tuple(Spot(x, 0, x + width, 9, 1) for x, width in sorted(places))
    cuts = Photographed(np.zeros((9, 80), np.uint8), (), spots).cuts
    assert cuts[0] == (0, 0)
    assert cuts[-1] == (len(spots), 80)
    for count, column in cuts[1:-1]:
        if 0 < column < 80:  # one at the border may be that of a box beyond it
            assert all(spot.right <= column + 1 for spot in spots[:count])
            assert all(spot.left >= column - 1 for spot in spots[count:])
        assert 0 <= column <= 80


def test_numbers_are_cut_from_photographs(numbers: Path) -> None:
    """Ink, digits and places are the photograph's, those of another part are left alone.

    Allows two pixels between a box and the ink that is found in it.
    """
    truth = json.loads((numbers / "amounts" / "truth.json").read_text())
    for part in ("training", "calibration"):
        found = load_numbers(numbers, part)
        own = [truth[n]["text"] for n in sorted(truth) if part_of(f"amounts/{n}") == part]
        texts = ["".join(map(str, number.digits)) for number in found]
        assert set(texts) <= set(own)
        assert len(texts) >= 0.7 * len(own)
        for number in found:
            assert number.ink.max() == 255
            for spot in number.spots:
                assert -2 <= spot.left < spot.right <= number.ink.shape[1] + 2
                middle = slice(round(spot.left) + 2, round(spot.right) - 1)
                assert number.ink[:, middle].max() > 100
        _, widths, labels = plain_photographs(found)
        assert truths_of(labels) == texts
        images = [word_image(number.marks) for number in found]
        assert widths.tolist() == [image.shape[1] for image in images]


def test_numbers_whose_ink_is_missing_are_left_out(tmp_path: Path) -> None:
    """A digit that stands where no ink was found cannot be learnt."""
    scene = render_rows(["4061"], np.random.default_rng(2), size=(90, 330))
    write_amounts(tmp_path, {}, scene)
    assert [number.digits for number in load_numbers(tmp_path)] == [(4, 0, 6, 1)]
    last = scene.digits[-1]
    scene.image[:, last.x - 4 :] = 225
    write_amounts(tmp_path, {}, scene)
    assert load_numbers(tmp_path) == ()


def write_amounts(folder: Path, entry: dict[str, Any], scene: Any) -> None:
    """Write a photograph that is trained on, with the boxes of its digits."""
    (folder / "amounts").mkdir(exist_ok=True)
    name = next(f"{i}.png" for i in range(99) if part_of(f"amounts/{i}.png") == "training")
    cv2.imwrite(str(folder / "amounts" / name), scene.image)
    boxes = [[d.x, d.y, d.width, d.height, d.digit] for d in scene.digits]
    (folder / "amounts" / "truth.json").write_text(json.dumps({name: {"boxes": boxes, **entry}}))


def change_truth(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        truth = json.loads((folder / "truth.json").read_text())
        change(truth)
        (folder / "truth.json").write_text(json.dumps(truth))

    return damage


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda folder: (folder / "truth.json").write_text("{"), "JSONDecodeError"),
        (lambda folder: (folder / "truth.json").write_text("[]"), "no attribute 'items'"),
        (lambda folder: [file.unlink() for file in folder.glob("*.png")], "is no picture"),
        (
            change_truth(lambda truth: [each.update(boxes=["abcde"]) for each in truth.values()]),
            "__round__",
        ),
    ],
)
def test_damaged_photographs_are_refused(
    numbers: Path, tmp_path: Path, damage: Callable[[Path], object], reason: str
) -> None:
    """What is damaged is told in a line that names the folder."""
    folder = tmp_path / "numbers"
    shutil.copytree(numbers, folder)
    damage(folder / "amounts")
    with pytest.raises(DataError, match=reason) as refused:
        load_numbers(folder)
    assert str(refused.value).startswith(f"{folder}: expected ")
    assert str(refused.value).endswith("; see CONTRIBUTING.md")


# --- of pages --------------------------------------------------------------------------------


def page_of(characters: Sequence[tuple[str, Box]]) -> Page:
    """Return a page with dark blocks for characters, its digits one number."""
    shape = 120, 400
    image = np.full((*shape, 3), 220, np.uint8)
    kind, owner = np.zeros(shape, np.uint8), np.zeros(shape, np.uint16)
    for k, (label, box) in enumerate(characters, 1):
        place = np.s_[box.y : box.bottom, box.x : box.right]
        image[place], owner[place] = 40, k
        kind[place] = Kind.DIGIT if label.isdigit() else Kind.WRITING
    members = tuple(k for k, (label, _) in enumerate(characters) if label.isdigit())
    of = [
        PageCharacter(label, box, 0 if label.isdigit() else -1, False) for label, box in characters
    ]
    left, right = (of[members[0]].box, of[members[-1]].box) if members else (Box(0, 0, 1, 1),) * 2
    around = Box(left.x, 0, right.right - left.x, 120)
    numbers = (Number("".join(of[k].label for k in members), members, around),) if members else ()
    return Page(image, kind, owner, tuple(of), numbers, False, PagePlan(), frozenset(), frozenset())


def stroke(x: int, y: int = 40, width: int = 8, height: int = 40) -> Box:
    return Box(x, y, width, height)


def test_words_of_pages_hold_whole_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run of neighbouring marks is told by the digits in it, those that touch among them."""
    monkeypatch.setattr(page_words, "FEW_KEPT", 1)
    monkeypatch.setattr(page_words, "ALONE", 1)
    row = [("1", stroke(60)), ("7", stroke(80)), ("2", stroke(88)), ("9", stroke(120))]
    page = page_of(row)
    told = {digits for i in range(30) for _, digits in numbers_of(page, np.random.default_rng(i))}
    assert (1, 7, 2, 9) in told
    assert {(7, 2), (1, 7, 2), (7, 2, 9)} <= told
    texts = {"".join(map(str, digits)) for digits in told}
    assert all(text in "1729" for text in texts)
    assert not {"7", "2", "17", "29"} & texts


def test_signs_are_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A comma between digits may be in the image, and is not in the label."""
    monkeypatch.setattr(page_words, "FEW_KEPT", 1)
    monkeypatch.setattr(page_words, "SIGNS", 1)
    monkeypatch.setattr(page_words, "ALONE", 0)
    page = page_of([("3", stroke(60)), (",", stroke(80, 70, 8, 10)), ("4", stroke(100))])
    words = [word for i in range(5) for word in numbers_of(page, np.random.default_rng(i))]
    assert {digits for _, digits in words} == {(3, 4)}


def test_steep_numbers_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Digits below each other have no order from left to right."""
    monkeypatch.setattr(page_words, "FEW_KEPT", 1)
    page = page_of([("3", stroke(60, 10)), ("4", stroke(75, 70))])
    assert numbers_of(page, np.random.default_rng(0)) == []


@pytest.fixture
def dark_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let only dark marks be found: light ones are the paper between."""

    def find(levels: Sequence[Level]) -> list[Mark]:
        return [mark for mark in find_marks(levels) if not mark.level.light_on_dark]

    monkeypatch.setattr(page_words, "find_marks", find)


@pytest.mark.usefixtures("dark_marks")
def test_words_of_nothing_hold_no_digit() -> None:
    """Letters in a row are told as nothing; what touches a digit is not."""
    page = page_of([("a", stroke(60, 40, 30)), ("e", stroke(100, 40, 30)), ("5", stroke(300))])
    words = [word for i in range(20) for word in nothing_of(page, np.random.default_rng(i))]
    assert {digits for _, digits in words} == {()}
    assert {image.shape[1] > 45 for image, _ in words} == {True, False}  # both, and alone
    assert nothing_of(page_of([("5", stroke(60, 40, 30))]), np.random.default_rng(0)) == []


@pytest.mark.usefixtures("dark_marks")
def test_a_lone_letter_like_a_digit_is_left_open() -> None:
    """Nothing tells an O from a 0, or a stroke from a 1."""
    for label, box in (("O", stroke(60, 40, 30)), ("t", stroke(60, 40, 8))):
        assert nothing_of(page_of([(label, box)]), np.random.default_rng(1)) == []


# --- together --------------------------------------------------------------------------------


def test_without_photographs_there_are_three_kinds(digits: DigitData) -> None:
    """MNIST's digits and drawn ones are written then, by themselves and on pages."""
    made = StringSource(Material((digits.x_train, digits.y_train), Writers()), SMALL)
    assert made.amounts == {"written": 30, "pages": 12, "photographed": 0, "nothing": 12}
    assert made.samples == 54


def test_sources_are_left_out(digits: DigitData, numbers: Path) -> None:
    """Neither hands nor photographs of what is left out are there."""
    writers = Writers(numbers, ("amounts", "mnist"), optional=True)
    material = Material((digits.x_train, digits.y_train), writers)
    assert material.numbers == ()
    assert "mnist" not in {hand.source for hand in material.hands}
    assert StringSource(material, SMALL).amounts["photographed"] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_samples_are_as_the_network_takes_them(material: Material, kind: str) -> None:
    """Images are black around and behind their ink, and have a step for each of their digits."""
    made = StringSource(material, SMALL)
    images, widths, labels = made.make(Job((1, 2), 12, kind))
    assert images.shape == (12, HEIGHT_PX, MAX_WIDTH_PX)
    assert images.dtype == labels.dtype == np.uint8
    assert labels.shape == (12, MAX_DIGITS)
    for image, width, label in zip(images, widths, labels, strict=True):
        assert not image[:, :SIDE_PX].any()
        assert not image[:, width - SIDE_PX :].any()
        assert image.max() > 100
        count = int((label > 0).sum())
        assert (label[:count] > 0).all()
        assert readable((image[:, :width], tuple(label[:count].tolist())))
    assert labels.any() == (kind != "nothing")
    assert all(map(np.array_equal, made.make(Job((1, 2), 12, kind)), (images, widths, labels)))


@pytest.mark.parametrize(
    ("digits", "width", "fits"),
    [
        ((), 11, True),
        ((1, 2), 8, True),
        ((1, 2), 7, False),
        ((1, 1), 8, False),
        ((1, 1), 12, True),
        ((1, 2) * 6, 256, True),
        ((*((1, 2) * 6), 1), 256, False),
    ],
)
def test_equal_digits_need_a_step_between(digits: tuple[int, ...], width: int, fits: bool) -> None:
    """A digit takes a step of four columns, equal ones another between them; 12 are the most."""
    assert readable((np.zeros((HEIGHT_PX, width), np.uint8), digits)) == fits


def test_workers_do_not_change_an_epoch(digits: DigitData, monkeypatch: pytest.MonkeyPatch) -> None:
    """One worker from the start and two that begin at the second epoch make the same words."""
    monkeypatch.setattr(epochs, "CHUNK", 10)
    material = Material((digits.x_train, digits.y_train), Writers())
    made = StringSource(material, StringFeedSettings(written=30, pages=0, nothing=0))
    with EpochFeed(made, 5, 1) as feed:
        first, second = feed.epoch(0), feed.epoch(1, last=True)
    with EpochFeed(made, 5, 2) as feed:
        resumed = feed.epoch(1, last=True)
    assert len(second[0]) == made.samples == 30
    assert all(map(np.array_equal, second, resumed))
    assert not np.array_equal(first[0], second[0])


def test_another_process_loads_anew(material: Material) -> None:
    """What is sent holds no hand, and makes the same words."""
    made = StringSource(material, SMALL)
    job = Job((3,), 4, "written")
    expected = made.make(job)
    sent = pickle.dumps(made)
    assert len(sent) < material.mnist[0].nbytes + 20_000
    assert all(map(np.array_equal, pickle.loads(sent).make(job), expected))


def test_words_that_never_fit_are_refused(
    material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Photographs of longer numbers alone end in an error and not in an endless search."""
    monkeypatch.setattr(source, "MAX_FAILURES", 50)
    monkeypatch.setattr(source, "SPLICED", 0)
    own = Material(material.mnist, material.writers)
    own.__dict__["numbers"] = (row_of_blocks([1, 2] * 7, [2] * 13),)
    with pytest.raises(DataError, match=r"at most 12 digits .* none in 50 .*--photographed 0"):
        StringSource(own, SMALL).make(Job((1,), 3, "photographed"))


def test_numbers_of_digits_are_the_same_each_time(digits: DigitData) -> None:
    """What a conversion is measured on depends on the digits and the seed alone."""
    given = digits.x_test, digits.y_test
    first, second, other = (written_numbers(given, 20, seed) for seed in (1, 1, 2))
    assert all(map(np.array_equal, first, second))
    assert not np.array_equal(first[0], other[0])
    assert len(first[1]) == 20


def test_without_recorded_numbers_there_are_none(tmp_path: Path) -> None:
    """UNIPEN's numbers are used where they are."""
    assert len(unipen_numbers(None, 1)[1]) == len(unipen_numbers(tmp_path, 1)[1]) == 0


def test_the_digest_tells_materials_apart(digits: DigitData) -> None:
    """Another digit, source or photograph gives another digest, the same again the same."""
    own = Material((digits.x_train, digits.y_train), Writers())
    assert own.digest() == Material((digits.x_train.copy(), digits.y_train), Writers()).digest()
    others = [
        replace(own, mnist=(digits.x_train[::-1], digits.y_train)),
        replace(own, writers=Writers(without=("drawn",))),
    ]
    assert len({each.digest() for each in (own, *others)}) == 3
    assert digest_of([row_of_blocks([1, 2], [3])]) != digest_of([row_of_blocks([1, 3], [3])])


@settings(deadline=None)
@given(st.lists(st.integers(11, MAX_WIDTH_PX), max_size=120), st.integers(1, 12), st.integers(1, 4))
def test_batches_lose_nothing_but_the_rest(widths: list[int], size: int, block: int) -> None:
    """Each string is in one batch, of others of like width; less than a batch is left over."""
    count = len(widths)
    images = np.zeros((count, HEIGHT_PX, MAX_WIDTH_PX), np.uint8)
    for image, width in zip(images, widths, strict=True):
        image[:, :width] = 1
    labels = np.zeros((count, MAX_DIGITS), np.uint8)
    labels[:, 0] = np.arange(count)
    found = list(batches((images, np.array(widths, np.int64), labels), size, block))
    assert len(found) == count // size
    members = [label[:, 0].tolist() for _, label in found]
    assert len({each for part in members for each in part}) == len(found) * size
    for (batch, _), part in zip(found, members, strict=True):
        own = [widths[i] for i in part]
        assert batch.shape == (size, HEIGHT_PX, padded_width(max(own)))
        assert batch[:, 0].astype(int).sum(axis=1).tolist() == own
    for start in range(0, len(found), block):
        spans = sorted(sorted(widths[i] for i in part) for part in members[start : start + block])
        assert all(a[-1] <= b[0] for a, b in pairwise(spans))


def steps_of(path: str, strength: float = 9.0) -> NDArray[np.float32]:
    """Return the logits of a path of steps: ``-`` the blank, and digits."""
    logits = np.zeros((len(path), 11), np.float32)
    for row, sign in zip(logits, path, strict=True):
        row["-0123456789".index(sign)] = strength
    return logits


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("--------", ""),
        ("1111", "1"),
        ("-11-1-", "11"),
        ("0099", "09"),
        ("3-3--35", "3335"),
    ],
)
def test_paths_become_strings(path: str, text: str) -> None:
    """Equal steps in a row are one digit, unless a blank stands between them."""
    assert texts_of([steps_of(path)]) == [text]


@given(st.lists(st.integers(0, 9), max_size=MAX_DIGITS))
def test_labels_hold_their_digits(digits: list[int]) -> None:
    """Digits become labels and labels the text again, 0 apart from nothing."""
    assert truths_of(as_labels(digits)[None]) == ["".join(map(str, digits))]


def test_worth_counts_strings_and_edits() -> None:
    """Half of the strings are exact, and of five digits one is missing and one too many."""
    found = worth(["12", "3", "", "51"], ["12", "34", "", "5"])
    assert (found.exact, found.digit_error_rate) == (0.5, 2 / 5)


def test_right_digits_are_those_that_stay() -> None:
    """A digit too many is wrong, and those around it are right; a missing one is nobody's fault."""
    confidence, right = answers([steps_of("12-93"), steps_of("7")], ["123", "78"], 1.0)
    assert right.tolist() == [True, True, False, True, True]
    step = np.exp(9) / (np.exp(9) + 10)
    assert confidence == pytest.approx([step, step, step**2, step, step], abs=3e-4)
    softer, _ = answers([steps_of("1")], ["1"], 3.0)
    assert softer == pytest.approx([np.exp(3) / (np.exp(3) + 10)], abs=1e-6)


@pytest.mark.parametrize("strength", [1.5, 4.0, 9.0])
def test_the_temperature_makes_confidence_true(strength: float) -> None:
    """Digits of which four in five are right get a confidence of 0.8, however sure they were."""
    pytest.importorskip("scipy", reason="needs SciPy: pip install 'digitcam[train]'")
    logits = [steps_of("-7-", strength)] * 100
    truths = ["7"] * 80 + ["1"] * 20
    temperature = fit_temperature(logits, truths)
    assert calibration_error(logits, truths, temperature) < 0.01
    assert answers(logits, truths, temperature)[0] == pytest.approx(np.full(100, 0.8), abs=0.01)


def test_a_reader_that_reads_nothing_is_calibrated() -> None:
    """Where no digit is read the temperature is still a number, and nothing is wrong with it."""
    pytest.importorskip("scipy", reason="needs SciPy: pip install 'digitcam[train]'")
    logits = [steps_of("---")] * 3
    temperature = fit_temperature(logits, ["1", "", "23"])
    assert 0.3 <= temperature <= 10
    assert calibration_error(logits, ["1", "", "23"], temperature) == 0
