"""A Debian with a real systemd in a container.

It needs root, systemd-nspawn, debootstrap and a package archive, and skips with the reason where
one is missing.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from digitcam.train.scene import render_rows

from ..debian import CACHE, MONTH, debootstrap, kept

CHECKOUT = Path(__file__).parents[2]
SUITE = os.environ.get("DIGITCAM_SUITE", "bookworm")
"""Debian's release in the container, the machine's own or one beside it."""
PACKAGES = "systemd,systemd-sysv,dbus,ca-certificates,procps,python3"
TOOLS = ("systemd-nspawn", "debootstrap", "nsenter", "setpriv", "tar")
BOOT_S = 30
ROWS = ("80365", "4920")
"""What the pictures show, line by line."""
PASSED_ON = ("PIP_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_", "REQUESTS_CA_BUNDLE")
"""How this machine reaches the package archives."""
SETTINGS = """\
[camera]
source = "replay:/srv/pictures"
loop = true
timeout_s = 0.5
max_retry_s = 1
repeat = 1
[sinks]
use = ["journal", "jsonl", "sqlite"]
"""
QUICK = "[Service]\nWatchdogSec=3\nRestartSec=1\n"
"""The unit's own times, shortened: the rest of it is tested as it is."""


class Machine:
    """A container that has booted systemd."""

    def __init__(self, root: Path, log: Path) -> None:
        self.root = root
        self._log = log.open("wb")
        pip_cache = CACHE / "pip"
        pip_cache.mkdir(parents=True, exist_ok=True)
        (root / "root/.cache/pip").mkdir(parents=True)
        self._nspawn = subprocess.Popen(
            [
                *("setpriv", "--pdeathsig=TERM"),  # it ends with these tests, however they end
                *("systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit"),
                *(f"--directory={root}", f"--bind-ro={CHECKOUT}:/src"),
                f"--bind={pip_cache}:/root/.cache/pip",
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        try:
            self._init = self._wait_for(self._find_init, "its init process")
            self._wait_for(self._has_booted, "its boot to end")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Switch it off."""
        if self._nspawn.poll() is None:
            self._nspawn.kill()  # its processes end with it; there is nothing to save
            self._nspawn.wait()
        self._log.close()

    def run(
        self, *command: str, check: bool = True, timeout_s: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in it as root."""
        enter = ("nsenter", f"--target={self._init}", "-m", "-u", "-i", "-n", "-p")
        done = subprocess.run(
            [*enter, "env", "--ignore-environment", "--chdir=/", *environment(), *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def install(self, *options: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the installer."""
        return self.run("/src/systemd/install.sh", *options, check=check, timeout_s=280)

    def write(self, path: str, text: str) -> None:
        """Write a file in it."""
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def show(self, key: str) -> str:
        """Return a property of the service."""
        return self.run("systemctl", "show", f"--property={key}", "--value", "digitcam").stdout[:-1]

    def journal(self) -> list[dict[str, Any]]:
        """Return the service's journal, entry by entry."""
        lines = self.run("journalctl", "--unit=digitcam", "--output=json").stdout.splitlines()
        return [json.loads(line) for line in lines]

    def until(self, is_so: Callable[[], bool], within_s: float = 30) -> None:
        """Wait until something is so."""
        end_s = time.monotonic() + within_s
        while not is_so():
            if time.monotonic() > end_s:
                raise AssertionError(f"not so within {within_s} s\n{self.status()}")
            time.sleep(0.2)

    def status(self) -> str:
        """Tell how the service is, for people."""
        return self.run(
            "systemctl", "status", "--lines=30", "--full", "digitcam", check=False
        ).stdout

    def _find_init(self) -> int | None:
        for status in Path("/proc").glob("[0-9]*/status"):
            with suppress(OSError):
                told = dict(line.split(":\t", 1) for line in status.read_text().splitlines())
                if told["PPid"] == str(self._nspawn.pid) and told["NSpid"].split()[-1] == "1":
                    return int(told["Pid"])
        return None

    def _has_booted(self) -> int | None:
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return 1 if state in ("running", "degraded") else None

    def _wait_for(self, find: Callable[[], int | None], what: str) -> int:
        end_s = time.monotonic() + BOOT_S
        while time.monotonic() < end_s:
            found = find()
            if found is not None:
                return found
            if self._nspawn.poll() is not None:
                break
            time.sleep(0.1)
        said = Path(self._log.name).read_text(errors="replace")[-1500:]
        pytest.skip(f"systemd-nspawn: expected {what}, which did not come here: {said}")


def environment() -> list[str]:
    """Return what commands in the container find in their environment."""
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    passed_on = [f"{k}={v}" for k, v in os.environ.items() if k.upper().startswith(PASSED_ON)]
    return [path, "HOME=/root", "LC_ALL=C.UTF-8", *passed_on]


def new_root(root: Path) -> Path:
    """Return a new Debian at ``root`` that can reach the package archives, with pictures in /srv.

    /srv/kmsg is the kernel's log, for all to read: a device that the service may not open.
    """
    if os.geteuid() != 0:
        pytest.skip("expected root, found another user; run make test-systemd as root")
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.skip(
            f"not installed: {', '.join(missing)}; apt install systemd-container debootstrap"
        )
    root.mkdir()
    subprocess.run(["tar", "-xf", base_system(), "-C", root], check=True)
    pass_on_archives(root)
    draw_pictures(root / "srv/pictures")
    os.mknod(root / "srv/kmsg", stat.S_IFCHR, os.makedev(1, 11))
    (root / "srv/kmsg").chmod(0o444)
    return root


def base_system() -> Path:
    """Return a tar file of Debian with systemd, made this month."""
    architecture = subprocess.check_output(["dpkg", "--print-architecture"], text=True).strip()

    def make(tar: Path) -> None:
        root = tar.with_name("root")
        debootstrap(SUITE, root, f"--include={PACKAGES}")
        subprocess.run(["tar", "-cf", tar, "-C", root, "."], check=True)

    return kept(f"{SUITE}-{architecture}-{MONTH}.tar", make)


def pass_on_archives(root: Path) -> None:
    """Let apt and pip in the container reach what they reach here."""
    for path in ("etc/pip.conf", "etc/hosts", "etc/ssl/certs/ca-certificates.crt"):
        if Path("/", path).exists():
            shutil.copyfile(Path("/", path), root / path)


def draw_pictures(folder: Path) -> None:
    """Draw the same page twice: a replay has more than one frame."""
    folder.mkdir(parents=True)
    page = render_rows(ROWS, np.random.default_rng(5), height_px=52)
    for name in ("1.png", "2.png"):
        cv2.imwrite(str(folder / name), page.image)
