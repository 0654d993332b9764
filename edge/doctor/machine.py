"""The machine that is examined: its files, its commands and its users."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

COMMAND_S = 5.0
"""Time limit of a command that answers at once when it is well."""


@dataclass(frozen=True)
class Ran:
    """A command that came to an end."""

    status: int | None
    """As subprocess has it, below zero a signal's; None when the time limit ended it."""
    out: str
    """What it wrote to stdout."""
    err: str
    """And to stderr."""

    def ending(self) -> str:
        """Return how it ended, to come after "ended by"."""
        if self.status is None:
            return "the time limit"
        if self.status < 0:
            return f"signal {-self.status} ({signal.strsignal(-self.status)})"
        last = (self.err.strip().splitlines() or ["nothing on stderr"])[-1]
        return f"exit status {self.status} ({last:.100})"


@dataclass(frozen=True)
class User:
    """Who reads the camera and stores the readings."""

    name: str
    uid: int
    groups: frozenset[int]
    """Their numbers."""

    def may_write(self, folder: os.stat_result) -> bool:
        """Tell whether permission bits let the user make files in a folder."""
        if self.uid in (0, folder.st_uid):
            return self.uid == 0 or folder.st_mode & 0o300 == 0o300
        bits = 0o030 if folder.st_gid in self.groups else 0o003
        return folder.st_mode & bits == bits


def text_of(path: Path) -> str | None:
    """Return what a file holds, stripped; None where it cannot be read."""
    try:
        return path.read_text(errors="replace").strip("\0 \n")
    except OSError:
        return None


def registered_groups(name: str) -> frozenset[int]:
    """Return the groups that a user has from the next login on; none if there is no such user."""
    try:
        return frozenset(os.getgrouplist(name, pwd.getpwnam(name).pw_gid))
    except KeyError:
        return frozenset()


@dataclass(frozen=True)
class Machine:
    """Where the checks look. Tests give a folder for the root, and commands on ``PATH``."""

    root: Path = Path("/")
    """Of /proc, /sys, /run and /dev."""
    service: str = "digitcam"
    """Name of the service, and of the user that it runs as."""
    camera_group: str = "video"
    """Who may use cameras, on Raspberry Pi OS and Debian."""
    now: Callable[[], float] = time.time
    """Tells seconds since 1970."""

    def path(self, name: str) -> Path:
        """Return where an absolute path of the machine lies."""
        return self.root / name.lstrip("/")

    def text(self, name: str) -> str | None:
        """Return what a file holds, stripped; None where it cannot be read."""
        return text_of(self.path(name))

    def glob(self, pattern: str) -> list[Path]:
        """Return where the paths lie that an absolute pattern stands for, in order."""
        return sorted(self.root.glob(pattern.lstrip("/")))

    def is_raspberry_pi(self) -> bool:
        """Tell by the model that the firmware names."""
        return "Raspberry Pi" in (self.text("/proc/device-tree/model") or "")

    def run(self, *command: str, timeout_s: float = COMMAND_S) -> Ran | None:
        """Run a command in bounded time, with all that it starts; None if it is not installed."""
        try:
            process = subprocess.Popen(  # noqa: S603  the checks' own commands
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                env={**os.environ, "LC_ALL": "C.UTF-8"},
                start_new_session=True,  # so that its children can be ended too
            )
        except OSError:
            return None
        with process:
            try:
                out, err = process.communicate(timeout=timeout_s)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                return Ran(None, *process.communicate())
            except KeyboardInterrupt:  # which a session of its own does not hear
                os.killpg(process.pid, signal.SIGKILL)
                raise
        return Ran(process.returncode, out, err)

    def user(self) -> User:
        """Return the service's user, or where there is none who runs this."""
        try:
            entry = pwd.getpwnam(self.service)
        except KeyError:
            return self.caller()
        return User(entry.pw_name, entry.pw_uid, registered_groups(entry.pw_name))

    def has_service_user(self) -> bool:
        """Tell whether the service's user is there, which comes with its installation."""
        return self.user().name == self.service

    def caller(self) -> User:
        """Return who runs this, with the groups of the session."""
        uid = os.geteuid()
        try:
            name = pwd.getpwuid(uid).pw_name
        except KeyError:  # in a container
            name = str(uid)
        return User(name, uid, frozenset([*os.getgroups(), os.getegid()]))
