"""`JsonLinesSink`: whole lines, whatever happens to the disk, the file or the power."""

from __future__ import annotations

import json
import logging
import os
import resource
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from digitcam.edge.errors import SinkError
from digitcam.edge.frame import StableReading
from digitcam.edge.sinks.aside import KEPT
from digitcam.edge.sinks.jsonl import TAIL_BYTES, JsonLinesSink

Make = Callable[..., StableReading]

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TORN = "readings.jsonl.torn-20260102T030405Z"
HOLD = """
import sys
from pathlib import Path
from digitcam.edge.sinks.jsonl import JsonLinesSink
sink = JsonLinesSink(Path(sys.argv[1]), 10**9, 2)
sink.open()
print(flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the sink writes."""
    return tmp_path / "readings.jsonl"


@contextmanager
def opened(path: Path, max_bytes: int = 10**9, files: int = 3) -> Iterator[JsonLinesSink]:
    """A sink for a while; its clock stands still."""
    sink = JsonLinesSink(path, max_bytes, files, now=lambda: NOW)
    sink.open()
    try:
        yield sink
    finally:
        sink.close()


def numbers(*paths: Path) -> list[int]:
    """Return what the lines of these files were made of; each is whole."""
    content = b"".join(path.read_bytes() for path in paths)
    assert content.endswith(b"\n") or not content
    return [int(json.loads(line)["id"], 16) for line in content.splitlines()]


# --- lines and files -------------------------------------------------------------------------


def test_a_line_is_the_json_form(path: Path, make: Make) -> None:
    """A line holds exactly what the reading says of itself, in its order."""
    reading = make(12, suspect="jumps")
    with opened(path) as sink:
        sink.write([reading])
    assert path.read_text() == json.dumps(reading.as_dict()) + "\n"


def test_the_file_goes_on(path: Path, make: Make) -> None:
    """What an earlier run wrote stays, byte for byte, and no piece is set aside."""
    for number in (1, 2, 3):
        with opened(path) as sink:
            sink.write([make(number)])
    assert numbers(path) == [1, 2, 3]
    assert list(path.parent.iterdir()) == [path]


def test_nobody_else_may_write_it(path: Path, make: Make) -> None:
    """However lax the umask, others may not write what the sink makes."""
    before = os.umask(0)
    try:
        with opened(path, max_bytes=1) as sink:
            sink.write([make(1)])
            sink.write([make(2)])
        os.truncate(path, 10)
        with opened(path):
            pass
    finally:
        os.umask(before)
    made = {each.name: each.stat().st_mode for each in path.parent.iterdir()}
    assert sorted(made) == ["readings.jsonl", "readings.jsonl.1", TORN]
    assert not any(mode & stat.S_IWOTH for mode in made.values())


def test_files_are_numbered_and_bounded(path: Path, make: Make) -> None:
    """Full files get the next number, the oldest go, and what is kept is the newest, unbroken."""
    line = len(json.dumps(make(10).as_dict())) + 1
    with opened(path, max_bytes=3 * line, files=3) as sink:
        for number in range(10, 30):
            sink.write([make(number)])
    names = ["readings.jsonl.2", "readings.jsonl.1", "readings.jsonl"]
    files = [path.with_name(name) for name in names]
    assert sorted(path.parent.iterdir()) == sorted(files)
    assert all(file.stat().st_size <= 3 * line for file in files)
    assert numbers(*files) == list(range(22, 30))


def test_one_file_only(path: Path, make: Make) -> None:
    """With one file, a full one gives way to a new one."""
    with opened(path, max_bytes=1, files=1) as sink:
        for number in range(3):
            sink.write([make(number)])
    assert numbers(path) == [2]
    assert list(path.parent.iterdir()) == [path]


def test_a_gap_is_filled_first(path: Path, make: Make) -> None:
    """When somebody took a file away, rotating deletes none."""
    with opened(path, max_bytes=1, files=4) as sink:
        for number in range(4):
            sink.write([make(number)])
        path.with_name("readings.jsonl.2").unlink()
        sink.write([make(4)])
    assert numbers(*(path.with_name(f"readings.jsonl.{n}") for n in (3, 2, 1)), path) == [
        0,
        2,
        3,
        4,
    ]


def test_fewer_files_than_before(path: Path, make: Make) -> None:
    """Files beyond a smaller setting go when the next file is begun."""
    for files in (6, 2):
        with opened(path, max_bytes=1, files=files) as sink:
            for number in range(8):
                sink.write([make(number)])
    assert len(list(path.parent.iterdir())) == 2


# --- power cuts ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "torn",
    [
        *(
            b'{"id": "00',
            b"\0" * 5000,
            b'{"id"\0\0\0',
            b'\0\0\0": 1}\n',
            b'\0\n{"a": 1',
            b'"text"\n',
        ),
        b"[" * 100_000 + b"\n",
    ],
    ids=["half", "zeros", "half-zeros", "lost-block", "several", "no-object", "brackets"],
)
@pytest.mark.parametrize("before", [0, 3])
def test_a_torn_end_is_set_aside(
    path: Path, make: Make, torn: bytes, before: int, caplog: pytest.LogCaptureFixture
) -> None:
    """What a power cut left is kept in a file of its own, with a warning; whole lines stay."""
    with opened(path) as sink:
        sink.write([make(number) for number in range(before)])
    with path.open("ab") as file:
        file.write(torn)
    with opened(path) as sink:
        sink.write([make(before)])
    assert numbers(path) == list(range(before + 1))
    assert path.with_name(TORN).read_bytes() == torn
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert f"its last {len(torn)} bytes are no whole line" in record.getMessage()


def test_pieces_of_one_second_are_all_kept(path: Path) -> None:
    """A clock that stands still, or comes back, overwrites no piece."""
    for torn in (b"a", b"b", b"c"):
        path.write_bytes(torn)
        with opened(path):
            pass
    found = [path.with_name(name).read_bytes() for name in (TORN, f"{TORN}.2", f"{TORN}.3")]
    assert found == [b"a", b"b", b"c"]


def test_pieces_are_bounded(path: Path) -> None:
    """A machine that loses its power every day does not fill its disk with pieces."""
    for number in range(KEPT["torn"] + 5):
        path.write_bytes(b"%d" % number)
        with opened(path):
            pass
    assert len(list(path.parent.glob("*.torn-*"))) == KEPT["torn"]


def test_another_kind_of_file(path: Path) -> None:
    """A large file that is no JSON Lines at all was named by mistake: it is refused, untouched."""
    path.write_bytes(b"x" * (TAIL_BYTES + 1))
    with pytest.raises(SinkError, match="expected JSON Lines, found something else"), opened(path):
        pass
    assert path.stat().st_size == TAIL_BYTES + 1


# --- full disks ------------------------------------------------------------------------------


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond ``size`` bytes: a write is cut there."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room", [0, 1, 700])
def test_a_write_that_is_cut(path: Path, make: Make, room: int) -> None:
    """Of a batch that only partly fits nothing stays, and it is written once when all fits."""
    batch = [make(number) for number in range(2, 6)]
    with opened(path) as sink:
        sink.write([make(1)])
        before = path.read_bytes()
        for _ in range(2):
            with largest_file(len(before) + room), pytest.raises(SinkError):
                sink.write(batch)
            assert path.read_bytes() == before
        sink.write(batch)
    assert numbers(path) == [1, 2, 3, 4, 5]


def test_a_full_disk(small_disk: Path, fill: Callable[[Path], Path], make: Make) -> None:
    """On a disk that is full to the last byte no line is torn; with room again all goes on."""
    path = small_disk / "readings.jsonl"
    written = 0
    with opened(path) as sink:
        sink.write([make(written)])
        filling = fill(small_disk)
        with pytest.raises(SinkError, match=r"readings\.jsonl: .*; *make room"):
            while written < 100:
                sink.write([make(written + 1)])
                written += 1
        assert numbers(path) == list(range(written + 1))
        filling.unlink()
        sink.write([make(written + 1)])
    assert numbers(path) == list(range(written + 2))


def test_starting_on_a_full_disk(
    small_disk: Path, fill: Callable[[Path], Path], make: Make
) -> None:
    """A torn end that cannot be set aside yet is left alone until it can."""
    path = small_disk / "readings.jsonl"
    path.write_bytes(json.dumps(make(1).as_dict()).encode() + b"\n" + b"torn" * 2000)
    filling, before = fill(small_disk), path.read_bytes()
    with pytest.raises(SinkError, match="make room"), opened(path):
        pass
    assert path.read_bytes() == before
    filling.unlink()
    with opened(path) as sink:
        sink.write([make(2)])
    assert numbers(path) == [1, 2]
    assert sorted(each.name for each in small_disk.iterdir()) == [path.name, TORN]


# --- others at the file ----------------------------------------------------------------------


@pytest.mark.parametrize("how", ["deleted", "moved", "replaced"])
def test_a_file_that_is_taken_away(
    path: Path, make: Make, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The next reading begins a new file; what was moved keeps what it had."""
    moved = path.with_name("kept")
    with opened(path) as sink:
        sink.write([make(1)])
        path.rename(moved)
        if how == "deleted":
            moved.unlink()
        if how == "replaced":
            path.touch()
        sink.write([make(2)])
        sink.write([make(3)])
    assert numbers(path) == [2, 3]
    assert how == "deleted" or numbers(moved) == [1]
    assert "was moved or deleted" in caplog.text


def test_a_file_that_is_copied_and_cut(path: Path, make: Make) -> None:
    """After logrotate's copytruncate the lines go on from the start, without a hole."""
    with opened(path) as sink:
        sink.write([make(1)])
        shutil.copy(path, path.with_name("copy"))
        os.truncate(path, 0)
        sink.write([make(2)])
    assert (numbers(path.with_name("copy")), numbers(path)) == ([1], [2])


def test_two_writers(path: Path) -> None:
    """A second process that would write the same file is told so, until the first has ended."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdout.readline()
        with pytest.raises(SinkError, match="another process writes it"), opened(path):
            pass
        other.communicate()
    with opened(path):
        pass


def test_what_is_no_file(path: Path) -> None:
    """A directory, a device or a pipe of that name is refused at once."""
    refused: list[tuple[Callable[[], Any], str]] = [
        (path.mkdir, "cannot be opened: Is a directory"),
        (lambda: path.symlink_to("/dev/null"), "expected a file, found something else"),
        (lambda: os.mkfifo(path), "expected a file, found something else"),
    ]
    for make_it, complaint in refused:
        make_it()
        with pytest.raises(SinkError, match=complaint), opened(path):
            pass
        path.rmdir() if path.is_dir() else path.unlink()


def test_no_directory(tmp_path: Path, make: Make) -> None:
    """A missing directory is not made, as a disk may belong there; with it the sink works."""
    sink = JsonLinesSink(tmp_path / "disk" / "readings.jsonl", 10**9, 2)
    with pytest.raises(SinkError, match=r"No such file or directory; .*sinks\.directory"):
        sink.open()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "disk").mkdir()
    sink.open()
    sink.write([make(1)])
    sink.close()
    assert numbers(tmp_path / "disk" / "readings.jsonl") == [1]
