"""What the commands share."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

from ..errors import EdgeError

CONFIG = Path("/etc/digitcam/digitcam.toml")
"""The service's settings file."""


class Version(argparse.Action):
    """Prints the version. What knows it takes a tenth of the start's time to import."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:  # noqa: D102
        from importlib.metadata import version

        print(f"digitcam {version('digitcam')}")
        parser.exit()


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add the flags that every command has."""
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser.add_argument("--version", action=Version, nargs=0, help="show the version and exit")


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add the flag that names the settings file, where the service's own is meant without it."""
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=f"settings file, TOML (default: {CONFIG} if there is one, else the defaults)",
    )


def config_of(named: Path | None) -> Path | None:
    """Return the settings file that is named, else the service's; None if there is neither."""
    return named or (CONFIG if CONFIG.exists() else None)


def run_command(command: str, debug: bool, body: Callable[[], int]) -> int:
    """Run a command's body and return its status, or 1 after an error's one line.

    What stdout cannot encode, such as a file's name, is escaped there.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return body()
    except EdgeError as error:
        if debug:
            raise
        complain(command, error)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of stdout has seen enough
        return 1


def complain(command: str, error: EdgeError) -> None:
    """Say what went wrong on stderr, in one line."""
    print(f"{command}: {error}", file=sys.stderr)


def print_all(text: str) -> None:
    """Print and flush.

    Raises:
        BrokenPipeError: The reader of stdout has seen enough.
        EdgeError: It cannot be written, such as to a full disk.
    """
    try:
        print(text, flush=True)
    except OSError as error:
        # Keep the interpreter from complaining when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise
        raise EdgeError(f"stdout: cannot write the reading: {error.strerror}") from error


@contextmanager
def native_lines_hidden(debug: bool) -> Iterator[None]:
    """Keep what native libraries (libjpeg, XNNPACK) print by themselves off stderr."""
    if debug or sys.stderr is None:
        yield
        return
    sys.stderr.flush()
    saved = os.dup(2)
    try:
        with Path(os.devnull).open("w") as null:
            os.dup2(null.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


def probability(text: str) -> float:
    """Return the number that a flag gives, 0 to 1; for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, found {text!r}")
    return value
