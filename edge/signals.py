"""Signals, recorded for the loop by a thread of their own, so that a hung driver hides none."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

STOP = (signal.SIGTERM, signal.SIGINT)
RELOAD = signal.SIGHUP


class Signals:
    """Context in which SIGTERM and SIGINT ask for the end, and SIGHUP for the settings anew.

    Enter it in the main thread, before others are started. Code that is run by the main thread is
    never interrupted.

    Args:
        deadline_s: How long the loop may take to end.
        force_end: Called in the signals' thread if it takes longer, such as when a driver hangs.
    """

    def __init__(self, deadline_s: float, force_end: Callable[[], None]) -> None:
        self.stop = threading.Event()
        """Set once the end is asked for."""
        self._reload = threading.Event()
        self._over = threading.Event()
        self._deadline_s = deadline_s
        self._force_end = force_end
        self._thread = threading.Thread(target=self._listen, name="signals", daemon=True)

    def wants_reload(self) -> bool:
        """Say, once each time, whether the settings are to be read anew."""
        wanted = self._reload.is_set()
        self._reload.clear()
        return wanted

    def wait(self, seconds: float) -> None:
        """Sleep; the end being asked for wakes."""
        self.stop.wait(seconds)

    def __enter__(self) -> Self:
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, {*STOP, RELOAD})
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)

    def _listen(self) -> None:
        while not self._over.is_set():
            heard = signal.sigtimedwait({*STOP, RELOAD}, 0.1)
            if heard is None:
                continue
            if heard.si_signo == RELOAD:
                self._reload.set()
            elif not self.stop.is_set():
                self.stop.set()
                if not self._over.wait(self._deadline_s):
                    self._force_end()
