"""What stdout and the journal share: readings that are sent one by one and cannot be taken back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..frame import StableReading


class StreamSink(ABC):
    """Sends readings in their order and remembers which were sent before one that failed."""

    def __init__(self) -> None:
        self._sent: set[str] = set()

    def write(self, readings: Sequence[StableReading]) -> None:
        """Send those that an earlier, failed call has not sent.

        Raises:
            SinkError: One cannot be sent now, or the sink is closed.
        """
        for reading in readings:
            if reading.id not in self._sent:
                self._send(reading)
                self._sent.add(reading.id)
        self._sent.clear()

    @abstractmethod
    def _send(self, reading: StableReading) -> None:
        """Send one, or raise SinkError."""
