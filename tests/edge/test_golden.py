"""The way from luma to model image, pinned: a shipped model holds for this way alone."""

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.crop import PREPROCESSING, model_image
from digitcam.edge.preprocess import find_ink, fit_frame
from digitcam.edge.segment import find_marks
from digitcam.edge.settings import Settings

TOLERANCE = 4
"""Grey levels; allows OpenCV's versions and processors to round each step differently."""
GOLDEN_VERSION = 1
GOLDEN = np.array(
    [
        [0, 0, 154, 0, 0, 0, 0, 0, 0],
        [0, 0, 236, 0, 0, 0, 0, 0, 0],
        [0, 0, 251, 0, 0, 0, 0, 0, 0],
        [0, 0, 249, 0, 0, 0, 0, 0, 0],
        [0, 0, 218, 70, 156, 70, 0, 0, 0],
        [0, 0, 225, 41, 0, 42, 226, 0, 0],
        [0, 0, 157, 87, 0, 0, 146, 0, 0],
        [0, 0, 200, 0, 0, 0, 199, 0, 0],
        [0, 0, 109, 195, 79, 196, 107, 0, 0],
    ],
    np.int64,
)
"""Every second row and column of the inner 18 x 18 px."""


def note() -> NDArray[np.uint8]:
    """Draw a soft, speckled 6 in uneven light, larger than the working size, by numpy alone."""
    y, x = np.mgrid[:1200, :1600].astype(np.float64) / 4
    ring = np.abs(np.hypot((x - 200) / 1.1, y - 170) - 26) - 4
    stem = np.maximum(np.abs(x - 176 - (y - 120) ** 2 / 300) - 4, np.abs(y - 130) - 42)
    coverage = np.clip(0.5 - np.minimum(ring, stem) / 5, 0, 1)
    paper = 215 - 0.15 * x - 0.1 * y
    luma = np.rint(paper - 95 * coverage)
    luma[::11, ::7] += 50
    return luma.astype(np.uint8)


def seen(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bring the one mark in an image to the network's input."""
    settings = Settings()
    frame = fit_frame(luma, luma.shape[1], luma.shape[0], settings.preprocess)
    (mark,) = find_marks(find_ink(frame.luma, settings.preprocess), settings.segment).digits
    return model_image(mark.contrast)


def test_the_model_image_is_the_pinned_one() -> None:
    """A mark gives the pinned image; if it has to change, raise PREPROCESSING, retrain, pin anew.

    Shipped models were trained for these pixels, and the version is what refuses older ones.
    """
    image = seen(note())
    assert GOLDEN_VERSION == PREPROCESSING
    assert np.abs(image[5:23:2, 5:23:2].astype(int) - GOLDEN).max() <= TOLERANCE
