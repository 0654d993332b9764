"""What a check found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from ..errors import EdgeError

Level = Literal["ok", "warning", "failure"]
WIDTH = len("failure") + 2


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report."""

    name: str
    """Of the check."""
    level: Level
    """A failure keeps digits from being read or stored; a warning may, some day."""
    found: str
    """How things are, in one line."""
    remedy: str | None = None
    """What to do, in one line; None if all is well."""

    def as_dict(self) -> dict[str, str | None]:
        """Return the four fields."""
        return asdict(self)

    def as_text(self) -> str:
        """Return the line, and below it, indented, what to do."""
        line = f"{self.level:<{WIDTH}}{self.name}: {self.found}"
        return f"{line}\n{'':<{WIDTH}}{self.remedy}" if self.remedy else line


def ok(name: str, found: str) -> Finding:
    """Return that all is well."""
    return Finding(name, "ok", found)


def warning(name: str, found: str, remedy: str) -> Finding:
    """Return what may go wrong, and what to do."""
    return Finding(name, "warning", found, remedy)


def failure(name: str, found: str, remedy: str) -> Finding:
    """Return what is wrong, and what to do."""
    return Finding(name, "failure", found, remedy)


def refusal(name: str, error: EdgeError) -> Finding:
    """Return an error as a failure: what its message ends with, after ``;``, is what to do."""
    found, _, remedy = str(error).rpartition("; ")
    return failure(name, found, remedy) if found else failure(name, remedy, "see the message")
