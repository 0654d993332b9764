"""The thread that writes readings, so that the camera never waits for a disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..errors import SinkError
from . import Sink
from .delivery import Delivery, SinkHealth

if TYPE_CHECKING:
    from ..frame import StableReading


class SinkWriter:
    """Writes every reading to every sink, in one thread of its own; ``Delivery`` says how.

    Args:
        sinks: Not open yet; they are opened, written and closed by the thread alone.
        max_waiting: So many readings wait for a sink; the oldest go first, and are counted.
        clock: Monotonic, seconds.
    """

    def __init__(
        self,
        sinks: Sequence[Sink],
        max_waiting: int,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._delivery = Delivery(sinks, max_waiting, clock)
        self._clock = clock
        self._wake = threading.Event()
        self._close_by_s: float | None = None
        # A daemon: a sink that hangs in the kernel must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="sinks", daemon=True)

    def start(self) -> None:
        """Begin to write; sinks that cannot be opened show in ``health`` from then on."""
        self._thread.start()

    def put(self, reading: StableReading) -> None:
        """Hand a reading over; this never waits for a sink.

        Raises:
            SinkError: The writer is closed.
        """
        if self._close_by_s is not None:
            raise SinkError("the writer of readings is closed; make a new one")
        self._delivery.put(reading)
        self._wake.set()

    def replace(self, sinks: Sequence[Sink], max_waiting: int) -> None:
        """Go on with other sinks, to which what waits is handed over; see ``Delivery``."""
        self._delivery.replace(sinks, max_waiting)
        self._wake.set()

    def health(self) -> dict[str, SinkHealth]:
        """Return how each sink does, by name; any thread may ask."""
        return self._delivery.health()

    def close(self, timeout_s: float) -> dict[str, int]:
        """Write what waits, trying for at most so long, and close the sinks.

        Returns:
            How many readings were not written, by sink; nothing for a sink that has them all.
        """
        if self._close_by_s is None:
            self._delivery.hurry()
            self._close_by_s = self._clock() + timeout_s
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return {name: state.waiting for name, state in self.health().items() if state.waiting}

    def _run(self) -> None:
        while True:
            self._wake.clear()
            # Asked before the step: what was put before closing is then written by it.
            close_by_s = self._close_by_s
            pause_s = self._delivery.step()
            if close_by_s is not None:
                left_s = close_by_s - self._clock()
                if left_s <= 0 or not self._delivery.is_waiting():
                    break
                pause_s = min(left_s, left_s if pause_s is None else pause_s)
            self._wake.wait(pause_s)
        self._delivery.close()
