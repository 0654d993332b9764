"""What can be said of systemd/ without booting it: keys, exposure, settings, shell scripts."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from digitcam.edge.settings import Settings
from digitcam.edge.settings_file import load_settings

FOLDER = Path(__file__).parents[2] / "systemd"
UNIT = FOLDER / "digitcam.service"
SCRIPTS = ("install.sh", "uninstall.sh")
NEWER_THAN_252 = {
    *(
        "MemoryZSwapWriteback",
        "NFTSet",
        "PrivatePIDs",
    ),
    *("RestartMaxDelaySec", "RestartMode", "RestartSteps", "RestrictFileSystemAccess"),
    *("SetLoginEnvironment", "StateDirectoryQuota", "SurviveFinalKillSignal"),
    *("CoredumpReceive", "ImportCredential", "MemoryKSM", "OpenFile", "PassPIDFD", "RootEphemeral"),
    *("DelegateSubgroup", "MemoryPressureWatch", "MemoryPressureThresholdSec", "ReloadSignal"),
    *("FileDescriptorStorePreserve", "ConditionVersion", "ExtensionImagePolicy"),
}
"""Keys of systemd.unit(5) and its companions that came after Bookworm's systemd."""


def keys(unit: str) -> dict[str, list[str]]:
    """Return each key's values in a unit file."""
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", unit, re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


def need(tool: str) -> str:
    path = shutil.which(tool)
    if path is None:
        pytest.skip(f"expected {tool}, found none; install it")
    return path


def test_bookworm_knows_every_key() -> None:
    """The unit has no key or value that systemd 252 does not know."""
    assert NEWER_THAN_252.isdisjoint(keys(UNIT.read_text()))
    assert keys(UNIT.read_text())["Type"] == ["notify"]  # notify-reload came with 253


@pytest.mark.parametrize("drop_in", [None, "network.conf"])
def test_systemd_has_nothing_to_say(drop_in: str | None, tmp_path: Path) -> None:
    """`systemd-analyze verify` is silent; it exits with 0 whatever it says."""
    unit = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text(), flags=re.MULTILINE)
    (tmp_path / UNIT.name).write_text(unit)
    if drop_in:
        (tmp_path / f"{UNIT.name}.d").mkdir()
        shutil.copy(FOLDER / drop_in, tmp_path / f"{UNIT.name}.d")
    done = subprocess.run(
        [need("systemd-analyze"), "verify", tmp_path / UNIT.name],
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in (done.stdout + done.stderr).splitlines() if UNIT.name in line]
    assert said == []


def test_exposure() -> None:
    """The exposure that systemd itself measures, from 0 to 10, is at most 2.0."""
    done = subprocess.run(
        [need("systemd-analyze"), "security", "--offline=true", "--threshold=20", UNIT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_camera_devices_are_left_visible() -> None:
    """The sandbox hides neither the camera's devices nor what its libraries look up."""
    unit = keys(UNIT.read_text())
    assert "PrivateDevices" not in unit
    assert "ProcSubset" not in unit
    assert "PrivateNetwork" not in unit
    devices = {value.split()[0] for value in unit["DeviceAllow"]}
    assert devices == {"char-video4linux", "char-media", "char-dma_heap"}


def test_restarts_that_cannot_help_are_left_out() -> None:
    """Wrong usage and wrong settings end for good; a camera that was given up does not."""
    unit = keys(UNIT.read_text())
    assert unit["RestartPreventExitStatus"] == ["2 78"]
    assert unit["StartLimitIntervalSec"] == ["0"]


def test_watchdog_waits_longer_than_the_camera() -> None:
    """With the default settings no wait for a camera, and no stall, starves the watchdog."""
    camera = Settings().camera
    longest_s = camera.max_retry_s + 2 * camera.timeout_s + camera.settle_s
    assert int(keys(UNIT.read_text())["WatchdogSec"][0]) > longest_s


def test_installed_settings() -> None:
    """The installed settings are possible, and keep readings in the journal and in both files."""
    settings = load_settings(FOLDER / "digitcam.toml")
    assert settings.camera == Settings().camera
    assert set(settings.sinks.use) == {"journal", "jsonl", "sqlite"}
    assert settings.sinks.directory == ""  # which is systemd's state directory


@pytest.mark.parametrize("script", SCRIPTS)
def test_shellcheck(script: str) -> None:
    """Shellcheck finds nothing."""
    done = subprocess.run(
        [need("shellcheck"), FOLDER / script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_help_and_wrong_usage(script: str) -> None:
    """Help goes to stdout with status 0; an unknown option is one line and status 2."""
    told = subprocess.run([FOLDER / script, "--help"], capture_output=True, text=True, check=False)
    assert told.returncode == 0
    assert told.stdout.startswith("usage: sudo systemd/")
    done = subprocess.run([FOLDER / script, "--tempo"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "found '--tempo'" in done.stderr


@pytest.mark.parametrize(
    ("script", "function", "kept"),
    [("install.sh", "remove_older", True), ("uninstall.sh", "remove_versions", False)],
)
def test_other_folders_are_left_alone(
    script: str, function: str, kept: bool, tmp_path: Path
) -> None:
    """Only environments that install.sh made go, not what somebody keeps beside them."""
    link, new = tmp_path / "digitcam", tmp_path / "digitcam-20260102030405"
    ours = [new, tmp_path / "digitcam-20250102030405"]
    others = [tmp_path / f"digitcam-{name}" for name in ("2", "2old", "20250102", "2" * 15)]
    others.append(tmp_path / "digitcam-20240102030405")  # of that name, but no environment
    for folder in ours + others:
        folder.mkdir()
        (folder / "pyvenv.cfg").touch()
    (others[-1] / "pyvenv.cfg").rename(others[-1] / "notes.txt")
    text = (FOLDER / script).read_text()
    parts = [re.search(rf"(?ms)^{name}\(\) {{.*?^}}$", text) for name in ("is_ours", function)]
    body = "\n".join(part[0] for part in parts if part)
    command = f"set -eu\nlink={link} new={new}\n{body}\n{function}"
    subprocess.run(["sh", "-c", command], check=True)
    assert sorted(tmp_path.iterdir()) == sorted([*others, *([new] if kept else [])])
