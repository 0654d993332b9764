"""The model image: what every mark looks like to the network, pinned."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from types import ModuleType

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitcam.edge.frame import Box
from digitcam.edge.reading import ink, marks, view
from digitcam.edge.reading.ink import Level, find_ink, fit_frame
from digitcam.edge.reading.marks import Mark, find_marks
from digitcam.edge.reading.view import (
    CONTENT_PX,
    FULL,
    IMAGE_PX,
    IMAGE_SHAPE,
    PADDING_PX,
    fingerprint,
    model_image,
    model_images,
    stretched,
)
from digitcam.edge.settings import Settings
from digitcam.train.handwriting import draw_digit

Gray = NDArray[np.uint8]
Draw = Callable[..., tuple[Gray, Box]]

MIDDLE = (slice(PADDING_PX, -PADDING_PX),) * 2
TOLERANCE = 4
"""Grey levels; allows OpenCV's versions and processors to round each step differently."""
GOLDEN_VERSION = 3
GOLDEN = np.array(
    [
        [0, 0, 143, 10, 0, 0, 0, 0, 0],
        [0, 0, 192, 10, 0, 0, 0, 0, 0],
        [0, 0, 213, 9, 0, 0, 0, 0, 0],
        [0, 0, 203, 9, 0, 0, 0, 0, 0],
        [0, 0, 165, 85, 188, 95, 12, 0, 0],
        [0, 0, 215, 106, 80, 92, 207, 0, 0],
        [0, 17, 244, 117, 0, 1, 156, 23, 0],
        [0, 9, 206, 30, 0, 4, 189, 10, 0],
        [0, 0, 138, 193, 92, 190, 141, 0, 0],
    ],
    np.int64,
)
"""Every second row and column of the inner 18 x 18 px."""


@st.composite
def patches(draw: st.DrawFn) -> Gray:
    """Draw grey noise of any size and strength, some of it black."""
    shape = draw(st.integers(1, 120)), draw(st.integers(1, 120))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    noise = rng.integers(0, draw(st.integers(1, 256)), shape)
    return (noise * (rng.random(shape) < draw(st.floats(0, 1)))).astype(np.uint8)


def digit(number: int, height: int = 60) -> Gray:
    return draw_digit(number, np.random.default_rng(number), height)


def content(image: Gray) -> tuple[int, int, int, int]:
    """Return left, top, width and height of what is not black."""
    x, y, width, height = cv2.boundingRect(image)
    return x, y, width, height


# --- its form --------------------------------------------------------------------------------


def test_the_constants_are_those_of_the_contract() -> None:
    """28 x 28 px: 18 x 18 of content and 5 px around."""
    assert (IMAGE_SHAPE, CONTENT_PX, PADDING_PX) == ((28, 28), 18, 5)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(patch=patches(), floor=st.integers(0, 60))
def test_the_padding_stays_black(patch: Gray, floor: int) -> None:
    """Any patch becomes (28, 28) uint8 with all of its content in the middle 18 x 18."""
    image = model_image(patch, floor)
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert image.sum() == image[MIDDLE].sum()
    assert not image.any() or image.max() == 255


@settings(max_examples=100, derandomize=True, deadline=None)
@given(width=st.integers(1, 200), height=st.integers(1, 200), level=st.integers(1, 255))
def test_the_aspect_is_kept(width: int, height: int, level: int) -> None:
    """The longer side becomes 18 px, the shorter what the aspect says, within a pixel, centred."""
    left, top, *size = content(model_image(np.full((height, width), level, np.uint8), level / 2))
    exact = [max(side * 18 / max(width, height), 1) for side in (width, height)]
    assert max(size) == 18
    assert max(abs(found - wanted) for found, wanted in zip(size, exact, strict=True)) <= 1
    assert abs(2 * left + size[0] - IMAGE_PX) <= 1
    assert abs(2 * top + size[1] - IMAGE_PX) <= 1


@pytest.mark.parametrize("size", [(60, 6), (12, 2), (200, 20), (18, 1), (5000, 3)])
def test_a_vertical_bar_stays_narrow(size: tuple[int, int]) -> None:
    """A 1 is a bar a tenth as wide as high, not a square."""
    image = model_image(np.full(size, 180, np.uint8), 40)
    assert image[MIDDLE].max(axis=1).min() == 255
    assert content(image)[2] <= 3


@pytest.mark.parametrize("number", range(10))
@pytest.mark.parametrize("height", [60, 150, 400])
def test_a_thin_stroke_is_not_pale(draw: Draw, number: int, height: int) -> None:
    """A pen of a fortieth of the height is white all along, though it is half a pixel wide here."""
    luma, _ = draw(number, on=(640, 480), height=height, pen=1 / 40)
    mark = max(find_marks(find_ink(luma, "dark-on-light")), key=lambda each: each.box.area)
    image = model_image(mark.contrast, mark.floor)
    assert image.max() == 255
    assert np.median(image[image > 60]) >= 110


# --- contrast --------------------------------------------------------------------------------


def test_contrast_is_stretched_from_half_the_floor_to_a_strokes_middle() -> None:
    """Half the floor is black, most of the peak is white, and between it is even."""
    contrast = np.arange(0, 201, dtype=np.uint8)[None]
    bright = stretched(contrast, 40)[0]
    assert bright[:21].max() == 0
    assert bright[round(FULL * 200) :].min() == 255
    between = bright[21:120].astype(int)
    # Allows each of the hundred levels to be rounded.
    assert np.abs(np.diff(between) - 255 / 100).max() < 1


@settings(max_examples=50, derandomize=True, deadline=None)
@given(number=st.integers(0, 9), faint=st.integers(20, 60), factor=st.sampled_from([2, 4]))
def test_faint_ink_looks_like_strong_ink(number: int, faint: int, factor: int) -> None:
    """Ink of twice and four times the contrast, and the floor with it, gives the same image."""
    patch = np.rint(digit(number) * (faint / 255)).astype(np.uint8)
    one = model_image(patch, 8)
    other = model_image(patch * np.uint8(factor), 8 * factor)
    # Allows a grey level of rounding, enlarged by the brightest pixel.
    assert cv2.absdiff(one, other).max() <= 2


@settings(max_examples=50, derandomize=True, deadline=None)
@given(patch=patches(), margins=st.tuples(*[st.integers(0, 20)] * 4))
def test_empty_margins_do_not_matter(patch: Gray, margins: tuple[int, int, int, int]) -> None:
    """Black around a mark changes nothing: the ink decides, not the box."""
    top, bottom, left, right = margins
    wide = np.pad(patch, ((top, bottom), (left, right)))
    assert np.array_equal(model_image(patch, 20), model_image(wide, 20))


@pytest.mark.parametrize("number", range(10))
def test_the_size_it_was_written_in_does_not_matter(number: int) -> None:
    """The same digit large and small gives images alike: 10 grey levels apart on average."""
    large, small = digit(number, 96), digit(number, 24)
    assert cv2.absdiff(model_image(large, 40), model_image(small, 40)).mean() <= 10


def test_the_patch_is_left_as_it_was() -> None:
    """A view into a frame is read only."""
    frame = np.zeros((100, 100), np.uint8)
    frame[20:80, 40:60] = digit(0)[:, :20]
    part = frame[15:85, 35:65]
    part.flags.writeable = False
    assert np.array_equal(model_image(part, 20), model_image(part.copy(), 20))


def test_many_are_each() -> None:
    """A batch holds in order what each mark gives by itself; no marks give no images."""
    level = Level(np.zeros((1, 1), np.uint8), 1, 6, light_on_dark=False)
    planes = [digit(number) for number in range(10)] + [np.zeros((5, 5), np.uint8)]
    found = [Mark(Box(0, 0, 1, 1), plane, 12, level) for plane in planes]
    images = model_images(found)
    assert images.shape == (11, 28, 28)
    assert all(np.array_equal(a, model_image(b, 12)) for a, b in zip(images, planes, strict=True))
    assert model_images([]).shape == (0, 28, 28)


# --- the whole way, pinned -------------------------------------------------------------------


def note() -> Gray:
    """Draw a soft, speckled 6 in uneven light, larger than the working size, by numpy alone."""
    y, x = np.mgrid[:1440, :1920].astype(np.float64) / 4.8
    ring = np.abs(np.hypot((x - 200) / 1.1, y - 170) - 26) - 4
    stem = np.maximum(np.abs(x - 176 - (y - 120) ** 2 / 300) - 4, np.abs(y - 130) - 42)
    coverage = np.clip(0.5 - np.minimum(ring, stem) / 5, 0, 1)
    paper = 215 - 0.15 * x - 0.1 * y
    luma = np.rint(paper - 95 * coverage)
    luma[::11, ::7] += 20
    return luma.astype(np.uint8)


def seen(luma: Gray) -> Gray:
    """Bring the largest mark in an image to the network's input."""
    frame = fit_frame(luma, luma.shape[1], luma.shape[0], Settings().preprocess.work_size_px)
    found = find_marks(find_ink(frame.luma))
    mark = max((each for each in found if each.box.area < luma.size / 4), key=lambda m: m.box.area)
    return model_image(mark.contrast, mark.floor)


def test_the_model_image_is_the_pinned_one() -> None:
    """A mark gives the pinned image; if it has to change, raise VERSION, retrain, pin anew.

    Shipped models were trained for these pixels, and the version is what refuses older ones.
    """
    image = seen(note())
    assert GOLDEN_VERSION == view.VERSION
    assert np.abs(image[5:23:2, 5:23:2].astype(int) - GOLDEN).max() <= TOLERANCE


# --- the fingerprint -------------------------------------------------------------------------


def test_the_fingerprint_is_the_same_everywhere() -> None:
    """Another process computes the same hash, so that a bundle travels."""
    code = "from digitcam.edge.reading.view import fingerprint; print(fingerprint())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", fingerprint())
    assert other.stdout.strip() == fingerprint()


def constants() -> Iterator[tuple[ModuleType, str]]:
    """Yield every number that the modules before the model image were written with."""
    for module in (ink, marks, view):
        for name, value in vars(module).items():
            if name.isupper() and isinstance(value, int | float | tuple):
                yield module, name


@pytest.mark.parametrize(
    ("module", "name"), [pytest.param(m, n, id=f"{m.__name__[-5:]}-{n}") for m, n in constants()]
)
def test_the_fingerprint_tells_of_every_constant(
    module: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever number of ink, marks or view is another, models that were trained before go."""
    before, value = fingerprint(), getattr(module, name)
    other = (*value, 1) if isinstance(value, tuple) else value + 1
    monkeypatch.setattr(module, name, other)
    assert fingerprint() != before


def test_the_constants_that_count_are_there() -> None:
    """Those that decide most are among them, by name."""
    names = {name for _, name in constants()}
    assert {"BLOCK", "NOISE_FLOOR", "MIN_FLOOR", "STEP", "SAME", "FULL", "CONTENT_PX"} <= names
    assert {"VERSION", "MAX_HEIGHT_PX", "LINE_PX", "DECISIVE"} <= names
