"""What the service tells systemd, through its notification socket; nothing where there is none."""

from __future__ import annotations

import math
import os
import socket
import time


class Notifier:
    """Sends sd_notify(3) messages. Without ``NOTIFY_SOCKET`` in the environment it does nothing."""

    def __init__(self) -> None:
        path = os.environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{path[1:]}" if path.startswith("@") else path

    @property
    def watchdog_s(self) -> float:
        """How long systemd waits for progress; without end where it does not watch."""
        microseconds = os.environ.get("WATCHDOG_USEC", "")
        return int(microseconds) / 1e6 if microseconds.isdecimal() else math.inf

    def ready(self) -> None:
        """Say that start-up, or re-reading the settings, is done."""
        self._send("READY=1")

    def reloading(self) -> None:
        """Say that the settings are read anew."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Say that the service ends."""
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """Tell people how it goes, in one line: ``systemctl status`` shows it."""
        self._send(f"STATUS={' '.join(text.split())}")

    def progress(self) -> None:
        """Feed the watchdog. Call it after real progress only."""
        self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            try:
                sock.sendto(message.encode(), socket.MSG_DONTWAIT, self._address)
            except OSError:  # systemd is being restarted: the next message will be heard
                return
