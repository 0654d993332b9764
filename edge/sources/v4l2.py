"""USB cameras and others that Linux knows as /dev/videoN: ``v4l2:/dev/videoN``, through OpenCV."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..decode import luma_of
from ..errors import SettingsError, SourceBusyError, SourceError, SourceMissingError
from ..frame import GrayImage
from ..processes import describe_process, holders_of
from ..settings import CameraSettings
from . import CameraFrame
from .base import SourceBase
from .reader import Reader

_OPEN_S = 10.0
"""A USB camera may take seconds to wake up."""
_CLOSE_S = 11.0
"""OpenCV's longest wait for a frame, 10 s, and a little more."""
_QUERY_CAPABILITIES = 0x80685600
"""VIDIOC_QUERYCAP of linux/videodev2.h, for a struct v4l2_capability of 104 bytes."""
_CAPTURES = 0x1 | 0x1000
"""V4L2_CAP_VIDEO_CAPTURE and V4L2_CAP_VIDEO_CAPTURE_MPLANE."""
_PACKED = {"YUYV": 0, "YVYU": 0, "UYVY": 1}
"""Formats of two bytes a pixel, and which of them is luma."""
_PLANAR = {"NV12", "NV21", "YU12", "YV12"}
"""Formats that begin with a plane of luma, half as high again."""
_GRAY = "GREY"
_BGR = "BGR3"


class V4l2Source(SourceBase):
    """Shows the newest frame of a camera, at most ``settings.frames_per_second`` of them.

    Exposure, white balance and focus are left as they are; set them with v4l2-ctl.

    Args:
        settings: of the camera.
        rest: the device, such as /dev/video0 or a lasting name in /dev/v4l/by-id.
    """

    live = True
    exclusive = True

    def __init__(self, settings: CameraSettings, rest: str) -> None:
        super().__init__(settings, f"v4l2:{rest}")
        if not rest.startswith("/"):
            raise SettingsError(
                f"camera.source: expected v4l2:/dev/videoN, found {self.name!r}; list the cameras "
                "with: v4l2-ctl --list-devices"
            )
        self._path = Path(rest)
        self._reader: Reader | None = None

    @property
    def dropped(self) -> int:
        """Frames that nobody fetched in time since it was opened."""
        return self._reader.dropped if self._reader else 0

    def open(self) -> None:
        """Open the device and have it stream."""
        if self._reader is None:
            reader = Reader(self.name, self._connected, self._settings.frames_per_second)
            reader.start(_OPEN_S)
            self._reader = reader

    @contextmanager
    def frame(self, timeout_s: float) -> Iterator[CameraFrame]:
        """Wait for the newest frame."""
        if self._reader is None:
            raise self._closed()
        yield self._reader.next(timeout_s)

    def close(self) -> None:
        """Stop and close the device."""
        reader, self._reader = self._reader, None
        if reader:
            reader.stop(_CLOSE_S)

    def _connected(self) -> _Device:
        self._look_at_device()
        capture = cv2.VideoCapture(str(self._path), cv2.CAP_V4L2)
        try:
            if not capture.isOpened():
                raise self._refused()
            self._set_up(capture)
            return _Device(self.name, capture)
        except SourceError:
            capture.release()
            raise

    def _look_at_device(self) -> None:
        """Find out why it cannot be opened, which OpenCV does not tell."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise self._unopened(error) from error
        try:
            if not _captures(descriptor):
                raise SourceError(
                    f"{self.name}: expected a camera, found something else; many cameras have a "
                    "second device for metadata: list them with: v4l2-ctl --list-devices"
                )
        finally:
            os.close(descriptor)

    def _unopened(self, error: OSError) -> SourceError:
        if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ENOTDIR):
            return SourceMissingError(
                f"{self.name}: expected a camera, found no such device; plug it in, or list those "
                "there are with: v4l2-ctl --list-devices"
            )
        if error.errno in (errno.EACCES, errno.EPERM):
            return SourceError(
                f"{self.name}: expected permission to use the camera, found none; add the user to "
                "its group and log in anew: sudo usermod -aG video $USER"
            )
        if error.errno == errno.EBUSY:
            return self._refused()
        return SourceError(
            f"{self.name}: expected a camera, found: {error.strerror}; name its device"
        )

    def _refused(self) -> SourceError:
        """Say who holds a camera that is one but does not open."""
        holders = [pid for pid in holders_of(self._path) if pid != os.getpid()]
        if holders:
            names = " and ".join(describe_process(pid) for pid in holders)
            return SourceBusyError(
                f"{self.name}: expected a free camera, it is held by {names}; stop that"
            )
        return SourceBusyError(
            f"{self.name}: expected a free camera, it cannot be opened; see what holds it with: "
            f"sudo fuser -v {self._path}"
        )

    def _set_up(self, capture: cv2.VideoCapture) -> None:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._settings.width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._settings.height)
        if self._settings.frames_per_second:
            # No camera is as slow as a frame in seconds; what is too much is left out later.
            capture.set(cv2.CAP_PROP_FPS, max(self._settings.frames_per_second, 1))
        width = round(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = round(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self._check_size(width, height)


class _Device:
    """A camera that is open: what a Reader reads."""

    def __init__(self, name: str, capture: cv2.VideoCapture) -> None:
        self._name = name
        self._capture = capture
        code = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
        self._format = code.to_bytes(4, "little").decode("ascii", "replace")
        self._width = round(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self._height = round(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        if self._format in {*_PACKED, *_PLANAR, _GRAY}:
            capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)

    def grab(self) -> float:
        """Wait for the next frame."""
        if not self._capture.grab():
            raise SourceError(
                f"{self._name}: expected another frame, found none; check the cable and the power"
            )
        now_s = time.monotonic()
        taken_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        # The driver's time is of the same clock, or else far off.
        return taken_s if now_s - 1 <= taken_s <= now_s else now_s

    def luma(self) -> GrayImage:
        """Copy the frame's luma."""
        whole, image = self._capture.retrieve()
        if whole:
            pixels = np.asarray(image, np.uint8)
            luma = luma_in(pixels, self._format, self._width, self._height)
            if luma is not None:
                return luma
        raise SourceError(
            f"{self._name}: expected a frame, found one that is damaged; check the cable"
        )

    def close(self) -> None:
        """Stop and close it."""
        self._capture.release()


def luma_in(image: NDArray[np.uint8], fourcc: str, width: int, height: int) -> GrayImage | None:
    """Return the luma of a frame: as the camera sent it where it begins with luma, else of BGR.

    Args:
        image: What OpenCV gives: (H, W, 3) BGR; or what the camera sent, lines with their padding,
            in the shape of an image (OpenCV 5.0) or of one row (4.11).
        fourcc: V4L2's name of the camera's format.
        width: W, px.
        height: H, px.

    Returns:
        (H, W) luma, or None if the frame is not whole.
    """
    if fourcc not in {*_PACKED, *_PLANAR, _GRAY, _BGR}:
        return luma_of(image) if image.shape[:2] == (height, width) else None
    rows = height * 3 // 2 if fourcc in _PLANAR else height
    depth = 2 if fourcc in _PACKED else 3 if fourcc == _BGR else 1
    stride = image.size // rows
    if stride < depth * width:
        return None
    lines = image.reshape(-1)[: rows * stride].reshape(rows, stride)[:height, : depth * width]
    if fourcc == _BGR:
        return luma_of(lines.reshape(height, width, 3))
    return np.ascontiguousarray(lines[:, _PACKED[fourcc] :: 2]) if depth == 2 else lines


def _captures(descriptor: int) -> bool:
    """Return whether an open file is a device that gives pictures."""
    if not stat.S_ISCHR(os.fstat(descriptor).st_mode):
        return False
    answer = bytearray(104)
    try:
        fcntl.ioctl(descriptor, _QUERY_CAPABILITIES, answer)
    except OSError:
        return False
    of_device = int.from_bytes(answer[88:92], "little")
    return bool(of_device & _CAPTURES)
