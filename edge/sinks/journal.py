"""The sink ``journal``: structured entries in systemd's journal.

    journalctl MESSAGE_ID=e32ec813a530442d8864ad9670ca66e5 -o json

Protocol: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
"""

from __future__ import annotations

import array
import errno
import fcntl
import json
import os
import socket
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..errors import SinkError
from .stream import StreamSink

if TYPE_CHECKING:
    from ..frame import StableReading

JOURNAL = "/run/systemd/journal/socket"
MESSAGE_ID = "e32ec813a530442d8864ad9670ca66e5"
"""Tells a stable reading from whatever else this program, or another one, says."""
NOTICE = 5
WARNING = 4
TIMEOUT_S = 1.0
"""A journal that takes nothing for so long fails the sink instead of holding up the others."""
SEALED = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL


class JournalSink(StreamSink):
    """Sends an entry a reading. The time of the reading is in DIGITCAM_TIME: it may be sent late.

    Args:
        path: The journal's socket.
    """

    name = "journal"

    def __init__(self, path: str = JOURNAL) -> None:
        super().__init__()
        self._path = path
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Open a socket and see whether the journal listens.

        Raises:
            SinkError: It does not.
        """
        if self._socket:
            return
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.settimeout(TIMEOUT_S)
        try:
            self._socket.connect(self._path)
        except OSError as error:
            self.close()
            raise self._failure(error) from error

    def close(self) -> None:
        """Close the socket."""
        if self._socket:
            self._socket.close()
        self._socket = None

    def _send(self, reading: StableReading) -> None:
        if not self._socket:
            raise SinkError("journal: the sink is closed; open it first")
        try:
            self._send_entry(self._socket, entry_of(fields_of(reading)))
        except OSError as error:
            raise self._failure(error) from error

    def _send_entry(self, sock: socket.socket, entry: bytes) -> None:
        try:
            # To the address: a connection would end when the journal restarts.
            sock.sendto(entry, self._path)
        except OSError as error:
            if error.errno != errno.EMSGSIZE:
                raise
            # Hundreds of digits in one line, and a system that allows small datagrams only.
            _send_memory(sock, self._path, entry)

    def _failure(self, error: OSError) -> SinkError:
        reason = error.strerror or "it takes nothing"
        return SinkError(
            f"{self._path}: expected systemd's journal, found: {reason}; "
            "start systemd-journald or drop journal from sinks.use"
        )


def fields_of(reading: StableReading) -> dict[str, str]:
    """Return the fields of a reading's entry; value and suspect are there if the reading has one.

    >>> fields_of(reading)["MESSAGE"]  # doctest: +SKIP
    '1234 (0.98)'
    """
    form = reading.as_dict()
    message = f"{reading.text} ({reading.confidence:.2f})"
    fields = {
        "MESSAGE": f"{message}, suspect: {reading.suspect}" if reading.suspect else message,
        "PRIORITY": str(WARNING if reading.suspect else NOTICE),
        "SYSLOG_IDENTIFIER": "digitcam",
        "MESSAGE_ID": MESSAGE_ID,
        "DIGITCAM_ID": reading.id,
        "DIGITCAM_TIME": form["time"],
        "DIGITCAM_TEXT": reading.text,
        "DIGITCAM_CONFIDENCE": str(form["confidence"]),
        "DIGITCAM_AGREED": json.dumps(form["agreed"]),
        "DIGITCAM_BOX": json.dumps(form["box"]),
        "DIGITCAM_DIGITS": json.dumps(form["digits"]),
        "DIGITCAM_SOURCE": reading.source,
        "DIGITCAM_MODEL": reading.model,
    }
    if reading.value is not None:
        fields["DIGITCAM_VALUE"] = reading.value
    if reading.suspect is not None:
        fields["DIGITCAM_SUSPECT"] = reading.suspect
    return fields


def entry_of(fields: Mapping[str, str]) -> bytes:
    """Return the journal's form of an entry."""
    return b"".join(_field(name.encode(), value) for name, value in fields.items())


def _field(name: bytes, text: str) -> bytes:
    value = text.encode(errors="backslashreplace")
    if b"\n" not in value:
        return name + b"=" + value + b"\n"
    return name + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"


def _send_memory(sock: socket.socket, path: str, entry: bytes) -> None:
    """Send an entry as a sealed file in memory: the protocol's way for what no datagram holds."""
    memory = os.memfd_create("digitcam-entry", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with os.fdopen(memory, "wb", buffering=0) as file:
        file.write(entry)
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, SEALED)
        rights = array.array("i", [file.fileno()])
        sock.sendmsg([], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)], 0, path)
