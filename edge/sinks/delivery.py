"""Delivering readings to sinks that may fail: what waits, what is tried again, what is lost."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import SinkError
from . import Sink
from .stream import StreamSink

if TYPE_CHECKING:
    from ..frame import StableReading

log = logging.getLogger(__name__)

BATCH = 100
"""Readings that a sink gets at once, at most; what waits behind them waits its turn again."""
FIRST_RETRY_S = 0.5
"""Wait after a failure; it doubles from time to time ..."""
MAX_RETRY_S = 30.0
"""... up to this."""


@dataclass(frozen=True)
class SinkHealth:
    """How a sink does."""

    failure: str | None
    """Why it cannot be written, in one line; None if it can."""
    waiting: int
    """Readings that are still to be written."""
    lost: int
    """Readings that had to go, since the start, because too many waited."""

    def __str__(self) -> str:
        """Return ``ok`` or the failure, and the numbers that are not 0."""
        counts = {"waiting": self.waiting, "lost": self.lost}
        said = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        return (self.failure or "ok") + (f" ({said})" if said else "")


@dataclass(eq=False)
class _Outlet:
    """A sink and what waits for it."""

    sink: Sink
    waiting: deque[StableReading] = field(default_factory=deque)
    in_hand: int = 0
    """Readings that are being written; they do not stand in ``waiting``."""
    failure: str | None = None
    told: set[str] = field(default_factory=set)
    """Failures that were logged since it last worked."""
    lost: int = 0
    """Since the start."""
    lost_before: int = 0
    """Of these, up to when it worked last."""
    lost_told: bool = False
    """Whether it was logged that readings are being lost since then."""
    delay_s: float = FIRST_RETRY_S
    retry_at_s: float = 0.0

    def health(self) -> SinkHealth:
        return SinkHealth(self.failure, len(self.waiting) + self.in_hand, self.lost)

    def trim(self, max_waiting: int) -> None:
        while len(self.waiting) > max_waiting:
            self.waiting.popleft()
            self.lost += 1


class Delivery:
    """Gives every reading to every sink, in the sinks' order.

    As long as no sink has failed, the first therefore holds each reading that a later one holds,
    also after this process was killed: put the sink first that others are compared with.

    A sink that fails is closed, and tried again after a wait that grows; its readings wait in
    memory, and the others go on. It is logged once when it fails and once when it works again.

    One thread calls ``step`` and ``close``; any may call the rest.

    Args:
        sinks: Not open yet.
        max_waiting: So many readings wait for a sink; the oldest go first, and are counted.
        clock: Monotonic, seconds.
    """

    def __init__(
        self,
        sinks: Sequence[Sink],
        max_waiting: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outlets = [_Outlet(sink) for sink in sinks]
        self._max_waiting = max_waiting
        self._clock = clock
        self._lock = threading.Lock()
        self._next: tuple[Sequence[Sink], int] | None = None

    def replace(self, sinks: Sequence[Sink], max_waiting: int) -> None:
        """Have the next step go on with other sinks; what waits for one waits for its successor.

        That is the one of the same name. What waits for a sink without one waits for those that
        are new.
        """
        with self._lock:
            self._next = sinks, max_waiting

    def put(self, reading: StableReading) -> None:
        """Let a reading wait for every sink."""
        with self._lock:
            for outlet in self._outlets:
                outlet.waiting.append(reading)
                outlet.trim(self._max_waiting)

    def step(self) -> float | None:
        """Write what is due now; return the seconds until more is, None if nothing waits."""
        with self._lock:
            replacement, self._next = self._next, None
        if replacement:
            self._swap(*replacement)
        self._deliver_due()
        with self._lock:
            now = self._clock()
            due = [
                outlet.retry_at_s if outlet.failure else now
                for outlet in self._outlets
                if outlet.failure or outlet.waiting
            ]
            return max(0.0, min(due) - now) if due else None

    def health(self) -> dict[str, SinkHealth]:
        """Return how each sink does, by name."""
        with self._lock:
            return {outlet.sink.name: outlet.health() for outlet in self._outlets}

    def is_waiting(self) -> bool:
        """Return whether a reading waits for any sink."""
        return any(state.waiting for state in self.health().values())

    def hurry(self) -> None:
        """Try sinks that failed again at the next step."""
        with self._lock:
            for outlet in self._outlets:
                outlet.retry_at_s, outlet.delay_s = self._clock(), FIRST_RETRY_S

    def close(self) -> None:
        """Close the sinks."""
        for outlet in self._outlets:
            self._close(outlet)

    def _swap(self, sinks: Sequence[Sink], max_waiting: int) -> None:
        """Let each sink write what it can, then its successor take over what waits."""
        while any(outlet.waiting and not outlet.failure for outlet in self._outlets):
            self._deliver_due()
        names = {sink.name for sink in sinks}
        with self._lock:
            before = {outlet.sink.name: outlet for outlet in self._outlets}
            gone = [outlet for name, outlet in before.items() if name not in names]
            orphans = {reading.id: reading for outlet in gone for reading in outlet.waiting}
            self._max_waiting = max_waiting
            self._outlets = [
                _successor(sink, before.get(sink.name), orphans.values()) for sink in sinks
            ]
            for outlet in self._outlets:
                outlet.trim(max_waiting)
        for outlet in before.values():
            if outlet not in self._outlets:
                self._close(outlet)
        for name, state in self.health().items():
            if state.waiting:
                log.warning("sink %s: %s readings wait for it", name, state.waiting)
        if orphans and not names - before.keys():
            named = ", ".join(outlet.sink.name for outlet in gone if outlet.waiting)
            log.error("sink %s: not used any more; %s readings waited for it", named, len(orphans))

    def _take(self) -> list[tuple[_Outlet, list[StableReading]]]:
        """Take a batch for each sink that is due, all at one moment: that keeps the order."""
        with self._lock:
            now = self._clock()
            taken = []
            for outlet in self._outlets:
                if outlet.failure and outlet.retry_at_s > now:
                    continue
                outlet.in_hand = min(BATCH, len(outlet.waiting))
                taken.append((outlet, [outlet.waiting.popleft() for _ in range(outlet.in_hand)]))
            return taken

    def _deliver_due(self) -> None:
        for outlet, batch in self._take():
            self._deliver(outlet, batch)

    def _deliver(self, outlet: _Outlet, batch: list[StableReading]) -> None:
        try:
            outlet.sink.open()
            if batch:
                outlet.sink.write(batch)
        except SinkError as error:
            self._fail(outlet, batch, str(error))
        except Exception as error:  # a bug in one sink must not end the others
            self._fail(outlet, batch, f"unexpected {type(error).__name__}: {error}", error)
        else:
            self._succeed(outlet)

    def _fail(
        self,
        outlet: _Outlet,
        batch: list[StableReading],
        failure: str,
        unexpected: Exception | None = None,
    ) -> None:
        self._close(outlet)
        with self._lock:
            outlet.failure = failure
            outlet.waiting.extendleft(reversed(batch))
            outlet.in_hand = 0
            outlet.trim(self._max_waiting)
            outlet.retry_at_s = self._clock() + outlet.delay_s
            outlet.delay_s = min(2 * outlet.delay_s, MAX_RETRY_S)
        if failure not in outlet.told:
            outlet.told.add(failure)
            log.error("sink %s: %s", outlet.sink.name, failure, exc_info=unexpected)
        if outlet.lost > outlet.lost_before and not outlet.lost_told:
            outlet.lost_told = True
            log.error(
                "sink %s: more than %s readings wait; the oldest are lost from now on",
                outlet.sink.name,
                self._max_waiting,
            )

    def _succeed(self, outlet: _Outlet) -> None:
        with self._lock:
            failed, outlet.failure = outlet.failure, None
            waited = outlet.in_hand + len(outlet.waiting)
            lost, outlet.lost_before = outlet.lost - outlet.lost_before, outlet.lost
            outlet.in_hand, outlet.delay_s = 0, FIRST_RETRY_S
        if failed or lost:
            outlet.told.clear()
            outlet.lost_told = False
            log.warning(
                "sink %s: works again; %s readings waited, %s before them were lost",
                outlet.sink.name,
                waited,
                lost,
            )

    def _close(self, outlet: _Outlet) -> None:
        try:
            outlet.sink.close()
        except Exception:
            log.exception("sink %s: cannot be closed", outlet.sink.name)


def _successor(sink: Sink, before: _Outlet | None, orphans: Iterable[StableReading]) -> _Outlet:
    """Return the outlet of a sink that takes over from the one of its name, or from those gone."""
    if before is None:
        return _Outlet(sink, deque(orphans))
    if isinstance(before.sink, StreamSink):  # there is nothing to set, and it knows what it sent
        before.retry_at_s, before.delay_s = 0.0, FIRST_RETRY_S
        return before
    return _Outlet(sink, before.waiting, lost=before.lost, lost_before=before.lost_before)
