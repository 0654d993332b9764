"""Where stable readings go: one protocol, and the sinks by name."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..errors import SinkError

if TYPE_CHECKING:  # numpy comes with a reading; who only lists what was written needs none
    from ..frame import StableReading
    from ..settings import SinkSettings


class Sink(Protocol):
    """Takes readings. Building one opens nothing; it opens, fails, closes and opens again.

    One thread opens, writes and closes it.
    """

    name: str
    """As the settings call it."""

    def open(self) -> None:
        """Get ready to write; an open sink is left as it is.

        Raises:
            SinkError: It cannot be opened now.
        """

    def write(self, readings: Sequence[StableReading]) -> None:
        """Write all of them for good, in their order.

        Files take all or none. A stream cannot take back: it remembers how far it came. Either
        way, giving the same readings again after a failure writes each of them once.

        Raises:
            SinkError: They cannot be written now, or the sink is closed.
        """

    def close(self) -> None:
        """Give back what it holds; closing twice is nothing."""


def state_directory(settings: SinkSettings) -> Path:
    """Return where the sinks' files are: as set, or systemd's, or the directory at hand."""
    return Path(settings.directory or os.environ.get("STATE_DIRECTORY", "").split(":")[0] or ".")


def sinks_of(settings: SinkSettings) -> list[Sink]:
    """Return the sinks that ``settings.use`` names, in that order, not open yet."""
    from .journal import JournalSink
    from .jsonl import JsonLinesSink
    from .sqlite import SqliteSink
    from .stdout import StdoutSink

    files = _files(settings)
    sinks: dict[str, Sink] = {
        "stdout": StdoutSink(),
        "journal": JournalSink(),
        "jsonl": JsonLinesSink(
            files["jsonl"], int(settings.jsonl_max_mb * 1e6), settings.jsonl_files
        ),
        "sqlite": SqliteSink(files["sqlite"], settings.sqlite_max_readings),
    }
    return [sinks[name] for name in settings.use]


def check_writable(settings: SinkSettings) -> None:
    """Check at the start that the files can be written: what a person has to put right.

    A full disk passes: that may end by itself, and the sinks wait for it. Nothing is created, not
    even a missing directory: it may be the place where a disk is mounted later.

    Raises:
        SinkError: The directory is missing or none, or it or a file in it may not be written.
    """
    for name, path in _files(settings).items():
        if name in settings.use:
            _check_directory(path.parent)
            _check_file(path)


def _files(settings: SinkSettings) -> dict[str, Path]:
    folder = state_directory(settings)
    return {"jsonl": folder / settings.jsonl_file, "sqlite": folder / settings.sqlite_file}


def _check_directory(folder: Path) -> None:
    expected = f"{folder}: expected a directory for the readings that may be written, found"
    try:
        os.stat(f"{folder}/.")  # noqa: PTH116 - a Path drops the dot, which wants a directory
        read_only = os.statvfs(folder).f_flag & os.ST_RDONLY
    except OSError as error:
        hint = {errno.ENOENT: f"create it with mkdir -p {folder}", errno.ENOTDIR: "remove the file"}
        remedy = hint.get(error.errno or 0, "check its permissions")
        raise SinkError(f"{expected} {error.strerror}; {remedy} or set sinks.directory") from error
    if read_only:
        raise SinkError(f"{expected} a read-only file system; mount it writable")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SinkError(
            f"{expected} one that is not; give it to user {os.geteuid()} with chown "
            "or set sinks.directory"
        )


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise SinkError(f"{path}: expected a file, found a directory; move it away")
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        raise SinkError(
            f"{path}: expected a file that may be written, found one of user "
            f"{path.stat().st_uid}; give it to user {os.geteuid()} with chown"
        )
