"""Signals, recorded for the loop by a thread of their own, so that a hung driver hides none."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from typing import Self

STOP = (signal.SIGTERM, signal.SIGINT)
RELOAD = signal.SIGHUP


def hold_reload() -> None:
    """Let SIGHUP, which would end the process, wait until ``Signals`` listens."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {RELOAD})


class Signals:
    """Context in which SIGTERM and SIGINT ask for the end, and SIGHUP for the settings anew.

    Enter it in the main thread. Python runs handlers there, between two of its steps, so they would
    wait for a call that does not return; the number of the signal is on its way at once.

    Args:
        deadline_s: How long the loop may take to end.
        force_end: Called in the signals' thread if it takes longer.
    """

    def __init__(self, deadline_s: float, force_end: Callable[[], None]) -> None:
        self.stop = threading.Event()
        """Set once the end is asked for."""
        self._reload = threading.Event()
        self._over = threading.Event()
        self._deadline_s = deadline_s
        self._force_end = force_end

    def wants_reload(self) -> bool:
        """Say, once each time, whether the settings are to be read anew."""
        wanted = self._reload.is_set()
        self._reload.clear()
        return wanted

    def wait(self, seconds: float) -> None:
        """Sleep; the end being asked for wakes."""
        self.stop.wait(seconds)

    def __enter__(self) -> Self:
        self._numbers, self._written = socket.socketpair()
        self._written.setblocking(False)
        self._fd_before = signal.set_wakeup_fd(self._written.fileno(), warn_on_full_buffer=False)
        self._before = {each: signal.signal(each, _leave) for each in (*STOP, RELOAD)}
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {RELOAD})
        self._thread = threading.Thread(target=self._listen, name="signals", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for each, handler in self._before.items():
            signal.signal(each, handler)
        signal.set_wakeup_fd(self._fd_before)
        self._written.close()
        self._thread.join()
        self._numbers.close()

    def _listen(self) -> None:
        while number := self._numbers.recv(1):
            if number[0] == RELOAD:
                self._reload.set()
            elif number[0] in STOP and not self.stop.is_set():
                self.stop.set()
                if not self._over.wait(self._deadline_s):
                    self._force_end()


def _leave(number: int, frame: object) -> None:
    """Do nothing: the number is on its way to the thread."""
