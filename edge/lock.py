"""One process a camera: a lock that the kernel drops when its holder dies."""

from __future__ import annotations

import fcntl
import os
import re
import stat
import tempfile
from pathlib import Path
from typing import Self

from .errors import SourceBusyError, SourceError
from .processes import command_of, describe_process

RUN_DIRECTORY = Path("/run/digitcam")
"""Made by systemd-tmpfiles where the service is installed; where it is, locks are there."""
MODE = 0o664
"""Readable for all: flock(2) is content with a file that can only be read."""


class CameraLock:
    """Keeps other digitcam processes from a camera while its block lasts.

    The camera's driver also lets one process in only. The lock says so at once, by name, and
    before hardware is touched.

    Args:
        name: the camera's, such as ``picamera2``; what is locked, and how messages begin.
        directory: of the lock file; without it RUN_DIRECTORY if it is there, else the system's
            temporary one.
    """

    def __init__(self, name: str, directory: Path | None = None) -> None:
        self.name = name
        self.path = (directory or _directory()) / f"digitcam-{_file_part(name)}.lock"
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """Take it.

        Raises:
            SourceBusyError: Another process, or another lock of this one, has it.
            SourceError: The file cannot be used.
        """
        if self._descriptor is not None:
            raise SourceBusyError(f"{self.name}: expected a free lock, this object has taken it")
        descriptor = self._opened()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise SourceBusyError(
                f"{self.name}: expected a free camera, it is held by {holder}; stop that, such as "
                "with: sudo systemctl stop digitcam"
            ) from error
        self._descriptor = descriptor
        _write(descriptor, f"{os.getpid()}\n{command_of(os.getpid())}\n")
        return self

    def __exit__(self, *_: object) -> None:
        """Release it. The file stays: removing it would let two in."""
        if self._descriptor is not None:
            _write(self._descriptor, "")
            os.close(self._descriptor)
            self._descriptor = None

    def _opened(self) -> int:
        """Return a descriptor of the regular file that is locked, made if it is not there."""
        try:
            descriptor = _open_or_make(self.path)
        except OSError as error:
            raise SourceError(
                f"{self.path}: expected a lock file that can be opened, found: {error.strerror}; "
                "check its directory and permissions"
            ) from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise SourceError(
                f"{self.path}: expected a regular file, found something else; remove it"
            )
        return descriptor


def _directory() -> Path:
    return RUN_DIRECTORY if RUN_DIRECTORY.is_dir() else Path(tempfile.gettempdir())


def _file_part(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "_", name)[:100]


def _open_or_make(path: Path) -> int:
    """Open without O_CREAT first: with it, another user's file in /tmp is refused.

    See fs.protected_regular in proc_sys_fs(5). Links are not followed, and nothing is waited for.
    """
    flags = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    while True:
        try:
            return os.open(path, os.O_RDWR | flags)
        except PermissionError:
            return os.open(path, os.O_RDONLY | flags)
        except FileNotFoundError:
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | flags, MODE)
            except FileExistsError:  # another process was faster
                continue
            os.fchmod(descriptor, MODE)  # whatever the umask
            return descriptor


def _write(descriptor: int, text: str) -> None:
    """Replace the file's text, if it is ours to write."""
    if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        return
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text.encode(), 0)


def _holder(descriptor: int) -> str:
    """Name the process that wrote the file, if it lives."""
    pid = holder_in(os.pread(descriptor, 1000, 0).decode(errors="replace"))
    return "another process" if pid is None else describe_process(pid)


def holder_in(text: str) -> int | None:
    """Return the process that wrote this text into a lock file; None if there is none, or it ended.

    Who may only read the file leaves the text as it was.
    """
    first = text.partition("\n")[0]
    is_pid = re.fullmatch("[0-9]{1,7}", first)  # at most 2**22, see proc_sys_kernel(5)
    return int(first) if is_pid and Path("/proc", first).is_dir() else None
