"""Whether the camera gives real pictures: frozen and black ones are faults too."""

from __future__ import annotations

import zlib

import numpy as np

from .errors import SourceError
from .frame import GrayImage
from .settings import CameraSettings
from .sources import CameraFrame, FrameSource

BLACK_LEVEL = 12
"""Grey levels. A frame whose brightest cell is darker shows nothing: a lens cap, no light."""


class FrozenError(SourceError):
    """Frames come, but they are always the same one."""


class BlackError(SourceError):
    """Frames come, but they are black."""


class FrameWatch:
    """Looks at every frame and tells a picture from a fault.

    Args:
        settings: How long frames may be frozen or black.
        source: What gives them. The noise of a live one makes two equal frames impossible.
    """

    def __init__(self, settings: CameraSettings, source: FrameSource) -> None:
        self._settings = settings
        self._live, self._name = source.live, source.name
        self._least_s = 2 * settings.interval_s  # two frames in a row, however far apart
        self._is_slow = settings.interval_s > settings.timeout_s
        self._small: GrayImage | None = None
        self._digest = 0
        self._fresh_s = self._bright_s = -1.0

    def is_good(self, frame: CameraFrame, small: GrayImage) -> bool:
        """Say whether the frame is a new picture, neither black nor the one before.

        Black is good where the settings allow it for ever, and the first frame of a sensor where
        the next is not due soon.

        Args:
            frame: The frame.
            small: Its thumbnail.

        Raises:
            FrozenError: Frames have been equal to the last bit for too long.
            BlackError: They have been black for too long.
        """
        first = self._small is None
        if first:
            self._fresh_s = self._bright_s = frame.taken_s
        fresh, bright = self._is_fresh(frame, small), int(small.max()) > BLACK_LEVEL
        if fresh or not bright:  # black pictures may be equal
            self._fresh_s = frame.taken_s
        if bright:
            self._bright_s = frame.taken_s
        self._check(frame.taken_s - self._fresh_s, frame.taken_s - self._bright_s)
        if first and self._live and not self._is_slow:
            return False
        return fresh if bright else not self._settings.black_after_s

    def _is_fresh(self, frame: CameraFrame, small: GrayImage) -> bool:
        """Say whether the frame differs from the one before; equal thumbnails are looked into."""
        if not self._live:
            self._small = small
            return True
        same = self._small is not None and np.array_equal(self._small, small)
        self._small = small
        if not same:
            self._digest = 0
            return True
        digest = zlib.crc32(np.ascontiguousarray(frame.luma).data) or 1
        fresh, self._digest = self._digest not in (0, digest), digest
        return fresh

    def _check(self, frozen_s: float, black_s: float) -> None:
        settings = self._settings
        if settings.frozen_after_s and frozen_s >= max(settings.frozen_after_s, self._least_s):
            raise FrozenError(
                f"{self._name}: expected pictures that differ by a bit, found the same "
                f"one for {frozen_s:.0f} s; it is opened again"
            )
        if settings.black_after_s and black_s >= max(settings.black_after_s, self._least_s):
            raise BlackError(
                f"{self._name}: expected pictures, found black ones for {black_s:.0f} s; "
                "uncover the lens or switch a light on, or set camera.black_after_s to 0"
            )
