"""Where the sinks' files go, and what is checked before a service starts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from digitcam.edge.errors import SinkError
from digitcam.edge.settings import SinkSettings
from digitcam.edge.sinks import check_writable, state_directory

CHECK = """
import os, sys
from digitcam.edge.errors import SinkError
from digitcam.edge.settings import SinkSettings
from digitcam.edge.sinks import check_writable
os.setgroups([])
os.setuid(65534)
try:
    check_writable(SinkSettings(use=("jsonl", "sqlite"), directory=sys.argv[1]))
except SinkError as error:
    print(error)
"""


def settings(directory: Path, *use: str) -> SinkSettings:
    return SinkSettings(use=use or ("jsonl", "sqlite"), directory=str(directory))


def test_the_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting comes first, then systemd's state directory (its first), then the one at hand."""
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    assert state_directory(SinkSettings()) == Path()
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/digitcam:/var/lib/other")
    assert state_directory(SinkSettings()) == Path("/var/lib/digitcam")
    assert state_directory(SinkSettings(directory="/data")) == Path("/data")


def test_a_good_place(tmp_path: Path) -> None:
    """A directory that may be written passes, and nothing is made in it."""
    check_writable(settings(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_sinks_without_files_need_no_place(tmp_path: Path) -> None:
    """Whoever writes no file is not asked for a directory."""
    check_writable(settings(tmp_path / "missing", "stdout", "journal"))


def test_a_missing_directory(tmp_path: Path) -> None:
    """It is named with how to make it, and is not made."""
    with pytest.raises(SinkError, match=r"found No such file .*; create it with mkdir -p"):
        check_writable(settings(tmp_path / "missing" / "deeper"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_file_for_a_directory(tmp_path: Path, name: str) -> None:
    """A file where the directory should be is said so."""
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match=r"found Not a directory; remove the file"):
        check_writable(settings(tmp_path / name))


@pytest.mark.parametrize("name", ["readings.jsonl", "readings.db"])
def test_a_directory_for_a_file(tmp_path: Path, name: str) -> None:
    """A directory that has the name of a file is said so."""
    (tmp_path / name).mkdir()
    with pytest.raises(SinkError, match=f"{name}: expected a file, found a directory"):
        check_writable(settings(tmp_path))


def test_a_read_only_disk(small_disk: Path) -> None:
    """A file system that is mounted read-only is said so, to root too."""
    check_writable(settings(small_disk))
    remount = ["mount", "-o", "remount,ro", str(small_disk)]
    subprocess.run(remount, check=True)
    with pytest.raises(SinkError, match="found a read-only file system; mount it writable"):
        check_writable(settings(small_disk))


def test_a_full_disk_passes(small_disk: Path, fill: Callable[[Path], Path]) -> None:
    """A disk that is full may have room later: the service starts, and waits for it."""
    fill(small_disk)
    check_writable(settings(small_disk))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not write")
def test_somebody_elses_place(public_folder: Path) -> None:
    """Directories and files of another user, such as after a run by root, are one line each."""
    folder = public_folder / "state"
    folder.mkdir(mode=0o755)

    def check() -> str:
        command = [sys.executable, "-c", CHECK, str(folder)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert "found one that is not; give it to user 65534 with chown" in check()
    folder.chmod(0o777)
    assert check() == ""
    (folder / "readings.db").touch(mode=0o644)
    assert "readings.db: expected a file that may be written, found one of user 0; give" in check()
    folder.chmod(0o700)
    assert check().count("\n") == 1
    public_folder.chmod(0o700)
    assert "found Permission denied; check its permissions" in check()
