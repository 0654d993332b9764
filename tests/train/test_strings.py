"""Strings have the digits that their labels say, whoever makes them, and fit the network."""

import json
import shutil
from collections.abc import Callable, Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitcam.edge.string_image import (
    HEIGHT_PX,
    MAX_WIDTH_PX,
    SIDE_PX,
    padded_width,
    string_image,
)
from digitcam.train import epochs
from digitcam.train.data import DigitData
from digitcam.train.epochs import EpochFeed, Job
from digitcam.train.errors import DataError
from digitcam.train.paper import load_paper, part_of
from digitcam.train.scene import render_rows
from digitcam.train.strings import compose, source
from digitcam.train.strings.compose import KINDS, MAX_DIGITS, MAX_OVERLAP, Writer, as_labels
from digitcam.train.strings.distort import distort
from digitcam.train.strings.material import (
    Material,
    RealString,
    Spot,
    load_strings,
    make_material,
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
from digitcam.train.strings.source import StringSource, batches, plain_strings, readable

SMALL = StringFeedSettings(whole=25, spliced=25, composed=45, nothing=25)
BLOCK_PX = 20
GREY = [75 + 20 * digit for digit in range(10)]
"""Grey level of each digit's block, by which it is known wherever it is written."""
LEAST_RUN = 3
"""Columns of a block that is seen at all; fewer are edges that scaling has blurred."""


@pytest.fixture(scope="module")
def material(digits: DigitData, numbers: Path) -> Material:
    """What drawn photographs and digits hold to train on."""
    paper, strings = load_paper(numbers), load_strings(numbers)
    return make_material(digits.x_train, digits.y_train, paper, strings)


@pytest.fixture(scope="module")
def blocks() -> Material:
    """A square of its own grey for each digit."""
    x = np.stack([np.full((28, 28), grey, np.uint8) for grey in GREY])
    return make_material(x, np.arange(10, dtype=np.uint8))


def row_of_blocks(digits: Sequence[int], gaps: Sequence[int]) -> RealString:
    """Write blocks in a row, each so many px behind the last."""
    spots, x = [], 0
    for digit, gap in zip(digits, [0, *gaps], strict=True):
        x += gap
        spots.append(Spot(x, 0, x + BLOCK_PX, 32, digit))
        x += BLOCK_PX
    ink = np.zeros((32, x), np.uint8)
    for spot in spots:
        ink[:, int(spot.left) : int(spot.right)] = GREY[spot.digit]
    return RealString(ink, tuple(digits), tuple(spots))


def seen(ink: NDArray[np.uint8]) -> list[int]:
    """Return the digits of blocks from left to right, equal ones in a row once."""
    peaks = ink.max(axis=0).astype(int)
    near = [int(np.abs(np.array(GREY) - peak).argmin()) if peak > 50 else -1 for peak in peaks]
    runs = [(digit, len(list(run))) for digit, run in groupby(near)]
    return once([digit for digit, length in runs if digit >= 0 and length > LEAST_RUN])


def once(digits: Sequence[int]) -> list[int]:
    return [digit for digit, _ in groupby(digits)]


def test_composed_strings_have_their_digits_in_order(
    blocks: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written from left to right is what is told, one to eight digits, zeros oftener."""
    monkeypatch.setattr(compose, "MARKS", 0)
    monkeypatch.setattr(compose, "OTHERS", 0)
    monkeypatch.setattr(compose, "GAP_PX", (1.0, 8.0))
    monkeypatch.setattr(compose, "GAP_SPREAD_PX", (0.0, 0.1))
    written = [Writer(blocks).write("composed", np.random.default_rng(seed)) for seed in range(200)]
    for ink, digits in written:
        assert seen(ink) == once(digits)
    assert {len(digits) for _, digits in written} == set(range(1, 9))
    told = np.bincount([digit for _, digits in written for digit in digits], minlength=10)
    assert told.min() > 20
    assert told[0] > 2 * told[1:].max()


def test_overlaps_are_bounded(blocks: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    """However narrow the spaces, a digit hides no more than its share of the one before.

    Allows two pixels for rounding.
    """
    monkeypatch.setattr(compose, "MARKS", 0)
    monkeypatch.setattr(compose, "OTHERS", 0)
    monkeypatch.setattr(compose, "GAP_PX", (-99.0, -99.0))
    found = 0
    for seed in range(300):
        ink, digits = Writer(blocks).write("composed", np.random.default_rng(seed))
        if len(digits) == 2 and digits[0] < digits[1]:  # the brighter one lies on top
            found += 1
            peaks = ink.max(axis=0).astype(int)
            first, second = (peaks == GREY[digit] for digit in digits)
            side = int((ink[:, first] > 0).sum(axis=0).max())
            assert first.sum() >= side - MAX_OVERLAP * second.sum() - 2
            assert first.sum() < side
    assert found > 10


def test_spliced_strings_are_parts_of_others(blocks: Material) -> None:
    """Digits that touch stay together, and what is written is what is told."""
    touching = row_of_blocks([1, 2, 3, 4], [6, -2, 6])
    apart = row_of_blocks([5, 6, 7], [4, 0])
    writer = Writer(make_material(blocks.x, blocks.y, strings=(touching, apart)))
    numbers = set()
    for seed in range(200):
        ink, digits = writer.write("spliced", np.random.default_rng(seed))
        assert seen(ink) == once(digits)
        for a, b in pairwise([None, *digits, None]):
            assert (a == 2) == (b == 3)
        numbers.add(tuple(digits))
    assert len(numbers) > 50
    assert max(map(len, numbers)) <= MAX_DIGITS


@given(
    st.lists(st.tuples(st.integers(-10, 90), st.integers(1, 40)), min_size=1, max_size=6),
)
def test_cuts_go_through_no_digit(places: list[tuple[int, int]]) -> None:
    """Wherever boxes lie, a cut is within the ink and no box reaches across by more than 1 px."""
    spots = tuple(Spot(x, 0, x + width, 9, 1) for x, width in sorted(places))
    cuts = compose._cuts(RealString(np.zeros((9, 80), np.uint8), (1,) * len(spots), spots))
    assert cuts[0] == (0, 0)
    assert cuts[-1] == (len(spots), 80)
    for count, column in cuts[1:-1]:
        if 0 < column < 80:  # one at the border may be that of a box beyond it
            assert all(spot.right <= column + 1 for spot in spots[:count])
            assert all(spot.left >= column - 1 for spot in spots[count:])
        assert 0 <= column <= 80


def test_without_photographs_there_are_two_kinds(digits: DigitData) -> None:
    """Strings are composed of MNIST's digits then, and words of none are drawn."""
    made = StringSource(Writer(make_material(digits.x_train, digits.y_train)), SMALL)
    assert made.amounts == {"composed": 45, "nothing": 25}
    assert made.samples == 70


def test_texts_without_boxes_are_not_spliced(digits: DigitData) -> None:
    """Where no string tells where its digits stand, those for splicing are composed."""
    string = RealString(np.full((30, 60), 255, np.uint8), (1, 2))
    writer = Writer(make_material(digits.x_train, digits.y_train, strings=(string,)))
    spliced, composed = (
        writer.write(kind, np.random.default_rng(3)) for kind in ("spliced", "composed")
    )
    assert np.array_equal(spliced[0], composed[0])
    assert spliced[1] == composed[1]
    whole = writer.write("whole", np.random.default_rng(3))
    assert whole[1] == [1, 2]


@pytest.mark.parametrize("kind", KINDS)
def test_samples_are_as_the_network_takes_them(material: Material, kind: str) -> None:
    """Images are black around and behind their ink, and have a step for each of their digits."""
    made = StringSource(Writer(material), SMALL)
    images, widths, labels = made.make(Job((1, 2), 60, kind))
    assert images.shape == (60, HEIGHT_PX, MAX_WIDTH_PX)
    assert images.dtype == labels.dtype == np.uint8
    assert labels.shape == (60, MAX_DIGITS)
    for image, width, label in zip(images, widths, labels, strict=True):
        assert not image[:, :SIDE_PX].any()
        assert not image[:, width - SIDE_PX :].any()
        assert image.max() > 100
        count = int((label > 0).sum())
        assert (label[:count] > 0).all()
        assert readable(image[:, :width], label[:count].tolist())
    assert labels.any() == (kind != "nothing")
    assert all(map(np.array_equal, made.make(Job((1, 2), 60, kind)), (images, widths, labels)))
    assert not np.array_equal(made.make(Job((1, 3), 60, kind))[0], images)


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


def test_some_strings_stay_as_they_are(material: Material) -> None:
    """A string that is not distorted is what the device makes of it; a distorted one is another."""
    ink = material.strings[0].ink
    rng = np.random.default_rng(0)
    assert np.array_equal(distort(ink, rng, StringDistortion(plain=1)), string_image(ink))
    others = [distort(ink, rng, StringDistortion(plain=0)) for _ in range(5)]
    assert len({other.tobytes() for other in others} | {string_image(ink).tobytes()}) == 6


@pytest.mark.parametrize(
    ("digits", "width", "fits"),
    [
        ([], 11, True),
        ([1, 2], 8, True),
        ([1, 2], 7, False),
        ([1, 1], 8, False),
        ([1, 1], 12, True),
        ([1, 2] * 6, 256, True),
        ([1, 2] * 6 + [1], 256, False),
    ],
)
def test_equal_digits_need_a_step_between(digits: list[int], width: int, fits: bool) -> None:
    """A digit takes a step of four columns, equal ones another between them; 12 are the most."""
    assert readable(np.zeros((HEIGHT_PX, width), np.uint8), digits) == fits


def test_workers_do_not_change_an_epoch(
    material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One worker from the start and two that begin at the second epoch make the same strings."""
    monkeypatch.setattr(epochs, "CHUNK", 10)
    made = StringSource(Writer(material), SMALL)
    with EpochFeed(made, 5, 1) as feed:
        first, second = feed.epoch(0), feed.epoch(1, last=True)
    with EpochFeed(made, 5, 2) as feed:
        resumed = feed.epoch(1, last=True)
    assert len(second[0]) == made.samples == 120
    assert all(map(np.array_equal, second, resumed))
    assert not np.array_equal(first[0], second[0])


def test_strings_that_never_fit_are_refused(
    digits: DigitData, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Photographs of longer numbers alone end in an error and not in an endless search."""
    monkeypatch.setattr(source, "MAX_FAILURES", 50)
    string = RealString(np.full((20, 300), 255, np.uint8), (1, 2) * 7)
    writer = Writer(make_material(digits.x_train, digits.y_train, strings=(string,)))
    with pytest.raises(DataError, match=r"at most 12 digits .* none in 50 .*--whole 0"):
        StringSource(writer, SMALL).make(Job((1,), 3, "whole"))
    assert len(plain_strings(writer)[1]) == 0


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


def test_strings_are_cut_from_photographs(numbers: Path) -> None:
    """Ink, digits and places are the photograph's, those of another part are left alone.

    Allows two pixels between a box and the ink that is found in it.
    """
    truth = json.loads((numbers / "amounts" / "truth.json").read_text())
    for part, count in (("training", 12), ("calibration", 4)):
        strings = load_strings(numbers, part)
        own = [truth[n]["text"] for n in sorted(truth) if part_of(f"amounts/{n}") == part]
        assert ["".join(map(str, string.digits)) for string in strings] == own
        assert len(own) == count
        for string in strings:
            assert string.ink.max() == 255
            for border in (string.ink[0], string.ink[-1], string.ink[:, 0], string.ink[:, -1]):
                assert border.any()
            assert len(string.spots) == len(string.digits)
            for spot in string.spots:
                assert -2 <= spot.left < spot.right <= string.ink.shape[1] + 2
                assert -2 <= spot.top < spot.bottom <= string.ink.shape[0] + 2
                middle = slice(round(spot.left) + 2, round(spot.right) - 1)
                assert string.ink[:, middle].max() > 100


def test_places_fit_large_photographs(digits: DigitData, tmp_path: Path) -> None:
    """Boxes are in the photograph's pixels, places in those of the ink: digits are cut whole."""
    (tmp_path / "amounts").mkdir()
    scene = render_rows(["4061"], np.random.default_rng(2), size=(500, 2400), height_px=300)
    write_amounts(tmp_path, {"text": "40,61.-"}, scene)
    (string,) = load_strings(tmp_path)
    assert string.ink.shape[1] < 1200
    assert [spot.digit for spot in string.spots] == [4, 0, 6, 1]
    for a, b in pairwise(string.spots):
        between = string.ink[:, round(a.right) + 1 : round(b.left) - 1]
        assert between.shape[1] > 3
        assert not between.any()
    images, widths, labels = plain_strings(
        Writer(make_material(digits.x_train, digits.y_train, strings=(string,)))
    )
    assert truths_of(labels) == ["4061"]
    assert np.array_equal(images[0, :, : widths[0]], string_image(string.ink))


def test_strings_whose_ink_is_missing_are_left_out(tmp_path: Path) -> None:
    """A digit that stands where no ink was found cannot be learnt."""
    (tmp_path / "amounts").mkdir()
    scene = render_rows(["4061"], np.random.default_rng(2), size=(90, 330))
    last = scene.digits[-1]
    scene.image[:, last.x - 4 :] = 225
    write_amounts(tmp_path, {"text": "4061"}, scene)
    with pytest.raises(DataError, match="expected strings of digits"):
        load_strings(tmp_path)


@pytest.mark.parametrize("text", ["41", "4601", "4062"])
def test_boxes_that_disagree_are_not_used(tmp_path: Path, text: str) -> None:
    """A string whose text and boxes differ is kept whole, and not cut."""
    (tmp_path / "amounts").mkdir()
    scene = render_rows(["4061"], np.random.default_rng(2), size=(90, 330))
    write_amounts(tmp_path, {"text": text}, scene)
    (string,) = load_strings(tmp_path)
    assert string.digits == tuple(map(int, text))
    assert string.spots == ()


def write_amounts(folder: Path, entry: dict[str, Any], scene: Any) -> None:
    """Write a photograph that is trained on, with the boxes of its digits."""
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
        (shutil.rmtree, "truth.json"),
        (lambda folder: (folder / "truth.json").write_text("{"), "JSONDecodeError"),
        (lambda folder: (folder / "truth.json").write_text("[]"), "no attribute 'items'"),
        (lambda folder: [file.unlink() for file in folder.glob("*.png")], "is no picture"),
        (change_truth(lambda truth: [each.pop("text") for each in truth.values()]), "'text'"),
        (
            change_truth(lambda truth: [each["boxes"][0].pop() for each in truth.values()]),
            "not enough values",
        ),
        (change_truth(dict.clear), "found none for training"),
    ],
)
def test_damaged_photographs_are_refused(
    numbers: Path, tmp_path: Path, damage: Callable[[Path], object], reason: str
) -> None:
    """What is missing or damaged is told in a line that names the folder."""
    folder = tmp_path / "numbers"
    shutil.copytree(numbers, folder)
    damage(folder / "amounts")
    with pytest.raises(DataError, match=reason) as refused:
        load_strings(folder)
    assert str(refused.value).startswith(f"{folder}: expected ")
    assert str(refused.value).endswith("; see CONTRIBUTING.md")


def test_the_digest_tells_materials_apart(digits: DigitData) -> None:
    """Another digit or another text gives another digest, the same again the same."""
    ink = np.full((9, 9), 255, np.uint8)

    def digest(x: NDArray[np.uint8], text: tuple[int, ...], *spots: Spot) -> str:
        string = RealString(ink, text, spots)
        return make_material(x, digits.y_train, strings=(string,)).digest()

    own = digest(digits.x_train, (1, 2))
    assert own == digest(digits.x_train.copy(), (1, 2))
    others = {
        digest(digits.x_train, (2, 1)),
        digest(digits.x_train[::-1], (1, 2)),
        digest(digits.x_train, (1, 2), Spot(0, 0, 4, 9, 1), Spot(5, 0, 9, 9, 2)),
    }
    assert len({own} | others) == 4


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
