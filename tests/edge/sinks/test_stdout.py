"""`StdoutSink`: what ends up on the other side, and what does when there is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digitcam.edge.errors import SinkError
from digitcam.edge.frame import StableReading
from digitcam.edge.sinks.stdout import StdoutSink

Make = Callable[..., StableReading]

SCRIPT = """
import sys
from digitcam.edge.errors import SinkError
from digitcam.edge.sinks.stdout import StdoutSink
try:
    StdoutSink().open()
except SinkError as error:
    print(error, file=sys.stderr)
"""


def test_lines_are_the_json_form(make: Make, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Each line is there at once, and is exactly the reading's JSON form."""
    sink = StdoutSink()
    sink.open()
    for reading in (make(1), make(2, suspect="jumps")):
        sink.write([reading])
        out = capfdbinary.readouterr().out
        assert out.endswith(b"\n")
        assert json.loads(out) == reading.as_dict()


def test_a_closed_pipe(make: Make) -> None:
    """A reader that is gone is said so, at every attempt."""
    reader, writer = os.pipe()
    os.close(reader)
    sink = StdoutSink(writer)
    sink.open()
    for _ in range(2):
        with pytest.raises(SinkError, match="its reader is gone"):
            sink.write([make(1)])
    os.close(writer)


def test_a_full_disk(make: Make) -> None:
    """Output that goes to a full disk is one line with the system's reason."""
    with Path("/dev/full").open("wb", buffering=0) as full:
        sink = StdoutSink(full.fileno())
        sink.open()
        with pytest.raises(SinkError, match=r"stdout: cannot be written: No space left"):
            sink.write([make(1)])


def test_a_stdout_that_was_never_there() -> None:
    """A process that was started without stdout does not write to whatever got its number."""
    command = ["sh", "-c", '"$@" >&-', "sh", sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    assert done.stderr.startswith("stdout: expected it open, found it closed")


def test_a_line_that_broke_off_is_finished_first(pipe: Any, make: Make) -> None:
    """When the next batch begins with another reading, the line begun before is still whole."""
    sink = StdoutSink(pipe.writer, timeout_s=0.1)
    sink.open()
    pipe.reads.clear()
    with pytest.raises(SinkError, match="has read nothing for"):
        sink.write([make(1, source="x" * 50_000)])
    pipe.reads.set()
    sink.write([make(2)])
    pipe.close()
    numbers = [int(json.loads(line)["id"], 16) for line in pipe.content.splitlines()]
    assert numbers == [1, 2]
