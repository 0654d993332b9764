"""What can be known of V4L2 without a camera: devices that are none, and layouts of frames."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from digitcam.edge.errors import SettingsError, SourceError, SourceMissingError
from digitcam.edge.settings import CameraSettings
from digitcam.edge.sources.v4l2 import V4l2Source, luma_in

WAIT_S = 20.0
OPEN_AS_NOBODY = """
import os, sys
from digitcam.edge.settings import CameraSettings
from digitcam.edge.sources.v4l2 import V4l2Source
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
V4l2Source(CameraSettings(), sys.argv[1]).open()
"""


def test_a_missing_device_is_missing(tmp_path: Path) -> None:
    """A device that is not plugged in is missing, and the message tells how to list others."""
    with pytest.raises(SourceMissingError, match=r"no such device; .*--list-devices"):
        V4l2Source(CameraSettings(), str(tmp_path / "video7")).open()


@pytest.mark.parametrize("device", ["file", "/dev/null", "/dev/ptmx", "directory"])
def test_what_is_no_camera_says_so(tmp_path: Path, device: str) -> None:
    """Regular files, directories and devices of other kinds are refused at once."""
    path = Path(device) if device.startswith("/") else tmp_path / device
    if device == "file":
        path.write_bytes(b"no camera")
    elif device == "directory":
        path.mkdir()
    start_s = time.monotonic()
    with pytest.raises(SourceError, match=r"expected a camera, found"):
        V4l2Source(CameraSettings(), str(path)).open()
    assert time.monotonic() - start_s < WAIT_S


def test_a_device_of_others_names_the_group(tmp_path: Path) -> None:
    """Without permission the message says which group to join."""
    path = tmp_path / "video0"
    path.touch(mode=0o000)
    if os.access(path, os.R_OK):
        for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
            folder.chmod(0o711)
    done = subprocess.run(
        [sys.executable, "-c", OPEN_AS_NOBODY, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "SourceError" in done.stderr
    assert "sudo usermod -aG video $USER" in done.stderr


def test_it_needs_a_device() -> None:
    """``v4l2:0`` is not a path."""
    with pytest.raises(SettingsError, match="expected v4l2:/dev/videoN"):
        V4l2Source(CameraSettings(), "0")


def test_frames_of_another_size_are_refused() -> None:
    """The region is in px of the size that was asked for, so another one is an error."""
    source = V4l2Source(CameraSettings(width=640, height=480), "/dev/video0")
    source._check_size(640, 480)
    with pytest.raises(SourceError, match="expected frames of 640 x 480 px, the camera gives 320"):
        source._check_size(320, 240)


@pytest.fixture
def gray() -> NDArray[np.uint8]:
    """A gray picture of 16 x 8 px, each of another level."""
    return np.arange(16 * 8, dtype=np.uint8).reshape(8, 16)


def sent(gray: NDArray[np.uint8], padding: int) -> dict[str, NDArray[np.uint8]]:
    """Return the picture in each format that is read as sent, with so many bytes after a line."""
    neutral = np.full_like(gray, 128)
    planar = np.concatenate([gray, neutral[:4]])
    frames = {
        "YUYV": np.dstack([gray, neutral]).reshape(8, -1),
        "UYVY": np.dstack([neutral, gray]).reshape(8, -1),
        "NV12": planar,
        "YU12": planar,
        "GREY": gray,
        "BGR3": np.dstack([gray] * 3).reshape(8, -1),
    }
    return {name: np.pad(frame, ((0, 0), (0, padding))) for name, frame in frames.items()}


@pytest.mark.parametrize("padding", [0, 6])
def test_luma_of_every_layout_is_the_same(gray: NDArray[np.uint8], padding: int) -> None:
    """All formats hold the picture, with and without padding, in an image's shape or one row."""
    for fourcc, frame in sent(gray, padding).items():
        for shape in (frame.shape, (1, frame.size)):
            luma = luma_in(frame.reshape(shape), fourcc, 16, 8)
            assert np.array_equal(luma, gray), (fourcc, shape)
    assert np.array_equal(luma_in(np.dstack([gray] * 3), "MJPG", 16, 8), gray)


def test_a_frame_that_is_cut_short_is_none(gray: NDArray[np.uint8]) -> None:
    """A frame of which lines are missing is not taken for a whole one, by a byte even."""
    for fourcc, frame in sent(gray, 0).items():
        for kept in (0, 1, 7, frame.size // 2, frame.size - 1):
            assert luma_in(frame.reshape(1, -1)[:, :kept], fourcc, 16, 8) is None, (fourcc, kept)
    assert luma_in(np.dstack([gray] * 3)[:7], "MJPG", 16, 8) is None
