"""Recorded pen strokes: samples of writers, each a list of strokes, each a list of points."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError

Points = NDArray[np.float32]
"""(k, 2) float32: x right, y down."""
PackKind = Literal["digits", "strings", "letters"]
SIDE = 1000
"""Longer side of the box around a sample's points."""

_ARRAYS = ("points", "stroke", "sample", "writer", "writers", "source")
_ALLOWED: dict[PackKind, str] = {
    "digits": "one of 0 to 9",
    "strings": "2 to 10 digits",
    "letters": "one printable character",
}


@dataclass(frozen=True)
class StrokePack:
    """Samples of many writers."""

    points: NDArray[np.int16]
    """(n, 2), x right, y down; the longer side of a sample's box is `SIDE`."""
    stroke: NDArray[np.int64]
    """(s + 1,): stroke k has points ``stroke[k]`` to ``stroke[k + 1] - 1``."""
    sample: NDArray[np.int64]
    """(m + 1,): sample i has strokes ``sample[i]`` to ``sample[i + 1] - 1``."""
    label: NDArray[np.str_]
    """(m,): what each sample says."""
    source: NDArray[np.str_]
    """(m,): who contributed it."""
    writer: NDArray[np.int64]
    """(m,): index into `writers`."""
    writers: NDArray[np.str_]
    """(w,): ``source/name``; the same name in two packs is the same writer."""

    def __len__(self) -> int:
        return len(self.label)

    def strokes_of(self, index: int) -> list[Points]:
        """Return the strokes of a sample in the order of writing, (k, 2) float32 each."""
        bounds = self.stroke[self.sample[index] : self.sample[index + 1] + 1].tolist()
        points = self.points[bounds[0] : bounds[-1]].astype(np.float32)
        return [points[start - bounds[0] : end - bounds[0]] for start, end in pairwise(bounds)]


def load_strokes(path: Path) -> StrokePack:
    """Load strokes as the ``unipen_*.npz`` packs lay them out.

    What labels may be follows from the file: key ``text`` holds strings, key ``label`` holds
    digits if its name ends in ``digits.npz``, and letters and signs otherwise.

    Raises:
        DataError: the file is missing, damaged or laid out otherwise.

    """
    arrays = _read(path)
    key = "text" if "text" in arrays else "label"
    missing = [name for name in (*_ARRAYS, key) if name not in arrays]
    if missing:
        raise DataError(
            f"{path}: expected arrays {', '.join(_ARRAYS)} and label or text, missing "
            f"{', '.join(missing)}; take a pack as unipen_digits.npz is laid out"
        )
    _check_forms(path, arrays, key)
    points, labels = arrays["points"], arrays[key]
    strokes, samples = arrays["stroke"].astype(np.int64), arrays["sample"].astype(np.int64)
    _check_offsets(path, "stroke", strokes, len(points), "points")
    _check_offsets(path, "sample", samples, len(strokes) - 1, "strokes")
    count = len(samples) - 1
    for name in (key, "source", "writer"):
        if len(arrays[name]) != count:
            raise DataError(
                f"{path}: expected {count} entries in {name}, one a sample, found "
                f"{len(arrays[name])}; write the pack anew"
            )
    kind: PackKind = "strings" if key == "text" else "letters"
    if kind == "letters" and path.name.endswith("digits.npz"):
        kind = "digits"
    _check_labels(path, key, labels, kind)
    writers, writer = arrays["writers"], arrays["writer"].astype(np.int64)
    if count and not 0 <= writer.min() <= writer.max() < len(writers):
        raise DataError(
            f"{path}: expected writer from 0 to {len(writers) - 1}, an index into writers, found "
            f"{writer.min()} to {writer.max()}; write the pack anew"
        )
    return StrokePack(points, strokes, samples, labels, arrays["source"], writer, writers)


def _read(path: Path) -> dict[str, NDArray[Any]]:
    try:
        zipfile.ZipFile(path).close()  # np.load reads other formats too.
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive}
    except (OSError, EOFError, zlib.error, ValueError, MemoryError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path}: expected an .npz of strokes, cannot read it: {error}; get it anew"
        ) from error


def _check_forms(path: Path, arrays: dict[str, NDArray[Any]], key: str) -> None:
    points = arrays["points"]
    if points.dtype != np.int16 or points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise DataError(
            f"{path}: points must be int16 (n, 2), found {points.dtype} {points.shape}; "
            "write the pack anew"
        )
    for names, kinds, what in (
        (("stroke", "sample", "writer"), "iu", "whole numbers"),
        ((key, "source", "writers"), "U", "strings"),
    ):
        for name in names:
            array = arrays[name]
            if array.dtype.kind not in kinds or array.ndim != 1:
                raise DataError(
                    f"{path}: {name} must be {what} (n,), found {array.dtype} {array.shape}; "
                    "write the pack anew"
                )


def _check_offsets(path: Path, name: str, offsets: NDArray[np.int64], end: int, what: str) -> None:
    """Refuse offsets that do not cut all of what they point into, each piece one or longer."""
    if len(offsets) < 2 or offsets[0] != 0 or offsets[-1] != end:
        found = f"{offsets[0]} to {offsets[-1]}" if len(offsets) else "none"
        raise DataError(
            f"{path}: expected {name} offsets from 0 to {end}, the number of {what}, found "
            f"{found}; write the pack anew"
        )
    backward = np.flatnonzero(np.diff(offsets) < 1)
    if backward.size:
        at = int(backward[0])
        raise DataError(
            f"{path}: expected {name} offsets that rise, found {offsets[at + 1]} after "
            f"{offsets[at]} at {at + 1}; write the pack anew"
        )


def _check_labels(path: Path, key: str, labels: NDArray[Any], kind: PackKind) -> None:
    for index, text in enumerate(labels.tolist()):
        digits = text.isascii() and text.isdigit()
        good = {
            "digits": digits and len(text) == 1,
            "strings": digits and 2 <= len(text) <= 10,
            "letters": len(text) == 1 and text.isprintable() and text != " ",
        }[kind]
        if not good:
            raise DataError(
                f"{path}: expected {_ALLOWED[kind]} in {key}, found {text!r} at {index}; "
                "leave that sample out"
            )
