"""Who holds a file or device, for messages that can be acted upon."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from .address import without_secrets

_PROC = Path("/proc")
_LONGEST = 80


def describe_process(pid: int) -> str:
    """Return such as ``process 123 (edge-run --config digitcam.toml)``."""
    command = command_of(pid)
    return f"process {pid} ({command})" if command else f"process {pid}"


def command_of(pid: int) -> str:
    """Return the command line of a process, shortened; empty if unknown."""
    line = command_line(pid)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."


def command_line(pid: int) -> str:
    """Return a process's command line, printable and without secrets; empty if unknown."""
    try:
        words = (_PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return ""
    return "".join(
        c if c.isprintable() else "?" for c in " ".join(map(without_secrets, words)).strip()
    )


def holders_of(*paths: Path) -> list[int]:
    """Return the processes that have one of these files open, as far as this user can see them."""
    wanted = {found for path in paths if (found := _identity(path))}
    pids = sorted(int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())
    return [pid for pid in pids if any(_identity(file) in wanted for file in _open_files(pid))]


def _open_files(pid: int) -> Iterator[Path]:
    try:
        yield from (_PROC / str(pid) / "fd").iterdir()
    except OSError:  # it has ended, or is another user's
        return


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what is the same for all names of a file, and for all nodes of a device."""
    try:
        status = os.stat(path)  # noqa: PTH116  a hundred thousand Path.stat() take too long
    except OSError:
        return None
    return (-1, status.st_rdev) if status.st_rdev else (status.st_dev, status.st_ino)
