"""What the commands share."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from digitcam.edge.errors import EdgeError

from ..errors import TrainError

MAX_SEED = 2**32 - 1
"""Largest seed that NumPy's and TensorFlow's own generators take."""
INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""
RESUMABLE = "interrupted; call it again to go on"
"""Said after Ctrl-C where nothing that was done is lost."""


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add the flags that every command has."""
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser.add_argument("--version", action="version", version=f"digitcam {version('digitcam')}")


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add ``--data``, which says where MNIST lies."""
    parser.add_argument(
        "--data",
        type=Path,
        metavar="PATH",
        help="mnist.npz or a folder with it or the IDX files (default: DIGITCAM_DATA, then a "
        "download)",
    )


def add_photographs(parser: argparse.ArgumentParser) -> None:
    """Add ``--photographs``, which says where real handwriting lies."""
    parser.add_argument(
        "--photographs", type=Path, metavar="FOLDER", help="real handwriting, see CONTRIBUTING.md"
    )


def add_sources(parser: argparse.ArgumentParser) -> None:
    """Add what says which sources of ``--photographs`` are used."""
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="SOURCE",
        help="leave a source out whole, such as amounts, optdigits or unipen:apb; again for more",
    )
    parser.add_argument(
        "--optional-sources",
        action="store_true",
        help="pass over sources that FOLDER lacks",
    )


def add_seed(parser: argparse.ArgumentParser, default: int) -> None:
    """Add ``--seed``, which every draw comes from."""
    parser.add_argument(
        "--seed",
        type=whole(0, MAX_SEED),
        default=default,
        metavar="N",
        help="source of every draw (default: %(default)s)",
    )


def run_command(
    command: str,
    debug: bool,
    body: Callable[[], int],
    interrupted: str = "interrupted",
    base: type[Exception] = TrainError,
) -> int:
    """Run a command's body and return its status, or 1 after an error's one line.

    Args:
        command: Name of the command, which the line begins with.
        debug: Let errors through, for their traceback.
        body: Does the work.
        interrupted: What is said after Ctrl-C.
        base: Of the errors that the command's folder raises on purpose.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow logs its own noise as errors
    try:
        return body()
    except KeyboardInterrupt:
        complain(command, interrupted)
        return INTERRUPTED
    except Exception as error:
        if debug:
            raise
        meant = isinstance(error, base | TrainError | EdgeError | OSError)
        unexpected = f"unexpected {type(error).__name__}: {error}; --debug shows where"
        complain(command, str(error) if meant else unexpected)
        return 1


def complain(command: str, message: str) -> None:
    """Say what went wrong on stderr, in one line."""
    say(f"{command}: {message}")


def say(message: str) -> None:
    """Tell of the progress on stderr, at once."""
    print(message, file=sys.stderr, flush=True)


def require_packages(names: Sequence[str], purpose: str) -> None:
    """Say before the work what would fail after it.

    Raises:
        TrainError: Packages of the train extra are missing.
    """
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise TrainError(f"{purpose} needs {', '.join(missing)}; pip install 'digitcam[train]'")


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return a flag's type: whole numbers from ``least`` to ``most``."""
    expected = f"expected a whole number from {least}" + (f" to {most}" if most else "")

    def parse(text: str) -> int:
        if not text.isdecimal() or int(text) < least or (most and int(text) > most):
            raise argparse.ArgumentTypeError(f"{expected}, found {text!r}")
        return int(text)

    return parse


def amount(text: str) -> float:
    """Parse a flag's number from 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number from 0, found {text!r}")
    return value
