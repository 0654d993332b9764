"""Small stroke packs that the tests make, and the real ones where the environment names them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from digitcam.train.data import DATA_VARIABLE
from digitcam.train.handwriting import variant_curves
from digitcam.train.pens.bitmaps import bitmap_hand
from digitcam.train.pens.drawn import drawn_hand
from digitcam.train.pens.hand import Hand
from digitcam.train.pens.hands import load_hands
from digitcam.train.pens.ink import draw_strokes
from digitcam.train.pens.pen import Pen

DATA = os.environ.get(DATA_VARIABLE)
"""Read before the tests of other folders take it out of the environment."""
Arrays = dict[str, NDArray[Any]]


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder with the real strokes, fonts and pictures."""
    if not DATA or not (Path(DATA) / "strokes").is_dir():
        pytest.skip(f"needs the strokes: set {DATA_VARIABLE} to a folder that holds strokes/")
    return Path(DATA)


@pytest.fixture(scope="session")
def hands(data: Path) -> list[Hand]:
    """Every hand of the real data."""
    return load_hands(data)


def _pack_arrays(samples: list[tuple[str, str, list[NDArray[Any]]]], key: str = "label") -> Arrays:
    """Lay samples, (label, writer, strokes) each, out as the packs are."""
    strokes = [stroke for _, _, several in samples for stroke in several]
    writers = sorted({writer for _, writer, _ in samples})
    return {
        "points": np.concatenate(strokes).astype(np.int16),
        "stroke": np.cumsum([0, *map(len, strokes)]).astype(np.int32),
        "sample": np.cumsum([0, *(len(several) for _, _, several in samples)]).astype(np.int32),
        key: np.array([label for label, _, _ in samples]),
        "source": np.array([writer.partition("/")[0] for _, writer, _ in samples]),
        "writer": np.array([writers.index(writer) for _, writer, _ in samples], np.uint16),
        "writers": np.array(writers),
    }


def _digit_strokes(digit: int, left: float = 0, variant: int = 0) -> list[NDArray[np.float32]]:
    """Return the strokes of a drawn digit, 1000 high, its middle 300 to the right of `left`."""
    curves = variant_curves(digit)[variant]
    low, high = np.concatenate(curves).min(axis=0), np.concatenate(curves).max(axis=0)
    centre = np.array([(low[0] + high[0]) / 2, low[1]])
    scale = 1000 / (high[1] - low[1])
    return [((c - centre) * scale + [left + 300, 0]).astype(np.float32) for c in curves]


def _digit_image(digit: int, height: int = 20) -> NDArray[np.uint8]:
    """Return a digit as a small picture."""
    strokes = [stroke.astype(np.float32) for stroke in _digit_strokes(digit)]
    return draw_strokes(strokes, height, Pen(width=0.12), np.random.default_rng(0))


@pytest.fixture(scope="session")
def pack_arrays() -> Callable[..., Arrays]:
    """Lay samples out as the packs are."""
    return _pack_arrays


@pytest.fixture(scope="session")
def digit_strokes() -> Callable[..., list[NDArray[np.float32]]]:
    """Return the strokes of a drawn digit."""
    return _digit_strokes


@pytest.fixture(scope="session")
def digit_image() -> Callable[..., NDArray[np.uint8]]:
    """Return a digit as a small picture."""
    return _digit_image


@pytest.fixture(scope="session")
def pictures() -> Hand:
    """A hand whose digits are pictures."""
    return bitmap_hand("made:0", "made", {str(d): [_digit_image(d, 24)] for d in range(10)})


@pytest.fixture(params=["strokes", "pictures"])
def hand(request: pytest.FixtureRequest, pictures: Hand) -> Hand:
    """A hand of either sort."""
    return pictures if request.param == "pictures" else drawn_hand()


@pytest.fixture
def digits_pack() -> Arrays:
    """Ten digits of each of two writers of two contributors."""
    return _pack_arrays(
        [
            (str(digit), writer, _digit_strokes(digit))
            for writer in ("aaa/Ann", "bbb/Bob")
            for digit in range(10)
        ]
    )


@pytest.fixture
def letters_pack() -> Arrays:
    """A few letters and signs of one of the writers, and of one who wrote no digits."""
    box = np.array([[0, 0], [1000, 0], [1000, 1000], [0, 1000]])
    return _pack_arrays(
        [(c, "aaa/Ann", [box]) for c in "agl"]
        + [("-", "aaa/Ann", [np.array([[0, 0], [500, 9], [1000, 0]])])]
        + [(".", "aaa/Ann", [np.array([[0, 0]])]), ("b", "ccc/Cid", [box])]
    )


@pytest.fixture
def stroke_folder(tmp_path: Path, digits_pack: Arrays, letters_pack: Arrays) -> Path:
    """A folder of data that holds strokes and nothing else."""
    (tmp_path / "strokes").mkdir()
    np.savez(tmp_path / "strokes" / "unipen_digits.npz", **digits_pack)
    np.savez(tmp_path / "strokes" / "unipen_letters.npz", **letters_pack)
    return tmp_path
