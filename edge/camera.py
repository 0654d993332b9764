"""A source that is watched, and opened again when it fails."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack
from typing import Self

from .change import thumbnail
from .errors import (
    EdgeError,
    SourceBusyError,
    SourceEndedError,
    SourceError,
    SourceMissingError,
    SourceStalledError,
)
from .frame import GrayImage
from .lock import CameraLock
from .settings import CameraSettings
from .sources import CameraFrame, FrameSource, source_of
from .watch import BlackError, FrameWatch, FrozenError

log = logging.getLogger(__name__)

SLICE_S = 0.5
"""Longest wait at a time, so that the loop hears signals."""
FAULTS: tuple[tuple[type[SourceError], str], ...] = (
    (FrozenError, "frozen"),
    (BlackError, "black"),
    (SourceStalledError, "stalled"),
    (SourceMissingError, "missing"),
    (SourceBusyError, "busy"),
    (SourceError, "failed"),
)


class GaveUpError(EdgeError):
    """The camera was opened again and again and gave no good picture."""


class Camera:
    """Frames through every kind of trouble: a fault closes the source, waits and opens it again.

    A context manager: entering takes the camera's lock, leaving gives everything back.

    Args:
        settings: Which source, and how long faults may last.
        source: Instead of the one that the settings name.
        wait: Sleeps, seconds; may return sooner.
        clock: Tells seconds of the monotonic clock.

    Raises:
        SettingsError: There is no source of that name.
    """

    def __init__(
        self,
        settings: CameraSettings,
        source: FrameSource | None = None,
        wait: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.source = source or source_of(settings)
        self.fault = "starting"
        """What is wrong, in one word; empty while good pictures come."""
        self.retries = 0
        """Times it was opened again since the last good picture."""
        self._wait, self._clock = wait, clock
        self._watch = FrameWatch(settings, self.source)
        self._is_open = False
        self._retry_s = self._alive_s = clock()
        self._held = ExitStack()

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            SourceBusyError: Another process has it; the message says which.
        """
        if self.source.exclusive:
            self._held.enter_context(CameraLock(self.source.name))
        return self

    def __exit__(self, *_: object) -> None:
        with self._held:
            self.close()

    def close(self) -> None:
        """Close the source; the next frame opens it."""
        self._is_open = False
        self.source.close()

    def frames(self) -> Generator[tuple[CameraFrame, GrayImage] | None, None, None]:
        """Yield frames, valid until the next is asked for, each with its thumbnail.

        None is yielded where there is none for now, at least twice a second. A recording ends.
        Whoever leaves before the end closes the generator first, which gives the frame back.

        Raises:
            GaveUpError: The source was opened ``max_retries`` times and gave no good picture.
        """
        while True:
            try:
                if self._ready():
                    with self.source.frame(min(SLICE_S, self.settings.timeout_s)) as frame:
                        small = thumbnail(frame.luma)
                        self._look(frame, small)
                        yield frame, small
                        continue
            except SourceEndedError:
                return
            except SourceStalledError as error:
                longest_s = self.settings.interval_s + self.settings.timeout_s
                if not self._is_open or self._silent_s() >= longest_s:
                    self._fail(error)
            except SourceError as error:
                self._fail(error)
            except EdgeError:
                raise
            except Exception as error:  # a library's own: the camera must go on all the same
                log.exception("%s: unexpected error", self.source.name)
                what = f"{type(error).__name__}: {error}".splitlines()[0]
                self._fail(SourceError(f"{self.source.name}: expected a frame, found {what}"))
            yield None

    @property
    def is_between(self) -> bool:
        """Whether it gives pictures, and the next is not due yet."""
        return self._is_open and not self.fault and self._silent_s() < self.settings.interval_s

    def _silent_s(self) -> float:
        return self._clock() - self._alive_s

    def _ready(self) -> bool:
        """Open the source when it is time to, or wait for a slice of that time."""
        if self._is_open:
            return True
        wait_s = self._retry_s - self._clock()
        if wait_s > 0:
            self._wait(min(wait_s, SLICE_S))
            return False
        self.source.open()
        self._is_open = True
        self._alive_s = self._clock()
        self._watch = FrameWatch(self.settings, self.source)
        return True

    def _look(self, frame: CameraFrame, small: GrayImage) -> None:
        """See whether it is a good picture, which ends the trouble."""
        self._alive_s = self._clock()
        if self._watch.is_good(frame, small):
            if self.fault:
                log.info("%s: gives pictures", self.source.name)
            self.fault, self.retries = "", 0

    def _fail(self, error: SourceError) -> None:
        """Close the source and say when it is to be opened again; log what is new."""
        self.close()
        settings = self.settings
        fault = next(name for kind, name in FAULTS if isinstance(error, kind))
        if fault != self.fault:
            log.warning("%s (%s)", error, fault)
        self.fault = fault
        if self.retries >= settings.max_retries:
            raise GaveUpError(
                f"{error}; given up after {self.retries} more tries, none gave a good picture"
            )
        wait_s = min(settings.first_retry_s * 2**self.retries, settings.max_retry_s)
        self._retry_s = self._clock() + wait_s
        self.retries += 1
