"""Checks of the camera: it is there, it is free, and the user may use it."""

from __future__ import annotations

import grp
import os
import socket
import stat
from collections.abc import Iterable
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

from ..address import is_clear, without_secrets
from ..decode import SUFFIXES, pictures_in
from ..errors import SettingsError, SourceBusyError, SourceError
from ..lock import CameraLock, holder_in
from ..processes import command_line, describe_process, holders_of
from ..settings import CameraSettings, Settings
from ..sources import source_of
from .finding import Finding, failure, ok, refusal, warning
from .machine import Machine, registered_groups, text_of
from .reader import answer_of, run_probe

CAMERAS_S = 30.0
"""Time limit of libcamera's listing; it starts a process for each of its isolated parts."""
CONNECTION_S = 3.0
"""Time limit of the look-up of a host and a connection to it."""
PORTS = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322, "rtmp": 1935}
"""Where a URL without a port leads."""
GROUP_SOURCES = ("picamera2", "v4l2")
"""Sources whose devices belong to a group."""
OURS = "edge-run"
"""In the command line of the process that should hold the camera."""
NAMED = 3
"""So many of the others that have it open are named."""
IDLE = ("pipewire", "wireplumber")
"""Desktop services, which keep cameras open without using them."""


def check_camera(settings: Settings, machine: Machine) -> Finding:
    """Look for the camera, and for who holds it."""
    kind, _, rest = settings.camera.source.partition(":")
    try:
        source = source_of(settings.camera)
    except SettingsError as error:
        return refusal("camera", error)
    checks = {"picamera2": _picamera2, "v4l2": _v4l2, "video": _video, "replay": _replay}
    finding = checks[kind](rest, machine)
    if finding.level != "ok" or not source.exclusive:
        return finding
    return _held(source.name, _devices(settings.camera, machine), finding)


def check_groups(settings: Settings, machine: Machine) -> Finding:
    """Look whether the user who reads is in the group that cameras belong to."""
    kind = settings.camera.source.partition(":")[0]
    if kind not in GROUP_SOURCES:
        return ok("groups", f"{kind} needs none")
    group, user = machine.camera_group, machine.user()
    if user.uid == 0:
        return ok("groups", "root needs none")
    try:
        number = grp.getgrnam(group).gr_gid
    except KeyError:
        return ok("groups", f"this system has no group {group}")
    if number in user.groups:
        return ok("groups", f"{user.name} is in {group}")
    if number in registered_groups(user.name):
        return warning("groups", f"{user.name} is in {group} from the next login on", "log in anew")
    return failure(
        "groups",
        f"expected {user.name} in the group {group}, which cameras belong to",
        f"sudo usermod -aG {group} {user.name}, then log in anew or restart the service",
    )


def _picamera2(rest: str, machine: Machine) -> Finding:
    answer = answer_of(ran := run_probe(machine, "cameras", timeout_s=CAMERAS_S))
    if answer is None:
        return failure(
            "camera",
            f"expected a list of libcamera's cameras, found the process ended by {ran.ending()}",
            "start the Pi anew; if it comes back, see: rpicam-hello --list-cameras",
        )
    if "error" in answer:
        return _no_picamera2(answer["error"])
    cameras, number = answer["cameras"], int(rest or 0)
    if number < len(cameras):
        return ok("camera", f"picamera2:{number} is {_article(cameras[number])}")
    found = f"expected a camera {number}, libcamera lists {len(cameras)}"
    remedy = "switch off and look at both ends of the cable, then: rpicam-hello --list-cameras"
    return failure("camera", found, remedy)


def _no_picamera2(error: str) -> Finding:
    """Tell the two usual reasons apart: apt's packages are not seen, or not apt's numpy is."""
    if "numpy" in error:
        remedy = (
            "pip uninstall numpy in digitcam's environment, so that apt's python3-numpy is used"
        )
    else:
        remedy = (
            "sudo apt install python3-picamera2, and make digitcam's environment with: "
            "python3 -m venv --system-site-packages"
        )
    return failure("camera", f"picamera2 cannot be used: {error}", remedy)


def _v4l2(rest: str, machine: Machine) -> Finding:
    name = without_secrets(rest)
    device = machine.path(rest)
    try:
        mode = device.stat().st_mode
    except OSError as error:
        there = ", ".join(path.name for path in machine.glob("/dev/video*")) or "no video device"
        remedy = f"plug it in, or name another; here are: {there}"
        return failure("camera", f"{name}: cannot be found: {error.strerror}", remedy)
    if not stat.S_ISCHR(mode):
        return failure(
            "camera",
            f"{name}: expected a device, found none",
            "name a /dev/videoN",
        )
    if not os.access(device, os.R_OK | os.W_OK, effective_ids=True):
        remedy = f"see who may: ls -l {rest}; a member of its group may"
        return failure("camera", f"{name}: {machine.caller().name} may not use it", remedy)
    return ok("camera", f"{name} is there")


def _video(rest: str, _: Machine) -> Finding:
    if "://" in rest:
        return _address(rest)
    name = without_secrets(rest)
    try:
        with Path(rest).open("rb") as file:
            begins = file.read(1)
    except OSError as error:
        found = f"{name}: cannot be read: {error.strerror}"
        return failure("camera", found, "check the path and its permissions")
    if not begins:
        return failure(
            "camera",
            f"{name}: expected a video, found an empty file",
            "copy it again",
        )
    return ok("camera", f"{name} is there")


def _address(url: str) -> Finding:
    """Connect to the host of a URL, which may hold a password and so is not shown."""
    if not is_clear(url):
        found = "expected an address that can be told from its password, found / ? or # before an @"
        return failure("camera", found, "write %2F, %3F or %23 in the user or password instead")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        host = port = None
    if not host or not port:
        known = ", ".join(PORTS)
        found = "expected an address such as http://HOST:PORT/..., found no host or port"
        return failure("camera", found, f"name the port, or one of the schemes {known}")
    problem = connection_problem(host, port, CONNECTION_S)
    if problem is None:
        return ok("camera", f"{host}:{port} answers")
    remedy = "switch the camera on, and check its address and the network"
    return failure("camera", f"{host}:{port}: expected an answer, found: {problem}", remedy)


def connection_problem(host: str, port: int, timeout_s: float) -> str | None:
    """Connect by TCP and hang up; return what kept that from being, None if nothing did.

    In a thread: the look-up of a name has no time limit of its own.
    """
    problems: list[str | None] = []

    def connect() -> None:
        try:
            socket.create_connection((host, port), timeout_s).close()
        except OSError as error:
            problems.append(error.strerror or str(error))
        else:
            problems.append(None)

    thread = Thread(target=connect, daemon=True)
    thread.start()
    thread.join(timeout_s)
    return problems[0] if problems else f"nothing within {timeout_s:g} s"


def _replay(rest: str, _: Machine) -> Finding:
    name = without_secrets(rest)
    try:
        count = len(pictures_in(Path(rest)))
    except OSError as error:
        found = f"{name}: cannot be read: {error.strerror}"
        return failure("camera", found, "check the path and its permissions")
    if not count:
        found = f"{name}: expected pictures ({' '.join(sorted(SUFFIXES))}), found none"
        return failure("camera", found, "put some there")
    return ok("camera", f"{name} holds {count} picture{'s' if count > 1 else ''}")


def _devices(camera: CameraSettings, machine: Machine) -> list[Path]:
    """Return the devices that whoever uses the camera has open."""
    kind, _, rest = camera.source.partition(":")
    return [machine.path(rest)] if kind == "v4l2" else machine.glob("/dev/media*")


def _held(name: str, devices: Iterable[Path], free: Finding) -> Finding:
    """Ask the lock of digitcam's own processes, then who else has the devices open."""
    lock = CameraLock(name)
    try:
        if lock.path.exists():  # else the lock file would be the caller's, not the service's
            with lock:
                pass
    except SourceBusyError as error:
        pid = holder_in(text_of(lock.path) or "")
        if pid is not None and OURS in command_line(pid):
            return ok("camera", f"{free.found}, held by {OURS}, as it should be")
        return refusal("camera", error)
    except SourceError as error:
        return refusal("camera", error)
    others = [pid for pid in holders_of(*devices) if _is_other(pid)]
    if not others:
        return free
    named = ", ".join(describe_process(pid) for pid in others[:NAMED])
    more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
    found = f"{free.found}, but open in {named}{more}"
    return warning("camera", found, "end that process if the camera is busy")


def _is_other(pid: int) -> bool:
    command = command_line(pid)
    return pid != os.getpid() and not any(name in command for name in (OURS, *IDLE))


def _article(sensor: str) -> str:
    return f"an {sensor}" if sensor[:1].lower() in "aeiou" else f"a {sensor}"
