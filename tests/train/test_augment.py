"""Distorted digits are still digits, in the form that the device shows the network."""

from dataclasses import fields, replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitcam.edge.reading.view import CONTENT_PX, IMAGE_SHAPE, PADDING_PX, model_image
from digitcam.train.augment import FLOOR, AugmentSettings, _moved, augment, plain_images
from digitcam.train.data import DigitData

DEFAULT = AugmentSettings()
LEAST = {"elastic_grid": 4, "floor": 0.08}
"""A grid must have points, and the threshold always takes something."""
NOTHING = AugmentSettings(
    **{field.name: LEAST.get(field.name, 0) for field in fields(AugmentSettings)}
)


def distorted(
    images: NDArray[np.uint8], seed: int = 0, settings: AugmentSettings = DEFAULT
) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    return np.stack([augment(image, rng, settings) for image in images])


def correlations(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(N, 28, 28), (M, 28, 28) -> (N, M) Pearson correlations, -1 to 1."""
    return np.corrcoef(a.reshape(len(a), -1), b.reshape(len(b), -1))[: len(a), len(a) :]


def test_augmented_digits_are_model_images(digits: DigitData) -> None:
    """The result is uint8 (28, 28), black outside the inner 18 x 18, which the ink spans."""
    images = distorted(digits.x_train)
    assert images.dtype == np.uint8
    assert images.shape[1:] == IMAGE_SHAPE
    inner = slice(PADDING_PX, PADDING_PX + CONTENT_PX)
    outside = images.copy()
    outside[:, inner, inner] = 0
    assert not outside.any()
    rows, columns = (images.any(axis=axis).sum(axis=1) for axis in (2, 1))
    # Shrinking may round a last faint row or column to nothing.
    assert (np.maximum(rows, columns) >= CONTENT_PX - 2).all()


def test_equal_generators_distort_alike(digits: DigitData) -> None:
    """The generator's state decides the result to the last bit."""
    images = digits.x_train[:20]
    assert np.array_equal(distorted(images, 3), distorted(images, 3))
    assert not np.array_equal(distorted(images, 3), distorted(images, 4))


def test_half_of_the_digits_see_no_camera(digits: DigitData) -> None:
    """Without a camera blur, light and grain do nothing; half of the digits have one."""
    images = digits.x_train[:40]
    dark = {"blur_px": 0.0, "light": 0.0, "noise": 0.9}
    bent = distorted(images, 3, replace(DEFAULT, camera=0.0))
    assert np.array_equal(bent, distorted(images, 3, replace(DEFAULT, camera=0.0, **dark)))
    assert not np.array_equal(bent, distorted(images, 3, replace(DEFAULT, camera=1.0)))
    seen = replace(DEFAULT, plain=0.0)
    pairs = [
        [augment(image, np.random.default_rng(seed), each) for seed, image in enumerate(images)]
        for each in (seen, replace(seen, **dark))
    ]
    changed = sum(not np.array_equal(*pair) for pair in zip(*pairs, strict=True))
    assert 8 <= changed <= 32


def test_every_draw_differs(digits: DigitData) -> None:
    """A digit is hardly ever distorted twice in the same way; one in ten is left as it is."""
    rng = np.random.default_rng(0)
    always = replace(DEFAULT, plain=0)
    assert len({augment(digits.x_train[5], rng, always).tobytes() for _ in range(50)}) == 50
    images = [augment(digits.x_train[5], rng, DEFAULT) for _ in range(300)]
    plain = plain_images(digits.x_train[5:6])[0]
    assert 10 <= sum(np.array_equal(image, plain) for image in images) <= 55


@pytest.mark.parametrize("way_px", [3.0, 9.0])
def test_a_moved_camera_smears_ink(digits: DigitData, way_px: float) -> None:
    """Ink is spread along the way; none is added."""
    still, rng = digits.x_train[3], np.random.default_rng(0)
    for _ in range(5):
        moved = np.asarray(_moved(still, way_px, rng))
        assert (moved > 30).sum() > (still > 30).sum()
        assert abs(moved.sum(dtype=float) / still.sum(dtype=float) - 1) < 0.1


def test_the_original_is_left_alone(digits: DigitData) -> None:
    """Distorting a digit does not write to it."""
    before = digits.x_train[:20].copy()
    distorted(digits.x_train[:20])
    assert np.array_equal(digits.x_train[:20], before)


def test_ink_never_vanishes(digits: DigitData) -> None:
    """However thin the pen, dim the light and shaky the hand, 6 px and more of strong ink stay."""
    for seed in range(4):
        images = distorted(digits.x_train, seed)
        assert ((images >= 128).sum(axis=(1, 2)) >= 6).all()
        # Ink stays the lesser part: the thickest pen leaves paper, even in a lying 1's narrow box.
        assert (images.mean(axis=(1, 2)) < 128).all()


def test_nothing_but_the_crop_is_left_without_distortion(digits: DigitData) -> None:
    """With all bounds at nothing a digit is where it was, neither turned nor mirrored."""
    images = digits.x_train[:50]
    alike = correlations(distorted(images, 0, NOTHING), plain_images(images)).diagonal()
    # The way over the enlarged canvas softens edges, which may move the crop by up to 1 px.
    assert alike.mean() > 0.93
    assert alike.min() > 0.75


def test_plain_images_are_the_devices(digits: DigitData) -> None:
    """Undistorted digits go through the device's view and nothing else."""
    plain = plain_images(digits.x_test)
    assert np.array_equal(plain, [model_image(x, FLOOR * x.max()) for x in digits.x_test])
    assert plain_images(digits.x_test[:0]).shape == (0, *IMAGE_SHAPE)


@pytest.mark.parametrize("side", [10, 28, 60, 150])
def test_marks_of_any_size_are_distorted_alike(digits: DigitData, side: int) -> None:
    """However large it is given, a mark fills its image and stays nearest to itself."""
    images = digits.x_train[:40]
    sized = [cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA) for image in images]
    rng = np.random.default_rng(1)
    found = np.stack([augment(np.asarray(x, np.uint8), rng, DEFAULT) for x in sized])
    own = correlations(found, plain_images(images)).diagonal()
    assert np.mean(own) > 0.5
    assert (np.maximum(*(found.any(axis=a).sum(axis=1) for a in (1, 2))) >= CONTENT_PX - 2).all()


def test_a_marks_floor_decides_what_is_ink() -> None:
    """The shade around a bar is ink where the floor is low, and black where it is high."""
    bar = np.zeros((28, 28), np.uint8)
    bar[4:24, 4:24] = 60
    bar[4:24, 13:15] = 255
    bent = replace(DEFAULT, camera=0.0, plain=0.0)
    low, high = (
        (augment(bar, np.random.default_rng(0), bent, floor) > 50).sum() for floor in (20, 120)
    )
    assert high < 0.5 * low


def test_a_distorted_digit_stays_nearest_to_itself(digits: DigitData) -> None:
    """On average a distorted digit resembles its original far more than a different digit."""
    images, labels = digits.x_train, digits.y_train
    alike = correlations(distorted(images), plain_images(images))
    own = alike.diagonal()
    other = alike.mean(axis=1, where=labels[:, None] != labels)
    assert (own - other).mean() > 0.3
    assert (own > other).mean() > 0.98


@pytest.mark.parametrize("level", [64, 128, 255])
def test_faint_ink_is_stretched_to_the_full_range(digits: DigitData, level: int) -> None:
    """A digit in faint ink gives the same contrast as one in strong ink."""
    faint = (digits.x_train[:50].astype(np.uint16) * level // 255).astype(np.uint8)
    peaks = distorted(faint).max(axis=(1, 2))
    # A stroke thinner than a pixel of the model image stays below the full range.
    assert peaks.min() >= 200
    assert np.median(peaks) == 255
