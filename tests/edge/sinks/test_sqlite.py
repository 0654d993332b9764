"""`SqliteSink`: what is stored and kept; databases that are locked, full, damaged or foreign."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from digitcam.edge.errors import SinkError
from digitcam.edge.frame import StableReading
from digitcam.edge.sinks.aside import KEPT
from digitcam.edge.sinks.sqlite import SqliteSink

Make = Callable[..., StableReading]
Log = pytest.LogCaptureFixture

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ASIDE = "readings.db.corrupt-20260102T030405Z"
HOLD = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN IMMEDIATE")
print(flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the sink writes."""
    return tmp_path / "readings.db"


@contextmanager
def opened(path: Path, max_readings: int = 10**6) -> Iterator[SqliteSink]:
    """A sink for a while; its clock stands still."""
    sink = SqliteSink(path, max_readings, now=lambda: NOW)
    sink.open()
    try:
        yield sink
    finally:
        sink.close()


def ask(path: Path, question: str = "SELECT id FROM readings ORDER BY key") -> list[Any]:
    """Ask a sound database."""
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return database.execute(question).fetchall()


def numbers(path: Path) -> list[int]:
    """Return what the rows were made of, in their order."""
    return [int(identity, 16) for (identity,) in ask(path)]


# --- what is stored --------------------------------------------------------------------------


def test_a_row_holds_all(path: Path, make: Make) -> None:
    """Every part of a reading has its column; time is UTC seconds, box and digits are JSON."""
    reading = make(120, suspect="jumps", value="119")
    with opened(path) as sink:
        sink.write([reading])
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        row = dict(database.execute("SELECT * FROM readings").fetchone())
    form = reading.as_dict()
    assert row.pop("key") == 1
    assert row.pop("time") == reading.time.timestamp()
    assert [row.pop("agreed"), row.pop("of")] == form.pop("agreed")
    assert json.loads(row.pop("box")) == form.pop("box")
    assert json.loads(row.pop("digits")) == form.pop("digits")
    del form["time"]
    assert row == form


def test_the_database_is_as_documented(path: Path) -> None:
    """It has a write-ahead log, a version, and an index for questions of time."""
    with opened(path):
        pass
    assert ask(path, "PRAGMA journal_mode") == [("wal",)]
    assert ask(path, "PRAGMA user_version") == [(1,)]
    plan = ask(path, "EXPLAIN QUERY PLAN SELECT * FROM readings WHERE time > 5")
    assert "readings_time" in plan[0][-1]


def test_a_reading_is_stored_once(path: Path, make: Make) -> None:
    """The same id again, from whichever run, changes nothing."""
    for batch in ([1, 2], [2, 3, 3], [1]):
        with opened(path) as sink:
            sink.write([make(number) for number in batch])
    assert numbers(path) == [1, 2, 3]


def test_the_oldest_go(path: Path, make: Make) -> None:
    """So many are kept, also of a batch larger than that."""
    with opened(path, max_readings=10) as sink:
        for number in range(25):
            sink.write([make(number)])
        assert numbers(path) == list(range(15, 25))
        sink.write([make(number) for number in range(100, 130)])
    assert numbers(path) == list(range(120, 130))


def test_the_clock_may_jump(path: Path, make: Make) -> None:
    """Order and age are those of arrival: a year ahead and back neither mixes nor deletes."""
    moments = [NOW, NOW + timedelta(days=400), NOW - timedelta(days=20_000), NOW]
    with opened(path, max_readings=3) as sink:
        for number, moment in enumerate(moments):
            sink.write([make(number, time=moment)])
    assert numbers(path) == [1, 2, 3]


def test_nobody_else_may_write_it(path: Path, make: Make) -> None:
    """However lax the umask, others may not write the database or its log."""
    before = os.umask(0)
    try:
        with opened(path) as sink:
            sink.write([make(1)])
            made = {each.name: each.stat().st_mode for each in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert sorted(made) == ["readings.db", "readings.db-shm", "readings.db-wal"]
    assert not any(mode & stat.S_IWOTH for mode in made.values())


def test_readers_do_not_disturb(path: Path, make: Make) -> None:
    """Somebody in the middle of reading holds up no writing, and sees no half of it."""
    with opened(path) as sink, closing(sqlite3.connect(path, isolation_level=None)) as reader:
        sink.write([make(1)])
        reader.execute("BEGIN")
        count = "SELECT count(*) FROM readings"
        assert reader.execute(count).fetchone() == (1,)
        sink.write([make(2), make(3)])
        assert reader.execute(count).fetchone() == (1,)
        reader.execute("COMMIT")
        assert reader.execute(count).fetchone() == (3,)


# --- locked and full -------------------------------------------------------------------------


def test_another_process_holds_it(path: Path, make: Make) -> None:
    """While another process writes it is locked, with a remedy; afterwards it works."""
    with opened(path) as sink:
        sink.write([make(1)])
        command = [sys.executable, "-c", HOLD, str(path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            assert other.stdout
            assert other.stdout.readline()
            with pytest.raises(SinkError, match="database is locked; end the program"):
                sink.write([make(2)])
            other.communicate()
        sink.write([make(2)])
    assert numbers(path) == [1, 2]


def test_a_locked_one_cannot_be_opened(path: Path, make: Make) -> None:
    """One that another connection holds for itself alone opens once it is let go."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(SinkError, match="cannot be opened: database is locked"), opened(path):
            pass
    with opened(path) as sink:
        sink.write([make(1)])
    assert numbers(path) == [1]


def test_a_full_disk(small_disk: Path, fill: Callable[[Path], Path], make: Make) -> None:
    """On a full disk a write fails and leaves the rest sound; with room again all goes on."""
    path = small_disk / "readings.db"
    written = 0
    with opened(path) as sink:
        sink.write([make(written)])
        filling = fill(small_disk)
        with pytest.raises(SinkError, match="make room"):
            while written < 1000:
                sink.write([make(written + 1)])
                written += 1
        filling.unlink()
        assert numbers(path) == list(range(written + 1))
        sink.write([make(written + 1)])
    assert numbers(path) == list(range(written + 2))


def test_a_disk_that_fills_in_use(small_disk: Path, make: Make) -> None:
    """A disk that fills up while batches are written keeps whole batches only."""
    path = small_disk / "readings.db"
    batches = 0
    with opened(path) as sink:
        with pytest.raises(SinkError, match="make room"):
            while batches < 1000:
                batch = range(20 * batches, 20 * batches + 20)
                sink.write([make(number) for number in batch])
                batches += 1
        assert 0 < batches < 1000
    assert numbers(path) == list(range(20 * batches))


# --- damaged ---------------------------------------------------------------------------------


def overwrite_middle(path: Path) -> None:
    """Lose some pages, as a worn card does."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 3)
        file.write(os.urandom(size // 3))


def cut(path: Path) -> None:
    """Lose the end."""
    os.truncate(path, path.stat().st_size // 2 // 4096 * 4096 + 100)


def garble(path: Path) -> None:
    """Be something else altogether."""
    path.write_bytes(b"this is no database\n" * 1000)


def erase(path: Path) -> None:
    """Lose the first block."""
    with path.open("r+b") as file:
        file.write(bytes(4096))


@pytest.mark.parametrize("damage", [overwrite_middle, cut, garble, erase])
def test_a_damaged_database_is_set_aside(
    path: Path, make: Make, damage: Callable[[Path], None], caplog: Log
) -> None:
    """It is kept as it was found, a new one begun, and that is said as an error."""
    with opened(path) as sink:
        sink.write([make(number) for number in range(300)])
    damage(path)
    found = path.read_bytes()
    with opened(path) as sink:
        sink.write([make(1000)])
    assert numbers(path) == [1000]
    assert path.with_name(ASIDE).read_bytes() == found
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith(f"{path}: is damaged (")
    assert ASIDE in record.getMessage()


def test_damage_while_it_is_written(path: Path, make: Make, caplog: Log) -> None:
    """Damage that comes to light at a write sets the database aside too; that write is kept."""
    with opened(path) as sink:
        sink.write([make(number) for number in range(7000)])
    with opened(path, max_readings=7000) as sink:
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(os.urandom(path.stat().st_size - 4096))
        for number in range(7000, 8000):  # until a page is needed that SQLite has not in memory
            sink.write([make(number)])
            if path.with_name(ASIDE).exists():
                break
        assert numbers(path) == [number]
        assert path.with_name(f"{ASIDE}-wal").exists()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_damaged_ones_are_bounded(path: Path) -> None:
    """A card that damages every database is not filled with them."""
    for number in range(KEPT["corrupt"] + 3):
        path.write_bytes(b"garbage %d" % number * 1000)
        with opened(path):
            pass
    assert len(list(path.parent.glob("*.corrupt-*"))) == KEPT["corrupt"]


def test_a_file_of_no_length_is_begun(path: Path, make: Make, caplog: Log) -> None:
    """What a power cut at the very beginning leaves is no damage."""
    path.touch()
    with opened(path) as sink:
        sink.write([make(1)])
    assert numbers(path) == [1]
    assert caplog.records == []


# --- not ours --------------------------------------------------------------------------------


def test_a_newer_schema(path: Path) -> None:
    """A database of a newer version is refused, with what to do, and not touched."""
    with opened(path):
        pass
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 2")
    before = path.read_bytes()
    with (
        pytest.raises(SinkError, match="schema 1 at most, found 2.*upgrade digitcam"),
        opened(path),
    ):
        pass
    assert path.read_bytes() == before


def test_a_database_of_another_program(path: Path) -> None:
    """Somebody else's database is refused and not touched."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE bookmarks (address TEXT)")
    before = path.read_bytes()
    with pytest.raises(SinkError, match="another program's; set sinks.sqlite"), opened(path):
        pass
    assert path.read_bytes() == before


@pytest.mark.parametrize("how", ["deleted", "moved", "replaced"])
def test_a_database_that_is_taken_away(path: Path, make: Make, how: str, caplog: Log) -> None:
    """The next reading goes into a new one, not into a file that nobody sees."""
    moved = path.with_name("moved.db")
    with opened(path) as sink:
        sink.write([make(1)])
        path.rename(moved)
        if how == "deleted":
            moved.unlink()
        if how == "replaced":
            path.touch()
        sink.write([make(2)])
        sink.write([make(3)])
    assert numbers(path) == [2, 3]
    assert how == "deleted" or numbers(moved) == [1]
    assert "was moved or deleted" in caplog.text


@pytest.mark.parametrize("name", ["missing/readings.db", "readings.db/readings.db", "."])
def test_no_place_for_it(tmp_path: Path, name: str) -> None:
    """A missing directory, a file in its place, or a directory of its name is one line."""
    (tmp_path / "readings.db").touch()
    with pytest.raises(SinkError, match="unable to open .*; check"), opened(tmp_path / name):
        pass
