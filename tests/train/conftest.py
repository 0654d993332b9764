"""Drawn digits that stand in for MNIST, so that the tests need no data."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitcam.train.data import DATA_VARIABLE, DigitData
from digitcam.train.handwriting import draw_digit
from digitcam.train.paper import Part, part_of
from digitcam.train.scene import render_rows

KERAS_PROCESS = Path(__file__).parent / "keras_process.py"
NOBODY = "http://127.0.0.1:9"
"""Where no server listens: the port of a protocol of 1983."""
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
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of photographs with numbers: 12 to train on, 4 to calibrate on, each of a part."""
    folder = tmp_path_factory.mktemp("numbers")
    (folder / "amounts").mkdir()
    rng = np.random.default_rng(11)
    truth = {}
    for part, count in (("training", 12), ("calibration", 4)):
        for name in picture_names(part, count):
            text = "".join(map(str, rng.integers(0, 10, rng.integers(2, 7))))
            scene = render_rows([text], rng, size=(90, 330), height_px=40)
            cv2.imwrite(str(folder / "amounts" / name), scene.image)
            boxes = [[d.x, d.y, d.width, d.height, d.digit] for d in scene.digits]
            truth[name] = {"text": text, "boxes": boxes}
    (folder / "amounts" / "truth.json").write_text(json.dumps(truth))
    return folder


def picture_names(part: Part, count: int) -> list[str]:
    """Return names of pictures in amounts/ that are used for something."""
    names = (f"{number}.png" for number in range(1000))
    return [name for name in names if part_of(f"amounts/{name}") == part][:count]


@dataclass(frozen=True)
class Answer:
    """What came of a call."""

    value: Any
    out: str
    err: str
    failure: str | None


@pytest.fixture(scope="session")
def tensorflow() -> None:
    """Skip without TensorFlow and Keras; they are never loaded into this process."""
    missing = [name for name in ("tensorflow", "keras") if find_spec(name) is None]
    if missing:
        pytest.skip(f"needs {' and '.join(missing)}: pip install 'digitcam[train]'")


@pytest.fixture(scope="session")
def keras_call(
    tensorflow: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Answer]]:
    """Call a function of keras_process.py in the process that has Keras, without a network."""
    environment = {
        **os.environ,
        "KERAS_HOME": str(tmp_path_factory.mktemp("keras")),
        "https_proxy": NOBODY,
        "no_proxy": "127.0.0.1",
    }
    environment.pop(DATA_VARIABLE, None)
    program = subprocess.Popen(
        [sys.executable, KERAS_PROCESS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    requests, replies = program.stdin, program.stdout
    assert requests
    assert replies

    def call(name: str, *arguments: object) -> Answer:
        print(json.dumps([name, [str(argument) for argument in arguments]]), file=requests)
        requests.flush()
        return Answer(*json.loads(replies.readline()))

    with program:
        yield call
        requests.close()


def _mnist_like(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Fit ink into the inner 20 x 20 of a 28 x 28 image, the aspect kept."""
    scale = 20 / max(ink.shape)
    size = max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale))
    image = np.zeros((28, 28), np.uint8)
    left, top = (28 - size[0]) // 2, (28 - size[1]) // 2
    small = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
    image[top : top + size[1], left : left + size[0]] = small
    return image
