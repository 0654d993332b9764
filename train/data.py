"""MNIST from wherever it lies: a Keras .npz, a folder of IDX .gz files, or a download."""

from __future__ import annotations

import gzip
import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .damage import DAMAGE, load_arrays, reason_of
from .errors import DataError
from .scene import INK_LEVEL

DATA_VARIABLE = "DIGITCAM_DATA"
"""Environment variable: a folder that holds ``mnist.npz`` or the IDX files, or such a file."""

MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
MNIST_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"

IDX_FILES = {
    "x_train": "train-images-idx3-ubyte.gz",
    "y_train": "train-labels-idx1-ubyte.gz",
    "x_test": "t10k-images-idx3-ubyte.gz",
    "y_test": "t10k-labels-idx1-ubyte.gz",
}
IMAGE_SHAPE = (28, 28)


@dataclass(frozen=True)
class DigitData:
    """Labelled digits as MNIST lays them out."""

    x_train: NDArray[np.uint8]
    """(N, 28, 28), white ink on black."""
    y_train: NDArray[np.uint8]
    """(N,), 0 to 9."""
    x_test: NDArray[np.uint8]
    """(M, 28, 28)."""
    y_test: NDArray[np.uint8]
    """(M,)."""

    def digests(self) -> dict[str, str]:
        """Return the sha256 of each array's bytes, so that a run says what it was trained on."""
        return {
            name: hashlib.sha256(np.ascontiguousarray(getattr(self, name)).tobytes()).hexdigest()
            for name in IDX_FILES
        }


def load_digits(
    path: Path | None = None,
    *,
    url: str = MNIST_URL,
    sha256: str = MNIST_SHA256,
    cache: Path | None = None,
) -> DigitData:
    """Load MNIST.

    Args:
        path: A Keras-layout ``.npz``, or a folder that holds ``mnist.npz`` or the four IDX ``.gz``
            files. Without it the environment variable ``DIGITCAM_DATA`` is used, and without that
            the data is downloaded through Keras, with a progress bar.
        url: Where the download comes from.
        sha256: What the downloaded file must hash to.
        cache: Folder to keep the download in; Keras's own by default.

    Raises:
        DataError: Nothing is there, or it has another form.

    """
    if path is None and os.environ.get(DATA_VARIABLE):
        path = Path(os.environ[DATA_VARIABLE])
    if path is None:
        path = _download(url, sha256, cache)
    if path.is_dir():
        return _load_folder(path)
    if path.is_file():
        return _load_npz(path)
    raise DataError(
        f"{path}: expected mnist.npz or a folder with it or the IDX .gz files, found nothing; "
        f"give the path with --data or {DATA_VARIABLE}"
    )


def _load_folder(folder: Path) -> DigitData:
    if (folder / "mnist.npz").is_file():
        return _load_npz(folder / "mnist.npz")
    missing = [name for name in IDX_FILES.values() if not (folder / name).is_file()]
    if missing:
        raise DataError(
            f"{folder}: expected mnist.npz or the four IDX files, missing {', '.join(missing)}; "
            "put them there or give another path with --data"
        )
    return _checked(folder, {key: _read_idx(folder / name) for key, name in IDX_FILES.items()})


def _load_npz(path: Path) -> DigitData:
    try:
        found = load_arrays(path)
    except DAMAGE as error:
        raise DataError(
            f"{path}: expected a Keras-layout .npz, cannot read it: {reason_of(error)}; get it anew"
        ) from error
    arrays = {key: found[key] for key in IDX_FILES if key in found}
    if len(arrays) != len(IDX_FILES):
        raise DataError(
            f"{path}: expected arrays {', '.join(IDX_FILES)}, "
            f"found {', '.join(arrays) or 'none of them'}; get mnist.npz as Keras lays it out"
        )
    return _checked(path, arrays)


def _read_idx(path: Path) -> NDArray[np.uint8]:
    """Read one IDX file of unsigned bytes (format: http://yann.lecun.com/exdb/mnist/)."""
    try:
        with gzip.open(path) as file:
            content = file.read()
    except DAMAGE as error:
        raise DataError(
            f"{path}: expected a gzip file, cannot read it: {reason_of(error)}; get it anew"
        ) from error
    dimensions = content[3] if len(content) > 4 and content[:3] == b"\0\0\x08" else 0
    if not 1 <= dimensions <= 3 or len(content) < 4 + 4 * dimensions:
        raise DataError(f"{path}: expected an IDX file of unsigned bytes, found {content[:4]!r}")
    shape = struct.unpack(f">{dimensions}I", content[4 : 4 + 4 * dimensions])
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions)
    if values.size != np.prod(shape, dtype=np.int64):
        raise DataError(f"{path}: header promises {shape}, found {values.size} bytes of data")
    return values.reshape(shape)


def _checked(path: Path, arrays: dict[str, NDArray[np.uint8]]) -> DigitData:
    for part in ("train", "test"):
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if x.dtype != np.uint8 or x.ndim != 3 or x.shape[1:] != IMAGE_SHAPE or not len(x):
            raise DataError(
                f"{path}: x_{part} must be uint8 (N, 28, 28), found {x.dtype} {x.shape}"
            )
        if y.shape != (len(x),) or y.dtype.kind not in "iu" or y.min() < 0 or y.max() > 9:
            raise DataError(
                f"{path}: y_{part} must be {len(x)} labels from 0 to 9, found {_described(y)}"
            )
        _check_ink(path, f"x_{part}", x)
        arrays[f"y_{part}"] = y.astype(np.uint8)
    return DigitData(**arrays)


def _described(labels: NDArray[np.uint8]) -> str:
    found = f"{labels.dtype} {labels.shape}"
    if labels.dtype.kind in "iu" and labels.size:
        found += f" from {labels.min()} to {labels.max()}"
    return found


def _check_ink(path: Path, name: str, images: NDArray[np.uint8]) -> None:
    """Refuse what no digit can be seen in."""
    if images.mean() > 127:
        raise DataError(
            f"{path}: {name} must be white ink on black, found a mean level of "
            f"{images.mean():.0f} of 255; invert it"
        )
    blank = np.flatnonzero(images.max(axis=(1, 2)) < INK_LEVEL)
    if blank.size:
        raise DataError(
            f"{path}: {name} must have ink in every image, found {blank.size} without, the first "
            f"at {blank[0]}; leave them out"
        )


def _download(url: str, sha256: str, cache: Path | None) -> Path:
    try:
        import keras
    except ImportError as error:
        raise DataError(
            f"no data: {DATA_VARIABLE} is not set and the download needs Keras ({error}); "
            "pip install 'digitcam[train]' or give the path of mnist.npz with --data"
        ) from error
    try:
        path = keras.utils.get_file(
            origin=url, fname="mnist.npz", file_hash=sha256, cache_dir=cache
        )
    except Exception as error:  # get_file wraps urllib's errors in a bare Exception
        raise DataError(
            f"no data: {DATA_VARIABLE} is not set and {url} cannot be downloaded "
            f"({error}); give the path of mnist.npz with --data"
        ) from error
    return Path(path)
