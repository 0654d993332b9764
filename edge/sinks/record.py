"""The form in which readings are kept: a line of JSON, and a row of the database."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..frame import StableReading

SCHEMA_VERSION = 1
"""``PRAGMA user_version`` of the database; a change that older programs cannot read raises it."""

COLUMNS = (
    "id",
    "time",
    "text",
    "value",
    "suspect",
    "confidence",
    "agreed",
    "of",
    "box",
    "digits",
    "source",
    "model",
)
"""Of the table ``readings``, less its key."""

SCHEMA = (
    """
    CREATE TABLE readings (
        "key" INTEGER PRIMARY KEY,   -- in order of arrival, whatever the clock says
        "id" TEXT NOT NULL UNIQUE,   -- 32 hexadecimal digits
        "time" REAL NOT NULL,        -- s since 1970, UTC
        "text" TEXT NOT NULL,        -- the digits as read, ? where one cannot be told
        "value" TEXT,                -- the accepted digits
        "suspect" TEXT,              -- why it is not plausible
        "confidence" REAL NOT NULL,  -- 0 to 1
        "agreed" INTEGER NOT NULL,   -- in so many frames ...
        "of" INTEGER NOT NULL,       -- ... of so many
        "box" TEXT NOT NULL,         -- JSON: [left, top, width, height], px
        "digits" TEXT NOT NULL,      -- JSON: as in JSON Lines
        "source" TEXT NOT NULL,
        "model" TEXT NOT NULL        -- sha256: and the hash of the model
    )
    """,
    'CREATE INDEX readings_time ON readings ("time")',
)

Row = tuple[Any, ...]
"""Values of COLUMNS."""


def json_line(reading: StableReading) -> bytes:
    """Return a reading as one line of JSON, ASCII, with its end of line."""
    return json.dumps(reading.as_dict()).encode() + b"\n"


def row_of(reading: StableReading) -> Row:
    """Return a reading as a row; its time is rounded to ms as in JSON Lines."""
    form = reading.as_dict()
    return (
        form["id"],
        datetime.fromisoformat(form["time"]).timestamp(),
        form["text"],
        _plain(form["value"]),
        _plain(form["suspect"]),
        form["confidence"],
        *form["agreed"],
        json.dumps(form["box"]),
        json.dumps(form["digits"]),
        _plain(form["source"]),
        form["model"],
    )


def dict_of(row: Row) -> dict[str, Any]:
    """Return a row as the reading's JSON form."""
    form = dict(zip(COLUMNS, row, strict=True))
    form["time"] = datetime.fromtimestamp(form["time"], UTC).isoformat(timespec="milliseconds")
    form["agreed"] = [form["agreed"], form.pop("of")]
    form["box"] = json.loads(form["box"])
    form["digits"] = json.loads(form["digits"])
    return form


def _plain(text: str | None) -> str | None:
    """Escape what UTF-8 cannot hold: a source's file name may be any bytes."""
    return None if text is None else text.encode(errors="backslashreplace").decode()
