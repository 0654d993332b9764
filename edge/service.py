"""The loop: frames from a camera, read, stabilized and published, until the end is asked for."""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import cv2

from .camera import Camera
from .errors import EdgeError
from .frame import GrayImage, StableReading
from .live import LiveReader
from .notify import Notifier
from .reading.recognize import Recognizer
from .settings import CameraSettings, Settings
from .signals import Signals
from .sinks import check_writable, sinks_of
from .sinks.writer import SinkWriter
from .sources import CameraFrame
from .stabilize import Stabilizer, Withheld

log = logging.getLogger(__name__)

STOP_WITHIN_S = 1.5
"""A loop that has not ended so long after SIGTERM is ended without it."""
FLUSH_S = 0.8
"""How long readings that wait may still be written then."""
STATUS_EVERY_S = 5.0
FEED_EVERY_S = 1.0
"""The watchdog is fed after progress, but not more often."""
WITHHELD_S = 20.0
"""A line that has been read for so long and is not published is told of."""
MAX_CRASHES = 10
"""Frames in a row at which the reader may crash; then the process ends, to be started anew."""


class Service:
    """Reads a camera until it is told to stop.

    Args:
        settings: How.
        reload: Reads the settings anew; raises SettingsError.
        clock: Tells seconds of the monotonic clock.

    Raises:
        SettingsError: The source has no such name.
        ModelError: The bundle does not fit.
        RuntimeUnavailableError: No TFLite runtime is usable.
    """

    def __init__(
        self,
        settings: Settings,
        reload: Callable[[], Settings] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.frames = 0
        """How many were taken in."""
        self._reload = reload or (lambda: settings)
        self._notifier = Notifier()
        self._clock = clock
        self._signals = Signals(STOP_WITHIN_S, self._force_end)
        self._camera = self._camera_of(settings.camera)
        stabilizer = _stabilizer(settings, self._camera)
        self._live = LiveReader(_recognizer(settings), stabilizer, settings.camera.region)
        self._writer = SinkWriter(sinks_of(settings.sinks), settings.sinks.max_waiting)
        self._retries = self._crashes = 0
        self._is_ready = False
        self._last: StableReading | None = None
        self._seen_s = 0.0
        self._withheld: list[Withheld] = []
        self._times: deque[float] = deque(maxlen=50)
        self._fed_s = self._told_s = -1e9

    def run(self) -> None:
        """Run until SIGTERM or SIGINT, or the end of a recording.

        Raises:
            GaveUpError: The camera gave no good picture however often it was opened.
            SourceBusyError: Another process holds the camera's lock.
        """
        with self._signals:
            self._writer.start()
            try:
                while self._see_frames():
                    pass
            finally:
                self._notifier.stopping()
                self._flush()

    def _see_frames(self) -> bool:
        """Take frames in until the end, or until there is another camera, which returns True."""
        camera = self._camera
        with camera, closing(camera.frames()) as frames:
            for found in frames:
                if self._signals.stop.is_set():
                    return False
                if found:
                    self._take(*found)
                retried = camera.retries != self._retries
                self._tell(progress=found is not None or retried or camera.is_between)
                self._retries = camera.retries
                if self._signals.wants_reload():
                    self._read_settings_anew()
                    if self._camera is not camera:
                        return True
        self._tell_withheld(self._seen_s, 0)  # the end of a recording
        return False

    def _take(self, frame: CameraFrame, small: GrayImage) -> None:
        """Read a frame and publish what became stable."""
        try:
            readings = self._live.see(frame, small)
        except EdgeError:
            raise
        except Exception:  # one frame must not end months of readings
            self._crashes += 1
            log.exception("a frame could not be read, %d in a row", self._crashes)
            if self._crashes >= MAX_CRASHES:
                raise
            return
        self._crashes, self._seen_s = 0, frame.taken_s
        self._tell_withheld(frame.taken_s, 0 if frame.picture else WITHHELD_S, frame.picture)
        for reading in readings:
            self._last = reading
            self._writer.put(reading)
        self.frames += 1
        self._times.append(self._clock())

    def _tell_withheld(self, time_s: float, after_s: float, picture: str = "") -> None:
        """Log each line that has been read for so long and was not published, once."""
        self._withheld = [
            each
            for each in self._live.stabilizer.withheld(time_s)
            if time_s - each.since_s >= after_s
        ]
        for each in self._withheld:
            if not each.track.is_told:
                each.track.is_told = True
                log.warning("%s", f"{picture}: {each}" if picture else _since(each, time_s))

    def _tell(self, progress: bool) -> None:
        """Tell systemd of the first good picture, of progress, and how it goes."""
        now_s = self._clock()
        if not self._is_ready and not self._camera.fault:
            self._is_ready = True
            self._notifier.ready()
            self._told_s = -1e9
        if progress and now_s - self._fed_s >= FEED_EVERY_S:
            self._fed_s = now_s
            self._notifier.progress()
        if now_s - self._told_s >= STATUS_EVERY_S:
            self._told_s = now_s
            self._notifier.status(self.status())

    def status(self) -> str:
        """Say in one line how it goes: frames a second, the last reading, camera and sinks."""
        span_s = self._times[-1] - self._times[0] if len(self._times) > 1 else 0.0
        rate = (len(self._times) - 1) / span_s if span_s and not self._camera.fault else 0.0
        last = f"{self._last.text} at {self._last.time:%H:%M:%S} UTC" if self._last else "none"
        sinks = ", ".join(f"{name} {state}" for name, state in self._writer.health().items())
        camera = self._camera.fault or "ok"
        told = [
            f"{rate:.1f} frames/s",
            f"last reading {last}",
            f"camera {camera}",
            sinks or "no sinks",
            *(_since(each, self._seen_s) for each in self._withheld[:1]),
        ]
        return "; ".join(told)

    def _force_end(self) -> None:
        """End without the loop: a call into a driver does not return."""
        log.error("%s: did not return in time; ended without it", self._camera.source.name)
        self._flush()
        os._exit(0)

    def _flush(self) -> None:
        for name, lost in self._writer.close(FLUSH_S).items():
            if lost:
                log.error("%s: %d readings could not be written before the end", name, lost)

    # --- settings --------------------------------------------------------------------------

    def _read_settings_anew(self) -> None:
        """Take new settings where all of them can be had, or keep the old ones and say why."""
        self._notifier.reloading()
        try:
            self._apply(self._reload())
        except EdgeError as error:
            log.error("%s; the settings before are kept", error)
        except Exception as error:  # nor may settings that nobody thought of
            what = " ".join(f"{type(error).__name__}: {error}".splitlines())
            log.error("unexpected %s; the settings before are kept", what)
        else:
            log.info("settings read anew")
        self._notifier.ready()

    def _apply(self, new: Settings) -> None:
        """Change what the new settings change; what can fail comes first."""
        old, live = self.settings, self._live
        camera = self._camera if new.camera == old.camera else self._camera_of(new.camera)
        recognizer = live.recognizer if _reads_alike(new, old) else _recognizer(new)
        if new.sinks != old.sinks:
            check_writable(new.sinks)
        stabilizer = live.stabilizer
        if (new.stabilize, new.plausibility, camera) != (
            old.stabilize,
            old.plausibility,
            self._camera,
        ):
            stabilizer = _stabilizer(new, camera)
        self.settings, self._camera = new, camera
        self._live = LiveReader(recognizer, stabilizer, new.camera.region)
        if new.sinks != old.sinks:
            self._writer.replace(sinks_of(new.sinks), new.sinks.max_waiting)

    def _camera_of(self, settings: CameraSettings) -> Camera:
        return Camera(settings, wait=self._signals.wait, clock=self._clock)


def _since(withheld: Withheld, time_s: float) -> str:
    begun = datetime.now(UTC) - timedelta(seconds=time_s - withheld.since_s)
    return f"{withheld} since {begun:%H:%M:%S} UTC"


def _stabilizer(settings: Settings, camera: Camera) -> Stabilizer:
    stable = settings.stabilize
    if settings.camera.shows_single_pictures:  # no other frame can agree
        stable = replace(stable, agree=1, of=1, min_stable_s=0.0, ones_stable_s=0.0)
    return Stabilizer(stable, settings.plausibility, camera.source.name)


def _recognizer(settings: Settings) -> Recognizer:
    cv2.setNumThreads(settings.threads)
    return Recognizer(settings.model, settings)


def _reads_alike(new: Settings, old: Settings) -> bool:
    """Say whether the same recognizer reads as both say."""
    return old == replace(
        new,
        camera=old.camera,
        stabilize=old.stabilize,
        plausibility=old.plausibility,
        sinks=old.sinks,
    )
