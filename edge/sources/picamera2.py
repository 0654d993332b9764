"""Raspberry Pi cameras: ``picamera2`` or ``picamera2:N``."""

from __future__ import annotations

import atexit
import gc
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from ..address import shown
from ..errors import (
    SettingsError,
    SourceBusyError,
    SourceError,
    SourceMissingError,
    SourceStalledError,
)
from ..processes import describe_process, holders_of
from ..settings import CameraSettings
from . import CameraFrame
from .base import SourceBase
from .pace import Clock, Limit

log = logging.getLogger(__name__)

BUFFERS = 4
"""One is read, one waits to be, two are filled; with fewer every other frame is lost."""
START_S = 20.0
"""Longest wait for the camera to open and start; a Zero 2 W takes some of it."""
STOP_S = 10.0
"""Longest wait for it to stop; the kernel may never return (picamera2 issues 1264, 1275)."""
FOCUS_S = 5.0
"""Longest wait for the lens."""
_LUMA_FIRST = ("YUV420", "YVU420", "NV12", "NV21")
"""Formats whose first rows are luma."""
_LIBRARY_ERRORS = (RuntimeError, OSError, LookupError, ValueError, TypeError, AttributeError)
"""What picamera2 and libcamera raise; the last two where an old one lacks what is asked of it."""
_GONE = np.empty((0, 0), np.uint8)


class Picamera2Source(SourceBase):
    """Shows a camera's frames in the memory that the camera wrote them to.

    There is one stream, YUV420, whose first rows are luma: every Pi gives it in the main stream,
    and it takes half the memory of a small RGB stream with a ``lores`` one beside it.

    Args:
        settings: of the camera.
        rest: its number, or nothing for 0.
        clock: for tests.
    """

    live = True
    exclusive = True

    def __init__(
        self, settings: CameraSettings, rest: str, *, clock: Clock = time.monotonic
    ) -> None:
        if not re.fullmatch("[0-9]{0,3}", rest):
            raise SettingsError(
                "camera.source: expected picamera2 or picamera2:N, found "
                f"{shown(f'picamera2:{rest}')}; list "
                "the cameras with: rpicam-hello --list-cameras"
            )
        self._number = int(rest or 0)
        # One name a camera, by which it is locked.
        super().__init__(settings, f"picamera2:{self._number}" if self._number else "picamera2")
        self._clock = clock
        self._camera: Any = None
        self._mapped_array: Any = None
        self._job: Any = None
        self._dropped = 0
        self._last_s: float | None = None
        self._limit = Limit(0)

    @property
    def dropped(self) -> int:
        """Frames missing since it was opened, by the frames' times."""
        return self._dropped

    def open(self) -> None:
        """Start the camera, focus, and lock exposure and white balance once they have settled."""
        if self._camera is not None:
            return
        library = _imported(self.name)
        self._mapped_array = library.MappedArray
        self._dropped, self._last_s = 0, None
        try:
            self._bounded(lambda: self._start(library), START_S)
            self._focus()
            self._settle()
        except _LIBRARY_ERRORS as error:
            self.close()
            raise self._explained(error) from error

    @contextmanager
    def frame(self, timeout_s: float) -> Iterator[CameraFrame]:
        """Wait for a frame, which may have been taken a moment before the call."""
        if self._camera is None:
            raise self._closed()
        request, taken_s = self._wanted(timeout_s)
        try:
            with self._mapped_array(request, "main", write=False) as mapped:
                luma = mapped.array[: self._settings.height, : self._settings.width]
                frame = CameraFrame(luma, taken_s)
                del luma
                try:
                    yield frame
                finally:
                    # Whoever keeps the frame must not keep the camera's memory mapped.
                    object.__setattr__(frame, "luma", _GONE)
        finally:
            request.release()

    def close(self) -> None:
        """Stop and close the camera; one that does not answer is left behind."""
        camera = self._camera
        if camera is None:
            return
        try:
            self._bounded(self._stop, STOP_S)
        except _LIBRARY_ERRORS as error:
            log.warning("%s: expected the camera to close, found: %s", self.name, error)
            atexit.unregister(camera.close)  # which would keep this process from ending

    # Opening and closing

    def _start(self, library: Any) -> None:
        """Open, configure and start the camera."""
        # The library's constructor finds out too, and then keeps a pipe open for ever.
        if self._number >= len(library.Picamera2.global_camera_info()):
            raise LookupError("no camera of this number")
        camera = library.Picamera2(self._number)
        self._camera = camera
        size = (self._settings.width, self._settings.height)
        camera.configure(
            camera.create_video_configuration(
                main={"format": "YUV420", "size": size},
                raw=None,
                buffer_count=BUFFERS,
                sensor={"output_size": _sensor_size(camera.sensor_resolution, size)},
                display=None,
                encode=None,
            )
        )
        self._check_configuration(camera.camera_configuration()["main"])
        self._limit_rate(camera)
        camera.start()

    def _check_configuration(self, main: dict[str, Any]) -> None:
        """Compare what the camera was set to, which it may choose, with what was asked for."""
        self._check_size(*main["size"])
        if main["format"] not in _LUMA_FIRST:
            raise SourceError(
                f"{self.name}: expected frames in {', '.join(_LUMA_FIRST)}, the camera gives "
                f"{main['format']}; read a USB camera with v4l2:/dev/videoN"
            )

    def _limit_rate(self, camera: Any) -> None:
        """Have the sensor expose as many frames a second as are wanted.

        Of one that cannot be so slow, frames are left out.
        """
        self._limit = Limit(0)
        limits = camera.camera_controls.get("FrameDurationLimits")
        if limits is None or not self._settings.frames_per_second:
            return
        shortest_us, longest_us, _ = limits
        wanted_us = round(1e6 / self._settings.frames_per_second)
        if wanted_us > longest_us:
            self._limit = Limit(self._settings.frames_per_second)
        duration_us = min(max(wanted_us, shortest_us), longest_us)
        camera.set_controls({"FrameDurationLimits": (duration_us, duration_us)})

    def _stop(self) -> None:
        """Stop and close the camera."""
        camera, self._camera = self._camera, None
        job, self._job = self._job, None
        camera.cancel_all_and_flush()
        if job is not None:
            with suppress(CancelledError, TimeoutError):  # it has no frame, nearly always
                camera.wait(job, timeout=0.1).release()
        camera.close()
        gc.collect()  # with the library's selectors, which it never closes

    def _bounded(self, step: Callable[[], None], longest_s: float) -> None:
        """Do a step that may never return, and raise what it raises."""
        done: Future[None] = Future()

        def run() -> None:
            try:
                step()
                done.set_result(None)
            except Exception as error:  # raised again by result()
                done.set_exception(error)

        threading.Thread(target=run, name=self.name, daemon=True).start()
        if not wait([done], longest_s).done:
            raise SourceStalledError(
                f"{self.name}: expected an answer of the camera within {longest_s:g} s, found "
                "none; check its cable, and restart the Pi if this stays"
            )
        done.result()

    def _explained(self, error: Exception) -> SourceError:
        """Return the error of this folder that fits what the library raised."""
        if isinstance(error, SourceError):
            return error
        found = "; ".join(_chain(error))
        if isinstance(error, LookupError) or re.search(r"no camera|not found", found, re.I):
            return SourceMissingError(
                f"{self.name}: expected a camera, found none; check its cable, and list the "
                "cameras with: rpicam-hello --list-cameras"
            )
        if re.search(r"busy|in use", found, re.I):
            pids = holders_of(*Path("/dev").glob("media*"))
            holder = " and ".join(map(describe_process, pids)) or "another process"
            return SourceBusyError(
                f"{self.name}: expected a free camera, it is held by {holder}; stop that"
            )
        return SourceError(
            f"{self.name}: expected a camera that works, found: {found}; try it with: rpicam-hello"
        )

    # Lens and light

    def _focus(self) -> None:
        """Hold the lens where it is told to be, or where it finds the sharpest picture now."""
        camera, position = self._camera, self._settings.lens_position
        if "AfMode" not in camera.camera_controls:
            if position is not None:
                raise SourceError(
                    f"{self.name}: expected a lens that moves, found a fixed one; remove "
                    "camera.lens_position"
                )
            return
        from libcamera import controls

        if position is not None:
            camera.set_controls(
                {"AfMode": controls.AfModeEnum.Manual, "LensPosition": float(position)}
            )
            return
        # In this mode the lens moves when it is triggered, and not again.
        camera.set_controls(
            {"AfMode": controls.AfModeEnum.Auto, "AfTrigger": controls.AfTriggerEnum.Start}
        )
        ends = (int(controls.AfStateEnum.Focused), int(controls.AfStateEnum.Failed))
        until_s = self._clock() + FOCUS_S
        state = None
        while state not in ends and self._clock() < until_s:
            state = self._metadata().get("AfState")
        if state != int(controls.AfStateEnum.Focused):
            log.warning(
                "%s: the lens found no focus; set camera.lens_position to 1 / metres", self.name
            )

    def _settle(self) -> None:
        """Wait until exposure and white balance have settled, and lock them."""
        until_s = self._clock() + self._settings.settle_s
        metadata = self._metadata()
        while self._clock() < until_s:
            metadata = self._metadata()
        if not self._settings.lock_exposure:
            return
        advertised = self._camera.camera_controls
        locked = {"AeEnable": False, "AwbEnable": False}
        for name in ("ExposureTime", "AnalogueGain", "ColourGains"):
            if name in metadata:
                locked[name] = metadata[name]
        self._camera.set_controls({k: v for k, v in locked.items() if k in advertised})

    # Frames

    def _wanted(self, timeout_s: float) -> tuple[Any, float]:
        """Return a request that is not too early for the rate, and when its frame was taken."""
        until_s = self._clock() + timeout_s
        while True:
            request = self._request(max(until_s - self._clock(), 0))
            try:
                taken_s = self._taken_s(request.get_metadata())
                wanted = self._limit.wants(taken_s)
            except BaseException:
                request.release()
                raise
            if wanted:
                return request, taken_s
            request.release()
            if self._clock() >= until_s:
                raise SourceStalledError(
                    f"{self.name}: expected a frame in time, the next is due later; raise "
                    "camera.frames_per_second"
                )

    def _request(self, timeout_s: float) -> Any:
        """Return a completed request; whoever gets it releases it."""
        camera = self._camera
        if self._job is None:
            self._job = camera.capture_request(wait=False)
        try:
            request = camera.wait(self._job, timeout=timeout_s)
        except TimeoutError as error:
            # The job stays for the next call: one that is cancelled can have got its frame just
            # then, which nobody would give back.
            raise SourceStalledError(
                f"{self.name}: expected a frame in time, found none; check the camera's cable"
            ) from error
        except _LIBRARY_ERRORS as error:
            self._job = None
            raise self._explained(error) from error
        self._job = None
        return request

    def _metadata(self) -> dict[str, Any]:
        request = self._request(self._settings.timeout_s)
        try:
            metadata: dict[str, Any] = request.get_metadata()
        finally:
            request.release()
        return metadata

    def _taken_s(self, metadata: dict[str, Any]) -> float:
        """Return when the sensor took the frame, and count those missing since the one before.

        The drivers stamp with the monotonic clock, whatever libcamera's documentation says; the
        two differ only by the time that a machine was suspended, which a Pi cannot be.
        """
        stamp = metadata.get("SensorTimestamp")
        taken_s = stamp / 1e9 if stamp else self._clock()
        duration_s = metadata.get("FrameDuration", 0) / 1e6
        if duration_s and self._last_s is not None:
            self._dropped += max(round((taken_s - self._last_s) / duration_s) - 1, 0)
        self._last_s = taken_s
        return taken_s


def _imported(name: str) -> Any:
    """Import the library, which takes seconds on a small Pi and exists on no other machine."""
    try:
        import picamera2
    except ImportError as error:
        raise SourceError(
            f"{name}: expected the picamera2 library, found: {error}; install it with sudo apt "
            "install python3-picamera2, and make the virtual environment with "
            "--system-site-packages"
        ) from error
    return picamera2


def _sensor_size(full: tuple[int, int], wanted: tuple[int, int]) -> tuple[int, int]:
    """Return the size at which the sensor is read: halved if that is enough.

    Left to itself the library takes the mode next to the wanted size, and the small modes of some
    sensors see the middle of the picture only. Halved, by binning, all of them see the whole.
    """
    half = (full[0] // 2, full[1] // 2)
    return half if half[0] >= wanted[0] and half[1] >= wanted[1] else full


def _chain(error: BaseException | None) -> Iterator[str]:
    """Yield an error's message and those of its causes: picamera2 hides the reason there."""
    while error is not None:
        yield " ".join(str(error).split()) or type(error).__name__
        error = error.__cause__ or error.__context__
