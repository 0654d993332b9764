"""Words whose digits touch: their marks laid into an image, read at once, digits put in places."""

import math
from dataclasses import replace
from itertools import pairwise, product

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitcam.edge.bundle import DIGIT_CLASSES, SHIPPED, STRING_CLASSES, load_bundle
from digitcam.edge.errors import ModelError
from digitcam.edge.frame import Box
from digitcam.edge.reading.ink import Level
from digitcam.edge.reading.marks import Mark
from digitcam.edge.reading.word_image import (
    CONTENT_PX,
    HEIGHT_PX,
    MAX_WIDENING,
    MAX_WIDTH_PX,
    SIDE_PX,
    STEP_PX,
    TOP_PX,
    padded_width,
    plane_image,
    word_image,
)
from digitcam.edge.reading.words import (
    Steps,
    WordReader,
    decode,
    of_singles,
    parts_of,
    text_of,
)
from digitcam.edge.settings import Runtime
from digitcam.train.handwriting import draw_digit

Gray = NDArray[np.uint8]


@pytest.fixture
def reader(runtime: Runtime) -> WordReader:
    """The shipped reader of words in each runtime that this machine can use."""
    return WordReader(load_bundle(SHIPPED / "strings"), runtime)


def mark_of(contrast: Gray, x: int = 0, y: int = 0, scale: int = 1, floor: int = 30) -> Mark:
    """Return a mark whose level is ``scale`` times coarser than the frame."""
    height, width = contrast.shape
    level = Level(np.zeros((9, 9), np.uint8), scale, floor, light_on_dark=False)
    return Mark(Box(x, y, width * scale, height * scale), contrast, floor, level)


def block(x: int, y: int, width: int, height: int, peak: int = 200) -> Mark:
    return mark_of(np.full((height, width), peak, np.uint8), x, y)


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
    x, y, width, wide = cv2.boundingRect(plane)
    return plane[y : y + wide, x : x + width]


# --- the image -------------------------------------------------------------------------------


@settings(deadline=None)
@given(height=st.integers(8, 300), width=st.integers(3, 2000), level=st.integers(60, 255))
def test_a_words_image_keeps_aspect_and_stretches_contrast(
    height: int, width: int, level: int
) -> None:
    """28 rows of white ink, as wide as nine tenths of the height want; allows a row of the body."""
    image = plane_image(np.full((height, width), level, np.uint8))
    columns = width * CONTENT_PX / height
    least, most = (
        np.clip(round(columns * CONTENT_PX / rows), 3, MAX_WIDTH_PX - 2 * SIDE_PX)
        for rows in (CONTENT_PX, 0.9 * CONTENT_PX - 1)
    )
    assert image.shape[0] == HEIGHT_PX
    assert least <= image.shape[1] - 2 * SIDE_PX <= most
    ink = image[TOP_PX:-TOP_PX, SIDE_PX:-SIDE_PX]
    assert ink.min() >= 253
    assert image.astype(int).sum() == ink.astype(int).sum()


@pytest.mark.parametrize("height", [20, 30, 45])
def test_a_high_stroke_leaves_digits_as_wide(height: int) -> None:
    """Digits beside one that is much higher keep their width, more or less, up to a bound."""
    digits = [block(20 + 30 * i, 60 - height, 20, height) for i in range(6)]
    alone = word_image(digits).shape[1] - 2 * SIDE_PX
    high = block(4, 0, 4, 60)
    beside = (word_image([high, *digits]).shape[1] - 2 * SIDE_PX) * 170 / 186
    assert beside <= alone * 1.1
    assert beside >= min(0.8 * alone, 170 * CONTENT_PX / 60 * (MAX_WIDENING - 0.05))


def test_parts_lie_where_they_stand() -> None:
    """Each part fills its share of the rows and columns; allows one pixel for rounding."""
    image = word_image([block(100, 50, 20, 56), block(140, 78, 40, 28)])
    columns = image.shape[1] - 2 * SIDE_PX
    left, right = SIDE_PX + columns * 20 / 80, SIDE_PX + columns * 40 / 80
    assert image[TOP_PX, SIDE_PX : int(left) - 1].all()
    assert not image[:, math.ceil(left) + 1 : int(right) - 1].any()
    assert image[TOP_PX + 15 : -TOP_PX, math.ceil(right) + 1 : -SIDE_PX].all()
    assert not image[: TOP_PX + 13, math.ceil(right) :].any()


def test_parts_of_any_level_are_one_word() -> None:
    """A part found at half the resolution looks as the same found at the full one."""
    plane = written("38", 1, gap=6)
    fine = mark_of(plane)
    height, width = (side - side % 2 for side in plane.shape)
    half = cv2.resize(plane[:height, :width], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    coarse = mark_of(np.asarray(half, np.uint8), scale=2)
    first, second = word_image([fine]), word_image([coarse])
    assert abs(first.shape[1] - second.shape[1]) <= 2
    columns = min(first.shape[1], second.shape[1])
    apart = cv2.absdiff(first[:, :columns], second[:, :columns])
    assert apart.mean() < 12  # of 255: edges are softer


def test_the_order_of_parts_does_not_matter() -> None:
    """Parts are laid over each other where they meet."""
    parts = [mark_of(written(str(i), i, gap=0), 40 * i) for i in range(4)]
    assert np.array_equal(word_image(parts), word_image(parts[::-1]))


def test_a_mark_alone_is_a_plane() -> None:
    """What training lays out as a plane is what the device makes of the same mark."""
    plane = written("27", 2, gap=3)
    assert np.array_equal(word_image([mark_of(plane, 7, 9)]), plane_image(plane, 30))


def test_thin_strokes_are_white() -> None:
    """A line of one pixel in a high word is as bright as a thick one."""
    plane = np.zeros((280, 280), np.uint8)
    plane[:, 140] = 90
    assert plane_image(plane).max() == 255


def test_no_ink_is_a_black_image() -> None:
    """Nothing is stretched where there is nothing."""
    assert not plane_image(np.zeros((20, 60), np.uint8)).any()


@given(st.integers(1, MAX_WIDTH_PX))
def test_images_are_filled_up_to_few_widths(width: int) -> None:
    """A multiple of 32 px that holds the image and less than one more."""
    assert padded_width(width) % 32 == 0
    assert width <= padded_width(width) < width + 32


# --- the steps -------------------------------------------------------------------------------


def steps_of(classes: list[int], confidence: float = 0.9) -> Steps:
    rest = (1 - confidence) / (len(STRING_CLASSES) - 1)
    steps = np.full((len(classes), len(STRING_CLASSES)), rest, np.float32)
    steps[np.arange(len(classes)), classes] = confidence
    return steps


@settings(deadline=None)
@given(st.lists(st.integers(0, 10), min_size=1, max_size=60))
def test_equal_steps_are_one_digit_and_blanks_none(classes: list[int]) -> None:
    """A class is the digit below it, 0 the blank; only a blank or another digit ends a digit."""
    expected = [b - 1 for a, b in pairwise([0, *classes]) if b not in (a, 0)]
    steps = steps_of(classes)
    assert text_of(steps) == "".join(map(str, expected))
    width = min(STEP_PX * len(classes) + 2 * SIDE_PX, MAX_WIDTH_PX)
    word = Box(40, 20, 5 * width, 90)
    digits = decode(steps, np.full((HEIGHT_PX, width), 255, np.uint8), word)
    assert [each.digit for each in digits] == expected
    assert [each.box.x for each in digits] == sorted(each.box.x for each in digits)


def test_a_digit_is_as_certain_as_that_its_part_holds_it_alone() -> None:
    """Parts meet at the step between digits that is a blank most likely."""
    first = np.concatenate([steps_of([0, 3], 0.8), steps_of([3], 0.5), steps_of([0], 0.6)])
    second = np.concatenate([steps_of([0], 0.95), steps_of([7], 0.7), steps_of([7, 0], 0.9)])
    told = parts_of(np.concatenate([first, second]))
    assert [digit for digit, _ in told] == [2, 6]
    for (_, opinions), part in zip(told, (first, second), strict=True):
        assert opinions == pytest.approx(of_singles([part])[0])


def test_a_part_of_another_digit_is_doubted() -> None:
    """Where a second digit may stand beside the first, that it is one alone is less certain."""
    sure = np.concatenate([steps_of([0, 3], 0.95), steps_of([0, 0, 0], 0.95)])
    missed = sure.copy()
    missed[3] = steps_of([0], 0.55)[0]
    missed[3, 6] += 0.4
    assert parts_of(missed)[0][1][1 + 2] < 0.7 < parts_of(sure)[0][1][1 + 2]


def test_a_digits_box_is_around_its_ink() -> None:
    """It ends where the ink does, in px of the frame; allows half a pixel of the image."""
    image = word_image([block(100, 50, 30, 40), block(150, 70, 20, 20)])
    columns = image.shape[1] - 2 * SIDE_PX
    classes = np.zeros(image.shape[1] // STEP_PX + 1, int)
    for place, digit in ((0.2, 3), (0.85, 5)):
        classes[int((SIDE_PX + place * columns) / STEP_PX)] = digit
    left, right = decode(steps_of(classes.tolist()), image, Box(100, 50, 70, 40))
    assert (left.digit, right.digit) == (2, 4)
    for found, expected in ((left.box, (100, 50, 30, 40)), (right.box, (150, 70, 20, 20))):
        sides = found.x, found.y, found.width, found.height
        assert sides == pytest.approx(expected, abs=2)


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


def test_touching_digits_are_read(reader: WordReader) -> None:
    """Most drawn numbers whose digits overlap are read exactly, the boxes in order."""
    texts = ["25", "3806", "47", "902", "5683", "2027", "6439", "80", "375", "924"]
    words = [[mark_of(written(text, seed, gap=-4))] for seed, text in enumerate(texts)]
    read = reader.read(words)
    exact = ["".join(str(d.digit) for d in digits) for digits in read]
    assert sum(a == b for a, b in zip(exact, texts, strict=True)) >= 7
    for digits, (mark,) in zip(read, words, strict=True):
        assert all(a.box.x < b.box.x for a, b in pairwise(digits))
        assert all(mark.box.intersection(each.box) >= 0.9 * each.box.area for each in digits)


def test_a_word_reads_alike_in_any_company(reader: WordReader) -> None:
    """Widths are batched; a word's digits do not depend on the others."""
    words = [[mark_of(written(text, 3, gap=-2))] for text in ("5", "27", "80365", "1234567", "27")]
    together = reader.read(words)
    assert together == [reader.read([word])[0] for word in words]
    assert reader.read([]) == []


def test_blackness_holds_no_digit(reader: WordReader) -> None:
    """Without ink nothing is read."""
    assert reader.read([[block(0, 0, 90, 30, peak=0)]]) == [[]]


def test_other_bundles_read_no_words() -> None:
    """One for single digits is refused in a line that says what was expected."""
    other = replace(load_bundle(SHIPPED / "strings"), classes=DIGIT_CLASSES)
    with pytest.raises(ModelError, match="expected a reader of strings"):
        WordReader(other)
