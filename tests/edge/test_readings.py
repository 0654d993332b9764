"""`edge-readings`: what it lists, in which form, and what it says of files that are none."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digitcam.edge.cli import readings as command
from digitcam.edge.cli.readings import build_parser, main
from digitcam.edge.errors import ReadingsError
from digitcam.edge.frame import StableReading
from digitcam.edge.sinks.archive import PAGE, Archive, Query
from digitcam.edge.sinks.jsonl import JsonLinesSink
from digitcam.edge.sinks.sqlite import SqliteSink

Make = Callable[..., StableReading]
Capture = pytest.CaptureFixture[str]

START = "import sys; from digitcam.edge.cli.readings import main; sys.exit(main())"
AS_NOBODY = START.replace(
    "sys.exit",
    "import locale, os, shutil, urllib.parse; os.setgroups([]); os.setuid(65534); sys.exit",
)
"""What is imported late is imported before: nobody may not look into every Python."""
TEN_O_CLOCK = datetime(2026, 1, 2, 10, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is."""
    return tmp_path / "readings.db"


@pytest.fixture
def readings(make: Make) -> list[StableReading]:
    """Six readings, one a minute; two are suspect, and confidence falls."""
    return [
        make(
            1230 + number,
            time=TEN_O_CLOCK + timedelta(minutes=number),
            suspect="max_step: 9 from 1229" if number in (2, 5) else None,
            value="1229" if number == 5 else None if number == 2 else str(1230 + number),
            confidence=0.99 - 0.1 * number,
        )
        for number in range(6)
    ]


@contextmanager
def written(path: Path, readings: list[StableReading]) -> Iterator[SqliteSink]:
    """The database while the service has it open."""
    sink = SqliteSink(path, 100_000)
    sink.open()
    try:
        sink.write(readings)
        yield sink
    finally:
        sink.close()


@pytest.fixture
def database(path: Path, readings: list[StableReading]) -> Path:
    """A database with the six readings, its service at rest."""
    with written(path, readings):
        return path


def texts(capsys: Capture) -> list[str]:
    """Return the texts of the JSON that was printed."""
    out, err = capsys.readouterr()
    assert err == ""
    return [json.loads(line)["text"] for line in out.splitlines()]


def complaint(capsys: Capture) -> str:
    """Return the one line on stderr, without the program's name."""
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("edge-readings: ")
    return err.removeprefix("edge-readings: ").rstrip("\n")


# --- forms -----------------------------------------------------------------------------------


def test_json_is_what_json_lines_hold(
    database: Path, readings: list[StableReading], tmp_path: Path, capsys: Capture
) -> None:
    """Byte for byte what the sink of JSON Lines writes of the same readings."""
    sink = JsonLinesSink(tmp_path / "readings.jsonl", 10**9, 1)
    sink.open()
    sink.write(readings)
    sink.close()
    assert main([str(database), "--format", "json"]) == 0
    assert capsys.readouterr().out == (tmp_path / "readings.jsonl").read_text()


def test_the_table(database: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line a reading, in columns, with local time; what is missing is a dash or nothing."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert main([str(database), "--last", "4"]) == 0
    finally:
        monkeypatch.undo()
        time.tzset()
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["TIME", "TEXT", "VALUE", "CONFIDENCE", "AGREED", "SUSPECT"]
    assert [re.split(r"  +", row) for row in rows] == [
        ["2026-01-02 19:02:00", "1232", "-", "0.790", "4/5", "max_step: 9 from 1229"],
        ["2026-01-02 19:03:00", "1233", "1233", "0.690", "4/5"],
        ["2026-01-02 19:04:00", "1234", "1234", "0.590", "4/5"],
        ["2026-01-02 19:05:00", "1235", "1229", "0.490", "4/5", "max_step: 9 from 1229"],
    ]
    assert len({row.index("4/5") for row in rows}) == 1


def test_csv(path: Path, make: Make, capsys: Capture) -> None:
    """A header and a row a reading, which csv reads back, commas and newlines too."""
    reading = make(12, suspect='commas, "quotes"\nand lines')
    with written(path, [reading]):
        assert main([str(path), "--format", "csv"]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    form = reading.as_dict()
    box = [int(row.pop(side)) for side in ("left", "top", "width", "height")]
    assert box == form.pop("box")
    assert [int(row.pop("agreed")), int(row.pop("of"))] == form.pop("agreed")
    del form["digits"]
    assert row == {name: str(value) for name, value in form.items()}


def test_what_cannot_be_told(path: Path, make: Make, capsys: Capture) -> None:
    """A `?` is in the text, null in the digits, and can be asked for."""
    why = "1 of 5 digits cannot be told: 13?45"
    readings = [make(1, "13745"), make(2, "13?45", value="13745", suspect=why)]
    with written(path, readings):
        assert main([str(path), "--text", r".*\?.*"]) == 0
        _, row = capsys.readouterr().out.splitlines()
        assert re.split(r"  +", row)[1:] == ["13?45", "13745", "0.980", "4/5", why]
        assert main([str(path), "--suspect", "--format", "json"]) == 0
        assert json.loads(capsys.readouterr().out) == readings[1].as_dict()


@pytest.mark.parametrize(("form", "lines"), [("table", 1), ("csv", 1), ("json", 0)])
def test_nothing_fits(database: Path, form: str, lines: int, capsys: Capture) -> None:
    """No readings are no failure: a header at most."""
    assert main([str(database), "--text", "9", "--format", form]) == 0
    out, err = capsys.readouterr()
    assert (out.count("\n"), err) == (lines, "")


# --- filters ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("", "012345"),
        ("--last 2", "45"),
        ("--last 99999999999999999999", "012345"),
        ("--suspect", "25"),
        ("--accepted", "0134"),
        ("--suspect --last 1", "5"),
        ("--min-confidence 0.79", "012"),
        ("--min-confidence 0", "012345"),
        ("--text 1234", "4"),
        ("--text 123[0-2]", "012"),
        ("--text 123", ""),
        ("--text .*4 --accepted", "4"),
        ("--since 2026-01-02T10:03Z", "345"),
        ("--until 2026-01-02T10:03Z", "012"),
        ("--since 2026-01-02T11:01+01:00 --until 2026-01-02T10:02:30Z", "12"),
        ("--since 2026-01-04", ""),
        ("--until 2025-12-31", ""),
        ("--since 2025-12-31 --until 2026-01-04", "012345"),
        ("--since 1h", ""),
        ("--until 0s --last 1", "5"),
        ("--since 5000w", "012345"),
    ],
)
def test_filters(database: Path, flags: str, expected: str, capsys: Capture) -> None:
    """Each filter lets through what its help says, also together with others."""
    assert main([str(database), *flags.split(), "--format", "json"]) == 0
    assert texts(capsys) == [f"123{digit}" for digit in expected]


def test_an_age_counts_back_from_now(path: Path, make: Make, capsys: Capture) -> None:
    """Ages in each unit reach back so far and no further."""
    units = {"90s": 90, "15m": 900, "2h": 7200, "7d": 604_800, "2w": 1_209_600}
    now = datetime.now(UTC)
    ages = [seconds + 30 * side for seconds in units.values() for side in (1, -1)]
    made = [make(age, time=now - timedelta(seconds=age)) for age in ages]
    with written(path, made):
        for age, seconds in units.items():
            assert main([str(path), "--since", age, "--format", "json"]) == 0
            assert set(texts(capsys)) == {str(each) for each in ages if each < seconds}


def test_order_is_that_of_arrival(path: Path, make: Make, capsys: Capture) -> None:
    """After the clock was put back the order stays, and the last are those written last."""
    made = [make(n, time=TEN_O_CLOCK - timedelta(days=n)) for n in range(5)]
    with written(path, made):
        assert main([str(path), "--last", "3", "--format", "json"]) == 0
    assert texts(capsys) == ["2", "3", "4"]


@pytest.mark.parametrize(
    ("flags", "found"),
    [
        (["--since", "yesterday-ish"], "expected a time such as 2026-01-31"),
        (["--since", "2026-02-30"], "found '2026-02-30'"),
        (["--until", "-3h"], "--until"),
        (["--since", "99999999999w"], "expected a time"),
        (["--until", "0001-01-01"], "expected a time"),
        (["--since", "1h", "--until", "2h"], "--since: expected a time before --until"),
        (["--text", "("], "expected a regular expression, found '('"),
        (["--min-confidence", "1.5"], "expected a number from 0 to 1, found '1.5'"),
        (["--last", "0"], "expected a whole number from 1, found '0'"),
        (["--last", "²"], "expected a whole number from 1"),
        (["--suspect", "--accepted"], "not allowed with"),
        (["--format", "xml"], "invalid choice: 'xml'"),
    ],
)
def test_wrong_usage(flags: list[str], found: str, capsys: Capture) -> None:
    """A value that cannot be meant ends with 2 and says what was expected."""
    with pytest.raises(SystemExit) as caught:
        main(flags)
    assert caught.value.code == 2
    assert found in capsys.readouterr().err


def test_the_help_tells_the_defaults() -> None:
    """Help names the file that is looked for."""
    said = " ".join(build_parser().format_help().split())
    assert "/var/lib/digitcam/readings.db if there is one, else readings.db here" in said


# --- files -----------------------------------------------------------------------------------


def test_the_default_file(
    database: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a name it is the service's database, and the one at hand where there is none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "SERVICE_FILE", tmp_path / "service" / "readings.db")
    assert main(["--last", "1", "--format", "json"]) == 0
    assert texts(capsys) == ["1235"]
    (tmp_path / "service").mkdir()
    with written(tmp_path / "service" / "readings.db", []):
        assert main(["--format", "json"]) == 0
    assert texts(capsys) == []


def test_while_the_service_writes(path: Path, make: Make) -> None:
    """Readings that are written meanwhile neither disturb nor prolong the listing."""
    numbers = range(2 * PAGE + 10)
    with written(path, [make(number) for number in numbers]) as sink, Archive(path) as archive:
        found = []
        for count, form in enumerate(archive.find(Query())):
            found.append(form["text"])
            if count % PAGE == 0:
                sink.write([make(10_000 + count)])
    assert found == [str(number) for number in numbers]


def test_a_reader_that_pauses_holds_nothing(path: Path, make: Make) -> None:
    """Between two pages the service can empty its write-ahead log."""
    with written(path, [make(number) for number in range(PAGE + 10)]), Archive(path) as archive:
        found = archive.find(Query())
        next(found)
        with closing(sqlite3.connect(path)) as service:
            busy, log, moved = service.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert (busy, log, moved) == (0, 0, 0)
        assert len(list(found)) == PAGE + 9


def test_nothing_is_changed(database: Path) -> None:
    """The database is opened so that nothing in it can be changed."""
    before = database.read_bytes()
    with Archive(database) as archive:
        list(archive.find(Query(last=1)))
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            archive._database.execute("DELETE FROM readings")
    assert database.read_bytes() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("state", ["running", "resting", "resting, seen by root", "killed"])
def test_another_user(public_folder: Path, readings: list[StableReading], state: str) -> None:
    """Who may only read lists them too, whether the service runs, rests or was killed."""
    path = public_folder / "state" / "readings.db"
    path.parent.mkdir(mode=0o755)

    def listed() -> subprocess.CompletedProcess[str]:
        arguments = [sys.executable, "-c", AS_NOBODY, str(path), "--format", "json"]
        return subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)

    with written(path, readings):
        done = listed() if state == "running" else None
        shutil.copytree(path.parent, public_folder / "killed")
    if state == "killed":
        path = public_folder / "killed" / "readings.db"
        assert path.with_name("readings.db-wal").stat().st_size > 0
    if state == "resting, seen by root":
        assert main([str(path)]) == 0
    done = done or listed()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == len(readings)
    path.chmod(0o600)
    refused = listed()
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
    assert "check the file and its permissions" in refused.stderr


def test_a_missing_file(path: Path, capsys: Capture) -> None:
    """A file that is not there is named, with how to get one."""
    assert main([str(path)]) == 1
    said = complaint(capsys)
    assert said.startswith(f"{path}: expected a database of readings, found: No such file")
    assert said.endswith("sinks.use = ['sqlite']")
    assert not path.exists()


def test_what_is_no_database(path: Path, capsys: Capture) -> None:
    """Another file, a directory, and a database of something else are one line each."""
    path.write_text("1234\n" * 1000)
    assert main([str(path)]) == 1
    assert "found: file is not a database" in complaint(capsys)
    assert main([str(path.parent)]) == 1
    assert "found: Is a directory" in complaint(capsys)
    path.write_bytes(b"")
    assert main([str(path)]) == 1
    assert "found one without" in complaint(capsys)
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE readings (a)")
    assert main([str(path)]) == 1
    assert "found one without" in complaint(capsys)


def test_a_newer_schema(database: Path, capsys: Capture) -> None:
    """A newer version's database is refused with what to do."""
    with closing(sqlite3.connect(database)) as other:
        other.execute("PRAGMA user_version = 7")
    assert main([str(database)]) == 1
    assert "expected schema 1 at most, found 7 of a newer program; upgrade" in complaint(capsys)


def test_a_damaged_database(path: Path, make: Make, capsys: Capture) -> None:
    """Damage on the way is one line after what could be read, and the traceback is for --debug."""
    with written(path, [make(number) for number in range(3 * PAGE)]):
        pass
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(os.urandom(path.stat().st_size // 3))
    assert main([str(path), "--format", "json"]) == 1
    assert "malformed" in capsys.readouterr().err
    with pytest.raises(ReadingsError):
        main([str(path), "--debug"])


def test_names_with_signs(tmp_path: Path, readings: list[StableReading], capsys: Capture) -> None:
    """A file's name may hold what an address gives a meaning to."""
    path = tmp_path / "a b?mode=rw#ä%20.db"
    with written(path, readings):
        pass
    assert main([str(path), "--format", "json"]) == 0
    assert len(texts(capsys)) == len(readings)


# --- as a process ----------------------------------------------------------------------------


def test_a_closed_pipe(path: Path, make: Make) -> None:
    """A reader that has seen enough ends it quietly with 1."""
    with written(path, [make(number) for number in range(5 * PAGE)]):
        pass
    arguments = [sys.executable, "-c", START, str(path), "--format", "json"]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 1


def test_a_full_disk(database: Path) -> None:
    """Output that cannot be written is one line."""
    with Path("/dev/full").open("w") as full:
        arguments = [sys.executable, "-c", START, str(database)]
        done = subprocess.run(
            arguments, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert done.returncode == 1
    assert done.stderr.startswith("edge-readings: stdout: cannot write")
    assert done.stderr.count("\n") == 1


def test_it_starts_light(database: Path) -> None:
    """Neither numpy nor OpenCV is loaded to list readings: on a Pi they take a second."""
    check = f"import sys; from digitcam.edge.cli.readings import main; main([{str(database)!r}])"
    check += "; print(*{'numpy', 'cv2'} & set(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == "\n"
