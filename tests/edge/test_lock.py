"""The camera's lock, between processes that live, end and are killed."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from digitcam.edge import lock as lock_module
from digitcam.edge.errors import SourceBusyError, SourceError
from digitcam.edge.lock import CameraLock, holder_in
from digitcam.edge.processes import command_of, describe_process, holders_of

HOLD = """
import os, sys
from pathlib import Path
from digitcam.edge.lock import CameraLock
if len(sys.argv) > 2:
    os.setgroups([])
    os.setgid(int(sys.argv[2]))
    os.setuid(int(sys.argv[2]))
with CameraLock("picamera2", Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
NOBODY = 65534
Hold = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def hold(tmp_path: Path) -> Iterator[Hold]:
    """Start a process that holds the lock until its stdin is closed."""
    started: list[subprocess.Popen[str]] = []

    def start(*more: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path), *more],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_another_process_is_named(tmp_path: Path, hold: Hold) -> None:
    """Who comes second learns who holds the camera and how to stop it, in one line."""
    holder = hold()
    expected = rf"picamera2: expected a free camera, it is held by process {holder.pid} \(.*python"
    with (
        pytest.raises(SourceBusyError, match=expected) as caught,
        CameraLock("picamera2", tmp_path),
    ):
        pass
    assert str(caught.value).endswith("sudo systemctl stop digitcam")
    assert "\n" not in str(caught.value)


def test_it_is_free_when_the_holder_leaves(tmp_path: Path, hold: Hold) -> None:
    """A holder that ends gives it back, and leaves no name behind."""
    hold().communicate("")
    with CameraLock("picamera2", tmp_path) as taken:
        assert taken.path.read_text().startswith(f"{os.getpid()}\n")
    assert taken.path.read_text() == ""


def test_it_is_free_when_the_holder_is_killed(tmp_path: Path, hold: Hold) -> None:
    """The kernel drops the lock of a killed process; what it wrote misleads nobody."""
    holder = hold()
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with CameraLock("picamera2", tmp_path):
        pass


def test_one_process_takes_it_once(tmp_path: Path) -> None:
    """Locks of one process keep each other out, too, and can be taken again after release."""
    first, second = CameraLock("picamera2", tmp_path), CameraLock("picamera2", tmp_path)
    with first:
        with pytest.raises(SourceBusyError, match=f"process {os.getpid()}"), second:
            pass
        with pytest.raises(SourceBusyError), first:
            pass
    with second:
        pass


def test_cameras_are_locked_apart(tmp_path: Path) -> None:
    """Each camera has a lock of its own."""
    with (
        CameraLock("v4l2:/dev/video0", tmp_path) as first,
        CameraLock("v4l2:/dev/video2", tmp_path) as second,
    ):
        assert first.path.parent == second.path.parent == tmp_path
        assert first.path.name == "digitcam-v4l2__dev_video0.lock"


@pytest.mark.parametrize("text", ["", "edge-run\n1\n", "-1\n", "٣\n", "9" * 7, "9" * 5000])
def test_a_file_that_names_no_process(text: str) -> None:
    """Whatever somebody else has written into it, a holder that is not there is none."""
    assert holder_in(text) is None


def test_the_file_is_for_all_to_read(tmp_path: Path) -> None:
    """Other users can take the lock later: the file is 0664 whatever the umask."""
    before = os.umask(0o077)
    try:
        with CameraLock("picamera2", tmp_path) as taken:
            assert stat.S_IMODE(taken.path.stat().st_mode) == 0o664
    finally:
        os.umask(before)


def test_a_lock_that_cannot_be_written_works(tmp_path: Path, hold: Hold) -> None:
    """Another user, who can only read the file, is kept out and keeps others out."""
    if os.getuid() != 0:
        pytest.skip("only root can be another user")
    with CameraLock("picamera2", tmp_path):
        pass
    for folder in (tmp_path, *tmp_path.parents):  # pytest's are private
        if folder.stat().st_mode & 0o777 == 0o700:
            folder.chmod(0o711)
    hold(str(NOBODY))
    with (
        pytest.raises(SourceBusyError, match="held by another process"),
        CameraLock("picamera2", tmp_path),
    ):
        pass


@pytest.mark.parametrize("kind", ["link", "pipe", "directory"])
def test_what_was_put_in_its_place_is_refused(tmp_path: Path, kind: str) -> None:
    """A link, pipe or directory of the lock's name is neither followed nor waited for."""
    lock = CameraLock("picamera2", tmp_path)
    target = tmp_path / "target"
    target.write_text("precious")
    if kind == "link":
        lock.path.symlink_to(target)
    elif kind == "pipe":
        os.mkfifo(lock.path)
    else:
        lock.path.mkdir()
    with pytest.raises(SourceError, match=r"expected a (lock|regular) file"), lock:
        pass
    assert target.read_text() == "precious"


def test_no_directory_is_an_error(tmp_path: Path) -> None:
    """A directory that is not there is named."""
    lock = CameraLock("x", tmp_path / "none")
    with pytest.raises(SourceError, match=r"none/digitcam-x\.lock: expected a lock file"), lock:
        pass


def test_the_directory_is_the_services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service's directory is used where it is, else the temporary one."""
    monkeypatch.setattr(lock_module, "RUN_DIRECTORY", tmp_path / "digitcam")
    assert CameraLock("x").path.parent == Path(tempfile.gettempdir())
    (tmp_path / "digitcam").mkdir()
    assert CameraLock("x").path.parent == tmp_path / "digitcam"


def test_of_many_at_once_one_gets_it(tmp_path: Path) -> None:
    """Of 16 that start together, on a file that is not there yet, one takes it."""
    start, leave = threading.Barrier(16), threading.Barrier(16)
    results: list[bool] = []

    def take() -> None:
        start.wait()
        try:
            with CameraLock("picamera2", tmp_path):
                results.append(True)
                leave.wait()
        except SourceBusyError:
            results.append(False)
            leave.wait()

    threads = [threading.Thread(target=take) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False] * 15 + [True]


def test_holders_of_a_file_are_found(tmp_path: Path, hold: Hold) -> None:
    """Whoever has a file open is found by any of its names; a file nobody has, or none, by none."""
    holder = hold()
    path = CameraLock("picamera2", tmp_path).path
    link = tmp_path / "link"
    link.symlink_to(path)
    assert holders_of(path) == holders_of(link) == [holder.pid]
    holder.communicate("")
    assert holders_of(path) == []
    assert holders_of(tmp_path / "none") == []


def test_holders_of_a_device_are_found() -> None:
    """A device is found by its number, whatever it is called."""
    leader, follower = os.openpty()
    try:
        assert os.getpid() in holders_of(Path(os.ttyname(follower)))
    finally:
        os.close(leader)
        os.close(follower)


def test_a_process_is_described_in_one_line() -> None:
    """A command line is shortened and printable; of a process that is gone the number is told."""
    command = [sys.executable, "-c", "import sys; sys.stdin.read()", "a\nb", "x" * 500]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        line = command_of(process.pid)
        assert line.isprintable()
        assert len(line) <= 80
    assert describe_process(process.pid) == f"process {process.pid}"
