"""Setting damaged data aside: nothing is lost, and it is bounded all the same."""

from __future__ import annotations

import glob
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

log = logging.getLogger(__name__)

KEPT = {"torn": 100, "corrupt": 3}
"""How many of a kind are kept; a failing card must not fill itself. A torn piece is one line."""


def utc_now() -> datetime:
    """Return the time for the names of what is set aside."""
    return datetime.now(UTC)


def name_aside(path: Path, kind: str, now: Callable[[], datetime] = utc_now) -> Path:
    """Return ``NAME.kind-TIME`` beside ``path``, unused; the time is UTC, to the second.

    The oldest of this kind are deleted, with a warning, until there is room for one more.
    """
    _make_room(path, kind)
    stem = f"{path.name}.{kind}-{now():%Y%m%dT%H%M%SZ}"
    names = (path.with_name(stem if n == 1 else f"{stem}.{n}") for n in count(1))
    return next(name for name in names if not name.exists())


def _make_room(path: Path, kind: str) -> None:
    suffixes = ("-wal", "-shm")
    of_kind = path.parent.glob(f"{glob.escape(path.name)}.{kind}-*")
    found = [p for p in of_kind if not p.name.endswith(suffixes)]
    found.sort(key=lambda p: p.stat().st_mtime)
    for old in found[: max(0, len(found) - KEPT[kind] + 1)]:
        log.warning("%s: deleted, %s newer ones are kept", old, KEPT[kind] - 1)
        for name in (old, *(old.with_name(old.name + suffix) for suffix in suffixes)):
            name.unlink(missing_ok=True)
