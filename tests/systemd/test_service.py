"""The installed service under a real systemd: start, readings, faults, sandbox, upgrade, removal.

One machine goes through all of it, from its first install to its removal: the order matters.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import time

import pytest

from .machine import ROWS, SETTINGS, Machine

pytestmark = [pytest.mark.systemd, pytest.mark.timeout(600)]

STATE = "/var/lib/digitcam"
SETTINGS_FILE = "/etc/digitcam/digitcam.toml"
BROKEN = SETTINGS + "tempo = 3\n"
UNIT_FILES = (
    "/etc/systemd/system/digitcam.service",
    "/etc/sysusers.d/digitcam.conf",
    "/etc/tmpfiles.d/digitcam.conf",
    "/usr/local/share/doc/digitcam/service.md",
)
COMMANDS = ("edge-doctor", "edge-predict", "edge-readings", "edge-run")
ALLOWED = {
    "write /var/lib/digitcam",
    "write /run/digitcam",
    "read /proc/cpuinfo",
    "socket unix",
    "socket netlink",
}
"""What the service may do of all that the probe tries."""


def is_active(machine: Machine) -> bool:
    return machine.show("ActiveState") == "active"


def messages(machine: Machine) -> list[str]:
    return [str(entry.get("MESSAGE", "")) for entry in machine.journal()]


def restarts_after(machine: Machine, signal: str) -> None:
    """Send the service a signal and wait until another process of it is ready."""
    before, process = int(machine.show("NRestarts")), machine.show("MainPID")
    machine.run("kill", f"-{signal}", process)
    machine.until(lambda: int(machine.show("NRestarts")) > before and is_active(machine))
    assert machine.show("MainPID") != process


@pytest.mark.parametrize(
    ("release", "packages", "processor", "said"),
    [
        ("trixie", "armhf", "aarch64", "32-bit Trixie: expected a TFLite runtime"),
        ("bookworm", "armhf", "armv6l", "found ARMv6"),
        ("bookworm", "i386", "i686", "expected arm64, armhf or amd64, found i386"),
        ("bullseye", "arm64", "aarch64", "found 'bullseye'"),
    ],
)
def test_machines_without_a_runtime(
    machine: Machine, release: str, packages: str, processor: str, said: str
) -> None:
    """Where digitcam cannot run, the installer says why in one line and does nothing."""
    machine.write("/srv/os-release", f"VERSION_CODENAME={release}\n")
    machine.write("/srv/fake/dpkg", f"#!/bin/sh\necho {packages}\n")
    machine.write("/srv/fake/uname", f"#!/bin/sh\necho {processor}\n")
    machine.run("chmod", "+x", "/srv/fake/dpkg", "/srv/fake/uname")
    there = "mount --bind /srv/os-release /etc/os-release && PATH=/srv/fake:$PATH"
    install = ("unshare", "--mount", "sh", "-c", f"{there} /src/systemd/install.sh")
    done = machine.run(*install, check=False)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list((machine.root / "opt").iterdir())


def test_first_install(machine: Machine, first_install: subprocess.CompletedProcess[str]) -> None:
    """The installer leaves commands, a user, an enabled service that is not started, and advice."""
    assert "start it with: sudo systemctl start digitcam" in first_install.stdout
    assert "no python3-picamera2" in first_install.stdout  # it is in Raspberry Pi OS's archive only
    for path in UNIT_FILES:
        assert (machine.root / path.lstrip("/")).is_file()
    assert machine.run("systemctl", "is-enabled", "digitcam").stdout == "enabled\n"
    assert machine.show("ActiveState") == "inactive"
    assert "video" in machine.run("id", "-nG", "digitcam").stdout.split()
    for command in COMMANDS:
        machine.run(command, "--help")
    machine.run("edge-run", "--check-config")


def test_unit_is_right_for_this_systemd(machine: Machine, first_install: object) -> None:
    """The machine's own systemd has nothing to say against the unit."""
    said = machine.run("systemd-analyze", "verify", "digitcam.service")
    assert said.stdout + said.stderr == ""


def test_shipped_settings_wait_for_a_camera(machine: Machine, first_install: object) -> None:
    """Without a camera the service is neither ready nor given up, and says what is missing."""
    machine.run("systemctl", "start", "--no-block", "digitcam")
    machine.until(lambda: "picamera2" in " ".join(messages(machine)))
    assert machine.show("ActiveState") == "activating"
    machine.run("systemctl", "stop", "digitcam")


def test_ready_and_readings(service: Machine) -> None:
    """It is active after a frame; readings are in the journal, SQLite and JSON Lines."""
    assert is_active(service)
    service.until(lambda: set(ROWS) <= set(kept_in_sqlite(service)))
    lines = (service.root / STATE[1:] / "readings.jsonl").read_text().splitlines()
    assert set(ROWS) <= {json.loads(line)["text"] for line in lines}
    assert all(any(row in message for message in messages(service)) for row in ROWS)
    service.until(lambda: "frames/s" in service.show("StatusText"))
    assert 2 * peak_memory_mb(service) < int(service.show("MemoryMax")) / 1e6
    for row in ROWS:
        assert row in service.run("edge-readings").stdout


def peak_memory_mb(machine: Machine) -> float:
    """Return the most resident memory that the service has had, of 640 x 480 frames."""
    status = machine.run("cat", f"/proc/{machine.show('MainPID')}/status").stdout
    peak_kb = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak_kb) / 1e3


def kept_in_sqlite(machine: Machine) -> list[str]:
    path = machine.root / STATE[1:] / "readings.db"
    if not path.exists():
        return []
    with sqlite3.connect(path) as database:
        return [text for (text,) in database.execute("SELECT text FROM readings")]


def test_watchdog(service: Machine) -> None:
    """A service that hangs is ended and runs again; the journal tells so, and where it hung."""
    restarts_after(service, "STOP")
    assert any("Watchdog timeout" in message for message in messages(service))
    assert any("Fatal Python error: Aborted" in message for message in messages(service))


def test_kill(service: Machine) -> None:
    """A service that dies runs again and goes on with the readings it had."""
    service.until(lambda: len(kept_in_sqlite(service)) >= len(ROWS))
    before = len(kept_in_sqlite(service))
    restarts_after(service, "KILL")
    service.until(lambda: len(kept_in_sqlite(service)) >= before + len(ROWS))


def test_stop(service: Machine) -> None:
    """It stops within two seconds, as a success."""
    started_s = time.monotonic()
    service.run("systemctl", "stop", "digitcam")
    assert time.monotonic() - started_s < 2.5  # two, and half a second for systemctl
    assert service.show("Result") == "success"
    assert service.show("ExecMainStatus") == "0"


def test_reload(service: Machine) -> None:
    """New settings are taken on reload; broken ones are refused with the line, and it runs on."""
    process = service.show("MainPID")
    service.write(SETTINGS_FILE, BROKEN)
    service.run("systemctl", "reload", "digitcam")
    number = BROKEN.count("\n")
    service.until(lambda: any(f"line {number}" in message for message in messages(service)))
    service.write(SETTINGS_FILE, SETTINGS.replace('"journal", ', ""))
    service.run("systemctl", "reload", "digitcam")
    service.until(lambda: "journal" not in service.show("StatusText"))
    assert is_active(service)
    assert service.show("MainPID") == process


def test_end_of_a_replay(service: Machine) -> None:
    """The end of a replay is the end of the service, and a success."""
    service.write(SETTINGS_FILE, SETTINGS.replace("loop = true", "loop = false"))
    service.run("systemctl", "restart", "--no-block", "digitcam")
    service.until(lambda: service.show("ActiveState") == "inactive")
    assert service.show("Result") == "success"
    time.sleep(2)  # RestartSec is 1 here
    assert service.show("ActiveState") == "inactive"


def test_broken_settings_at_start(service: Machine) -> None:
    """With broken settings it ends with 78, says why, and is not started again."""
    service.run("systemctl", "stop", "digitcam")
    service.write(SETTINGS_FILE, BROKEN)
    assert service.run("systemctl", "start", "digitcam", check=False).returncode != 0
    time.sleep(2)  # RestartSec is 1 here
    assert service.show("ActiveState") == "failed"
    assert service.show("ExecMainStatus") == "78"
    assert service.show("NRestarts") == "0"
    assert "unknown setting sinks.tempo" in service.status()


def test_sandbox(service: Machine) -> None:
    """Of all that the probe tries in the service's place, only what the service needs succeeds."""
    tried = probe(service)
    if not devices_are_guarded(service):
        del tried["open a device"]
    assert {name for name, result in tried.items() if result == "done"} == ALLOWED


def test_devices(service: Machine) -> None:
    """A device that is not the camera's cannot be opened, even where its mode allows it."""
    if not devices_are_guarded(service):
        pytest.skip("expected a kernel that guards devices in containers; this one does not")
    assert probe(service)["open a device"] == "EPERM"


def probe(machine: Machine) -> dict[str, str]:
    """Run probe.py in place of the service, in its sandbox."""
    in_its_place = (
        "[Service]\nType=oneshot\nRestart=no\nExecStart=\nWatchdogSec=0\n"
        "ExecStart=/opt/digitcam/bin/python /src/tests/systemd/probe.py\n"
        f"StandardOutput=truncate:{STATE}/probe.json\n"
    )
    drop_in = "/etc/systemd/system/digitcam.service.d/z-probe.conf"
    machine.write(drop_in, in_its_place)
    machine.run("systemctl", "daemon-reload")
    try:
        machine.run("systemctl", "restart", "digitcam")
    finally:
        (machine.root / drop_in.lstrip("/")).unlink()
        machine.run("systemctl", "daemon-reload")
    tried: dict[str, str] = json.loads((machine.root / STATE[1:] / "probe.json").read_text())
    return tried


def devices_are_guarded(machine: Machine) -> bool:
    """Tell whether DevicePolicy= does anything in this container."""
    done = machine.run(
        *("systemd-run", "--quiet", "--wait", "--property=DevicePolicy=closed"),
        *("dd", "if=/srv/kmsg", "of=/dev/null", "count=0"),
        check=False,
    )
    return done.returncode != 0


def versions(machine: Machine) -> list[str]:
    return sorted(path.name for path in (machine.root / "opt").glob("digitcam-*"))


def test_upgrade(service: Machine) -> None:
    """Installing again runs the new version with the old settings, and puts the new ones beside."""
    before, process = versions(service), service.show("MainPID")
    said = service.install().stdout
    assert "installed, and running" in said
    assert "settings are kept" in said
    assert (service.root / SETTINGS_FILE[1:]).read_text() == SETTINGS
    assert (service.root / f"{SETTINGS_FILE[1:]}.new").is_file()
    assert len(versions(service)) == 1
    assert versions(service) != before
    assert is_active(service)
    assert service.show("MainPID") != process


def assert_install_changes_nothing(machine: Machine, *options: str) -> str:
    """Check that an install fails and leaves the version before; return what it said."""
    before, link = versions(machine), (machine.root / "opt/digitcam").readlink()
    done = machine.install(*options, check=False)
    assert done.returncode == 1
    assert "the version before is in place" in done.stderr
    assert versions(machine) == before
    assert (machine.root / "opt/digitcam").readlink() == link
    machine.until(lambda: is_active(machine))
    return done.stderr


def test_a_wheel_that_is_none(service: Machine) -> None:
    """A step that fails before the switch does not touch the running service."""
    process = service.show("MainPID")
    service.write("/srv/digitcam-9-py3-none-any.whl", "no wheel")
    said = assert_install_changes_nothing(service, "--wheel", "/srv/digitcam-9-py3-none-any.whl")
    assert "pip: expected to install digitcam" in said
    assert service.show("MainPID") == process


def test_a_version_that_does_not_run(service: Machine) -> None:
    """A version that fails as a service gives way to the one before, which runs again."""
    said = assert_install_changes_nothing(service, "--wheel", broken_wheel(service))
    assert "the service does not run" in said
    assert "this version is broken" in said


def broken_wheel(machine: Machine) -> str:
    """Make a wheel whose edge-run checks settings but does nothing else."""
    machine.run("mkdir", "-p", "/srv/broken")
    parts = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "edge", "train", "convert")
    machine.run("cp", "-r", *(f"/src/{part}" for part in parts), "/srv/broken")
    path = machine.root / "srv/broken/edge/cli/run.py"
    check = '    if "--check-config" not in sys.argv:\n        sys.exit("this version is broken")\n'
    text = path.read_text()
    head, body = text.split("    options = build_parser().parse_args(argv)\n")
    path.write_text(f"{head}{check}    options = build_parser().parse_args(argv)\n{body}")
    wheel = ("wheel", "--quiet", "--no-deps", "--wheel-dir=/srv", "/srv/broken")
    machine.run("/opt/digitcam/bin/python", "-m", "pip", *wheel, timeout_s=120)
    return "/" + str(next((machine.root / "srv").glob("digitcam-0*.whl")).relative_to(machine.root))


def test_settings_that_a_version_refuses(service: Machine) -> None:
    """Settings that the new version does not know are told before anything is changed."""
    service.write(SETTINGS_FILE, BROKEN)
    said = assert_install_changes_nothing(service)
    assert "unknown setting sinks.tempo" in said


def test_uninstall(service: Machine) -> None:
    """Removal leaves settings and readings, and --purge nothing at all."""
    said = service.run("/src/systemd/uninstall.sh").stdout
    assert "are kept" in said
    gone = [*UNIT_FILES, "/opt/digitcam", *(f"/usr/local/bin/{name}" for name in COMMANDS)]
    for path in gone:
        assert not (service.root / path.lstrip("/")).is_symlink()
        assert not (service.root / path.lstrip("/")).exists()
    assert versions(service) == []
    assert (service.root / SETTINGS_FILE[1:]).is_file()
    assert (service.root / STATE[1:] / "readings.db").is_file()
    service.run("/src/systemd/uninstall.sh", "--purge")
    assert not (service.root / STATE[1:]).exists()
    assert not (service.root / "etc/digitcam").exists()
    assert service.run("id", "digitcam", check=False).returncode != 0
