"""Tries what the service must not do; run by systemd in the service's sandbox.

Prints one JSON object: what was tried, and "done" or the error's name.
"""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

CLONE_NEWUSER = 0x10000000


def write_in(folder: str) -> Callable[[], object]:
    return lambda: Path(folder, "digitcam-probe").write_text("")


def call_of_libc(name: str, *arguments: int) -> Callable[[], object]:
    def call() -> None:
        if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) == -1:
            raise OSError(ctypes.get_errno(), name)

    return call


def socket_of(family: socket.AddressFamily, kind: socket.SocketKind) -> Callable[[], object]:
    return lambda: socket.socket(family, kind).close()


def make_setuid() -> None:
    path = Path(os.environ["STATE_DIRECTORY"], "setuid")
    path.write_text("")
    path.chmod(0o4755)


TRIES: dict[str, Callable[[], object]] = {
    **{
        f"write {folder}": write_in(folder)
        for folder in (
            "/",
            "/etc",
            "/usr",
            "/opt/digitcam/bin",
            "/home",
            "/root",
            "/srv",
            "/var/lib",
        )
    },
    "write /var/lib/digitcam": write_in("/var/lib/digitcam"),
    "write /run/digitcam": write_in("/run/digitcam"),
    "write /run": write_in("/run"),
    "write /sys": lambda: Path("/sys/kernel/profiling").write_text("0"),
    "write /proc/sys": lambda: Path("/proc/sys/kernel/hostname").write_text("probe"),
    "read /home": lambda: list(Path("/home").iterdir()),
    "read /etc/shadow": lambda: Path("/etc/shadow").read_text(),
    "read /proc/cpuinfo": lambda: Path("/proc/cpuinfo").read_text(),
    "see other processes": lambda: Path("/proc/1/status").read_text(),
    "open a device": lambda: os.close(os.open("/srv/kmsg", os.O_RDONLY)),
    "make a device": lambda: os.mknod("/tmp/mem", 0o020666, os.makedev(1, 1)),
    "socket inet": socket_of(socket.AF_INET, socket.SOCK_STREAM),
    "socket inet6": socket_of(socket.AF_INET6, socket.SOCK_DGRAM),
    "socket packet": socket_of(socket.AF_PACKET, socket.SOCK_RAW),
    "socket unix": socket_of(socket.AF_UNIX, socket.SOCK_DGRAM),
    "socket netlink": socket_of(socket.AF_NETLINK, socket.SOCK_RAW),
    "memory to write and run": lambda: mmap.mmap(-1, 4096, prot=7).close(),
    "setuid file": make_setuid,
    "new namespace": call_of_libc("unshare", CLONE_NEWUSER),
    "real time": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
    "trace": call_of_libc("ptrace", 0, 0, 0, 0),
    "become root": lambda: os.setuid(0),
}


def attempt(what: Callable[[], object]) -> str:
    try:
        what()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    return "done"


json.dump({name: attempt(what) for name, what in TRIES.items()}, sys.stdout)
