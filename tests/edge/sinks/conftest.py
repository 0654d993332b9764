"""A journal that listens, a pipe with a reader, a small disk, and one case a sink."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sqlite3
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from digitcam.edge.sinks import Sink
from digitcam.edge.sinks.journal import JournalSink
from digitcam.edge.sinks.jsonl import JsonLinesSink
from digitcam.edge.sinks.sqlite import SqliteSink
from digitcam.edge.sinks.stdout import StdoutSink

SMALL_DISK_BYTES = 400_000


def decode_entry(entry: bytes) -> dict[str, bytes]:
    """Read an entry by the journal's protocol, strictly."""
    fields: dict[str, bytes] = {}
    while entry:
        head, _, rest = entry.partition(b"\n")
        name, equals, value = head.partition(b"=")
        if not equals:
            (size,) = struct.unpack_from("<Q", rest)
            value, end, rest = rest[8 : 8 + size], rest[8 + size : 9 + size], rest[9 + size :]
            assert (len(value), end) == (size, b"\n")
        assert name.decode().isupper()
        assert name.decode() not in fields
        fields[name.decode()] = value
        entry = rest
    return fields


class FakeJournal:
    """Listens where the journal does: a real socket, which takes datagrams and sealed memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: list[dict[str, bytes]] = []
        self.in_memory = 0
        """Entries that came as sealed memory."""
        self._thread: threading.Thread | None = None
        self.start()

    def start(self) -> None:
        """Listen."""
        self._ended = threading.Event()
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sock.bind(str(self.path))
        sock.settimeout(0.05)
        self._thread = threading.Thread(target=self._listen, args=(sock,))
        self._thread.start()

    def stop(self) -> None:
        """Take what was sent, end, and leave no socket."""
        if self._thread:
            self._ended.set()
            self._thread.join()
            self._thread = None
            self.path.unlink()

    def _listen(self, sock: socket.socket) -> None:
        with sock:
            while True:
                try:
                    entry, descriptors, _, _ = socket.recv_fds(sock, 1 << 20, 1)
                except TimeoutError:
                    if self._ended.is_set():
                        return
                    continue
                for descriptor in descriptors:
                    assert entry == b""
                    entry = self._sealed(descriptor)
                self.entries.append(decode_entry(entry))

    def _sealed(self, descriptor: int) -> bytes:
        with os.fdopen(descriptor, "rb") as file:
            every = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
            assert fcntl.fcntl(file, fcntl.F_GET_SEALS) == every
            self.in_memory += 1
            file.seek(0)
            return file.read()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[FakeJournal]:
    """A journal that listens."""
    journal = FakeJournal(tmp_path / "journal")
    yield journal
    journal.stop()


class Pipe:
    """A small pipe whose reader can stop for a while."""

    def __init__(self) -> None:
        reader, self.writer = os.pipe()
        fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, 4096)
        self.reads = threading.Event()
        self.reads.set()
        self.content = b""
        self._thread = threading.Thread(target=self._read, args=(reader,))
        self._thread.start()

    def close(self) -> None:
        """Read to the end."""
        self.reads.set()
        if self.writer >= 0:
            os.close(self.writer)
        self.writer = -1
        self._thread.join()

    def _read(self, reader: int) -> None:
        with os.fdopen(reader, "rb", buffering=0) as file:
            while self.reads.wait() and (some := file.read(4096)):
                self.content += some


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A pipe that is read."""
    pipe = Pipe()
    yield pipe
    pipe.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own of a few hundred kB; only root can have one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    size = f"size={SMALL_DISK_BYTES}"
    mount = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs root, and mounts that are allowed")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


Fill = Callable[[Path], Path]


@pytest.fixture
def fill() -> Fill:
    """Fill a disk to the last byte and return the file to delete."""

    def fill_disk(folder: Path) -> Path:
        path = folder / "filling"
        with path.open("wb", buffering=0) as file:
            for size in (4096, 1):
                try:
                    while file.write(bytes(size)):
                        pass
                except OSError:
                    continue
        return path

    return fill_disk


@dataclass(frozen=True)
class Case:
    """A sink, a way to make it fail for real and to mend that, and what has arrived."""

    sink: Sink
    names: str
    """What its complaints name."""
    break_it: Callable[[], object]
    mend_it: Callable[[], object]
    found: Callable[[], list[dict[str, Any]]]
    """Asked once, at the end."""


def stdout_case(pipe: Pipe) -> Case:
    """The reader of stdout stops."""

    def found() -> list[dict[str, Any]]:
        pipe.close()
        return [json.loads(line) for line in pipe.content.splitlines()]

    sink = StdoutSink(pipe.writer, timeout_s=0.1)
    return Case(sink, "stdout", pipe.reads.clear, pipe.reads.set, found)


def journal_case(journal: FakeJournal) -> Case:
    """The journal goes away."""

    def told(entry: dict[str, bytes]) -> dict[str, Any]:
        ours = {name.partition("DIGITCAM_")[2]: value for name, value in entry.items()}
        return {name.lower(): value.decode() for name, value in ours.items() if name}

    def found() -> list[dict[str, Any]]:
        journal.stop()
        return list(map(told, journal.entries))

    sink = JournalSink(str(journal.path))
    return Case(sink, str(journal.path), journal.stop, journal.start, found)


def jsonl_case(folder: Path) -> Case:
    """The directory goes away."""
    path, elsewhere = folder / "readings.jsonl", folder.with_name("elsewhere")

    def found() -> list[dict[str, Any]]:
        return [json.loads(line) for line in path.read_bytes().splitlines()]

    sink = JsonLinesSink(path, 10**9, 2)
    return Case(
        sink, str(path), lambda: folder.rename(elsewhere), lambda: elsewhere.rename(folder), found
    )


def sqlite_case(folder: Path) -> Case:
    """Somebody else holds the database."""
    path = folder / "readings.db"
    others: list[sqlite3.Connection] = []

    def hold() -> None:
        others.append(sqlite3.connect(path, isolation_level=None))
        others[-1].execute("BEGIN EXCLUSIVE")

    def found() -> list[dict[str, Any]]:
        with closing(sqlite3.connect(path)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute("SELECT * FROM readings ORDER BY key")]

    return Case(SqliteSink(path, 10**6), str(path), hold, lambda: others.pop().close(), found)


@pytest.fixture(params=["stdout", "journal", "jsonl", "sqlite"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    """Each sink in turn."""
    folder = tmp_path / "state"
    folder.mkdir()
    makers: dict[str, Callable[[], Case]] = {
        "stdout": lambda: stdout_case(request.getfixturevalue("pipe")),
        "journal": lambda: journal_case(request.getfixturevalue("journal")),
        "jsonl": lambda: jsonl_case(folder),
        "sqlite": lambda: sqlite_case(folder),
    }
    case = makers[request.param]()
    yield case
    case.sink.close()
