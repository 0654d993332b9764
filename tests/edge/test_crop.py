"""The model image: what every mark looks like to the network."""

import re
import subprocess
import sys

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitcam.edge.crop import (
    CONTENT_PX,
    IMAGE_PX,
    IMAGE_SHAPE,
    PADDING_PX,
    fingerprint,
    model_image,
    model_images,
)
from digitcam.train.handwriting import draw_digit

Gray = NDArray[np.uint8]

MIDDLE = (slice(PADDING_PX, -PADDING_PX),) * 2


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


def test_the_constants_are_those_of_the_contract() -> None:
    """28 x 28 px: 18 x 18 of content and 5 px around."""
    assert (IMAGE_SHAPE, CONTENT_PX, PADDING_PX) == ((28, 28), 18, 5)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(patch=patches())
def test_the_padding_stays_black(patch: Gray) -> None:
    """Any patch becomes (28, 28) uint8 with all of its content in the middle 18 x 18."""
    image = model_image(patch)
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert image.sum() == image[MIDDLE].sum()
    assert bool(image.any()) is bool(patch.any())


@settings(max_examples=200, derandomize=True, deadline=None)
@given(width=st.integers(1, 200), height=st.integers(1, 200), level=st.integers(1, 255))
def test_the_aspect_is_kept(width: int, height: int, level: int) -> None:
    """The longer side becomes 18 px, the shorter what the aspect says, within a pixel, centred."""
    left, top, *size = content(model_image(np.full((height, width), level, np.uint8)))
    exact = [max(side * 18 / max(width, height), 1) for side in (width, height)]
    assert max(size) == 18
    assert max(abs(found - wanted) for found, wanted in zip(size, exact, strict=True)) <= 1
    assert abs(2 * left + size[0] - IMAGE_PX) <= 1
    assert abs(2 * top + size[1] - IMAGE_PX) <= 1


@pytest.mark.parametrize("size", [(60, 6), (12, 2), (200, 20), (18, 1), (5000, 3)])
def test_a_vertical_bar_stays_narrow(size: tuple[int, int]) -> None:
    """A 1 is a bar a tenth as wide as high, not a square."""
    image = model_image(np.full(size, 180, np.uint8))
    assert image[MIDDLE].max(axis=1).min() == 255
    assert content(image)[2] <= 3


@settings(max_examples=100, derandomize=True, deadline=None)
@given(number=st.integers(0, 9), faint=st.integers(8, 60), factor=st.sampled_from([2, 4]))
def test_faint_ink_looks_like_strong_ink(number: int, faint: int, factor: int) -> None:
    """Ink of twice and four times the contrast gives the same image, to the grey level."""
    patch = np.rint(digit(number) * (faint / 255)).astype(np.uint8)
    assert np.array_equal(model_image(patch), model_image(patch * np.uint8(factor)))


def test_ink_is_white_and_paper_is_black() -> None:
    """Pencil of 70 grey levels uses the full range."""
    image = model_image((digit(8) * (70 / 255)).astype(np.uint8))
    assert (image.min(), image.max()) == (0, 255)


def test_a_halo_is_taken_for_paper() -> None:
    """What has less than a quarter of the peak's contrast neither shows nor moves the mark."""
    plain = np.zeros((80, 80), np.uint8)
    plain[10:70, 30:50] = 200
    halo = np.where(plain > 0, plain, 45).astype(np.uint8)
    assert np.array_equal(model_image(plain), model_image(halo))


@settings(max_examples=100, derandomize=True, deadline=None)
@given(patch=patches(), margins=st.tuples(*[st.integers(0, 20)] * 4))
def test_empty_margins_do_not_matter(patch: Gray, margins: tuple[int, int, int, int]) -> None:
    """Black around a mark changes nothing: the ink decides, not the box."""
    top, bottom, left, right = margins
    wide = np.pad(patch, ((top, bottom), (left, right)))
    assert np.array_equal(model_image(patch), model_image(wide))


@pytest.mark.parametrize("number", range(10))
def test_the_size_it_was_written_in_does_not_matter(number: int) -> None:
    """The same digit large and small gives images alike: 10 grey levels apart on average."""
    large, small = digit(number, 96), digit(number, 24)
    apart = cv2.absdiff(model_image(large), model_image(small))
    assert apart.mean() <= 10


@pytest.mark.parametrize("number", range(10))
def test_a_model_image_is_nearly_its_own_model_image(number: int) -> None:
    """Cropping what was cropped moves the content by a pixel at most."""
    once = model_image(digit(number))
    twice = model_image(once)
    moved = np.abs(np.subtract(content(once), content(twice)))
    assert moved.max() <= 1
    assert cv2.absdiff(once, twice).mean() <= 12


def test_the_patch_is_left_as_it_was() -> None:
    """A view into a frame is read only."""
    frame = np.zeros((100, 100), np.uint8)
    frame[20:80, 40:60] = digit(0)[:, :20]
    view = frame[15:85, 35:65]
    view.flags.writeable = False
    assert np.array_equal(model_image(view), model_image(view.copy()))


def test_many_are_each() -> None:
    """A batch holds in order what each mark gives by itself; no marks give no images."""
    marks = [digit(number) for number in range(10)] + [np.zeros((5, 5), np.uint8)]
    images = model_images(marks)
    assert images.shape == (11, 28, 28)
    assert all(np.array_equal(a, model_image(b)) for a, b in zip(images, marks, strict=True))
    assert model_images([]).shape == (0, 28, 28)


def test_the_fingerprint_is_the_same_everywhere() -> None:
    """Another process computes the same hash, so that a bundle travels."""
    code = "from digitcam.edge.crop import fingerprint; print(fingerprint())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", fingerprint())
    assert other.stdout.strip() == fingerprint()
