"""Ink is found on paper as it is photographed, and nothing else is taken for it."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitcam.edge.preprocess import MIN_SIDE_PX, Ink, block_size, find_ink, fit_frame
from digitcam.edge.segment import find_marks
from digitcam.edge.settings import PreprocessSettings, SegmentSettings
from digitcam.train.handwriting import draw_digit

Gray = NDArray[np.uint8]

SETTINGS = PreprocessSettings()
SIZE = (480, 640)
INK = 70
"""Grey levels that drawn strokes are darker than the paper around."""


def strokes() -> Gray:
    """Draw circles of a 4 px line all over a page: (H, W) uint8, 255 ink on 0."""
    drawn = np.zeros(SIZE, np.uint8)
    for y in range(60, SIZE[0] - 40, 80):
        for x in range(60, SIZE[1] - 40, 80):
            cv2.circle(drawn, (x, y), 18, (255,), 4)
    return drawn


def on_paper(brightness: NDArray[np.float64] | float, ink: float = INK) -> Gray:
    """Lay the strokes on paper, with a camera's noise."""
    noise = np.random.default_rng(1).normal(0, 2, SIZE)
    return np.clip(brightness - (strokes() > 0) * ink + noise, 0, 255).astype(np.uint8)


def check_strokes(ink: Ink) -> None:
    """Fail unless the mask is the strokes, give or take a pixel at their edges."""
    drawn = strokes()
    core, around = cv2.erode(drawn, np.ones((3, 3))), cv2.dilate(drawn, np.ones((5, 5)))
    assert set(np.unique(ink.mask)) <= {0, 255}
    assert (ink.mask[core > 0] > 0).mean() > 0.99
    assert (ink.mask[around == 0] > 0).mean() < 0.001


# --- uneven light ----------------------------------------------------------------------------


@pytest.mark.parametrize("direction", ["right", "down"])
def test_ink_is_found_under_a_strong_gradient(direction: str) -> None:
    """The paper's dark side is darker than the ink on its bright side, and no threshold fits."""
    ramp = np.linspace(240, 90, SIZE[1] if direction == "right" else SIZE[0])
    light = np.broadcast_to(ramp if direction == "right" else ramp[:, None], SIZE)
    assert light.min() < light.max() - INK
    check_strokes(find_ink(on_paper(light), SETTINGS))


def test_the_edge_of_a_shadow_is_no_ink() -> None:
    """A hand's shadow halves the light within ten pixels, on which ink is read all the same."""
    x = np.arange(SIZE[1])
    light = 160 + 60 * np.tanh((x - 320) / 5)
    check_strokes(find_ink(on_paper(np.broadcast_to(light, SIZE)), SETTINGS))


@pytest.mark.parametrize("blur", [0, 1.5])
def test_the_edge_of_the_paper_is_no_mark(blur: float) -> None:
    """A white sheet on a dark table shows its marks; its edge is a hairline at most."""
    luma = cv2.copyMakeBorder(on_paper(210), 80, 80, 80, 80, cv2.BORDER_CONSTANT, value=(60,))
    if blur:
        luma = cv2.GaussianBlur(luma, (0, 0), blur)
    ink = find_ink(np.asarray(luma, np.uint8), SETTINGS)
    table = np.ones(luma.shape, bool)
    table[77:-77, 77:-77] = False
    assert not ink.mask[table].any()
    drawn = cv2.connectedComponents(strokes())[0] - 1
    assert len(find_marks(ink, SegmentSettings()).digits) == drawn


def test_the_ground_beside_much_ink_is_no_ink() -> None:
    """A hatched area does not darken the paper's estimate around it."""
    luma = np.full(SIZE, 210, np.uint8)
    for row in range(200, 300, 8):
        luma[row : row + 4, 200:400] = 100
    mask = find_ink(luma, SETTINGS).mask
    assert mask[201:299:8, 200:400].all()
    assert not mask[206:299:8].any()


# --- contrast --------------------------------------------------------------------------------


def test_contrast_is_grey_levels_below_the_paper() -> None:
    """Even paper and even ink differ by what was drawn, off by one for rounding at most."""
    luma = np.where(strokes() > 0, 130, 200).astype(np.uint8)
    contrast = find_ink(luma, SETTINGS).contrast
    core = cv2.erode(strokes(), np.ones((3, 3))) > 0
    far = cv2.dilate(strokes(), np.ones((9, 9))) == 0
    assert np.abs(contrast[core].astype(int) - 70).max() <= 1
    assert contrast[far].max() == 0


@pytest.mark.parametrize(("levels", "found"), [(-1, False), (1, True)])
def test_the_floor_decides_what_is_ink(levels: int, found: bool) -> None:
    """A stroke a grey level below the floor is paper, one above it is ink."""
    luma = np.full(SIZE, 200, np.uint8)
    luma[100:200, 300:306] -= SETTINGS.min_contrast + levels
    assert bool(find_ink(luma, SETTINGS).mask.any()) is found


def test_single_pixels_are_no_ink() -> None:
    """The median takes what a sensor adds, and leaves a line of two pixels."""
    luma = np.full(SIZE, 200, np.uint8)
    luma[::7, ::7] = 60
    luma[204:304, 303:305] = 60
    mask = find_ink(luma, SETTINGS).mask
    assert mask[206:302, 303:305].all()
    assert not mask[:, :300].any()


def test_a_wide_marker_is_not_hollow() -> None:
    """A stroke of 12 px is ink all through: the block is wider than any stroke."""
    luma = np.full(SIZE, 210, np.uint8)
    luma[100:200, 300:312] = 50
    assert find_ink(luma, SETTINGS).mask[104:196, 302:310].all()


# --- polarity --------------------------------------------------------------------------------


def test_light_on_dark_is_told_by_itself() -> None:
    """Chalk on a board gives the ink that its negative gives, and is said to be light."""
    luma = on_paper(200)
    dark, light = find_ink(luma, SETTINGS), find_ink(255 - luma, SETTINGS)
    assert (dark.light_on_dark, light.light_on_dark) == (False, True)
    check_strokes(light)


def test_polarity_can_be_set() -> None:
    """Who knows the polarity has the same ink as who lets it be found out, and no ink if wrong."""
    luma = on_paper(200)
    dark = find_ink(luma, replace(SETTINGS, polarity="dark-on-light"))
    light = find_ink(255 - luma, replace(SETTINGS, polarity="light-on-dark"))
    assert np.array_equal(dark.mask, find_ink(luma, SETTINGS).mask)
    check_strokes(dark)
    check_strokes(light)
    wrong = find_ink(255 - luma, replace(SETTINGS, polarity="dark-on-light"))
    assert not wrong.light_on_dark
    assert (wrong.mask[strokes() > 0] > 0).mean() < 0.01


def test_a_light_table_around_a_board_does_not_matter() -> None:
    """Wide light areas are no light ink."""
    luma = 255 - on_paper(200)
    luma[:20], luma[-10:] = 230, 230
    assert find_ink(luma, SETTINGS).light_on_dark


@pytest.mark.parametrize("width", [3, 8])
def test_holes_of_dark_strokes_are_no_light_ink(width: int) -> None:
    """Paper enclosed by strokes, as in 0, 6, 8 and 9, does not make the ink light."""
    luma = np.full(SIZE, 200, np.uint8)
    for x in range(40, 600, 60):
        cv2.ellipse(luma, (x, 240), (12, 24), 0, 0, 360, (60,), width)
    assert not find_ink(luma, SETTINGS).light_on_dark


# --- any picture -----------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0, 1, 127, 255])
def test_an_even_picture_has_no_ink(level: int) -> None:
    """A lens cap and a white wall hold nothing."""
    assert not find_ink(np.full(SIZE, level, np.uint8), SETTINGS).mask.any()


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    stretch=st.sampled_from([(1, 1), (1, 100), (100, 1)]),
    seed=st.integers(0, 99),
)
def test_ink_has_the_pictures_size(
    height: int, width: int, stretch: tuple[int, int], seed: int
) -> None:
    """Whatever is photographed, and however thin, contrast and mask are planes of its size."""
    shape = height * stretch[0], width * stretch[1]
    luma = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    ink = find_ink(luma, SETTINGS)
    assert ink.contrast.shape == ink.mask.shape == shape
    assert ink.contrast.dtype == ink.mask.dtype == np.uint8
    assert not (ink.mask > 0)[ink.contrast < SETTINGS.min_contrast].any()
    every = find_ink(luma, replace(SETTINGS, min_relative_contrast=0))
    assert np.array_equal(every.mask > 0, every.contrast >= SETTINGS.min_contrast)


def test_print_under_strong_writing_is_left_out() -> None:
    """Fainter lines beside strong ones are no ink; alone on their page they are."""
    faint = np.full((200, 300), 200, np.uint8)
    for row in range(3):
        faint[6 + row :: 14] = 160
    written = faint.copy()
    written[60:140, 140:146] = 40
    assert find_ink(faint, SETTINGS).mask[7::14, 5:-5].all()
    mask = find_ink(written, SETTINGS).mask
    assert mask[64:136, 140:146].all()
    assert not mask[60:140, 110:130].any()


def test_polarity_is_told_by_region() -> None:
    """Dark ink on a light half and light ink on a dark half of one picture are both ink."""
    rng = np.random.default_rng(1)
    luma = np.full((480, 640), 210, np.uint8)
    luma[:, 320:] = 45
    for y in (60, 200, 340):
        for x in (40, 120, 200):
            for left, level in ((0, 40), (340, 220)):
                digit = draw_digit(int(rng.integers(10)), rng, 60)
                place = luma[y : y + digit.shape[0], left + x : left + x + digit.shape[1]]
                place[digit > 128] = level
    truth = (luma == 40) | (luma == 220)
    mask = find_ink(luma, SETTINGS).mask > 0
    for half in (np.s_[:, 20:300], np.s_[:, 360:]):
        assert mask[half][truth[half]].mean() > 0.95
        assert mask[half][~truth[half]].mean() < 0.03


def test_the_picture_is_left_as_it_was() -> None:
    """Finding ink writes nothing into the frame, which is drawn over later."""
    luma = on_paper(200)
    before = luma.copy()
    find_ink(luma, SETTINGS)
    assert np.array_equal(luma, before)


@pytest.mark.parametrize("shape", [(1, 1), (10, 700), (240, 320), (540, 960), (4000, 3000)])
def test_the_block_is_odd_and_never_small(shape: tuple[int, int]) -> None:
    """A morphological block needs a middle and the width of a stroke."""
    side = block_size(np.zeros(shape, np.uint8), SETTINGS)
    assert side % 2 == 1
    assert side >= SETTINGS.min_block_px // 2
    assert side >= round(min(shape) * SETTINGS.block_fraction)


# --- resolution ------------------------------------------------------------------------------


@settings(max_examples=60, derandomize=True, deadline=None)
@given(height=st.integers(1, 3000), width=st.integers(1, 3000))
def test_a_frame_fits_the_working_size(height: int, width: int) -> None:
    """The long side is bounded both ways, the aspect stays within a pixel, the size is told."""
    frame = fit_frame(np.zeros((height, width), np.uint8), 2 * width, 2 * height, SETTINGS)
    found = np.array(frame.luma.shape)
    long_side = min(max(height, width, MIN_SIDE_PX), SETTINGS.work_size_px)
    assert found.max() == long_side
    exact = np.array([height, width]) * long_side / max(height, width)
    assert np.abs(found - exact).max() < 1
    assert (frame.width, frame.height) == (2 * width, 2 * height)


def test_a_frame_that_fits_is_not_touched() -> None:
    """A picture at a working resolution is taken as it is, without a copy."""
    luma = on_paper(200)
    assert fit_frame(luma, 640, 480, SETTINGS).luma is luma


def test_a_hairline_survives_reduction() -> None:
    """A line of 3 px in a picture four times too large still darkens what it crosses."""
    luma = np.full((3840, 5120), 220, np.uint8)
    luma[:, 2001:2004] = 20
    assert fit_frame(luma, 5120, 3840, SETTINGS).luma[:, 500].max() < 120
