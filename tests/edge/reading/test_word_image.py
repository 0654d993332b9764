"""The image of a word: its marks at their places, at one scale."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitcam.edge.frame import Box
from digitcam.edge.reading import view, word_image
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
    image_of,
    logits_by_width,
    padded_width,
    plane_image,
    word_fingerprint,
)

Gray = NDArray[np.uint8]


def mark(box: Box, plane: Gray, scale: int = 1) -> Mark:
    level = Level(np.zeros((1, 1), np.uint8), scale, 6, light_on_dark=False)
    return Mark(box, plane, 12, level)


def block(x: int, y: int, width: int, height: int, contrast: int = 200, scale: int = 1) -> Mark:
    plane = np.full((height // scale, width // scale), contrast, np.uint8)
    return mark(Box(x, y, width, height), plane, scale)


def word(*parts: Mark) -> Gray:
    return word_image.word_image(parts)


def columns(image: Gray) -> list[tuple[int, int]]:
    """Return where runs of columns with ink start, and the column after each."""
    edges = np.flatnonzero(np.diff(image.any(axis=0).astype(int), prepend=0, append=0))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(4, 90), st.integers(8, 90)), min_size=1, max_size=6),
    seed=st.integers(0, 99),
)
def test_a_words_ink_lies_in_28_rows_with_black_around(
    sizes: Sequence[tuple[int, int]], seed: int
) -> None:
    """Whatever its parts are, the image has 32 rows, a full range and a bounded width."""
    rng = np.random.default_rng(seed)
    parts = [
        mark(Box(100 * i, int(rng.integers(30)), w, h), rng.integers(60, 200, (h, w), np.uint8))
        for i, (w, h) in enumerate(sizes)
    ]
    image = word(*parts)
    assert image.shape[0] == HEIGHT_PX
    assert 3 + 2 * SIDE_PX <= image.shape[1] <= MAX_WIDTH_PX
    assert image.max() == 255
    inner = image[TOP_PX : TOP_PX + CONTENT_PX, SIDE_PX:-SIDE_PX]
    assert image.sum() == inner.sum()
    assert inner.any(axis=1).all() or len(parts) > 1


def test_parts_lie_where_they_stand() -> None:
    """Two digits beside each other, one lower, with the space between them."""
    image = word(block(300, 50, 28, 56), block(356, 50, 28, 56), block(412, 78, 28, 28))
    runs = columns(image)
    assert len(runs) == 3
    # Allows each side a pixel of rounding.
    wide = [b - a for a, b in runs]
    assert max(wide) - min(wide) <= 1
    assert abs((runs[1][0] - runs[0][1]) - wide[0]) <= 1
    low = image[:, runs[2][0] : runs[2][1]]
    assert not low[: TOP_PX + CONTENT_PX // 2].any()
    assert low[TOP_PX + CONTENT_PX // 2 : TOP_PX + CONTENT_PX].all()


def test_parts_of_other_scales_are_laid_at_one() -> None:
    """A mark that was found at half the resolution is as large as it stands in the frame."""
    assert np.array_equal(
        word(block(0, 0, 40, 80), block(60, 0, 40, 80, scale=4)),
        word(block(0, 0, 40, 80, scale=2), block(60, 0, 40, 80)),
    )


def test_where_a_word_stands_does_not_matter() -> None:
    """Moved over the page it looks the same."""
    parts = [block(0, 5, 20, 40), block(30, 0, 12, 44)]
    moved = [mark(part.box.shifted(500, 300), part.contrast) for part in parts]
    assert np.array_equal(word(*parts), word(*moved))


def test_a_pale_part_stays_paler_than_a_strong_one() -> None:
    """The strongest decides what white is."""
    image = word(block(0, 0, 30, 40, contrast=200), block(50, 0, 30, 40, contrast=60))
    (left, _), (right, end) = columns(image)
    assert image[16, left + 3] == 255
    assert 40 < image[16, (right + end) // 2] < 200


@pytest.mark.parametrize("height", [20, 30, 45])
def test_a_high_stroke_leaves_digits_as_wide(height: int) -> None:
    """Digits beside one that is much higher keep their width, more or less, up to a bound."""
    digits = [block(40 * i + 20, 60 - height, 30, height) for i in range(5)]
    alone = columns(word(*digits))
    beside = columns(word(block(4, 0, 3, 60), *digits))[1:]
    usual, own = (np.mean([b - a for a, b in runs]) for runs in (alone, beside))
    assert own <= 1.15 * usual
    assert own >= min(0.75 * usual, 30 * CONTENT_PX / 60 * MAX_WIDENING - 1)


def test_a_plane_is_a_word_of_one_part() -> None:
    """Training shows the network whole words; alone, both ways give one image."""
    plane = np.random.default_rng(1).integers(20, 200, (50, 130), np.uint8)
    assert np.array_equal(plane_image(plane, 12), word(mark(Box(7, 9, 130, 50), plane)))


def test_widening_draws_a_word_wider() -> None:
    """Twice as wide by a widening of two, up to the widest."""
    plane = np.full((40, 100), 200, np.uint8)
    narrow, wide = (plane_image(plane, 0, widening) for widening in (1.0, 2.0))
    assert abs(wide.shape[1] - 2 * narrow.shape[1] + 2 * SIDE_PX) <= 1
    assert plane_image(plane, 0, 50.0).shape[1] == MAX_WIDTH_PX


def test_no_ink_is_a_black_image() -> None:
    """Nothing is stretched where there is nothing."""
    assert not plane_image(np.zeros((20, 60), np.uint8)).any()
    assert not image_of([(Box(0, 0, 60, 20), np.zeros((20, 60), np.uint8))]).any()


@given(st.integers(1, MAX_WIDTH_PX))
def test_images_are_filled_up_to_few_widths(width: int) -> None:
    """A multiple of 32 px that holds the image and less than one more."""
    assert padded_width(width) % 32 == 0
    assert width <= padded_width(width) < width + 32


def test_words_of_one_width_are_one_batch() -> None:
    """Results come in order, and each width is run once, filled up with black."""
    images = [np.full((HEIGHT_PX, width), width, np.uint8) for width in (20, 60, 30, 64, 65)]
    seen = []

    def run(batch: Gray) -> NDArray[np.float32]:
        seen.append(batch.shape)
        return np.repeat(batch[:, 0, ::STEP_PX, None].astype(np.float32), 11, axis=2)

    found = logits_by_width(images, run)
    assert seen == [(2, 32, 32), (2, 32, 64), (1, 32, 96)]
    for image, steps in zip(images, found, strict=True):
        width = image.shape[1]
        assert steps.shape == (padded_width(width) // STEP_PX, 11)
        assert steps[0, 0] == width
        assert steps[-1, 0] == (width if width > padded_width(width) - STEP_PX else 0)
    assert logits_by_width([], run) == []


@pytest.mark.parametrize(
    "name", ["VERSION", "HEIGHT_PX", "CONTENT_PX", "SIDE_PX", "MAX_WIDTH_PX", "MAX_WIDENING"]
)
def test_the_fingerprint_tells_of_every_constant(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever is another, models that were trained before are refused."""
    before = word_fingerprint()
    monkeypatch.setattr(word_image, name, getattr(word_image, name) + 1)
    assert word_fingerprint() != before


def test_the_fingerprint_tells_of_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A word is made of marks: what changes them changes it."""
    before = word_fingerprint()
    assert before != view.fingerprint()
    monkeypatch.setattr(view, "FULL", 0.5)
    assert word_fingerprint() != before
