"""Frames of a camera to stable readings: what does not change is not read again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .change import changed_cells, is_changed, thumbnail
from .errors import SourceError
from .frame import GrayImage, Line, Reading, StableReading
from .reading.recognize import Recognizer
from .sources import CameraFrame
from .stabilize import Stabilizer


class LiveReader:
    """Reads frame after frame. Not thread-safe, as the recognizer is not.

    Args:
        recognizer: The reader of one frame.
        stabilizer: Tells what is stable.
        region: What is read of a frame: left, top, width, height in px; None is all of it.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        stabilizer: Stabilizer,
        region: tuple[int, int, int, int] | None = None,
    ) -> None:
        self.recognizer = recognizer
        self.stabilizer = stabilizer
        self.read_frames = 0
        """How many were read; the others had not changed."""
        self._stable = stabilizer.settings
        self._region = region
        self._last: GrayImage | None = None  # thumbnails of the last frame, and of the last change
        self._base: GrayImage | None = None
        self._picture = ""
        self._reads = 0  # of the picture as it is, while nothing moves
        self._read_s = -np.inf

    def see(self, frame: CameraFrame, small: GrayImage | None = None) -> list[StableReading]:
        """Take a frame in; return what became stable.

        Args:
            frame: The frame; nothing of it is kept.
            small: Its thumbnail, where it is there already.

        Raises:
            SourceError: The region of interest is not in the frame.
        """
        if frame.picture != self._picture:
            self._picture = frame.picture
            self._last = self._base = None
            self.stabilizer.begin_anew(frame.taken_s)
        luma = self._of_interest(frame.luma)
        small = small if small is not None and luma is frame.luma else thumbnail(luma)
        nothing = np.zeros(small.shape, np.bool_)
        least = self._stable.still_change
        moving = nothing if self._last is None else changed_cells(self._last, small, least)
        changed = self._base is None or changed_cells(self._base, small, least).any()
        self._last = small
        if changed:
            self._base = small
        if changed or moving.any():
            self._reads = self._stable.of if frame.picture else 0  # it can only read the same
        elif self._is_settled(frame.taken_s):
            return self.stabilizer.tick(frame.taken_s)
        else:
            self._reads += 1
        self._read_s = frame.taken_s
        self.read_frames += 1
        reading = self._placed(self.recognizer.read(luma))
        left, top = (self._region or (0, 0))[:2]
        return self.stabilizer.update(
            reading, frame.taken_s, lambda box: is_changed(moving, box.shifted(-left, -top))
        )

    def _is_settled(self, time_s: float) -> bool:
        """Say whether the picture as it is was read often enough."""
        fresh = time_s - self._read_s < self._stable.reread_after_s
        return fresh and self._reads >= self._stable.of

    def _of_interest(self, luma: GrayImage) -> GrayImage:
        if self._region is None:
            return luma
        left, top, width, height = self._region
        part = luma[top : top + height, left : left + width]
        if part.shape != (height, width):
            raise SourceError(
                f"camera.region: expected frames of at least {left + width} x {top + height} px, "
                f"found {luma.shape[1]} x {luma.shape[0]}; set another region or another size"
            )
        return part

    def _placed(self, reading: Reading) -> Reading:
        """Bring the boxes of a reading of the region to the frame."""
        if self._region is None:
            return reading
        left, top = self._region[:2]
        lines = tuple(
            Line(tuple(replace(d, box=d.box.shifted(left, top)) for d in line.digits))
            for line in reading.lines
        )
        return replace(reading, lines=lines)
