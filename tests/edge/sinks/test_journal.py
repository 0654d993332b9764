"""`JournalSink`: entries as the journal's protocol wants them."""

from __future__ import annotations

import json
import shutil
import socket
import struct
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitcam.edge.errors import SinkError
from digitcam.edge.frame import StableReading
from digitcam.edge.sinks.journal import JOURNAL, MESSAGE_ID, JournalSink, entry_of

Make = Callable[..., StableReading]


def decoded(entry: bytes) -> dict[str, str]:
    """Read an entry byte for byte as the protocol's description says."""
    fields = {}
    while entry:
        line, entry = entry.split(b"\n", 1)
        name, equals, value = line.partition(b"=")
        if not equals:
            size = struct.unpack("<Q", entry[:8])[0]
            value, end, entry = entry[8 : 8 + size], entry[8 + size : 9 + size], entry[9 + size :]
            assert end == b"\n"
        fields[name.decode()] = value.decode()
    return fields


@given(st.dictionaries(st.from_regex("[A-Z][A-Z_]{0,20}", fullmatch=True), st.text()))
def test_fields_survive(fields: dict[str, str]) -> None:
    """Any text in any field, newlines and equals signs too, comes back as it was."""
    assert decoded(entry_of(fields)) == fields


def test_a_plain_value_takes_the_short_form() -> None:
    """Only a newline makes the form with a length."""
    assert entry_of({"A": "b=c"}) == b"A=b=c\n"
    assert entry_of({"A": "b\nc"}) == b"A\n\x03\0\0\0\0\0\0\0b\nc\n"


def test_the_fields(journal: Any, make: Make) -> None:
    """An accepted reading is a notice with its digits, and all that is known in fields."""
    reading = make(1234)
    sink = JournalSink(str(journal.path))
    sink.open()
    sink.write([reading])
    sink.close()
    journal.stop()
    (entry,) = journal.entries
    fields = {name: value.decode() for name, value in entry.items()}
    form = reading.as_dict()
    assert json.loads(fields.pop("DIGITCAM_BOX")) == form["box"]
    assert json.loads(fields.pop("DIGITCAM_DIGITS")) == form["digits"]
    assert json.loads(fields.pop("DIGITCAM_AGREED")) == [4, 5]
    assert fields == {
        "MESSAGE": "1234 (0.98)",
        "PRIORITY": "5",
        "SYSLOG_IDENTIFIER": "digitcam",
        "MESSAGE_ID": MESSAGE_ID,
        "DIGITCAM_ID": reading.id,
        "DIGITCAM_TIME": form["time"],
        "DIGITCAM_TEXT": "1234",
        "DIGITCAM_VALUE": "1234",
        "DIGITCAM_CONFIDENCE": "0.98",
        "DIGITCAM_SOURCE": "replay:notes",
        "DIGITCAM_MODEL": "sha256:0",
    }


def test_a_suspect_reading_is_a_warning(journal: Any, make: Make) -> None:
    """The reason stands in the message and in a field; there is no value if none was accepted."""
    sink = JournalSink(str(journal.path))
    sink.open()
    sink.write([make(12, value=None, suspect="too few digits")])
    sink.close()
    journal.stop()
    (entry,) = journal.entries
    assert entry["MESSAGE"] == b"12 (0.98), suspect: too few digits"
    assert (entry["PRIORITY"], entry["DIGITCAM_SUSPECT"]) == (b"4", b"too few digits")
    assert "DIGITCAM_VALUE" not in entry


def test_what_cannot_be_told_is_a_warning(journal: Any, make: Make) -> None:
    """The message shows the number with `?` and says why, beside the last accepted value."""
    why = "1 of 2 digits cannot be told: 1?"
    sink = JournalSink(str(journal.path))
    sink.open()
    sink.write([make(1, "1?", value="12", suspect=why, confidence=0.51)])
    sink.close()
    journal.stop()
    (entry,) = journal.entries
    assert entry["MESSAGE"] == f"1? (0.51), suspect: {why}".encode()
    assert (entry["PRIORITY"], entry["DIGITCAM_VALUE"]) == (b"4", b"12")


def test_the_message_id_is_one() -> None:
    """The id is 128 bits in the form that journalctl takes: lower case, no dashes, version 4."""
    assert uuid.UUID(MESSAGE_ID).hex == MESSAGE_ID
    assert uuid.UUID(MESSAGE_ID).version == 4


def test_what_no_datagram_holds(journal: Any, make: Make) -> None:
    """An entry longer than a datagram can be goes as sealed memory, whole."""
    source = "video:" + "x" * 1_000_000
    sink = JournalSink(str(journal.path))
    sink.open()
    sink.write([make(1), make(2, source=source)])
    sink.close()
    journal.stop()
    assert journal.in_memory == 1
    assert journal.entries[1]["DIGITCAM_SOURCE"].decode() == source


def test_no_journal(tmp_path: Path) -> None:
    """A machine without systemd is told what was looked for and what to do."""
    with pytest.raises(SinkError, match=r"nowhere: expected systemd's journal, found: No such.*;"):
        JournalSink(str(tmp_path / "nowhere")).open()


def test_a_journal_that_restarts(journal: Any, make: Make) -> None:
    """A new journal at the same place gets the next entry without the sink being opened again."""
    sink = JournalSink(str(journal.path))
    sink.open()
    sink.write([make(1)])
    journal.stop()
    journal.start()
    sink.write([make(2)])
    sink.close()
    journal.stop()
    assert [entry["DIGITCAM_TEXT"] for entry in journal.entries] == [b"1", b"2"]


def test_a_journal_that_hangs(tmp_path: Path, make: Make) -> None:
    """A journal that listens but takes nothing fails the sink instead of holding it up."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(tmp_path / "journal"))
        sink = JournalSink(str(tmp_path / "journal"))
        sink.open()
        with pytest.raises(SinkError, match="it takes nothing"):
            sink.write([make(n) for n in range(10_000)])
        sink.close()


@pytest.mark.skipif(not Path(JOURNAL).is_socket(), reason="systemd's journal does not run here")
@pytest.mark.skipif(not shutil.which("journalctl"), reason="there is no journalctl here")
def test_the_real_journal(make: Make) -> None:
    """Journald stores the entry with its fields, and journalctl finds it by its id."""
    reading = make(1, "42", id=uuid.uuid4().hex, suspect="two\nlines")
    sink = JournalSink()
    sink.open()
    sink.write([reading])
    sink.close()
    command = ["journalctl", "--output=json", f"DIGITCAM_ID={reading.id}"]
    for _ in range(50):  # it stores when it gets to it
        out = subprocess.run(command, capture_output=True, check=True).stdout
        if out:
            break
        time.sleep(0.1)
    found = json.loads(out)
    assert (found["DIGITCAM_TEXT"], found["DIGITCAM_SUSPECT"]) == ("42", "two\nlines")
    assert found["MESSAGE_ID"] == MESSAGE_ID
