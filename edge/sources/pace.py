"""Which frames are due: of a recording by the clock, of a camera by the rate that is wanted."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

Clock = Callable[[], float]
Sleep = Callable[[float], None]

MOST_EARLY_S = 0.5
"""A camera's frame that comes sooner than it is due by more is left out, however low the rate."""


class Pace:
    """Plays a recording as a camera would show it.

    Frame k is due k / ``per_second`` after the first one was asked for. One that was not fetched
    when the next is due is gone, and counted in ``dropped``.

    Args:
        per_second: frames a second; 0 is as fast as they are asked for.
        clock: seconds that never go back.
        sleep: waits for seconds.
    """

    def __init__(
        self, per_second: float, clock: Clock = time.monotonic, sleep: Sleep = time.sleep
    ) -> None:
        self.dropped = 0
        self._per_second = per_second
        self._clock, self._sleep = clock, sleep
        self._start_s: float | None = None
        self._next = 0

    def next(self, timeout_s: float, end: float = math.inf) -> tuple[int, float] | None:
        """Wait for the next frame that is due.

        Args:
            timeout_s: longest wait.
            end: number of frames; the last stays until it is fetched, then numbers reach ``end``.

        Returns:
            The frame's number from 0 and the time it was due, or None if none is in time.
        """
        now_s = self._clock()
        if self._start_s is None:
            self._start_s = now_s
        number, due_s = self._next, now_s
        if self._per_second:
            newest = min(math.floor((now_s - self._start_s) * self._per_second), end - 1)
            number = max(number, int(newest))
            due_s = self._start_s + number / self._per_second
        if number < end and due_s > now_s:
            self._sleep(min(due_s - now_s, timeout_s))
            if due_s - now_s > timeout_s:
                return None
        self.dropped += number - self._next
        self._next = number + 1
        return number, due_s


class Limit:
    """Thins a camera's frames out to a lower rate, on average just that.

    Args:
        per_second: wanted frames a second; 0 is all.
    """

    def __init__(self, per_second: float) -> None:
        self._interval_s = 1 / per_second if per_second else 0.0
        self._early_s = min(self._interval_s / 2, MOST_EARLY_S)
        self._due_s = -math.inf

    def wants(self, taken_s: float) -> bool:
        """Return whether the frame taken then is wanted; half an interval early is not early."""
        if taken_s < self._due_s - self._early_s:
            return False
        self._due_s = max(self._due_s, taken_s - self._early_s) + self._interval_s
        return True
