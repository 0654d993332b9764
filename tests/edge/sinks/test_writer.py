"""`SinkWriter`: its thread, the end of it, and what a killed process leaves."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from digitcam.edge.errors import SinkError
from digitcam.edge.frame import StableReading
from digitcam.edge.settings import SinkSettings
from digitcam.edge.sinks import sinks_of
from digitcam.edge.sinks.jsonl import JsonLinesSink
from digitcam.edge.sinks.writer import SinkWriter

Make = Callable[..., StableReading]

ENOUGH_S = 20.0
"""No test waits so long unless something is broken."""
KILLS = 30
WRITE_FOREVER = """
import sys, time, uuid
from datetime import UTC, datetime
from digitcam.edge.frame import Box, Digit, Line, StableReading
from digitcam.edge.settings import SinkSettings
from digitcam.edge.sinks import sinks_of
from digitcam.edge.sinks.writer import SinkWriter

settings = SinkSettings(
    use=("sqlite", "jsonl"), directory=sys.argv[1],
    jsonl_max_mb=0.02, jsonl_files=1000, sqlite_max_readings=100_000,
)
writer = SinkWriter(sinks_of(settings), 100_000)
writer.start()
line = Line(tuple(Digit(i % 10, 0.9, Box(20 * i, 0, 15, 30)) for i in range(int(sys.argv[2]))))
print(flush=True)
while True:
    writer.put(StableReading(
        uuid.uuid4().hex, datetime.now(UTC), line, 0.9, (4, 5), line.text, None, "replay:x", "m"
    ))
    time.sleep(0.0005)
"""


class Gate:
    """A sink that holds its thread up until it is let go."""

    name = "gate"

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.entered = threading.Event()
        self.kept: list[int] = []
        self.threads: set[int] = set()

    def open(self) -> None:
        """Note the thread."""
        self.threads.add(threading.get_ident())

    def write(self, readings: Sequence[StableReading]) -> None:
        """Wait, then keep them."""
        self.threads.add(threading.get_ident())
        self.entered.set()
        self.let_go.wait(ENOUGH_S)
        self.kept += [int(reading.id, 16) for reading in readings]

    def close(self) -> None:
        """Note the thread."""
        self.threads.add(threading.get_ident())


def stored(path: Path) -> list[str]:
    """Return the ids in a sound database, in their order; one that is only begun has none."""
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if not database.execute("PRAGMA user_version").fetchone()[0]:
            return []
        return [each for (each,) in database.execute("SELECT id FROM readings ORDER BY key")]


def lines(folder: Path) -> list[str]:
    """Return the ids in all JSON Lines files, oldest first; each line is whole."""
    files = sorted(folder.glob("readings.jsonl.[0-9]*"), key=lambda p: -int(p.suffix[1:]))
    files += folder.glob("readings.jsonl")
    content = b"".join(file.read_bytes() for file in files)
    assert content.endswith(b"\n") or not content
    return [json.loads(line)["id"] for line in content.splitlines()]


def test_putting_never_waits(make: Make) -> None:
    """While a sink hangs, readings are taken at once and health is told; then all is written."""
    gate = Gate()
    writer = SinkWriter([gate], 10_000)
    writer.start()
    writer.put(make(0))
    assert gate.entered.wait(ENOUGH_S)
    for number in range(1, 1000):
        writer.put(make(number))
    assert gate.kept == []
    assert writer.health()["gate"].waiting == 1000
    gate.let_go.set()
    assert writer.close(ENOUGH_S) == {}
    assert gate.kept == list(range(1000))
    assert writer.health()["gate"].waiting == 0


def test_one_thread_of_its_own(make: Make) -> None:
    """Opening, writing and closing happen in one thread, and not in the caller's."""
    gate = Gate()
    gate.let_go.set()
    writer = SinkWriter([gate], 10)
    writer.start()
    writer.put(make(1))
    writer.close(ENOUGH_S)
    assert len(gate.threads) == 1
    assert threading.get_ident() not in gate.threads


def test_what_was_put_before_the_start_is_written(make: Make) -> None:
    """Readings may come before the thread runs."""
    gate = Gate()
    gate.let_go.set()
    writer = SinkWriter([gate], 10)
    writer.put(make(1))
    writer.start()
    assert writer.close(ENOUGH_S) == {}
    assert gate.kept == [1]


def test_closing_counts_what_is_not_written(make: Make) -> None:
    """A sink that hangs holds the end up for as long as was said, and its readings are counted."""
    gate = Gate()
    writer = SinkWriter([gate], 10_000)
    writer.start()
    for number in range(5):
        writer.put(make(number))
    assert gate.entered.wait(ENOUGH_S)
    assert writer.close(0.05) == {"gate": 5}
    with pytest.raises(SinkError, match="the writer of readings is closed"):
        writer.put(make(9))
    gate.let_go.set()
    assert writer.close(ENOUGH_S) == {}


def test_closing_before_the_start(make: Make) -> None:
    """A writer that never ran says what it held."""
    writer = SinkWriter([Gate()], 10)
    writer.put(make(1))
    assert writer.close(1) == {"gate": 1}


def test_a_locked_database_does_not_hold_up_the_file(tmp_path: Path, make: Make) -> None:
    """While the first sink fails the second goes on; what the first lacks at the end is counted."""
    settings = SinkSettings(use=("sqlite", "jsonl"), directory=str(tmp_path))
    writer = SinkWriter(sinks_of(settings), 100)
    with closing(sqlite3.connect(tmp_path / "readings.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        writer.start()
        writer.put(make(1))
        wait_until(lambda: not writer.health()["jsonl"].waiting)
        assert "database is locked" in str(writer.health()["sqlite"])
        assert writer.close(0.1) == {"sqlite": 1}
    assert lines(tmp_path) == [make(1).id]


def test_a_lock_that_ends_in_time(tmp_path: Path, make: Make) -> None:
    """What waits for a locked database is written when the lock ends before the time is up."""
    settings = SinkSettings(use=("sqlite",), directory=str(tmp_path))
    writer = SinkWriter(sinks_of(settings), 100)
    writer.put(make(1))
    other = sqlite3.connect(tmp_path / "readings.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    writer.start()
    wait_until(lambda: writer.health()["sqlite"].failure is not None)
    ending = threading.Timer(0.3, other.close)
    ending.start()
    assert writer.close(ENOUGH_S) == {}
    ending.join()
    assert stored(tmp_path / "readings.db") == [make(1).id]


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until it holds."""
    end_s = time.monotonic() + ENOUGH_S
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.005)


@pytest.mark.parametrize("digits", [4, 200], ids=["short", "long"])
def test_a_killed_process(tmp_path: Path, digits: int) -> None:
    """Killed at any moment, it leaves whole rows and lines, and no line that the database lacks."""
    chance = random.Random(digits)
    before = 0
    for _ in range(KILLS // 2):
        command = [sys.executable, "-c", WRITE_FOREVER, str(tmp_path), str(digits)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout
            process.stdout.readline()
            time.sleep(chance.uniform(0, 0.15))
            process.kill()
        assert process.returncode == -signal.SIGKILL
        restart = JsonLinesSink(tmp_path / "readings.jsonl", 10**9, 1000)
        restart.open()  # the kernel may end a write of several pages between two of them
        restart.close()
        rows = stored(tmp_path / "readings.db")
        written = lines(tmp_path)
        assert len(set(rows)) == len(rows)
        # A batch may be in the database and not yet in the file; never the other way round.
        assert set(written) <= set(rows)
        assert [each for each in rows if each in set(written)] == written
        assert len(rows) >= before
        before = len(rows)
    assert before > 0
    assert not list(tmp_path.glob("*.corrupt-*"))
