"""Keeps the libraries' chatter out of our output, and shows it where something goes wrong."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

STREAMS = (1, 2)
"""File descriptors: TensorFlow's C++ parts write past ``sys.stdout`` and ``sys.stderr``."""
KEPT_BYTES = 8192


@contextmanager
def quiet() -> Iterator[Callable[[], str]]:
    """Swallow whatever is written to stdout and stderr, by Python, C++ or child processes.

    Gives a function that returns the last line written so far. An exception that leaves the block
    takes the end of the chatter along as a note, which a traceback shows.
    """
    with tempfile.TemporaryFile("w+", errors="replace") as chatter:
        sys.stdout.flush()
        sys.stderr.flush()
        saved = [os.dup(stream) for stream in STREAMS]
        try:
            for stream in STREAMS:
                os.dup2(chatter.fileno(), stream)
            with redirect_stdout(chatter), redirect_stderr(chatter):
                yield lambda: _last_line(chatter.fileno())
        except Exception as error:
            error.add_note(f"what the libraries wrote:\n{_tail(chatter.fileno())}")
            raise
        finally:
            chatter.flush()
            for stream, copy in zip(STREAMS, saved, strict=True):
                os.dup2(copy, stream)
                os.close(copy)


def _last_line(descriptor: int) -> str:
    return (_tail(descriptor).strip().splitlines() or ["no word"])[-1]


def _tail(descriptor: int) -> str:
    size = os.fstat(descriptor).st_size
    content = os.pread(descriptor, KEPT_BYTES, max(size - KEPT_BYTES, 0))
    return content.decode(errors="replace")
