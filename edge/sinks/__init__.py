"""Where stable readings go: one protocol, and the sinks by name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ..frame import StableReading
from ..settings import SinkSettings


class Sink(Protocol):
    """Takes readings. Building one opens nothing; it opens, fails, closes and opens again."""

    name: str
    """As the settings call it."""

    def open(self) -> None:
        """Get ready to write; an open sink is left as it is.

        Raises:
            SinkError: It cannot be opened now.
        """

    def write(self, readings: Sequence[StableReading]) -> None:
        """Write all of them for good, or none; one that was written before is not written again.

        Raises:
            SinkError: They cannot be written now.
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

    folder = state_directory(settings)
    sinks: dict[str, Sink] = {
        "stdout": StdoutSink(),
        "journal": JournalSink(),
        "jsonl": JsonLinesSink(
            folder / settings.jsonl_file, int(settings.jsonl_max_mb * 1e6), settings.jsonl_files
        ),
        "sqlite": SqliteSink(folder / settings.sqlite_file, settings.sqlite_max_readings),
    }
    return [sinks[name] for name in settings.use]
