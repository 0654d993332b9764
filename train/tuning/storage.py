"""Where a search keeps its trials: a journal that processes share, or a database."""

from __future__ import annotations

import fcntl
import json
import os
from io import FileIO
from pathlib import Path
from typing import Any

from optuna.exceptions import OptunaError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy.exc import SQLAlchemyError

from ..errors import RunError

BUSY_TIMEOUT_S = 60
"""How long SQLite waits for another process to be done."""
_BEGIN = b'{"op_code":'


class Journal(JournalFileBackend):
    """Optuna's journal, which a full disk and a kill leave readable.

    Half a line would spoil the one that is written after it, and the lock that Optuna has by
    default outlives its holder for half a minute.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._path = path

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append the records, all of them or none."""
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs).encode()
        with self._path.open("r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            end = _end_of_lines(file)
            file.truncate(end)
            file.seek(end)
            try:
                rest = lines
                while rest:
                    rest = rest[file.write(rest) :]
                os.fsync(file)
            except OSError:
                file.truncate(end)
                raise


def _end_of_lines(file: FileIO) -> int:
    """Return where the last whole line ends."""
    size = int(file.seek(0, os.SEEK_END))
    if size:
        file.seek(size - 1)
        if file.read(1) != b"\n":
            file.seek(0)
            return int(file.read().rfind(b"\n")) + 1
    return size


def open_storage(where: str) -> BaseStorage:
    """Open or make a storage.

    Args:
        where: A database's URL as SQLAlchemy has them, or a file.

    Raises:
        RunError: It cannot be used.
    """
    try:
        return _open_database(where) if "://" in where else _open_journal(Path(where))
    except OSError as error:
        raise RunError(f"{where}: cannot be used as a storage: {error.strerror}") from error
    except (OptunaError, SQLAlchemyError, ImportError) as error:
        # Without the URL, which may hold a password.
        raise RunError(
            f"--storage: the database cannot be used: {str(error).splitlines()[0]}"
        ) from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise RunError(
            f"{where}: expected the journal of a search, found something else; give another "
            "--storage"
        ) from error


def _open_database(url: str) -> BaseStorage:
    waiting = {"connect_args": {"timeout": BUSY_TIMEOUT_S}} if url.startswith("sqlite") else {}
    return RDBStorage(url, engine_kwargs=waiting)


def _open_journal(path: Path) -> BaseStorage:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        with path.open("rb") as file:
            begin = file.read(len(_BEGIN))
        if not _BEGIN.startswith(begin):
            raise ValueError(begin)
    return JournalStorage(Journal(path))
