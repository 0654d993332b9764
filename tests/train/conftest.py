"""Drawn digits that stand in for MNIST, so that the tests need no data."""

from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitcam.train.data import DATA_VARIABLE, DigitData
from digitcam.train.handwriting import draw_digit

TRAINING_DIGITS = 240
TEST_DIGITS = 60


@pytest.fixture(autouse=True)
def no_other_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the data set that the environment names out of the tests."""
    monkeypatch.delenv(DATA_VARIABLE, raising=False)


@pytest.fixture(scope="session")
def digits() -> DigitData:
    """Drawn digits as MNIST lays them out, all classes alike."""
    train, test = np.arange(TRAINING_DIGITS) % 10, np.arange(TEST_DIGITS) % 10
    rng = np.random.default_rng(7)
    return DigitData(
        np.stack([_mnist_like(draw_digit(int(digit), rng, 40)) for digit in train]),
        train.astype(np.uint8),
        np.stack([_mnist_like(draw_digit(int(digit), rng, 40)) for digit in test]),
        test.astype(np.uint8),
    )


@pytest.fixture(scope="session")
def digits_npz(digits: DigitData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The drawn digits as a Keras-layout file."""
    path = tmp_path_factory.mktemp("data") / "mnist.npz"
    np.savez_compressed(path, **vars(digits))
    return path


@pytest.fixture(scope="session")
def keras() -> ModuleType:
    """Keras with TensorFlow under it; without them the test is skipped."""
    pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install 'digitcam[train]'")
    module: ModuleType = pytest.importorskip("keras", reason="needs Keras")
    return module


def _mnist_like(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Fit ink into the inner 20 x 20 of a 28 x 28 image, the aspect kept."""
    scale = 20 / max(ink.shape)
    size = max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale))
    image = np.zeros((28, 28), np.uint8)
    left, top = (28 - size[0]) // 2, (28 - size[1]) // 2
    small = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
    image[top : top + size[1], left : left + size[0]] = small
    return image
