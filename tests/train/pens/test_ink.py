"""Strokes in ink: their height, their width, and that none vanishes."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from digitcam.train.pens.curves import raster_of, rounded, settled
from digitcam.train.pens.ink import draw_strokes, owned_by
from digitcam.train.pens.pen import KINDS, WIDTHS, Kind, Pen, random_pen
from digitcam.train.pens.strokes import Points

DrawStrokes = Callable[..., list[Points]]
HEIGHTS = (10, 14, 28, 40, 100, 400)
BAR: list[Points] = [np.array([[0, 0], [0, 500], [0, 1000]], np.float32)]


def rng(seed: int = 0) -> np.random.Generator:
    """Return a source of draws."""
    return np.random.default_rng(seed)


@pytest.mark.parametrize("height", HEIGHTS)
@pytest.mark.parametrize("width", [1 / 40, 1 / 20, 1 / 10, 1 / 4])
def test_a_stroke_is_as_wide_as_its_pen(height: int, width: float) -> None:
    """Coverage across a stroke adds up to the width, within a tenth, or half a pixel if more."""
    ink = draw_strokes(BAR, height, Pen(width=width), rng())
    middle = ink[ink.shape[0] // 4 : 3 * ink.shape[0] // 4]
    measured = float(middle.sum(axis=1).mean()) / 255
    aim = width * height
    assert abs(measured - aim) <= max(0.1 * aim, min(0.5, 0.3 * aim))


@pytest.mark.parametrize("height", HEIGHTS)
@pytest.mark.parametrize("digit", [1, 2, 4, 8])
def test_ink_is_as_high_as_asked_for(digit_strokes: DrawStrokes, height: int, digit: int) -> None:
    """Within a pixel for its rim on either side, or three in a hundred."""
    for width in (1 / 40, 1 / 8):
        ink = draw_strokes(digit_strokes(digit), height, Pen(width=width), rng())
        assert abs(ink.shape[0] - height) <= max(2, 0.03 * height)


@pytest.mark.parametrize("kind", KINDS)
def test_the_thinnest_pen_is_still_there_at_14_px(digit_strokes: DrawStrokes, kind: Kind) -> None:
    """A stroke of a third of a pixel is a pale line that goes from top to bottom."""
    for seed in range(20):
        pen = replace(random_pen(rng(seed), kind), width=1 / 40)
        ink = draw_strokes(digit_strokes(1), 14, pen, rng(seed))
        rows = (ink > 0).any(axis=1).mean()
        assert rows > (0.5 if pen.grain or pen.skips else 0.95)
        assert ink.max() > 15
        if not pen.crisp:
            assert ink.max() < 200


@pytest.mark.parametrize("kind", KINDS)
def test_equal_seeds_give_equal_ink(digit_strokes: DrawStrokes, kind: Kind) -> None:
    """Pen and ink depend on the source of draws and on nothing else."""
    first, again, other = (
        draw_strokes(digit_strokes(5), 40, random_pen(r, kind), r) for r in map(rng, (3, 3, 4))
    )
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape or (first != other).any()


@pytest.mark.parametrize("kind", KINDS)
def test_pens_are_as_wide_as_their_kind(kind: Kind) -> None:
    """Widths stay within the kind's range and reach both halves of it."""
    widths = [random_pen(rng(seed), kind).width for seed in range(60)]
    low, high = WIDTHS[kind]
    assert low <= min(widths) < (low * high) ** 0.5 < max(widths) <= high


@pytest.mark.parametrize("kind", KINDS)
def test_ink_is_cut_to_itself(digit_strokes: DrawStrokes, kind: Kind) -> None:
    """Border rows and columns all hold ink."""
    for seed in range(5):
        ink = draw_strokes(digit_strokes(3), 30, random_pen(rng(seed), kind), rng(seed))
        assert all(side.any() for side in (ink[0], ink[-1], ink[:, 0], ink[:, -1]))


def test_a_finger_leaves_no_grey(digit_strokes: DrawStrokes) -> None:
    """Drawing on a screen is not anti-aliased."""
    ink = draw_strokes(digit_strokes(6), 30, random_pen(rng(), "finger"), rng())
    assert set(np.unique(ink)) == {0, 255}


def test_a_broad_nib_is_broad_one_way() -> None:
    """A level nib draws a bar down at full width and one across at a fraction."""
    pen = Pen(width=0.2, chisel=0.7, nib_angle=0.0)
    across: list[Points] = [BAR[0][:, ::-1].copy()]
    down = draw_strokes(BAR, 100, pen, rng())
    level = draw_strokes(across, 100, pen, rng())
    assert down[50].sum() / 255 == pytest.approx(20, abs=1.5)
    assert level[:, 50].sum() / 255 == pytest.approx(6, abs=1.5)


def test_a_brush_tapers() -> None:
    """It is thinner where a stroke ends than in its middle."""
    ink = draw_strokes(BAR, 200, Pen(width=0.1, taper=0.8), rng())
    widths = ink.sum(axis=1) / 255
    assert widths[2:6].mean() < 0.6 * widths[90:110].mean()


def test_grain_breaks_a_stroke_up() -> None:
    """Chalk's coverage varies within the stroke, an even pen's doesn't."""
    deviations = [
        draw_strokes(BAR, 200, pen, rng())[60:140, 8:12].std()
        for pen in (Pen(width=0.1), Pen(width=0.1, grain=0.7))
    ]
    assert deviations[0] == 0
    assert deviations[1] > 30


def test_a_dot_is_ink() -> None:
    """One recorded point is a dot as wide as the pen."""
    ink = draw_strokes([np.zeros((1, 2), np.float32)], 50, Pen(width=0.1), rng())
    assert abs(ink.shape[0] - 5) <= 2
    assert ink.max() > 200


def test_stairs_of_a_coarse_tablet_become_a_slope() -> None:
    """A flight of 20 stairs ends up within half a step of the line, its ends in place."""
    steps = np.arange(21) * 50.0
    stairs = np.stack([np.repeat(steps, 2)[1:], np.repeat(steps, 2)[:-1]], axis=1)
    assert raster_of([stairs.astype(np.float32)]) == 50
    (line,) = settled([stairs.astype(np.float32)])
    assert np.abs(line[:, 0] - line[:, 1]).max() < 30
    np.testing.assert_allclose(line[[0, -1]], stairs[[0, -1]], atol=1)


def test_a_curve_runs_through_its_points_and_keeps_corners() -> None:
    """Sparse points of a circle become round; a right angle stays one."""
    turn = np.linspace(0, 2 * np.pi, 13)
    circle = 100 * np.stack([np.cos(turn), np.sin(turn)], axis=1).astype(np.float32)
    radii = np.hypot(*rounded(circle, 8)[10:-10].T)
    assert np.abs(radii - 100).max() < 1
    corner = np.array([[0, 0], [50, 0], [100, 0], [100, 50], [100, 100]], np.float32)
    curve = rounded(corner, 5)
    assert np.minimum(np.abs(curve[:, 1]), np.abs(curve[:, 0] - 100)).max() < 1e-3


def test_ink_that_no_stroke_reaches_is_nobodys() -> None:
    """Ink apart from all that is owned stays without an owner, and the search for one ends."""
    ink = np.zeros((9, 20), np.uint8)
    ink[4, 2:6] = ink[4, 12:16] = 255
    owner = np.zeros_like(ink)
    owner[4, 3] = 1
    told = owned_by(owner, ink)
    assert (told[4, 2:6] == 1).all()
    assert not told[4, 12:16].any()
    assert not owned_by(np.zeros_like(ink), ink).any()
