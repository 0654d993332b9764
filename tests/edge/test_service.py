"""`edge-run` as a process: what it publishes, tells systemd, survives, and ends with."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from digitcam.train.scene import Scene, render_rows

START = "import sys; from digitcam.edge.cli.run import main; sys.exit(main())"
PATIENCE_S = 30.0
STOP_S = 2.0
"""Seconds in which SIGTERM ends the service."""


@pytest.fixture
def pictures(page: Scene, tmp_path: Path) -> Path:
    """A directory with the page."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    cv2.imwrite(str(folder / "page.png"), page.image)
    return folder


@pytest.fixture
def settings(pictures: Path, tmp_path: Path) -> Path:
    """A settings file that replays the page and writes to files."""
    return write_settings(tmp_path / "mine.toml", f"replay:{pictures}", tmp_path / "state")


def write_settings(path: Path, source: str, state: Path, sinks: str = '"sqlite", "jsonl"') -> Path:
    state.mkdir(exist_ok=True)
    path.write_text(
        f'[camera]\nsource = "{source}"\nloop = true\nrepeat = 1\nframes_per_second = 20\n'
        "max_retries = 1\nfirst_retry_s = 0.05\ntimeout_s = 20\n[stabilize]\nmin_stable_s = 0\n"
        f'[sinks]\nuse = [{sinks}]\ndirectory = "{state}"\n'
    )
    return path


class Systemd:
    """The socket that systemd listens on, and what came through it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self.told: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))

    def wait_for(self, what: str) -> None:
        """Listen until a message that begins so comes."""
        self._socket.settimeout(PATIENCE_S)
        while True:
            self.told += self._socket.recv(4096).decode().splitlines()
            if any(line.startswith(what) for line in self.told):
                return

    def rest(self) -> list[str]:
        """Return all that was told, without waiting."""
        self._socket.setblocking(False)
        while True:
            try:
                self.told += self._socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                return self.told


@pytest.fixture
def systemd(tmp_path: Path) -> Systemd:
    """A real datagram socket."""
    return Systemd(tmp_path)


@contextmanager
def running(
    *arguments: object, start: str = START, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """Run `edge-run`, or what starts it otherwise, until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", start, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def stop(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> tuple[str, str]:
    """Send the signal, see that it ends as it should, and return what it said."""
    process.send_signal(number)
    out, err = process.communicate(timeout=STOP_S)
    assert process.returncode == 0, err
    return out, err


def until(what: Callable[[], object]) -> None:
    """Wait until something holds."""
    end_s = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < end_s, "it never came"
        time.sleep(0.02)


def lines_of(state: Path) -> list[dict[str, object]]:
    path = state / "readings.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def rows_of(state: Path) -> list[str]:
    with sqlite3.connect(state / "readings.db") as database:
        return [text for (text,) in database.execute("SELECT text FROM readings ORDER BY rowid")]


# --- its life --------------------------------------------------------------------------------


def test_from_start_to_end(
    settings: Path, systemd: Systemd, rows: tuple[str, ...], tmp_path: Path
) -> None:
    """READY, readings in both files, progress, status; SIGTERM ends it with everything written."""
    state = tmp_path / "state"
    with running("--config", settings, NOTIFY_SOCKET=str(systemd.path)) as process:
        systemd.wait_for("READY=1")
        until(lambda: len(lines_of(state)) == len(rows))
        systemd.wait_for("WATCHDOG=1")
        stop(process)
    assert sorted(str(line["text"]) for line in lines_of(state)) == sorted(rows)
    assert rows_of(state) == [line["text"] for line in lines_of(state)]
    told = systemd.rest()
    assert told.index("READY=1") < told.index("STOPPING=1") == len(told) - 1
    status = next(line for line in told if line.startswith("STATUS=") and "camera ok" in line)
    assert "frames/s; last reading" in status
    assert "sqlite ok, jsonl ok" in status


def test_the_watchdog_is_fed_between_pictures_far_apart(
    settings: Path, systemd: Systemd, tmp_path: Path
) -> None:
    """At a picture an hour READY follows the first, and the watchdog is fed though none comes."""
    text = settings.read_text().replace("frames_per_second = 20", "frames_per_second = 0.00028")
    settings.write_text(text.replace("timeout_s = 20", "timeout_s = 0.3"))
    with running("--config", settings, NOTIFY_SOCKET=str(systemd.path)) as process:
        systemd.wait_for("READY=1")
        for _ in range(3):
            systemd.told.clear()
            systemd.wait_for("WATCHDOG=1")
        _, err = stop(process)
    assert "stalled" not in err


def test_night_is_no_fault_where_it_is_allowed(
    settings: Path, pictures: Path, systemd: Systemd
) -> None:
    """With black_after_s = 0 a service that starts in the dark is ready."""
    cv2.imwrite(str(pictures / "page.png"), np.zeros((48, 64), np.uint8))
    settings.write_text(settings.read_text().replace("[stab", "black_after_s = 0\n[stab"))
    with running("--config", settings, NOTIFY_SOCKET=str(systemd.path)) as process:
        systemd.wait_for("READY=1")
        stop(process)


def test_a_digit_in_doubt_is_suspect_in_every_file(
    settings: Path, doubt: tuple[float, str], tmp_path: Path
) -> None:
    """A number with `?` is published with the reason and without a value, the others as ever."""
    threshold, text = doubt
    settings.write_text(f"min_confidence = {threshold}\n{settings.read_text()}")
    state = tmp_path / "state"
    with running("--config", settings) as process:
        until(lambda: len(lines_of(state)) == 3)
        stop(process)
    found = {line["text"]: line for line in lines_of(state)}
    assert sorted(found) == sorted(text.split()) == sorted(rows_of(state))
    for name, line in found.items():
        reason = f"1 of {len(name)} digits cannot be told: {name}" if "?" in name else None
        assert line["suspect"] == reason
        assert line["value"] == (None if reason else name)
    command = "import sys; from digitcam.edge.cli.readings import main; sys.exit(main())"
    listed = subprocess.run(
        [sys.executable, "-c", command, state / "readings.db", "--suspect", "--format", "json"],
        capture_output=True,
        text=True,
        check=True,
    )
    (row,) = map(json.loads, listed.stdout.splitlines())
    assert row == next(line for line in found.values() if line["suspect"])
    assert [digit["digit"] for digit in row["digits"]].count(None) == 1


def test_readings_on_stdout(pictures: Path, rows: tuple[str, ...], tmp_path: Path) -> None:
    """Without any settings file readings are JSON Lines on stdout, and talk is on stderr."""
    path = write_settings(tmp_path / "x.toml", f"replay:{pictures}", tmp_path, '"stdout"')
    with running("--config", path) as process:
        assert process.stdout is not None
        found = [json.loads(process.stdout.readline()) for _ in rows]
        _, err = stop(process, signal.SIGINT)
    assert sorted(each["text"] for each in found) == sorted(rows)
    assert all(each["source"] == f"replay:{pictures}" for each in found)
    assert err == f"edge-run: INFO: replay:{pictures}: gives pictures\n"


def test_a_recording_ends_by_itself(pictures: Path, settings: Path, tmp_path: Path) -> None:
    """The end of a replay that does not loop is the end of the command, and no failure."""
    text = settings.read_text().replace("loop = true", "loop = false")
    settings.write_text(text.replace("repeat = 1\n", ""))
    with running("--config", settings) as process:
        process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert len(rows_of(tmp_path / "state")) == 3


def test_a_camera_that_hangs_does_not_delay_the_end(tmp_path: Path) -> None:
    """While OpenCV waits for a server that says nothing, SIGTERM still ends in two seconds."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"video:http://127.0.0.1:{server.getsockname()[1]}/stream"
        path = write_settings(tmp_path / "x.toml", url, tmp_path / "state")
        with running("--config", path) as process:
            server.settimeout(PATIENCE_S)
            connection, _ = server.accept()
            with connection:
                stop(process)


CRASHING = """
import sys
from digitcam.edge import service
from digitcam.edge.cli.run import main
from digitcam.edge.live import LiveReader
class Crashing(LiveReader):
    left = int(sys.argv.pop(1))
    def see(self, *frame):
        if Crashing.left:
            Crashing.left -= 1
            raise ZeroDivisionError("a bug")
        return super().see(*frame)
service.LiveReader = Crashing
sys.exit(main())
"""


@pytest.mark.parametrize(("crashes", "status"), [(9, 0), (10, 1)])
def test_a_frame_that_crashes_the_reader(
    crashes: int, status: int, settings: Path, tmp_path: Path
) -> None:
    """It is told with its traceback and left out; ten in a row end the process, to begin anew."""
    process = subprocess.Popen(
        [sys.executable, "-c", CRASHING, str(crashes), "--config", str(settings)],
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        if status:
            process.wait(PATIENCE_S)
        else:
            until(lambda: len(lines_of(tmp_path / "state")) == 3)
            process.terminate()
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == status
    assert err.count("ZeroDivisionError: a bug") >= crashes
    assert f"a frame could not be read, {crashes} in a row" in err


def test_single_pictures_are_published_each(tmp_path: Path) -> None:
    """Each picture of a folder is read by itself; what it withholds is told, with the reason."""
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, text in (("a", "4920"), ("b", "4920"), ("c", "111"), ("d", "111")):
        scene = render_rows([text], np.random.default_rng(8), height_px=52)
        cv2.imwrite(str(folder / f"{name}.png"), scene.image)
    path = write_settings(tmp_path / "x.toml", f"replay:{folder}", tmp_path, '"stdout"')
    text = (
        path.read_text().replace("loop = true", "loop = false").replace("repeat = 1", "repeat = 2")
    )
    for least, count in ((0.0, 4), (1.0, 0)):
        path.write_text(text.replace("min_stable_s", f"min_confidence = {least}\nmin_stable_s"))
        with running("--config", path) as process:
            out, err = process.communicate(timeout=PATIENCE_S)
        texts = [json.loads(line)["text"] for line in out.splitlines()]
        assert texts == ["4920", "4920", "111", "111"][:count]
        told = [line for line in err.splitlines() if "is withheld" in line]
        assert len(told) == 4 - count
        for name, line in zip("abcd", told, strict=False):
            assert f"WARNING: {name}.png: " in line
            assert "less than stabilize.min_confidence, 1" in line


def test_what_a_recording_withholds_is_told_at_its_end(settings: Path) -> None:
    """Frames of a camera that are too few to agree publish nothing, and stderr says why."""
    text = settings.read_text().replace("loop = true", "loop = false")
    settings.write_text(text)
    with running("--config", settings) as process:
        _, err = process.communicate(timeout=PATIENCE_S)
    told = [line for line in err.splitlines() if "is withheld" in line]
    assert len(told) == 3
    assert all("fewer than 4 of 5 frames agree since " in line for line in told)


# --- settings read anew ----------------------------------------------------------------------


def test_settings_that_are_wrong_are_not_taken(
    settings: Path, systemd: Systemd, tmp_path: Path
) -> None:
    """SIGHUP with an impossible file keeps the old settings and says why."""
    with running("--config", settings, NOTIFY_SOCKET=str(systemd.path)) as process:
        systemd.wait_for("READY=1")
        settings.write_text(settings.read_text() + "sqlite_max_readings = 0\n")
        systemd.told.clear()
        process.send_signal(signal.SIGHUP)
        systemd.wait_for("RELOADING=1")
        systemd.wait_for("READY=1")
        _, err = stop(process)
    line = settings.read_text().count("\n")
    assert f"mine.toml: line {line}: sinks.sqlite_max_readings must be a whole number from 1" in err
    assert "the settings before are kept" in err


def test_new_settings_are_taken(
    settings: Path, page: Scene, systemd: Systemd, tmp_path: Path
) -> None:
    """SIGHUP brings another source, other sinks and another rule into force at once."""
    other = tmp_path / "other"
    other.mkdir()
    scene = render_rows(["7070"], np.random.default_rng(8), height_px=52)
    cv2.imwrite(str(other / "page.png"), scene.image)
    with running("--config", settings, NOTIFY_SOCKET=str(systemd.path)) as process:
        systemd.wait_for("READY=1")
        until(lambda: len(lines_of(tmp_path / "state")) == 3)
        write_settings(settings, f"replay:{other}", tmp_path / "new", '"jsonl"')
        settings.write_text(settings.read_text() + "[plausibility]\nmax_digits = 3\n")
        process.send_signal(signal.SIGHUP)
        until(lambda: lines_of(tmp_path / "new"))
        stop(process)
    (found,) = lines_of(tmp_path / "new")
    assert (found["text"], found["suspect"]) == ("7070", "expected 1 to 3 digits, found 4")
    assert not (tmp_path / "new" / "readings.db").exists()


def test_what_is_known_is_not_published_again_after_a_reload(
    settings: Path, systemd: Systemd, tmp_path: Path
) -> None:
    """Settings that change nothing about readings repeat none."""
    with running("--config", settings, NOTIFY_SOCKET=str(systemd.path)) as process:
        systemd.wait_for("READY=1")
        until(lambda: len(lines_of(tmp_path / "state")) == 3)
        systemd.told.clear()
        process.send_signal(signal.SIGHUP)
        systemd.wait_for("READY=1")
        time.sleep(0.5)  # ten frames
        stop(process)
    assert len(lines_of(tmp_path / "state")) == 3


def test_readings_that_wait_survive_a_reload(
    settings: Path, systemd: Systemd, rows: tuple[str, ...], tmp_path: Path
) -> None:
    """What could not be written is in the new place after the remedy that the message names."""
    state, new = tmp_path / "state", tmp_path / "new"
    new.mkdir()
    with (state / "readings.jsonl").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with running("--config", settings, NOTIFY_SOCKET=str(systemd.path)) as process:
            systemd.wait_for("READY=1")
            until(lambda: (state / "readings.db").exists() and len(rows_of(state)) == len(rows))
            settings.write_text(settings.read_text().replace(str(state), str(new)))
            process.send_signal(signal.SIGHUP)
            until(lambda: len(lines_of(new)) == len(rows))
            _, err = stop(process)
    assert [line["text"] for line in lines_of(new)] == rows_of(state)
    assert "another process writes it; stop that one or set sinks.directory" in err
    assert f"sink jsonl: {len(rows)} readings wait for it" in err


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ('[plausibility]\npattern = "a{99999999999}"', "pattern must be a regular expression"),
        (f"[plausibility]\npattern = '{'(' * 5000}{')' * 5000}'", "must be a regular expression"),
        (f"runtime = {'[' * 5000}", "found brackets in brackets beyond any use"),
        ('[camera]\nsource = "video:http://[::1\\u0000"', "camera.source must be the name of a"),
        (f'[camera]\nsource = "picamera2:{"9" * 5000}"', "camera.source must be the name of a"),
        ('model = "\\u0000"', "model must be a model bundle, of at most"),
        (f'[sinks]\ndirectory = "{"x" * 5000}"', "sinks.directory must be a directory, or empty"),
    ],
)
def test_settings_that_ended_the_service(
    wrong: str, says: str, settings: Path, systemd: Systemd
) -> None:
    """Whatever is wrong in the file is one line, and the service goes on as it was."""
    with running("--config", settings, NOTIFY_SOCKET=str(systemd.path)) as process:
        systemd.wait_for("READY=1")
        settings.write_text(wrong)
        systemd.told.clear()
        process.send_signal(signal.SIGHUP)
        systemd.wait_for("RELOADING=1")
        systemd.wait_for("READY=1")
        systemd.told.clear()
        systemd.wait_for("WATCHDOG=1")
        _, err = stop(process)
    (line,) = [line for line in err.splitlines() if "the settings before are kept" in line]
    assert says in line
    assert "Traceback" not in err


BUGGY = """
import sys
from digitcam.edge import service
from digitcam.edge.cli.run import main
def fail(settings):
    raise MemoryError("no room\\nat all")
service.check_writable = fail
sys.exit(main())
"""


def test_an_error_that_nobody_thought_of_keeps_the_settings(
    settings: Path, systemd: Systemd, tmp_path: Path
) -> None:
    """A bug in what new settings need is told in one line, and the service goes on."""
    notified = str(systemd.path)
    with running("--config", settings, start=BUGGY, NOTIFY_SOCKET=notified) as process:
        systemd.wait_for("READY=1")
        settings.write_text(settings.read_text() + "max_waiting = 5\n")
        systemd.told.clear()
        process.send_signal(signal.SIGHUP)
        systemd.wait_for("READY=1")
        process.terminate()
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    said = "ERROR: unexpected MemoryError: no room at all; the settings before are kept\n"
    assert said in err


EARLY = """
import os, signal, sys
from digitcam.edge.cli import run
before = run.settings_of
def settings_of(*arguments):
    run.settings_of = before
    os.kill(os.getpid(), signal.SIGHUP)
    return before(*arguments)
run.settings_of = settings_of
sys.exit(run.main())
"""


def test_a_reload_before_the_service_runs(settings: Path, systemd: Systemd) -> None:
    """SIGHUP while the service starts does not end it: the settings are read again then."""
    notified = str(systemd.path)
    with running("--config", settings, start=EARLY, NOTIFY_SOCKET=notified) as process:
        systemd.wait_for("RELOADING=1")
        systemd.wait_for("WATCHDOG=1")
        process.terminate()
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert "settings read anew" in err


# --- bad input -------------------------------------------------------------------------------


def refusal(*arguments: object, **environment: str) -> tuple[int, str]:
    """Run `edge-run` to its end; return the status and the one line that it ends with."""
    with running(*arguments, **environment) as process:
        out, err = process.communicate(timeout=PATIENCE_S)
    assert out == ""
    last = err.splitlines()[-1]
    assert last.startswith("edge-run: ")
    return process.returncode, last.removeprefix("edge-run: ")


@pytest.mark.parametrize(
    ("source", "status", "says"),
    [
        ("webcam", 78, "camera.source: expected picamera2[:N], v4l2:"),
        ("v4l2:nothing", 78, ""),
        ("v4l2:/dev/video999", 75, "v4l2:/dev/video999: "),
        ("replay:nowhere", 75, "replay:nowhere: "),
        ("video:nothing.mp4", 75, "video:nothing.mp4: "),
        ("video:http://127.0.0.1:9/stream", 75, "video:http://127.0.0.1:9/stream: "),
    ],
)
def test_a_source_that_cannot_be_had(source: str, status: int, says: str, settings: Path) -> None:
    """A wrong name is an error of the settings; what may come later is tried again by systemd."""
    code, line = refusal("--config", settings, "--source", source)
    assert (code, line[: len(says)]) == (status, says)


def test_settings_that_cannot_be_used(settings: Path, tmp_path: Path, bundle_copy: Path) -> None:
    """Each ends with 78, which systemd does not retry, and one line."""
    assert refusal("--config", tmp_path)[0] == 78
    assert refusal("--config", tmp_path / "none.toml")[0] == 78
    good = settings.read_text()
    settings.write_text(good + "[camera\n")
    assert refusal("--config", settings)[0] == 78
    settings.write_text(good + "colour = 1\n")
    code, line = refusal("--config", settings)
    assert (code, f"{settings}: line {good.count(chr(10)) + 1}: unknown" in line) == (78, True)
    settings.write_text(f'model = "{bundle_copy}"\n' + good)
    Path(f"{bundle_copy}.tflite").write_bytes(b"no model")
    code, line = refusal("--config", settings)
    assert (code, "sha256 must be" in line) == (78, True)


def test_a_state_directory_that_cannot_be_written(settings: Path, tmp_path: Path) -> None:
    """It ends with 73 before the camera is opened, and says what to do."""
    (tmp_path / "state").rmdir()
    code, line = refusal("--config", settings)
    assert code == 73
    assert f"{tmp_path / 'state'}: expected a directory" in line


def test_check_config(settings: Path, tmp_path: Path) -> None:
    """Good settings are said to be good without opening anything; bad ones end with 78."""
    done = subprocess.run(
        [sys.executable, "-c", START, "--config", str(settings), "--check-config"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    said = (0, "the settings are possible, and the model fits\n", "")
    assert (done.returncode, done.stdout, done.stderr) == said
    assert not any((tmp_path / "state").iterdir())
    settings.write_text("threads = 0\n")
    assert refusal("--config", settings, "--check-config")[0] == 78


def test_check_config_tries_the_files(settings: Path, tmp_path: Path) -> None:
    """A directory that is missing is found before the service needs it."""
    (tmp_path / "state").rmdir()
    code, line = refusal("--config", settings, "--check-config")
    assert (code, "expected a directory for the readings" in line) == (73, True)


def test_settings_against_the_watchdog(settings: Path) -> None:
    """Waits for a camera that systemd would take for a hang are refused with what to change."""
    code, line = refusal("--config", settings, "--check-config", WATCHDOG_USEC="79000000")
    assert code == 78
    assert "camera.timeout_s and camera.max_retry_s must together be at most half of" in line
    assert "WatchdogSec, 39.5, found 40; lower them, or raise WatchdogSec with" in line
    command = [sys.executable, "-c", START, "--config", str(settings), "--check-config"]
    environment = {**os.environ, "WATCHDOG_USEC": "80000000"}
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)


def test_lines_for_the_journal_have_their_priority(settings: Path) -> None:
    """Where stderr goes to the journal, each line begins with its priority."""
    with running("--config", settings, "--source", "replay:x", JOURNAL_STREAM="8:1") as process:
        _, err = process.communicate(timeout=PATIENCE_S)
    assert err.splitlines()[0].startswith("<4>replay:x: ")


# --- signals at random moments ---------------------------------------------------------------

ROUNDS = """
import os, random, signal, sys, time
from pathlib import Path
from digitcam.edge.service import Service
from digitcam.edge.settings_file import load_settings
settings = load_settings(Path(sys.argv[1]))
chance = random.Random(int(sys.argv[3]))
ends = {}
for _ in range(int(sys.argv[2])):
    child = os.fork()
    if not child:
        try:
            Service(settings, lambda: load_settings(Path(sys.argv[1]))).run()
        finally:
            os._exit(1 if sys.exc_info()[0] else 0)
    time.sleep(chance.uniform(0.0, 0.4))
    number = chance.choice([signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
    os.kill(child, number)
    if number == signal.SIGHUP:
        time.sleep(0.02)
        os.kill(child, chance.choice([signal.SIGTERM, signal.SIGKILL]))
    end_s = time.monotonic() + 5
    done, status = os.waitpid(child, os.WNOHANG)
    while not done and time.monotonic() < end_s:
        time.sleep(0.002)
        done, status = os.waitpid(child, os.WNOHANG)
    if not done:
        os.kill(child, signal.SIGKILL)
        sys.exit(f"{number} did not end it")
    code = os.waitstatus_to_exitcode(status)
    ends[code] = ends.get(code, 0) + 1
print(ends)
"""


def test_signals_at_random_moments(settings: Path, pictures: Path, tmp_path: Path) -> None:
    """After 200 ends by any signal both files are sound, and each line is a row of the database."""
    for i, text in enumerate(("19", "28", "37", "46")):
        scene = render_rows([text], np.random.default_rng(i), height_px=52, size=(240, 320))
        for again in "ab":  # what has just changed may be a hand; it is read in the second frame
            cv2.imwrite(str(pictures / f"{i}{again}.png"), scene.image)
    text = settings.read_text().replace("frames_per_second = 20", "frames_per_second = 0")
    settings.write_text(text.replace("min_stable_s = 0", "min_stable_s = 0\nagree = 1\nof = 1"))
    rounds = subprocess.run(
        [sys.executable, "-c", ROUNDS, str(settings), "200", "7"],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert rounds.returncode == 0, rounds.stderr[-2000:]
    state = tmp_path / "state"
    written = [line["id"] for line in lines_of(state)]
    with sqlite3.connect(state / "readings.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        kept = [key for (key,) in database.execute("SELECT id FROM readings ORDER BY rowid")]
    assert len(written) > 50
    assert len(set(written)) == len(written)
    assert set(written) <= set(kept)
    assert sorted(state.iterdir())[0].name.startswith("readings")
    assert not [path for path in state.iterdir() if "corrupt" in path.name or "torn" in path.name]
