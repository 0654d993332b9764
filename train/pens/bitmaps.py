"""Collections of single digits as pictures: MNIST, scanned forms, photographed sheets."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..data import load_digits
from ..errors import DataError
from .field import field_of
from .hand import Hand
from .picture_hand import Picture, PictureHand, picture
from .place import place_of
from .stroke_hand import BEARING
from .texture import Plane

WORKING_PX = 56
"""Longer side to which a small picture is enlarged before its edges are measured."""
HAND_SIZE = 100
"""Pictures that make up one hand; whose they are isn't known."""
COLLECTIONS: Mapping[str, tuple[tuple[str, int], ...]] = {
    "nsysu": (("digits/nsysu.npz", 28),),
    "optdigits": (("digits/optdigits.npz", 32), ("digits/optdigits_13_writers.npz", 32)),
    "semeion": (("digits/semeion.npz", 16),),
}
"""Files and side of the pictures of each collection."""


def bitmap_hand(name: str, source: str, images: Mapping[str, Sequence[Plane]]) -> PictureHand:
    """Make a hand of pictures.

    Args:
        name: What to call it.
        source: Where it comes from.
        images: By character: (h, w) each, white ink on black, of any size.
    """
    pictures: dict[str, list[Callable[[], Picture]]] = {
        character: [partial(_measured, _Image(image, character)) for image in several]
        for character, several in images.items()
        if several
    }
    return PictureHand(name, source, pictures)


@dataclass(frozen=True, eq=False)
class _Image:
    pixels: Plane
    character: str


@lru_cache(maxsize=2048)  # A page or two are written with one hand's pictures.
def _measured(image: _Image) -> Picture:
    place = place_of(image.character)
    field = field_of(enlarged(image.pixels))
    return picture(field, place.size, place.middle, BEARING)


def enlarged(image: Plane) -> Plane:
    """Cut a small picture to its ink and enlarge it smoothly, its full ink at 255."""
    peak = int(image.max())
    x, y, width, height = cv2.boundingRect((image > 0.25 * peak).view(np.uint8))
    padded = np.zeros((height + 4, width + 4), np.uint8)
    padded[2:-2, 2:-2] = image[y : y + height, x : x + width]
    scale = WORKING_PX / max(height, width)
    size = max(round((width + 4) * scale), 1), max(round((height + 4) * scale), 1)
    large = cv2.resize(padded, size, interpolation=cv2.INTER_CUBIC)
    if scale > 1.5:
        large = cv2.GaussianBlur(large, (0, 0), 0.45 * scale)
    # Thin faint strokes never reach the peak, so the edge is at a part of what most of them do.
    top = max(float(np.percentile(large[large > 0.25 * peak], 75)), 1.0) if peak else 1.0
    return np.asarray(cv2.convertScaleAbs(large, alpha=255 / top), np.uint8)


def split_hands(source: str, images: Sequence[Plane], labels: Sequence[str]) -> list[Hand]:
    """Deal a collection out to hands of about `HAND_SIZE` pictures, each character evenly."""
    by_label: dict[str, list[Plane]] = {}
    for image, label in zip(images, labels, strict=True):
        by_label.setdefault(label, []).append(image)
    count = max(round(len(images) / max(HAND_SIZE, 2 * len(by_label))), 1)
    return [
        bitmap_hand(f"{source}:{k}", source, {c: some[k::count] for c, some in by_label.items()})
        for k in range(count)
    ]


def load_mnist(folder: Path) -> list[Hand]:
    """Load the training part of MNIST as hands.

    Raises:
        DataError: it is missing or damaged.

    """
    data = load_digits(folder)
    return split_hands("mnist", list(data.x_train), list(map(str, data.y_train.tolist())))


def load_collection(folder: Path, source: str) -> list[Hand]:
    """Load one of `COLLECTIONS` as hands.

    Raises:
        DataError: a file is missing, damaged or laid out otherwise.

    """
    images: list[Plane] = []
    labels: list[str] = []
    for file, side in COLLECTIONS[source]:
        x, y = _read(folder / file, side)
        images += [image for image in x if image.any()]
        labels += [str(digit) for digit, image in zip(y.tolist(), x, strict=True) if image.any()]
    return split_hands(source, images, labels)


def _read(path: Path, side: int) -> tuple[Plane, NDArray[np.uint8]]:
    try:
        zipfile.ZipFile(path).close()  # np.load reads other formats too.
        with np.load(path, allow_pickle=False) as archive:
            x, y = archive["x"], archive["y"]
    except (OSError, EOFError, zlib.error, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path}: expected an .npz with x and y, cannot read it: {error}; get it anew"
        ) from error
    if x.dtype != np.uint8 or x.shape != (len(x), side, side) or not len(x):
        raise DataError(
            f"{path}: x must be uint8 (N, {side}, {side}), found {x.dtype} {x.shape}; get it anew"
        )
    if y.shape != (len(x),) or y.dtype.kind not in "iu" or y.min() < 0 or y.max() > 9:
        raise DataError(
            f"{path}: y must be {len(x)} digits, found {y.dtype} {y.shape}; get it anew"
        )
    return x, y
