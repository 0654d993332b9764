"""What a damaged file raises when it is read, and how it is told in one line."""

from __future__ import annotations

import lzma
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DAMAGE: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    SyntaxError,
    MemoryError,
    RuntimeError,
    struct.error,
    tokenize.TokenError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
)
"""What zipfile, numpy, json and Keras raise of files that are cut short, changed or nested a
thousandfold; an archive with a password is a RuntimeError."""
MAX_REASON = 160
"""Longest reason that is told, characters."""


def reason_of(error: BaseException) -> str:
    """Return an error's first line, cut, or its kind where it says nothing."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return text if len(text) <= MAX_REASON else f"{text[: MAX_REASON - 3]}..."


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of an ``.npz``, and of nothing else that numpy reads.

    Raises:
        OSError, ValueError, ...: It is damaged or none, see DAMAGE.
    """
    with zipfile.ZipFile(path):  # np.load reads pickles and single arrays too.
        pass
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # A member without numpy's first bytes.
            raise ValueError(f"{name} is no array")
    return arrays
