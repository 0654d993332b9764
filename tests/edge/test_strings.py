"""Words whose digits touch: found among the marks, read at once, their digits put in places."""

import math
from collections import Counter
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitcam.edge import Recognizer, mark_reader
from digitcam.edge.bundle import SHIPPED, STRING_CLASSES, load_bundle
from digitcam.edge.classify import Classifier
from digitcam.edge.errors import ModelError, SettingsError
from digitcam.edge.frame import Box
from digitcam.edge.preprocess import Ink
from digitcam.edge.segment import Candidate, Marks, find_marks
from digitcam.edge.settings import Runtime, SegmentSettings, Settings
from digitcam.edge.string_image import (
    CONTENT_PX,
    MAX_WIDTH_PX,
    SIDE_PX,
    STEP_PX,
    content_width,
    padded_width,
    string_image,
)
from digitcam.edge.strings import (
    CERTAIN,
    NARROWER,
    StringReader,
    certainty,
    decode,
    of_singles,
)
from digitcam.edge.words import MAX_WORDS, Word, find_words, place_digits
from digitcam.train.handwriting import draw_digit

STRINGS = SHIPPED / "strings"
Gray = NDArray[np.uint8]


@pytest.fixture
def reader(runtime: Runtime) -> StringReader:
    """The shipped reader of strings in each runtime that this machine can use."""
    return StringReader(load_bundle(STRINGS), runtime)


def written(text: str, seed: int, gap: int, height: int = 48) -> Gray:
    """Write digits on black with ``gap`` px between, below 0 they overlap."""
    rng = np.random.default_rng(seed)
    plane = np.zeros((height + 20, (height + 20) * len(text) + 20), np.uint8)
    x = 10
    for sign in text:
        digit = draw_digit(int(sign), rng, height)
        place = plane[10 : 10 + digit.shape[0], x : x + digit.shape[1]]
        np.maximum(place, digit, out=place)
        x += digit.shape[1] + gap
    return plane[:, : x - gap + 10]


def marks_of(plane: Gray) -> Marks:
    mask = (plane >= 20).astype(np.uint8) * np.uint8(255)
    return find_marks(Ink(plane, mask, light_on_dark=False), SegmentSettings())


def block(x: int, y: int, width: int, height: int) -> Candidate:
    return Candidate(Box(x, y, width, height), np.full((height, width), 200, np.uint8))


# --- the image -------------------------------------------------------------------------------


@given(height=st.integers(1, 300), width=st.integers(1, 2000), level=st.integers(1, 255))
def test_a_strings_image_keeps_aspect_and_stretches_contrast(
    height: int, width: int, level: int
) -> None:
    """28 rows of ink, as wide as nine tenths of the height want, the strongest white."""
    image = string_image(np.full((height, width), level, np.uint8))
    body = math.ceil(0.95 * height) - math.ceil(0.05 * height) + 1
    most, least = (
        np.clip(round(width * CONTENT_PX / max(body + rows, 1)), 3, MAX_WIDTH_PX - 2 * SIDE_PX)
        for rows in (-1, 1)  # a row's share is rounded
    )
    assert least <= image.shape[1] - 2 * SIDE_PX <= most
    ink = image[2:-2, SIDE_PX:-SIDE_PX]
    assert ink.min() >= 253
    assert image.astype(int).sum() == ink.astype(int).sum()


@pytest.mark.parametrize("height", [20, 30, 45])
def test_a_high_stroke_leaves_digits_as_wide(height: int) -> None:
    """Digits beside one that is much higher keep their width, more or less, up to a bound."""
    row = np.zeros((60, 200), np.uint8)
    row[60 - height :, 20:190] = 200
    alone = content_width(row[60 - height :])
    row[:, 4:8] = 200
    beside = content_width(row) * 170 / 200
    assert beside <= alone * 1.1
    assert beside >= min(0.8 * alone, 170 * CONTENT_PX / 60 * 1.75)


def test_no_ink_is_a_black_image() -> None:
    """Nothing is stretched where there is nothing."""
    assert not string_image(np.zeros((20, 60), np.uint8)).any()


@given(st.integers(1, MAX_WIDTH_PX))
def test_images_are_filled_up_to_few_widths(width: int) -> None:
    """A multiple of 32 px that holds the image and less than one more."""
    assert padded_width(width) % 32 == 0
    assert width <= padded_width(width) < width + 32


# --- the steps -------------------------------------------------------------------------------


def steps_of(classes: list[int], confidence: float = 0.9) -> NDArray[np.float32]:
    rest = (1 - confidence) / (len(STRING_CLASSES) - 1)
    steps = np.full((len(classes), len(STRING_CLASSES)), rest, np.float32)
    steps[np.arange(len(classes)), classes] = confidence
    return steps


@given(st.lists(st.integers(0, 10), min_size=1, max_size=60))
def test_equal_steps_are_one_digit_and_blanks_none(classes: list[int]) -> None:
    """A class is the digit below it, 0 the blank; only a blank or another digit ends a digit."""
    expected = [b - 1 for a, b in pairwise([0, *classes]) if b not in (a, 0)]
    digits = decode(steps_of(classes), STEP_PX * len(classes) + 2 * SIDE_PX)
    assert [each.digit for each in digits] == expected
    places = [each.place for each in digits]
    assert places == sorted(places)
    assert all(0 <= place <= 1 for place in places)


def test_a_digit_is_as_certain_as_that_its_part_holds_it_alone() -> None:
    """Parts meet at the step between digits that is a blank most likely."""
    first = np.concatenate([steps_of([0, 3], 0.8), steps_of([3], 0.5), steps_of([0], 0.6)])
    second = np.concatenate([steps_of([0], 0.95), steps_of([7], 0.7), steps_of([7, 0], 0.9)])
    digits = decode(np.concatenate([first, second]))
    assert [each.digit for each in digits] == [2, 6]
    for digit, part in zip(digits, (first, second), strict=True):
        (told,) = of_singles([part])
        assert digit.probabilities == pytest.approx(told)
        assert digit.confidence == pytest.approx(told[1 + digit.digit])


def test_a_part_of_another_digit_is_doubted() -> None:
    """Where a second digit may stand beside the first, that it is one alone is less certain."""
    sure = np.concatenate([steps_of([0, 3], 0.95), steps_of([0, 0, 0], 0.95)])
    missed = sure.copy()
    missed[3] = steps_of([0], 0.55)[0]
    missed[3, 6] += 0.4
    assert decode(missed)[0].confidence < 0.7 < decode(sure)[0].confidence


def test_a_digit_stands_in_the_middle_of_its_steps() -> None:
    """Places are parts of the ink, which has 4 black columns on either side."""
    (digit,) = decode(steps_of([0, 0, 0, 0, 5, 5, 0, 0, 0, 0]), 40)
    assert digit.place == pytest.approx(0.5)


@settings(derandomize=True, deadline=None)
@given(st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_a_digit_alone_has_the_probability_of_all_its_alignments(count: int, seed: int) -> None:
    """Every path through the steps is counted once: for no digit, for one, or for several."""
    steps = np.random.default_rng(seed).dirichlet(np.full(11, 0.3), count).astype(np.float32)
    expected = np.zeros(12)
    for path in product(range(11), repeat=count):
        read = [b for a, b in pairwise([0, *path]) if b not in (a, 0)]
        what = 11 if len(read) > 1 else read[0] if read else 0
        expected[what] += np.prod(steps[np.arange(count), path])
    np.testing.assert_allclose(of_singles([steps]), [expected], atol=1e-5)


# --- the reader ------------------------------------------------------------------------------


def test_touching_digits_are_read(reader: StringReader) -> None:
    """Most drawn strings whose digits overlap are read exactly."""
    texts = ["25", "3806", "47", "902", "5683", "2027", "6439", "80", "375", "924"]
    planes = [written(text, seed, gap=-4) for seed, text in enumerate(texts)]
    read = ["".join(str(d.digit) for d in digits) for digits in reader.read(planes)]
    assert sum(a == b for a, b in zip(read, texts, strict=True)) >= 8


def test_a_word_reads_alike_in_any_company(reader: StringReader) -> None:
    """Widths are batched; a word's digits do not depend on the others."""
    planes = [written(text, 3, gap=-2) for text in ("5", "27", "80365", "1234567", "27")]
    together = reader.read(planes)
    assert together == [reader.read([plane])[0] for plane in planes]
    assert reader.read([]) == []


def test_the_more_certain_of_two_readings_counts(reader: StringReader) -> None:
    """What is read in doubt is shown again, narrower; fewer digits never take the place of more."""
    planes = [written(f"{i}{i + 3}", i, gap) for i in range(7) for gap in (-14, -10, -6)]
    looks = []
    for stretch in (1.0, NARROWER):
        images = [string_image(plane, stretch) for plane in planes]
        steps = [reader._network.softmax(each) for each in reader.logits(images)]
        looks.append([decode(p, i.shape[1]) for p, i in zip(steps, images, strict=True)])
    ways = Counter()
    for found, usual, narrower in zip(reader.read(planes), *looks, strict=True):
        again = usual and certainty(usual) < CERTAIN and len(narrower) >= len(usual)
        if again and certainty(narrower) > certainty(usual):
            assert found == narrower
            ways["narrower"] += 1
        else:
            assert found == usual
            ways["usual"] += 1
    assert ways["usual"] > 5
    assert ways["narrower"] > 1


def test_no_digit_is_not_certain() -> None:
    """The certainty of a string is the product of its digits' confidences, and 0 without any."""
    digits = decode(steps_of([0, 3, 0, 4, 0], 0.9))
    assert certainty(digits) == pytest.approx(digits[0].confidence * digits[1].confidence)
    assert certainty([]) == 0


def test_blackness_holds_no_digit(reader: StringReader) -> None:
    """Without ink nothing is read."""
    assert reader.read([np.zeros((30, 90), np.uint8)]) == [[]]
    assert reader.opinions([np.zeros((30, 30), np.uint8)])[0].argmax() == 0


def test_single_marks_are_told_from_several(reader: StringReader) -> None:
    """Most digits are told as such, those that touch as several; each row sums to 1."""
    digits = [written(str(digit), seed=1, gap=0) for digit in range(10)]
    opinions = reader.opinions([*digits, written("80365", 4, gap=-3)])
    np.testing.assert_allclose(opinions.sum(axis=1), 1, atol=1e-3)
    told = opinions.argmax(axis=1)
    assert sum(told[:10] == np.arange(10) + 1) >= 9
    assert told[10] == 11


# --- words -----------------------------------------------------------------------------------


def test_a_word_is_all_marks_around_a_group() -> None:
    """Marks of the group's word are in it with their bits; other words and lines are not."""
    row = [block(0, 0, 20, 30), block(25, 0, 50, 30), block(80, 0, 20, 30)]
    others = [block(300, 0, 20, 30), block(0, 100, 20, 30)]
    bit = block(104, 0, 8, 8)
    (word,) = find_words(Marks([*row, *others], [bit]), [[1]])
    assert word.members == [0, 1, 2]
    assert word.box == Box(0, 0, 112, 30)
    assert word.contrast[0, 105] == 200
    assert not word.contrast[:, 21:24].any()


def test_what_a_group_spans_is_one_word() -> None:
    """A loose bar is too low for the word of its digit, and belongs to it."""
    low = [block(0, 20, 20, 10), block(10, 0, 40, 30), block(300, 0, 20, 30)]
    words = find_words(Marks(low, []), [[0, 1], [2]])
    assert [word.members for word in words] == [[0, 1], [2]]


def test_a_word_that_is_too_wide_is_left_out() -> None:
    """Narrowed to the widest image, its digits would be bars."""
    row = [block(30 * i, 0, 28, 30) for i in range(20)]
    assert len(find_words(Marks(row[:10], []), [[3]])) == 1
    assert not find_words(Marks(row, []), [[3]])


def test_words_are_bounded() -> None:
    """A page full of wide marks costs no more than so many words."""
    marks = [block(0, 50 * i, 60, 30) for i in range(3 * MAX_WORDS)]
    assert len(find_words(Marks(marks, []), [[i] for i in range(len(marks))])) == MAX_WORDS


@given(st.lists(st.floats(0, 1), max_size=12).map(sorted), st.integers(1, 60))
def test_digits_get_boxes_inside_their_word(places: list[float], width: int) -> None:
    """One box a digit, from left to right, wherever the places are."""
    word = Word([0], Box(7, 9, width, 20), np.full((20, width), 200, np.uint8))
    digits = place_digits(word, places)
    assert len(digits) == len(places)
    for each in digits:
        assert each.contrast.shape == (each.box.height, each.box.width)
        assert word.box.intersection(each.box) == each.box.area > 0
    assert all(a.box.x <= b.box.x for a, b in pairwise(digits))


def test_a_digits_box_is_tight() -> None:
    """It ends where its ink does, wherever the places lie in the digits."""
    plane = np.zeros((20, 60), np.uint8)
    plane[5:15, 4:20] = plane[2:18, 40:55] = 200
    for places in ([0.2, 0.8], [0.3, 0.7], [0.1, 0.7]):
        left, right = place_digits(Word([0], Box(100, 50, 60, 20), plane), places)
        assert (left.box, right.box) == (Box(104, 55, 16, 10), Box(140, 52, 15, 16))


# --- in the reader of pictures -----------------------------------------------------------------


def page_of(plane: Gray) -> Gray:
    """Lay ink on a sheet."""
    sheet = np.full((480, 640), 215, np.uint8)
    view = sheet[200 : 200 + plane.shape[0], 60 : 60 + plane.shape[1]]
    view -= (plane * 0.7).astype(np.uint8)
    return sheet


def test_touching_digits_of_a_picture_are_read_with_their_boxes() -> None:
    """A number is read as one line, its boxes in order and over the ink."""
    plane = written("80365", 4, gap=-3)
    (line,) = Recognizer().read(page_of(plane)).lines
    assert line.text == "80365"
    boxes = [digit.box for digit in line.digits]
    assert all(a.x < b.x for a, b in pairwise(boxes))
    assert all(box.x >= 60 and box.right <= 60 + plane.shape[1] for box in boxes)


@pytest.mark.parametrize(
    ("marks", "probability", "opinion", "text"),
    [
        ("3", 0.7, 1 + 3, "3"),
        ("3", 0.7, 0, ""),
        ("3", 0.7, 1 + 8, ""),
        ("3", 0.7, 11, ""),
        ("3", 0.97, 0, ""),
        ("3", 0.999, 0, "3"),
        ("333", 0.97, 0, "333"),
    ],
)
def test_marks_in_doubt_need_both_networks(
    monkeypatch: pytest.MonkeyPatch, marks: str, probability: float, opinion: int, text: str
) -> None:
    """A digit that is not certain is read if the reader of strings sees it too, alone.

    Where other digits are certain a mark is less in doubt.
    """

    def classified(_: Classifier, images: Gray) -> NDArray[np.float32]:
        rows = np.full((len(images), 12), (1 - probability) / 11, np.float32)
        rows[:, 3] = probability
        return rows

    def told(_: StringReader, contrasts: list[Gray]) -> NDArray[np.float32]:
        rows = np.full((len(contrasts), 12), 0.03 / 11, np.float32)
        rows[:, opinion] = 0.97
        return rows

    monkeypatch.setattr(Classifier, "probabilities", classified)
    monkeypatch.setattr(StringReader, "opinions", told)
    monkeypatch.setattr(mark_reader, "NEVER_WIDE", 9.0)  # one narrow mark, whatever is drawn
    monkeypatch.setattr(mark_reader, "CERTAIN", 0.6)  # no mark is joined with another
    recognizer = Recognizer(settings=Settings(min_confidence=0.88))
    assert recognizer.read(page_of(written(marks, 4, gap=12))).text == text


@pytest.mark.parametrize(("probability", "text"), [(0.7, "3"), (0.0, "")])
def test_the_only_digit_of_a_word_needs_both_networks(
    monkeypatch: pytest.MonkeyPatch, probability: float, text: str
) -> None:
    """A word in which one digit is read is a mark, and the classifier has its say."""

    def classified(_: Classifier, images: Gray) -> NDArray[np.float32]:
        rows = np.zeros((len(images), 12), np.float32)
        rows[:, [3, 10, 11]] = probability, 0.4 * (1 - probability), 0.6 * (1 - probability)
        return rows

    monkeypatch.setattr(Classifier, "probabilities", classified)
    monkeypatch.setattr(mark_reader, "ALWAYS_WIDE", 0.1)  # a mark is a word, whatever is drawn
    recognizer = Recognizer(settings=Settings(min_confidence=0.88))
    assert recognizer.read(page_of(written("3", 4, gap=12))).text == text


def test_without_the_reader_of_strings_digits_are_parted() -> None:
    """An empty setting leaves it out."""
    recognizer = Recognizer(settings=Settings(strings=""))
    assert recognizer.strings is None
    assert recognizer.read(page_of(written("80365", 4, gap=-3))).text == "80365"


@pytest.mark.parametrize("name", ["strings", str(STRINGS), f"{STRINGS}.tflite"])
def test_the_setting_names_a_bundle(name: str) -> None:
    """A shipped name or a path, with or without suffix."""
    strings = Recognizer(settings=Settings(strings=name)).strings
    assert strings is not None
    assert strings.bundle.sha256 == load_bundle(STRINGS).sha256


@pytest.mark.parametrize("name", ["digits", "nowhere"])
def test_other_bundles_read_no_strings(name: str) -> None:
    """One for single digits, or none, is refused in a line that says what was expected."""
    with pytest.raises(ModelError, match="expected a (reader of strings|model bundle)"):
        Recognizer(settings=Settings(strings=name))
    with pytest.raises(SettingsError, match="strings must be a text"):
        Recognizer(settings=Settings(strings=3))  # type: ignore[arg-type]


def test_a_reader_of_strings_classifies_no_marks() -> None:
    """Given as the model it is refused, and the line says where it belongs."""
    with pytest.raises(ModelError, match="found a reader of strings; give it as the setting"):
        Recognizer(STRINGS)
    with pytest.raises(ModelError, match="input must be int8"):
        Classifier(replace(load_bundle(STRINGS), classes=load_bundle().classes))


def test_a_string_bundle_of_other_preprocessing_is_refused(tmp_path: Path) -> None:
    """Its images are not a mark's, and its fingerprint is its own."""
    stem = tmp_path / "copy"
    stem.with_suffix(".tflite").write_bytes(STRINGS.with_suffix(".tflite").read_bytes())
    sidecar = STRINGS.with_suffix(".json").read_text()
    own = load_bundle(STRINGS).sidecar["preprocessing"]
    other = load_bundle().sidecar["preprocessing"]
    stem.with_suffix(".json").write_text(sidecar.replace(own, other))
    with pytest.raises(ModelError, match=f"trained for preprocessing {other}.* does {own}"):
        load_bundle(stem)
