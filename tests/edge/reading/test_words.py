"""Words are read at once: steps become digits with their boxes, and nothing is cut."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitcam.edge import Recognizer
from digitcam.edge.bundle import SHIPPED, STRING_CLASSES, load_bundle
from digitcam.edge.classify import Classifier
from digitcam.edge.errors import ModelError, SettingsError
from digitcam.edge.frame import Box
from digitcam.edge.reading.ink import find_ink
from digitcam.edge.reading.marks import Mark, find_marks
from digitcam.edge.reading.word_image import (
    CONTENT_PX,
    HEIGHT_PX,
    SIDE_PX,
    STEP_PX,
    TOP_PX,
    word_image,
)
from digitcam.edge.reading.words import (
    BLANK,
    WordReader,
    decode,
    likelihood,
    of_singles,
    text_of,
)
from digitcam.edge.settings import Runtime, Settings
from digitcam.train.handwriting import draw_digit

STRINGS = SHIPPED / "strings"
Gray = NDArray[np.uint8]
Steps = NDArray[np.float32]


@pytest.fixture
def reader(runtime: Runtime) -> WordReader:
    """The shipped reader of words in each runtime that this machine can use."""
    return WordReader(load_bundle(STRINGS), runtime)


def written(text: str, seed: int, gap: int, height: int = 48) -> Gray:
    """Write digits on a sheet with ``gap`` px between, below 0 they overlap."""
    rng = np.random.default_rng(seed)
    sheet = np.full((240, 80 + (height + 20) * len(text)), 215, np.uint8)
    x = 40
    for sign in text:
        digit = draw_digit(int(sign), rng, height)
        place = sheet[90 : 90 + digit.shape[0], x : x + digit.shape[1]]
        np.minimum(place, 215 - (digit * 0.7).astype(np.uint8), out=place)
        x += digit.shape[1] + gap
    return sheet


def mark_of(text: str, seed: int, gap: int) -> Mark:
    """Return the widest mark of touching digits."""
    found = find_marks(find_ink(written(text, seed, gap), "dark-on-light"))
    return max(found, key=lambda mark: (mark.box.width, mark.box.height))


# --- the steps -------------------------------------------------------------------------------


def steps_of(classes: Sequence[int], confidence: float = 0.9) -> Steps:
    rest = (1 - confidence) / (len(STRING_CLASSES) - 1)
    steps = np.full((len(classes), len(STRING_CLASSES)), rest, np.float32)
    steps[np.arange(len(classes)), classes] = confidence
    return steps


def black(steps: int) -> Gray:
    return np.zeros((HEIGHT_PX, max(STEP_PX * steps, 3 + 2 * SIDE_PX)), np.uint8)


BOX = Box(100, 50, 60, 28)


@settings(derandomize=True, deadline=None)
@given(st.lists(st.integers(0, 10), min_size=1, max_size=60))
def test_equal_steps_are_one_digit_and_blanks_none(classes: list[int]) -> None:
    """A class is the digit below it, 0 the blank; only a blank or another digit ends a digit."""
    expected = [b - 1 for a, b in pairwise([0, *classes]) if b not in (a, 0)]
    digits = decode(steps_of(classes), black(len(classes)), BOX)
    assert [each.digit for each in digits] == expected
    assert text_of(steps_of(classes)) == "".join(map(str, expected))
    places = [each.box.x for each in digits]
    assert places == sorted(places)
    assert all(each.box.width > 0 and each.box.height > 0 for each in digits)


def test_a_digit_is_as_certain_as_that_its_part_holds_it_alone() -> None:
    """Parts meet at the step between digits that is a blank most likely."""
    first = np.concatenate([steps_of([0, 3], 0.8), steps_of([3], 0.5), steps_of([0], 0.6)])
    second = np.concatenate([steps_of([0], 0.95), steps_of([7], 0.7), steps_of([7, 0], 0.9)])
    digits = decode(np.concatenate([first, second]), black(8), BOX)
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
    doubted, told = (decode(each, black(5), BOX)[0].confidence for each in (missed, sure))
    assert doubted < 0.7 < told


def test_digits_get_the_boxes_of_their_ink() -> None:
    """Each ends where its ink does, in px of the frame, wherever its steps lie."""
    image = black(20)  # 72 columns of ink, at 2 px of the frame each
    image[TOP_PX : TOP_PX + CONTENT_PX, SIDE_PX : SIDE_PX + 20] = 255
    image[TOP_PX + 14 : TOP_PX + CONTENT_PX, SIDE_PX + 40 : SIDE_PX + 72] = 255
    steps = steps_of([0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 8, 8, 0, 0, 0])
    left, right = decode(steps, image, Box(100, 50, 144, 56))
    assert (left.digit, left.box) == (2, Box(100, 50, 40, 56))
    assert (right.digit, right.box) == (7, Box(180, 78, 64, 28))


def test_touching_digits_are_parted_where_least_ink_is() -> None:
    """The boxes meet at the thinnest column between, and none is empty."""
    image = black(20)
    image[TOP_PX : TOP_PX + CONTENT_PX, SIDE_PX : SIDE_PX + 72] = 255
    image[TOP_PX + 2 : TOP_PX + CONTENT_PX, SIDE_PX + 30] = 0
    steps = steps_of([0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 8, 8, 0, 0, 0])
    left, right = decode(steps, image, Box(0, 0, 72, 28))
    assert left.box.right == right.box.x == 30


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


@settings(max_examples=30, derandomize=True, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 2), max_size=3))
def test_a_text_has_the_probability_of_all_its_alignments(seed: int, text: list[int]) -> None:
    """The sum over every path through four steps that reads so, equal digits in a row too."""
    steps = np.random.default_rng(seed).dirichlet(np.full(11, 0.3), 4).astype(np.float32)
    expected = 0.0
    for path in product(range(4), repeat=4):
        read = [b - 1 for a, b in pairwise([0, *path]) if b not in (a, 0)]
        expected += float(np.prod(steps[np.arange(4), path])) if read == text else 0.0
    found = np.exp(likelihood(steps, text))
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-6)


def test_no_steps_are_too_few_for_a_digit() -> None:
    """Two equal digits need three steps."""
    assert likelihood(steps_of([3, 3]), [2, 2]) == -np.inf
    assert likelihood(steps_of([3, BLANK, 3]), [2, 2]) == pytest.approx(3 * np.log(0.9))


# --- the reader ------------------------------------------------------------------------------


def test_touching_digits_are_read(reader: WordReader) -> None:
    """Most drawn words whose digits overlap are read exactly, their boxes in order and inside."""
    texts = ["25", "3806", "47", "902", "5683", "2027", "6439", "80", "375", "924"]
    marks = [mark_of(text, seed, gap=-4) for seed, text in enumerate(texts)]
    words = reader.read([[mark] for mark in marks])
    read = ["".join(str(d.digit) for d in digits) for digits in words]
    assert sum(a == b for a, b in zip(read, texts, strict=True)) >= 8
    for mark, digits in zip(marks, words, strict=True):
        boxes = [digit.box for digit in digits]
        assert all(a.x < b.x for a, b in pairwise(boxes))
        assert all(mark.box.x <= box.x < box.right <= mark.box.right + 1 for box in boxes)


def test_a_word_reads_alike_in_any_company(reader: WordReader) -> None:
    """Widths are batched; a word's digits do not depend on the others."""
    words = [[mark_of(text, 3, gap=-2)] for text in ("5", "27", "80365", "1234567", "27")]
    together = reader.read(words)
    assert together == [reader.read([word])[0] for word in words]
    assert reader.read([]) == []


def test_a_word_may_have_several_marks(reader: WordReader) -> None:
    """Loose digits in any order are one word, read from left to right."""
    sheet = written("375", 4, gap=6)
    found = [m for m in find_marks(find_ink(sheet, "dark-on-light")) if m.box.height > 40]
    parts = [max((m for m in found if abs(m.box.x - x) < 6), key=lambda m: m.box.area)
             for x in sorted({m.box.x for m in found})]  # fmt: skip
    forth, back = reader.read([parts, parts[::-1]])
    assert forth == back
    steps = reader.steps([word_image(parts)])[0]
    assert text_of(steps) == "".join(str(each.digit) for each in forth)


def test_blackness_holds_no_digit(reader: WordReader) -> None:
    """Without ink nothing is read."""
    (steps,) = reader.steps([black(24)])
    assert text_of(steps) == ""
    assert of_singles([steps])[0].argmax() == 0


# --- in the reader of pictures -----------------------------------------------------------------


def test_touching_digits_of_a_picture_are_read_with_their_boxes() -> None:
    """A number is read as one line, its boxes in order."""
    (line,) = Recognizer().read(written("80365", 4, gap=-3)).lines
    assert line.text == "80365"
    boxes = [digit.box for digit in line.digits]
    assert all(a.x < b.x for a, b in pairwise(boxes))


def test_without_the_reader_of_words_single_digits_are_read() -> None:
    """An empty setting leaves it out."""
    recognizer = Recognizer(settings=Settings(strings=""))
    assert recognizer.words is None
    assert recognizer.read(written("80365", 4, gap=14)).text == "80365"


@pytest.mark.parametrize("name", ["strings", str(STRINGS), f"{STRINGS}.tflite"])
def test_the_setting_names_a_bundle(name: str) -> None:
    """A shipped name or a path, with or without suffix."""
    words = Recognizer(settings=Settings(strings=name)).words
    assert words is not None
    assert words.bundle.sha256 == load_bundle(STRINGS).sha256


@pytest.mark.parametrize("name", ["digits", "nowhere"])
def test_other_bundles_read_no_words(name: str) -> None:
    """One for single digits, or none, is refused in a line that says what was expected."""
    with pytest.raises(ModelError, match="expected a (reader of strings|model bundle)"):
        Recognizer(settings=Settings(strings=name))
    with pytest.raises(SettingsError, match="strings must be a text"):
        Recognizer(settings=Settings(strings=3))  # type: ignore[arg-type]


def test_a_reader_of_words_classifies_no_marks() -> None:
    """Given as the model it is refused, and the line says where it belongs."""
    with pytest.raises(ModelError, match="found a reader of strings; give it as the setting"):
        Recognizer(STRINGS)
    with pytest.raises(ModelError, match="input must be int8"):
        Classifier(replace(load_bundle(STRINGS), classes=load_bundle().classes))


def test_a_bundle_of_other_preprocessing_is_refused(tmp_path: Path) -> None:
    """Its images are not a mark's, and its fingerprint is its own."""
    stem = tmp_path / "copy"
    stem.with_suffix(".tflite").write_bytes(STRINGS.with_suffix(".tflite").read_bytes())
    sidecar = STRINGS.with_suffix(".json").read_text()
    own = load_bundle(STRINGS).sidecar["preprocessing"]
    other = load_bundle().sidecar["preprocessing"]
    stem.with_suffix(".json").write_text(sidecar.replace(own, other))
    with pytest.raises(ModelError, match=f"trained for preprocessing {other}.* does {own}"):
        load_bundle(stem)
