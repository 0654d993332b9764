"""The sink ``stdout``: JSON Lines for whatever reads this process's output."""

from __future__ import annotations

import os
import select
import sys
from typing import TYPE_CHECKING

from ..errors import SinkError
from .record import json_line
from .stream import StreamSink

if TYPE_CHECKING:
    from ..frame import StableReading

STDOUT = 1


class StdoutSink(StreamSink):
    """Writes a JSON object a line, at once.

    It writes to the descriptor itself: Python's buffer would keep what a failed flush left, and
    the retry would print it twice. A reader that no longer reads fails it after ``timeout_s``
    instead of holding up the other sinks.

    Args:
        descriptor: Where to write.
        timeout_s: How long the reader may take to make room.
    """

    name = "stdout"

    def __init__(self, descriptor: int = STDOUT, timeout_s: float = 1.0) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._timeout_s = timeout_s
        self._is_open = False
        self._owed = b""
        self._owed_id = ""

    def open(self) -> None:
        """Make sure that there is a stdout.

        Raises:
            SinkError: It was closed before the start.
        """
        # The number of a closed stdout may since have become another file's.
        if self._descriptor == STDOUT and sys.stdout is None:
            raise SinkError("stdout: expected it open, found it closed; drop stdout from sinks.use")
        self._is_open = True

    def close(self) -> None:
        """Stop; stdout itself stays open."""
        self._is_open = False

    def _send(self, reading: StableReading) -> None:
        if not self._is_open:
            raise SinkError("stdout: the sink is closed; open it first")
        if self._owed_id != reading.id:
            self._pay()
            self._owed, self._owed_id = json_line(reading), reading.id
        self._pay()

    def _pay(self) -> None:
        """Write what is left of the line that was begun last."""
        try:
            while self._owed:
                self._await_room()
                # A pipe that is ready takes this much without blocking.
                count = os.write(self._descriptor, self._owed[: select.PIPE_BUF])
                self._owed = self._owed[count:]
        except TimeoutError as error:
            raise SinkError(
                f"stdout: its reader has read nothing for {self._timeout_s:g} s; "
                "make it read on, or drop stdout from sinks.use"
            ) from error
        except BrokenPipeError as error:
            raise SinkError("stdout: its reader is gone; start both again") from error
        except OSError as error:
            raise SinkError(
                f"stdout: cannot be written: {error.strerror}; check where it goes"
            ) from error

    def _await_room(self) -> None:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        if not poll.poll(self._timeout_s * 1e3):
            raise TimeoutError
