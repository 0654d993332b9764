"""The sink ``sqlite``: a database of the newest readings, for questions."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SinkError
from .aside import name_aside, utc_now
from .record import COLUMNS, SCHEMA, SCHEMA_VERSION, row_of

if TYPE_CHECKING:
    from ..frame import StableReading

log = logging.getLogger(__name__)

BUSY_S = 0.2
"""How long a lock is waited for: short, as the writer tries again and other sinks wait too."""
WAL_BYTES = 4_000_000
"""To this length the write-ahead log is cut when a long reader has let it grow."""
DAMAGED = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))
REMEDY = {
    sqlite3.SQLITE_BUSY: "end the program that holds it",
    sqlite3.SQLITE_LOCKED: "end the program that holds it",
    sqlite3.SQLITE_FULL: "make room",
    sqlite3.SQLITE_IOERR: "make room, or check the disk",
    sqlite3.SQLITE_READONLY: "check its permissions, or set sinks.directory",
    sqlite3.SQLITE_CANTOPEN: "check its directory and permissions, or set sinks.directory",
}
_PLACES = ", ".join("?" * len(COLUMNS))
_NAMES = ", ".join(f'"{name}"' for name in COLUMNS)
INSERT = f"INSERT OR IGNORE INTO readings ({_NAMES}) VALUES ({_PLACES})"  # noqa: S608 - constants
# By key, not by time: a clock that jumps a year ahead must not delete everything. Keys leave no
# gaps, so this is the count, without counting.
RETAIN = "DELETE FROM readings WHERE key <= (SELECT max(key) FROM readings) - ?"


class SqliteSink:
    """Keeps the newest readings; each is on disk, through a power cut, when ``write`` returns.

    A damaged database, and a file that is none, is set aside as ``NAME.corrupt-TIME``, and a new
    one begun: a service that runs for months must not end because a card has lost a page.

    Args:
        path: Of the database; its directory must exist.
        max_readings: So many are kept; the oldest go first.
        now: The time, UTC; it names what is set aside and nothing else.
    """

    name = "sqlite"

    def __init__(
        self, path: Path, max_readings: int, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._path = path
        self._max_readings = max_readings
        self._now = now
        self._database: sqlite3.Connection | None = None
        self._opened: os.stat_result | None = None
        self._sound = False
        """Whether it was checked; that takes seconds when it is large, so not at each retry."""

    def open(self) -> None:
        """Open the database, or begin it.

        Raises:
            SinkError: It is locked, another program's or a newer version's, or cannot be opened.
        """
        if not self._database:
            self._attempt("opened", self._connect)

    def write(self, readings: Sequence[StableReading]) -> None:
        """Store all, or none; one that is stored is left as it is.

        Raises:
            SinkError: It is locked, the disk is full or fails, or the sink is closed.
        """
        if not self._database:
            raise SinkError(f"{self._path}: the sink is closed; open it first")
        if readings:
            self._follow()
            self._attempt("written", lambda: self._store(readings))

    def close(self) -> None:
        """Close the database; what is in its write-ahead log goes into the file."""
        database, self._database = self._database, None
        if database:
            database.close()

    def _attempt(self, done: str, step: Callable[[], object]) -> None:
        """Do a step, on a new database if this one is damaged."""
        try:
            try:
                step()
            except sqlite3.DatabaseError as error:
                if _code(error) not in DAMAGED:
                    raise
                self._set_aside(error)
                step()
        except sqlite3.DatabaseError as error:
            remedy = REMEDY.get(_code(error), "check the disk")
            raise SinkError(f"{self._path}: cannot be {done}: {error}; {remedy}") from error

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None)
        try:
            version = self._version(database)
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
            if version:
                self._check(database)
            else:
                _create(database)
            self._opened = self._path.stat()
        except BaseException:
            database.close()
            raise
        self._sound = True
        self._database = database
        return database

    def _version(self, database: sqlite3.Connection) -> int:
        """Return the version of its schema, 0 if it has none yet."""
        version = int(database.execute("PRAGMA user_version").fetchone()[0])
        if version > SCHEMA_VERSION:
            raise SinkError(
                f"{self._path}: expected schema {SCHEMA_VERSION} at most, found {version} of a "
                "newer program; upgrade digitcam or set sinks.sqlite_file"
            )
        if not version and database.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise SinkError(
                f"{self._path}: expected a database of readings, found another program's; "
                "set sinks.sqlite_file"
            )
        return version

    def _check(self, database: sqlite3.Connection) -> None:
        if self._sound:
            return
        found = database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise _DamageError(found)

    def _follow(self) -> None:
        """Begin a new database if the open one is no longer at its place."""
        try:
            if self._opened and os.path.samestat(self._opened, self._path.stat()):
                return
        except OSError:  # opening says what is wrong
            pass
        log.warning("%s: was moved or deleted; opened anew", self._path)
        self._empty_log()
        self.close()
        self._sound = False
        self.open()

    def _empty_log(self) -> None:
        """Bring the log into the file that was moved away; SQLite would leave it to the next."""
        if self._database:
            with suppress(sqlite3.DatabaseError):
                self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _store(self, readings: Sequence[StableReading]) -> None:
        database = self._database or self._connect()
        with database:
            database.execute("BEGIN IMMEDIATE")
            database.executemany(INSERT, map(row_of, readings))
            database.execute(RETAIN, (self._max_readings,))

    def _set_aside(self, error: sqlite3.Error) -> None:
        """Move the database away, its log first: one without its log is found damaged again."""
        try:
            aside = name_aside(self._path, "corrupt", self._now)
            for suffix in ("-wal", "-shm", ""):
                part = self._path.with_name(self._path.name + suffix)
                if part.exists():
                    part.replace(aside.with_name(aside.name + suffix))
        except OSError as failure:
            raise SinkError(
                f"{self._path}: is damaged ({error}) and cannot be moved: {failure.strerror}; "
                "move it away"
            ) from failure
        # After moving it: closing would delete the log.
        self.close()
        self._sound = False
        log.error(
            "%s: is damaged (%s); it is now %s, and a new one is begun; check the card",
            self._path,
            error,
            aside.name,
        )


class _DamageError(sqlite3.DatabaseError):
    """What a check has found."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


def _create(database: sqlite3.Connection) -> None:
    with database:
        database.execute("BEGIN IMMEDIATE")
        for statement in SCHEMA:
            database.execute(statement)
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _code(error: sqlite3.Error) -> int:
    """Return the primary result code, 0 if it is Python's own complaint."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
