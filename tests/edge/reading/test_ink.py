"""Ink stands out of its ground at some scale, in the polarity that it has."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitcam.edge.frame import Box
from digitcam.edge.reading.ink import (
    BLOCK,
    LINE_PX,
    MIN_FLOOR,
    MIN_LEVEL_PX,
    MIN_SIDE_PX,
    Level,
    find_ink,
    find_polarities,
    fit_frame,
)

Gray = NDArray[np.uint8]
Draw = Callable[..., tuple[Gray, Box]]
DARK, BOTH = (False,), (False, True)


def noisy(luma: Gray, deviation: float) -> Gray:
    noise = np.random.default_rng(1).normal(0, deviation, luma.shape)
    return np.clip(np.rint(luma + noise), 0, 255).astype(np.uint8)


def floors(luma: Gray) -> list[int]:
    return [level.floor for level in find_ink(luma, "dark-on-light")]


def place_in(level: Level, box: Box) -> Gray:
    """Return a level's contrast at a box of the frame."""
    scale = level.scale
    rows = slice(box.y // scale, -(-box.bottom // scale))
    return level.contrast[rows, box.x // scale : -(-box.right // scale)]


# --- polarity --------------------------------------------------------------------------------


PENS = [(40, 1 / 40), (40, 0.25), (150, 0.1), (150, 0.25), (400, 1 / 40), (400, 0.12)]
"""Heights of digits, px, and widths of strokes, in heights."""


@pytest.mark.parametrize(("height", "pen"), PENS)
def test_dark_ink_is_looked_for_alone_on_a_page_of_dark_ink(
    draw: Draw, height: int, pen: float
) -> None:
    """Paper between strokes, such as in a 0, is no light ink."""
    for digit in (0, 1, 4, 8):
        luma, _ = draw(digit, on=(640, 480), height=height, pen=pen, at=(60, 50))
        assert find_polarities(luma) == DARK


@pytest.mark.parametrize(("height", "pen"), [*PENS, (400, 0.25)])
def test_light_ink_is_looked_for_where_it_is(draw: Draw, height: int, pen: float) -> None:
    """Chalk on a board is seen, whatever its size and pen."""
    for digit in (0, 1, 4, 8):
        luma, _ = draw(digit, on=(640, 480), height=height, pen=pen, at=(60, 50), light=True)
        assert find_polarities(luma) == BOTH


def test_both_are_looked_for_where_neither_is_clear(draw: Draw) -> None:
    """Bare ground, a sheet on a dark desk, and dark beside light ink tell nothing."""
    bare = np.full((480, 640), 128, np.uint8)
    desk = cv2.copyMakeBorder(
        draw(5, on=(240, 180))[0], 90, 90, 120, 120, cv2.BORDER_CONSTANT, value=(30,)
    )
    mixed, _ = draw(3, on=bare, contrast=100)
    mixed, _ = draw(3, on=mixed, contrast=100, at=(400, 300), light=True)
    for luma in (bare, np.asarray(desk, np.uint8), mixed):
        assert find_polarities(luma) == BOTH


@pytest.mark.parametrize(
    ("polarity", "sides"), [("dark-on-light", {False}), ("light-on-dark", {True})]
)
def test_a_polarity_that_is_set_is_the_only_one(
    draw: Draw, polarity: str, sides: set[bool]
) -> None:
    """Whoever knows which it is spares the other, even where it is in sight."""
    luma, _ = draw(5, on=(240, 180), light=not any(sides))
    assert {level.light_on_dark for level in find_ink(luma, polarity)} == sides


# --- scales ----------------------------------------------------------------------------------


@settings(max_examples=30, derandomize=True, deadline=None)
@given(
    digit=st.integers(0, 9),
    height=st.integers(30, 400),
    pen=st.floats(1 / 40, 1 / 4),
    contrast=st.integers(12, 170),
    light=st.booleans(),
)
def test_a_stroke_stands_out_whole_at_some_scale(
    draw: Draw, digit: int, height: int, pen: float, contrast: int, light: bool
) -> None:
    """Its contrast is there to nine tenths from pens of two pixels on, to half in hairlines."""
    pen = max(pen, 1 / height)
    luma, box = draw(digit, on=(640, 480), height=height, pen=pen, contrast=contrast, light=light)
    seen = max(
        int(place_in(level, box).max()) for level in find_ink(luma) if level.light_on_dark == light
    )
    least = 0.9 if pen * height >= 2.5 else 0.4
    # Allows one grey level of rounding.
    assert least * contrast - 1 <= seen <= contrast + 1


@settings(max_examples=40, derandomize=True, deadline=None)
@given(width=st.integers(1, 300), height=st.integers(1, 300), seed=st.integers(0, 99))
def test_each_level_has_half_the_side_of_the_last(width: int, height: int, seed: int) -> None:
    """Scales are 1, 2, 4, ... as long as a digit may be in it; odd sides are rounded up."""
    luma = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    levels = find_ink(luma, "dark-on-light")
    assert [level.scale for level in levels] == [2**i for i in range(len(levels))]
    for level in levels:
        shape = tuple(-(-side // level.scale) for side in luma.shape)
        assert level.contrast.shape == shape
        assert level.scale == 1 or min(shape) >= MIN_LEVEL_PX
    assert min(-(-side // (2 * levels[-1].scale)) for side in luma.shape) < MIN_LEVEL_PX


def test_even_light_and_its_fall_are_no_ink() -> None:
    """Paper whose far side has a third of the light has less contrast than ink inside the frame."""
    luma = np.broadcast_to(np.linspace(240, 80, 640), (480, 640)).astype(np.uint8)
    for level in find_ink(luma, "dark-on-light")[:3]:
        assert level.contrast[:, : -2 * BLOCK].max() < level.floor


@pytest.mark.parametrize("contrast", [30, 120])
def test_ink_is_found_in_a_shadow(draw: Draw, contrast: int) -> None:
    """The paper's dark side may be darker than ink on its bright side."""
    light = np.broadcast_to(np.linspace(240, 70, 640), (480, 640)).astype(np.uint8)
    seen, box = light, Box(0, 0, 1, 1)
    for x in (60, 280, 500):
        seen, box = draw(8, on=seen, height=60, at=(x, 200), contrast=min(contrast, 60))
        finest = find_ink(seen)[0]
        assert place_in(finest, box).max() >= 0.9 * min(contrast, 60)


# --- the floor -------------------------------------------------------------------------------


def test_grain_raises_the_floor() -> None:
    """Ink is four deviations of the grain; each level has half of the last one's."""
    paper = np.full((480, 640), 180, np.uint8)
    assert set(floors(paper)) == {MIN_FLOOR}
    before = MIN_FLOOR
    for deviation in (3, 6, 12):
        found = floors(noisy(paper, deviation))
        # Allows the estimate of the deviation to be off by an eighth.
        assert abs(found[0] - 4 * deviation) <= deviation / 2
        assert found[0] > before
        assert abs(found[1] - found[0] / 2) <= 1
        assert found == sorted(found, reverse=True)
        assert min(found) == MIN_FLOOR
        before = found[0]


def test_a_page_full_of_ink_is_not_grain(draw: Draw) -> None:
    """What strokes differ by does not count: most of a page is paper."""
    luma = np.full((480, 640), 215, np.uint8)
    for y in range(20, 440, 60):
        for x in range(20, 600, 50):
            luma, _ = draw((x + y) % 10, on=luma, height=45, at=(x, y))
    assert set(floors(luma)) == {MIN_FLOOR}


# --- lines -----------------------------------------------------------------------------------


def test_lines_go_and_digits_stay(draw: Draw) -> None:
    """Without its lines a level has the digit between them, and what was straight and long not."""
    luma, box = draw(8, on=(320, 240), height=20, pen=0.12, at=(150, 105))
    for row in (90, 140):
        luma[row : row + 2] = 80
    luma[:, 120:122] = 80
    level = find_ink(luma)[0]
    bare = level.without_lines()
    assert level.ruled
    assert not bare.ruled
    assert (bare.scale, bare.floor) == (level.scale, level.floor)
    assert (bare.contrast <= level.contrast).all()
    beside = np.s_[:, : 120 - LINE_PX]
    assert level.contrast[beside].max() > 100
    assert bare.contrast[beside].max() < level.floor
    assert place_in(bare, box).max() > 100


def test_a_stroke_that_crosses_a_line_goes_on() -> None:
    """Where the line was, the stroke is closed over it, to more than half of its contrast."""
    luma = np.full((240, 320), 215, np.uint8)
    luma[100:103] = 95
    luma[90:112, 200:203] = 95
    bare = find_ink(luma)[0].without_lines()
    assert bare.contrast[92:110, 201].min() > 60
    assert bare.contrast[101, 20:150].max() == 0


# --- the working resolution ------------------------------------------------------------------


@settings(max_examples=60, derandomize=True, deadline=None)
@given(width=st.integers(1, 600), height=st.integers(1, 600), most=st.sampled_from([96, 200, 1600]))
def test_frames_are_brought_to_the_working_size(width: int, height: int, most: int) -> None:
    """The long side is at least 96 px and at most what was set; aspect and given size are kept."""
    frame = fit_frame(np.zeros((height, width), np.uint8), 2 * width, 2 * height, most)
    long_side = max(width, height)
    expected = min(max(long_side, MIN_SIDE_PX), most)
    assert max(frame.luma.shape) == expected
    assert (frame.width, frame.height) == (2 * width, 2 * height)
    other = min(width, height) * expected / long_side
    assert abs(min(frame.luma.shape) - max(other, 1)) <= 0.5


def test_a_frame_that_fits_is_left_as_it_is() -> None:
    """Nothing is copied where nothing is scaled."""
    luma = np.zeros((480, 640), np.uint8)
    assert fit_frame(luma, 640, 480, 1600).luma is luma
