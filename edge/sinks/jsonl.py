"""The sink ``jsonl``: a file of JSON Lines that is rotated, bounded and never torn."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import stat
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SinkError
from ..files import sync_folder, write_whole
from .aside import name_aside, utc_now
from .record import json_line

if TYPE_CHECKING:
    from ..frame import StableReading

log = logging.getLogger(__name__)

TAIL_BYTES = 4 << 20
"""Where a power cut can have done damage: more than is ever written at once."""


class JsonLinesSink:
    """Appends a line a reading, on disk before ``write`` returns.

    ``NAME`` is written; ``NAME.1`` is the one before, and so on. Each is at most ``max_bytes``
    long, or one batch if that is longer. The file may be moved or deleted meanwhile, as logrotate
    does: the next reading begins a new one.

    Args:
        path: Where to write; its directory must exist.
        max_bytes: Length that no line is appended beyond.
        files: How many are kept, the one that is written among them.
        now: The time, UTC; it names what is set aside and nothing else.
    """

    name = "jsonl"

    def __init__(
        self, path: Path, max_bytes: int, files: int, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._files = files
        self._now = now
        self._descriptor = -1

    def open(self) -> None:
        """Open the file, or begin it; what a power cut has left of a line is set aside.

        Raises:
            SinkError: It cannot be opened, or another process writes it.
        """
        if self._descriptor >= 0:
            return
        try:
            # O_NONBLOCK: a FIFO of that name is refused below, not waited for.
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
            self._descriptor = os.open(self._path, flags, 0o644)
            self._claim()
            self._cut_torn()
            sync_folder(self._path.parent)
        except SinkError:
            self.close()
            raise
        except OSError as error:
            self.close()
            raise self._failure("opened", error) from error

    def write(self, readings: Sequence[StableReading]) -> None:
        """Append all with one write and bring them to the disk, or leave the file as it was.

        Raises:
            SinkError: The disk is full or fails, or the sink is closed.
        """
        if self._descriptor < 0:
            raise SinkError(f"{self._path}: the sink is closed; open it first")
        if not readings:
            return
        lines = b"".join(map(json_line, readings))
        try:
            self._follow()
            size = os.fstat(self._descriptor).st_size
            if size and size + len(lines) > self._max_bytes:
                self._rotate()
                size = 0
            self._append(lines, size)
        except SinkError:
            raise
        except OSError as error:
            raise self._failure("written", error) from error

    def close(self) -> None:
        """Close the file."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _failure(self, done: str, error: OSError) -> SinkError:
        return SinkError(
            f"{self._path}: cannot be {done}: {error.strerror}; "
            "make room, check its directory and permissions, or set sinks.directory"
        )

    def _claim(self) -> None:
        """Make sure that it is a file, and that nobody else cuts what is appended here."""
        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            raise SinkError(f"{self._path}: expected a file, found something else; move it away")
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SinkError(
                f"{self._path}: another process writes it; stop that one or set sinks.directory"
            ) from error

    def _cut_torn(self) -> None:
        size = os.fstat(self._descriptor).st_size
        start = max(0, size - TAIL_BYTES)
        tail = os.pread(self._descriptor, size - start, start)
        whole = _whole_bytes(tail)
        if whole == len(tail):
            return
        if start and not whole:
            raise SinkError(
                f"{self._path}: expected JSON Lines, found something else; move it away"
            )
        aside = name_aside(self._path, "torn", self._now)
        write_whole(aside, tail[whole:])
        self._truncate(start + whole)
        log.warning(
            "%s: its last %s bytes are no whole line, as after a power cut; they are now in %s",
            self._path,
            len(tail) - whole,
            aside.name,
        )

    def _follow(self) -> None:
        """Begin a new file if the open one is no longer at its place."""
        opened = os.fstat(self._descriptor)
        try:
            if os.path.samestat(opened, self._path.stat()):
                return
        except FileNotFoundError:
            pass
        log.warning("%s: was moved or deleted; a new one is begun", self._path)
        self.close()
        self.open()

    def _append(self, lines: bytes, size: int) -> None:
        try:
            written = os.write(self._descriptor, lines)
            if written < len(lines):  # no numbers: a message is logged once while it stays so
                raise SinkError(f"{self._path}: the disk took only a part of it; make room")
            os.fsync(self._descriptor)
        except OSError:
            self._truncate(size)
            raise

    def _truncate(self, size: int) -> None:
        os.ftruncate(self._descriptor, size)
        os.fsync(self._descriptor)

    def _rotate(self) -> None:
        """Give each file the next number, up to the first that is free, and begin a new one."""
        names = [self._path, *(self._numbered(n) for n in range(1, self._files))]
        free = next((n for n, name in enumerate(names) if not name.exists()), len(names) - 1)
        for n in range(free, 0, -1):
            names[n - 1].replace(names[n])
        if len(names) == 1:
            self._path.unlink()
        self._drop_beyond()
        self.close()
        self.open()

    def _drop_beyond(self) -> None:
        """Delete what an earlier, larger number of files has left."""
        for n in count(self._files):
            try:
                self._numbered(n).unlink()
            except FileNotFoundError:
                return

    def _numbered(self, n: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{n}")


def _whole_bytes(tail: bytes) -> int:
    """Return where the last whole line ends; a power cut may leave zeros and parts behind it."""
    end = len(tail)
    while end:
        begin = tail.rfind(b"\n", 0, end - 1) + 1
        if _is_object(tail[begin:end]):
            return end
        end = begin
    return 0


def _is_object(line: bytes) -> bool:
    try:
        return line.endswith(b"\n") and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):  # the latter by brackets in brackets
        return False
