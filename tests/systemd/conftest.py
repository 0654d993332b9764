"""A machine with digitcam installed by its own installer; `make test-systemd` needs it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from .machine import QUICK, SETTINGS, Machine, new_root


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A booted Debian that has never seen digitcam; pictures of ROWS are in /srv/pictures."""
    folder = tmp_path_factory.mktemp("machine")
    machine = Machine(new_root(folder / "root"), folder / "boot.log")
    yield machine
    machine.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def first_install(machine: Machine) -> subprocess.CompletedProcess[str]:
    """What the installer said to the machine that had never seen digitcam."""
    return machine.install("--no-start")


@pytest.fixture
def service(machine: Machine, first_install: object) -> Iterator[Machine]:
    """The machine with the installed service running, reading the pictures."""
    machine.write("/etc/digitcam/digitcam.toml", SETTINGS)
    machine.write("/etc/systemd/system/digitcam.service.d/quick.conf", QUICK)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "digitcam")
    yield machine
    machine.run("systemctl", "stop", "digitcam", check=False)  # it may be uninstalled
    machine.run("systemctl", "reset-failed")
