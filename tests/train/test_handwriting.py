"""What the drawn digits promise to the scenes and tests that use them."""

import cv2
import numpy as np
import pytest

from digitcam.train.handwriting import STROKE_WIDTH, draw_digit, variant_count

DIGITS = range(10)


@pytest.mark.parametrize("digit", DIGITS)
@pytest.mark.parametrize("height_px", [8, 28, 64, 90])
def test_ink_is_as_tall_as_asked_and_tight(digit: int, height_px: int) -> None:
    """A digit is uint8, as tall as asked, and has ink in each border row and column."""
    for seed in range(10):
        ink = draw_digit(digit, np.random.default_rng(seed), height_px)
        assert ink.dtype == np.uint8
        assert ink.ndim == 2
        assert ink.shape[0] == height_px
        # The finest pen covers half a pixel at 8 px.
        assert ink.max() >= (255 if height_px >= 28 else 100)
        assert all(edge.any() for edge in (ink[0], ink[-1], ink[:, 0], ink[:, -1]))


@pytest.mark.parametrize("digit", DIGITS)
def test_equal_seeds_draw_equal_digits(digit: int) -> None:
    """Equal generators draw equal digits, and other generators draw others."""
    first = draw_digit(digit, np.random.default_rng(7))
    assert np.array_equal(first, draw_digit(digit, np.random.default_rng(7)))
    assert not np.array_equal(first, draw_digit(digit, np.random.default_rng(8)))


@pytest.mark.parametrize("digit", DIGITS)
def test_every_variant_is_one_piece_of_ink(digit: int) -> None:
    """The strokes of a digit touch, so that it is found as one mark, in each way of writing it."""
    for variant in range(variant_count(digit)):
        for seed in range(25):
            ink = draw_digit(digit, np.random.default_rng(seed), variant=variant)
            pieces = cv2.connectedComponents((ink >= 64).view(np.uint8))[0] - 1
            assert pieces == 1, f"variant {variant}, seed {seed}"


@pytest.mark.parametrize("digit", DIGITS)
def test_there_are_several_ways_to_write_a_digit(digit: int) -> None:
    """Each digit has at least three variants, and all of them can be drawn by chance."""
    assert variant_count(digit) >= 3
    widths = {draw_digit(digit, np.random.default_rng(seed)).shape[1] for seed in range(30)}
    assert len(widths) > 5


def test_stroke_width_keeps_to_its_range() -> None:
    """A plain 1 is as wide as the pen: within the range and two tenths for pressure and bend."""
    thin, thick = STROKE_WIDTH
    for seed in range(50):
        ink = draw_digit(1, np.random.default_rng(seed), 100, variant=0)
        columns = np.count_nonzero(ink >= 128, axis=1)
        assert 100 * thin * 0.8 <= np.median(columns) <= 100 * thick * 1.2


def test_holes_tell_rings_from_hooks() -> None:
    """Thin 0s, 6s and 9s have one hole, 8s have two and 1s none, whatever the jitter."""
    expected = {0: 1, 1: 0, 6: 1, 8: 2, 9: 1}
    for digit, holes in expected.items():
        right = sum(
            _holes(draw_digit(digit, np.random.default_rng(seed), 96)) == holes
            for seed in range(60)
        )
        # A thick pen may fill a small ring, and a hand may leave one open: one in six.
        assert right >= 50, f"digit {digit}"


def _holes(ink: np.ndarray) -> int:
    """Count patches of paper of more than 4 px that the ink encloses."""
    paper = np.pad((ink < 64).view(np.uint8), 1, constant_values=1)
    areas = cv2.connectedComponentsWithStats(paper, connectivity=4)[2][2:, cv2.CC_STAT_AREA]
    return int(np.count_nonzero(areas > 4))


@pytest.mark.parametrize(
    ("digit", "height_px", "variant"), [(-1, 64, None), (10, 64, None), (3, 7, None), (3, 64, 99)]
)
def test_impossible_requests_are_refused(digit: int, height_px: int, variant: int | None) -> None:
    """A digit, height or variant out of range is a ValueError that says what was expected."""
    with pytest.raises(ValueError, match="expected"):
        draw_digit(digit, np.random.default_rng(0), height_px, variant=variant)
