"""Video files and streams: ``video:FILE-or-URL``, whatever OpenCV's FFmpeg reads."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2

from ..address import is_url
from ..decode import luma_of
from ..errors import (
    SettingsError,
    SourceEndedError,
    SourceError,
    SourceMissingError,
    SourceStalledError,
)
from ..frame import GrayImage
from ..settings import CameraSettings
from . import CameraFrame
from .base import SourceBase
from .pace import Clock, Pace, Sleep
from .reader import Reader

_OPEN_GRACE_S = 1.0
"""OpenCV gives up in time on its own, nearly always, and then says more."""


class VideoSource(SourceBase):
    """Plays a file, or shows the newest frame of a stream.

    A file plays at its own rate, or at ``settings.frames_per_second`` if that is lower and not 0,
    which is as fast as asked. A stream (MJPEG over HTTP, RTSP, ...) gives at most so many frames.
    One that stops or breaks is an error; opening it again connects anew.

    Neither is ``live``: compressed frames of a still scene can be equal to the last bit.

    Args:
        settings: of the camera.
        rest: path or URL. What a URL says about the user stays out of names and messages.
        clock: for tests, of files.
        sleep: for tests, of files.
    """

    def __init__(
        self,
        settings: CameraSettings,
        rest: str,
        *,
        clock: Clock = time.monotonic,
        sleep: Sleep = time.sleep,
    ) -> None:
        super().__init__(settings, f"video:{rest}")
        if not rest:
            raise SettingsError("camera.source: expected video:FILE-or-URL, found neither")
        self._address = rest
        self._clock, self._sleep = clock, sleep
        self._player: _File | Reader | None = None

    @property
    def dropped(self) -> int:
        """Frames that nobody fetched in time since it was opened."""
        return self._player.dropped if self._player else 0

    def open(self) -> None:
        """Open the file, or connect to the sender."""
        if self._player is None:
            address = self._address
            self._player = self._connected() if is_url(address) else self._opened(Path(address))

    @contextmanager
    def frame(self, timeout_s: float) -> Iterator[CameraFrame]:
        """Wait for the file's next frame, or the stream's newest."""
        if self._player is None:
            raise self._closed()
        yield self._player.next(timeout_s)

    def close(self) -> None:
        """Close the file, or hang up."""
        player, self._player = self._player, None
        if isinstance(player, Reader):
            player.stop(self._settings.timeout_s + _OPEN_GRACE_S)
        elif player:
            player.close()

    def _opened(self, path: Path) -> _File:
        return _File(self.name, path, self._settings, self._clock, self._sleep)

    def _connected(self) -> Reader:
        def connect() -> _Stream:
            return _Stream(self.name, self._address, self._settings.timeout_s)

        reader = Reader(self.name, connect, self._settings.frames_per_second)
        reader.start(self._settings.timeout_s + _OPEN_GRACE_S)
        return reader


class _Stream:
    """A stream that is connected: what a Reader reads."""

    def __init__(self, name: str, url: str, timeout_s: float) -> None:
        self._name = name
        self._timeout_s = timeout_s
        milliseconds = math.ceil(timeout_s * 1000)
        limits = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, cv2.CAP_PROP_READ_TIMEOUT_MSEC)
        options = [part for limit in limits for part in (limit, milliseconds)]
        start_s = time.monotonic()
        self._capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, options)
        if self._capture.isOpened():
            return
        if time.monotonic() - start_s >= timeout_s:
            raise SourceStalledError(
                f"{name}: expected a video stream within {timeout_s:g} s, found no answer; check "
                "that the sender is on, or raise camera.timeout_s"
            )
        raise SourceMissingError(
            f"{name}: expected a video stream, found none; check the address, the user and "
            "password, and that the sender is on"
        )

    def grab(self) -> float:
        """Wait for the next frame."""
        start_s = time.monotonic()
        if self._capture.grab():
            return time.monotonic()
        if time.monotonic() - start_s >= self._timeout_s:
            raise SourceStalledError(
                f"{self._name}: expected a frame within {self._timeout_s:g} s, the sender is "
                "silent; open it again"
            )
        raise SourceError(
            f"{self._name}: expected another frame, the stream has ended; open it again"
        )

    def luma(self) -> GrayImage:
        """Decode the frame."""
        return _retrieved(self._capture, self._name)

    def close(self) -> None:
        """Hang up."""
        self._capture.release()


class _File:
    """A video file that is open."""

    def __init__(
        self, name: str, path: Path, settings: CameraSettings, clock: Clock, sleep: Sleep
    ) -> None:
        self._name, self._path, self._loop = name, path, settings.loop
        self._capture = self._opened()
        own = self._capture.get(cv2.CAP_PROP_FPS)
        wanted = settings.frames_per_second
        rate = min(own, wanted) if own > 0 else wanted
        self._step = own / rate if rate and own > 0 else 1.0
        self._pace = Pace(rate, clock, sleep)
        self._grabbed = 0
        self._first = 0

    @property
    def dropped(self) -> int:
        """Frames that were due and not fetched."""
        return self._pace.dropped

    def next(self, timeout_s: float) -> CameraFrame:
        """Wait for the next frame that is due."""
        due = self._pace.next(timeout_s)
        if due is None:
            raise SourceStalledError(
                f"{self._name}: expected a frame in time, the next is due later; raise "
                "camera.timeout_s or camera.frames_per_second"
            )
        number, taken_s = due
        self._grab(math.floor(number * self._step))
        return CameraFrame(_retrieved(self._capture, self._name), taken_s)

    def close(self) -> None:
        """Close it."""
        self._capture.release()

    def _opened(self) -> cv2.VideoCapture:
        if not self._path.exists():
            raise SourceMissingError(
                f"{self._name}: expected a video file, found none there; check the path"
            )
        capture = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)
        if not capture.isOpened():
            raise SourceError(
                f"{self._name}: expected a video that FFmpeg reads, found something else; check "
                "it with ffprobe, or save it as H.264 in MP4"
            )
        return capture

    def _grab(self, wanted: int) -> None:
        """Go on to this frame, counted from the first over all rounds."""
        while self._first + self._grabbed <= wanted:
            if self._capture.grab():
                self._grabbed += 1
            elif self._loop and self._grabbed:
                self._capture.release()
                self._capture = self._opened()
                self._first, self._grabbed = wanted, 0  # the rest of a late round is left out
            else:
                raise SourceEndedError(
                    f"{self._name}: all {self._grabbed} frames are shown; set camera.loop to "
                    "begin anew"
                )


def _retrieved(capture: cv2.VideoCapture, name: str) -> GrayImage:
    whole, image = capture.retrieve()
    if not whole:
        raise SourceError(f"{name}: expected a frame, found one that is damaged; open it again")
    return luma_of(image)
