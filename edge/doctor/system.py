"""Checks of the system: the disk, the clock and the service."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from ..settings import Settings
from ..sinks import state_directory
from .finding import Finding, failure, ok, warning
from .machine import Machine

FILE_SINKS = frozenset(["jsonl", "sqlite"])
LOW_MB, FULL_MB = 500, 20
"""Free space, MB of 10**6 bytes: for some weeks of readings and journal, and for hardly any."""
LOW_INODES, FULL_INODES = 1000, 20
"""Files that can still be made."""
PROPERTIES = (
    *("LoadState", "ActiveState", "SubState", "Result"),
    *("UnitFileState", "NRestarts", "StatusText"),
)
"""What systemctl is asked for; see org.freedesktop.systemd1(5)."""


def check_disk(settings: Settings, machine: Machine) -> Finding:
    """Look at the disk that readings go to: space, files, and whether the user may write."""
    if not FILE_SINKS & set(settings.sinks.use):
        return ok("disk", f"readings go to {', '.join(settings.sinks.use) or 'nowhere'}, no file")
    folder, user = sink_directory(settings, machine), machine.user()
    try:
        status, volume = folder.stat(), os.statvfs(folder)
    except OSError as error:
        return failure(
            "disk",
            f"{folder}: expected the directory of readings: {error.strerror}",
            f"sudo install -d -o {user.name} {folder}",
        )
    if volume.f_flag & os.ST_RDONLY:
        return failure(
            "disk",
            f"{folder}: mounted read-only, as a damaged card is",
            "sudo dmesg | grep -i 'error\\|remount'; replace the card if it is worn",
        )
    if folder != _before_first_start(machine) and not user.may_write(status):
        return failure(
            "disk",
            f"{folder}: {user.name} may not write there",
            f"let {user.name}, or name another directory in [sinks] of the settings",
        )
    files = volume.f_favail if volume.f_files else LOW_INODES  # some file systems count none
    return space_finding(str(folder), volume.f_bavail * volume.f_frsize // 10**6, files)


def sink_directory(settings: Settings, machine: Machine) -> Path:
    """Return where the service's files are, or would be if this started it by hand.

    systemd makes the service's directory at the first start; until then it is the one above.
    """
    above = _before_first_start(machine)
    service = above / machine.service
    if settings.sinks.directory or not (service.is_dir() or machine.has_service_user()):
        return state_directory(settings.sinks).absolute()
    return service if service.is_dir() else above


def _before_first_start(machine: Machine) -> Path:
    return machine.path("/var/lib")


def space_finding(folder: str, free_mb: int, files: int) -> Finding:
    """Judge the free space and the files that can still be made."""
    found = f"{folder}: {free_mb} MB free"
    if free_mb >= LOW_MB and files >= LOW_INODES:
        return ok("disk", found)
    judge = failure if free_mb < FULL_MB or files < FULL_INODES else warning
    if free_mb >= LOW_MB:
        found += f" for {files} more files, expected {LOW_INODES}"
    else:
        found += f", expected {LOW_MB}"
    remedy = "remove files, or sudo journalctl --vacuum-size=50M, or keep fewer readings ([sinks])"
    return judge("disk", found, remedy)


def check_clock(machine: Machine) -> Finding:
    """Compare the time with that of this installation, and ask whether NTP set it.

    A Pi without a clock of its own starts in the past and jumps when the network is there.
    """
    now, installed = machine.now(), Path(__file__).stat().st_mtime
    told = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M} UTC"
    remedy = "sudo timedatectl set-ntp true, and check the network; or fit a clock module"
    if now < installed:
        since = datetime.fromtimestamp(installed, UTC)
        found = f"{told}, but digitcam was installed on {since:%Y-%m-%d}"
        return failure("clock", found, remedy)
    synchronized = _synchronized(machine)
    if synchronized is None:
        return warning("clock", f"{told}; cannot tell whether it is set by NTP", remedy)
    if not synchronized:
        return warning("clock", f"{told}, not set by NTP since the start", remedy)
    return ok("clock", f"{told}, set by NTP")


def _synchronized(machine: Machine) -> bool | None:
    """Ask timedated, which also knows of chrony, then for systemd-timesyncd's file."""
    if machine.path("/run/systemd/timesync/synchronized").exists():
        return True
    ran = machine.run("timedatectl", "show", "-p", "NTPSynchronized", "--value")
    return {"yes": True, "no": False}.get(ran.out.strip()) if ran else None


def check_service(machine: Machine) -> Finding:
    """Ask systemd how the service is."""
    name = machine.service
    ran = machine.run("systemctl", "show", name, "-p", ",".join(PROPERTIES))
    if ran is None or ran.status not in (0, None):
        return ok("service", "no systemd to ask; edge-run can be started by hand")
    if ran.status is None:
        remedy = "start the Pi anew if it hangs: sudo reboot"
        return warning("service", "systemd does not answer in time", remedy)
    state = dict(line.split("=", 1) for line in ran.out.splitlines() if "=" in line)
    if state.get("LoadState") == "not-found":
        return ok("service", f"{name} is not installed; edge-run can be started by hand")
    return _state_finding(name, state)


def _state_finding(name: str, state: dict[str, str]) -> Finding:
    active, enabled = state.get("ActiveState"), state.get("UnitFileState")
    restarts = int(state.get("NRestarts") or 0)
    found = f"{active} ({state.get('SubState')}), {enabled}, {restarts} restarts"
    if status := state.get("StatusText"):
        found += f": {status}"
    log = f"journalctl -u {name} -n 20"
    if active == "failed":
        return failure("service", f"{found}; it ended by {state.get('Result')}", log)
    if restarts or active in ("activating", "deactivating"):
        return warning("service", found, log)
    if active == "inactive" or enabled == "disabled":
        return warning("service", found, f"sudo systemctl enable --now {name}")
    return ok("service", found)
