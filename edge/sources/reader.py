"""A camera that is read without pause, so that its newest frame is at hand and none grows old."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

import cv2

from ..errors import EdgeError, SourceError, SourceStalledError
from ..frame import GrayImage
from . import CameraFrame
from .pace import Limit


class Grabber(Protocol):
    """A camera or stream that is open; used by one thread."""

    def grab(self) -> float:
        """Wait for the next picture and return when it was taken, s of the monotonic clock.

        Raises:
            SourceError: There is none: it stalled, ended or broke.
        """

    def luma(self) -> GrayImage:
        """Return the picture grabbed last."""

    def close(self) -> None:
        """Give it back."""


class Reader:
    """Reads a camera in a thread of its own, and keeps the newest frame that nobody has fetched.

    OpenCV waits as long as it likes, sometimes longer than it was told to. The thread may; whoever
    waits for a frame, or for the opening, waits as long as he said. And a sender that is always
    listened to never has frames to queue.

    Args:
        name: how messages begin.
        connect: opens the camera, in the thread.
        per_second: frames that are kept a second; 0 is all.
    """

    def __init__(self, name: str, connect: Callable[[], Grabber], per_second: float) -> None:
        self.dropped = 0
        self._name = name
        self._connect = connect
        self._limit = Limit(per_second)
        self._changed = threading.Condition()
        self._connected = False
        self._stopped = False
        self._frame: CameraFrame | None = None
        self._error: SourceError | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self, timeout_s: float) -> None:
        """Open the camera; after an error it must be made anew.

        Raises:
            SourceStalledError: It did not open in time.
            SourceError: It cannot be opened.
        """
        self._thread.start()
        with self._changed:
            if not self._changed.wait_for(lambda: self._connected or self._error, timeout_s):
                self._stopped = True  # the thread closes what it may still open
                raise self._stalled()
        self._check()

    def next(self, timeout_s: float) -> CameraFrame:
        """Return the newest frame that was not returned yet, or wait for one.

        Raises:
            SourceStalledError: None came in time.
            SourceError: The camera stalled for longer than it may, ended or broke.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._frame or self._error, timeout_s)
            frame, self._frame = self._frame, None
        if frame is None:
            self._check()
            raise self._stalled()
        return frame

    def stop(self, timeout_s: float) -> None:
        """Close the camera; one that does not answer in time is left to close by itself."""
        self._stopped = True
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            grabber = self._connect()
            try:
                self._announce()
                while not self._stopped:
                    self._read(grabber)
            finally:
                grabber.close()
        except (EdgeError, cv2.error) as error:
            with self._changed:
                self._error = self._as_source_error(error)
                self._changed.notify_all()

    def _announce(self) -> None:
        with self._changed:
            self._connected = True
            self._changed.notify_all()

    def _read(self, grabber: Grabber) -> None:
        taken_s = grabber.grab()
        if not self._limit.wants(taken_s):
            return
        frame = CameraFrame(grabber.luma(), taken_s)
        with self._changed:
            self.dropped += self._frame is not None
            self._frame = frame
            self._changed.notify_all()

    def _check(self) -> None:
        if self._error:
            raise type(self._error)(*self._error.args) from self._error

    def _as_source_error(self, error: Exception) -> SourceError:
        if isinstance(error, SourceError):
            return error
        found = " ".join(str(error).split())
        return SourceError(f"{self._name}: expected a frame, found: {found}; open it again")

    def _stalled(self) -> SourceStalledError:
        return SourceStalledError(
            f"{self._name}: expected a frame in time, found none; check that it is on and connected"
        )
