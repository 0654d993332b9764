"""Which digits are drawn."""

import numpy as np
import pytest

from digitcam.convert.errors import SampleError
from digitcam.convert.samples import (
    CALIBRATION_PER_CLASS,
    balanced_indices,
    calibration_images,
    golden_indices,
)

LABELS = np.random.default_rng(3).integers(0, 10, 3000).astype(np.uint8)
IMAGES = np.random.default_rng(4).integers(0, 200, (3000, 28, 28)).astype(np.uint8)


def test_golden_images_are_balanced() -> None:
    """A thousand golden images hold a hundred of each digit, none twice."""
    chosen = golden_indices(LABELS)
    assert len(np.unique(chosen)) == 1000
    assert np.bincount(LABELS[chosen]).tolist() == [100] * 10


def test_equal_seeds_draw_equal_images() -> None:
    """The choice depends on the seed and on nothing else."""
    first, again, other = (balanced_indices(LABELS, 20, seed, "test") for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_calibration_reaches_both_ends() -> None:
    """Calibration images hold a black one, one that reaches 255, and at the end the run's own."""
    extras = IMAGES[:7]
    images = calibration_images(IMAGES, LABELS, extras)
    assert images.shape == (10 * CALIBRATION_PER_CLASS + 1 + 7, 28, 28)
    assert np.array_equal(images[-7:], extras)
    assert images.dtype == np.uint8
    assert images[0].max() == 0
    assert images.max() == 255


def test_a_rare_digit_is_named() -> None:
    """Too few images of a digit are refused with the digit and the count."""
    labels = np.where(LABELS == 5, 6, LABELS).astype(np.uint8)
    with pytest.raises(SampleError, match="at least 100 images of each digit, found 0 of 5"):
        golden_indices(labels)
