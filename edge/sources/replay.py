"""Pictures of a directory as the frames of a camera: ``replay:DIRECTORY``."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..decode import SUFFIXES, decode_file, pictures_in
from ..errors import (
    ImageError,
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

log = logging.getLogger(__name__)

CACHE_BYTES = 64 * 10**6
"""Decoded pictures that are kept. The first ones are: to keep the last ones serves no round."""
_WHOLE = 2**16
"""A working size that no picture is reduced to: the region is given in px of the whole."""


class ReplaySource(SourceBase):
    """Plays the pictures of a directory, by name, each for ``settings.repeat`` frames.

    There are ``settings.frames_per_second``. Pictures that are shown for more than one frame stand
    for themselves: none is left out, however slow the reader. A picture that cannot be read is
    warned of and left out until the source is opened again.

    Args:
        settings: of the camera.
        rest: the directory.
        clock: for tests.
        sleep: for tests.
    """

    def __init__(
        self,
        settings: CameraSettings,
        rest: str,
        *,
        clock: Clock = time.monotonic,
        sleep: Sleep = time.sleep,
    ) -> None:
        super().__init__(settings, f"replay:{rest}")
        if not rest:
            raise SettingsError("camera.source: expected replay:DIRECTORY, found no directory")
        self._directory = Path(rest)
        self._clock, self._sleep = clock, sleep
        self._pace = self._new_pace()
        self._begun = 0  # the frame with which a round began
        self._until = math.inf  # frames up to here can be due
        self._is_single = settings.repeat > 1
        self._paths: list[Path] = []
        self._cache: dict[Path, GrayImage] = {}
        self._free_bytes = CACHE_BYTES

    @property
    def dropped(self) -> int:
        """Pictures that nobody fetched in time since it was opened."""
        return self._pace.dropped

    def open(self) -> None:
        """List the pictures, and begin with the first."""
        if not self._paths:
            self._paths = self._listed()
            self._pace, self._begun, self._until = self._new_pace(), 0, math.inf

    @contextmanager
    def frame(self, timeout_s: float) -> Iterator[CameraFrame]:
        """Wait for the next picture that is due; one that cannot be read is passed over."""
        if not self._paths:
            raise self._closed()
        end = math.inf if self._settings.loop else self._count()
        due = self._pace.next(timeout_s, min(end, self._until))
        if due is None:
            raise SourceStalledError(
                f"{self.name}: expected a frame in time, the next is due later; raise "
                "camera.timeout_s or camera.frames_per_second"
            )
        number, taken_s = due
        path, luma = self._shown(number)
        yield CameraFrame(luma, taken_s, path.name if self._is_single else "")

    def close(self) -> None:
        """Forget the pictures."""
        self._paths = []
        self._cache = {}
        self._free_bytes = CACHE_BYTES

    def _new_pace(self) -> Pace:
        return Pace(self._settings.frames_per_second, self._clock, self._sleep)

    def _listed(self) -> list[Path]:
        try:
            paths = pictures_in(self._directory)
        except OSError as error:
            raise SourceMissingError(
                f"{self.name}: expected a directory of pictures, found: {error.strerror}; check "
                "the path and its permissions"
            ) from error
        if not paths:
            raise SourceMissingError(
                f"{self.name}: expected pictures ({' '.join(sorted(SUFFIXES))}), found a "
                "directory without any; put some there"
            )
        return paths

    def _count(self) -> int:
        return len(self._paths) * self._settings.repeat

    def _shown(self, number: int) -> tuple[Path, GrayImage]:
        """Return the picture of a frame; where it cannot be read, that of the one behind it."""
        repeat = self._settings.repeat
        while self._paths:
            if number >= self._count() and not self._settings.loop:
                raise SourceEndedError(
                    f"{self.name}: all {len(self._paths)} pictures are shown; set camera.loop to "
                    "begin anew"
                )
            place = (number - self._begun) % self._count()
            path = self._paths[place // repeat]
            try:
                luma = self._luma(path)
            except ImageError as error:
                log.warning("%s: %s; it is left out", self.name, error)
                self._paths.remove(path)
                self._begun = number - place
                continue
            if self._is_single:  # the next picture's first frame is not left out
                self._until = number + repeat - place % repeat + 1
            return path, luma
        raise SourceError(
            f"{self.name}: expected a picture that can be read, found none; put some there"
        )

    def _luma(self, path: Path) -> GrayImage:
        luma = self._cache.get(path)
        if luma is None:
            luma = decode_file(path, work_size_px=_WHOLE).luma
            luma.flags.writeable = False  # it will be shown again
            if luma.nbytes <= self._free_bytes:
                self._free_bytes -= luma.nbytes
                self._cache[path] = luma
        return luma
