"""Reading what the sink ``sqlite`` has written, also while it writes."""

from __future__ import annotations

import errno
import os
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from ..errors import ReadingsError
from .record import COLUMNS, SCHEMA_VERSION, dict_of

PAGE = 500
"""Rows a look. Between two the database is let go: a pager that waits for its reader must not
keep the service from cutting its write-ahead log."""
BUSY_S = 5.0
"""How long a service that starts may hold the database."""
_NAMES = ", ".join(f'"{name}"' for name in COLUMNS)


@dataclass(frozen=True)
class Query:
    """Which readings; without a condition, all."""

    since: datetime | None = None
    """From this moment on, with time zone."""
    until: datetime | None = None
    """Before this moment, with time zone."""
    text: re.Pattern[str] | None = None
    """That the whole text matches."""
    suspect: bool | None = None
    """Whether it is suspect."""
    min_confidence: float | None = None
    """0 to 1."""
    last: int | None = None
    """Only so many of those that fit: the newest."""

    def condition(self) -> tuple[str, list[Any]]:
        """Return it as SQL and its parameters."""
        parts: dict[str, list[Any]] = {"1": []}
        if self.since is not None:
            parts['"time" >= ?'] = [self.since.timestamp()]
        if self.until is not None:
            parts['"time" < ?'] = [self.until.timestamp()]
        if self.text is not None:
            parts["fits(text)"] = []
        if self.suspect is not None:
            parts["(suspect IS NOT NULL) = ?"] = [self.suspect]
        if self.min_confidence is not None:
            parts["confidence >= ?"] = [self.min_confidence]
        return " AND ".join(parts), [value for values in parts.values() for value in values]


class Archive:
    """A database of readings, opened to be read only. Use it as a context.

    Args:
        path: Of the database.

    Raises:
        ReadingsError: It is missing, no such database, or may not be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            path.stat()
        except OSError as error:
            raise ReadingsError(
                f"{path}: expected a database of readings, found: {error.strerror}; "
                "name its file, or have one written: sinks.use = ['sqlite']"
            ) from error
        self._database = self._open()

    def find(self, query: Query) -> Iterator[dict[str, Any]]:
        """Yield the readings' JSON forms, in the order in which they were written.

        Raises:
            ReadingsError: The database is damaged or held.
        """
        condition, values = query.condition()
        pattern = query.text
        if pattern is not None:
            self._database.create_function("fits", 1, lambda text: bool(pattern.fullmatch(text)))
        after = self._before_last(query.last, condition, values)
        # Not what is written from now on: the output would have no end.
        (newest,) = self._rows("SELECT max(key) FROM readings")[0]
        while page := self._rows(
            f"SELECT key, {_NAMES} FROM readings "  # noqa: S608 - made of constants
            f"WHERE key > ? AND key <= ? AND {condition} ORDER BY key LIMIT ?",
            [after, newest, *values, PAGE],
        ):
            yield from (dict_of(row) for _, *row in page)
            after = page[-1][0]

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _before_last(self, last: int | None, condition: str, values: list[Any]) -> int:
        """Return the key after which the last ``last`` that fit begin."""
        if last is None:
            return 0
        rows = self._rows(
            f"SELECT key FROM readings WHERE {condition} "  # noqa: S608 - made of constants
            "ORDER BY key DESC LIMIT 1 OFFSET ?",
            [*values, min(last, 1 << 62) - 1],
        )
        return int(rows[0][0]) - 1 if rows else 0

    def _rows(self, statement: str, values: list[Any] | None = None) -> list[Any]:
        try:
            return self._database.execute(statement, values or []).fetchall()
        except sqlite3.DatabaseError as error:
            raise self._failure(error) from error

    def _open(self) -> sqlite3.Connection:
        try:
            return self._open_as("mode=ro")
        except sqlite3.DatabaseError as error:
            # Reading a database with a write-ahead log means writing beside it, which not every
            # user may. Without a log nobody writes now, and it can be read as it lies there.
            if not self._is_at_rest() or os.access(self._path.parent, os.W_OK):
                raise self._failure(error) from error
        try:
            return self._open_as("immutable=1")
        except sqlite3.DatabaseError as error:
            raise self._failure(error) from error

    def _open_as(self, how: str) -> sqlite3.Connection:
        address = f"{self._path.absolute().as_uri()}?{how}"
        database = sqlite3.connect(address, uri=True, timeout=BUSY_S, isolation_level=None)
        try:
            self._check(database)
        except BaseException:
            database.close()
            raise
        return database

    def _check(self, database: sqlite3.Connection) -> None:
        version = int(database.execute("PRAGMA user_version").fetchone()[0])
        if version > SCHEMA_VERSION:
            raise ReadingsError(
                f"{self._path}: expected schema {SCHEMA_VERSION} at most, found {version} of a "
                "newer program; upgrade digitcam"
            )
        tables = "SELECT 1 FROM sqlite_master WHERE name = 'readings'"
        if not version or not database.execute(tables).fetchone():
            raise ReadingsError(
                f"{self._path}: expected a database of readings, found one without; "
                "name the file that the service writes"
            )

    def _is_at_rest(self) -> bool:
        return not self._path.with_name(f"{self._path.name}-wal").exists()

    def _failure(self, error: sqlite3.DatabaseError) -> ReadingsError:
        return ReadingsError(
            f"{self._path}: expected a database of readings that may be read, found: {error}; "
            "check the file and its permissions"
        )
