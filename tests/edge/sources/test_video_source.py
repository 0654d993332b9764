"""Video files by a clock that the test owns, and streams of a server on loopback."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from digitcam.edge.errors import (
    SettingsError,
    SourceEndedError,
    SourceError,
    SourceMissingError,
    SourceStalledError,
)
from digitcam.edge.settings import CameraSettings
from digitcam.edge.sources.video import VideoSource

Number = Callable[[Any], int]
WAIT_S = 20.0
"""Far more than any answer takes; what fails does not return at all."""
SECRET = "pa55word"
"""Must not be seen."""


def file_source(clip: Path, time: Any, per_second: float, *, loop: bool = False) -> VideoSource:
    settings = CameraSettings(frames_per_second=per_second, loop=loop)
    return VideoSource(settings, str(clip), clock=time.clock, sleep=time.sleep)


def stream_source(url: str, timeout_s: float = 5, per_second: float = 0) -> VideoSource:
    return VideoSource(CameraSettings(timeout_s=timeout_s, frames_per_second=per_second), url)


@pytest.fixture
def mute_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


# Files


def numbers_of(source: VideoSource, count: int, number_of: Number) -> list[int]:
    seen = []
    for _ in range(count):
        with source.frame(1) as frame:
            seen.append(number_of(frame.luma))
    return seen


def test_a_file_plays_at_its_own_rate(clip: Path, fake_time: Any, number_of: Number) -> None:
    """A higher rate than the file's makes it no faster: 20 frames at 20 a second take 0.95 s."""
    with file_source(clip, fake_time, 100) as source:
        assert numbers_of(source, 20, number_of) == list(range(20))
        assert fake_time.now_s == pytest.approx(1000.95)
        assert source.dropped == 0
        with pytest.raises(SourceEndedError, match=r"all 20 frames"), source.frame(1):
            pass


def test_a_lower_rate_skips_frames(clip: Path, fake_time: Any, number_of: Number) -> None:
    """At 5 a second every fourth of the 20 a second is shown, at its time, and none is lost."""
    with file_source(clip, fake_time, 5) as source:
        assert numbers_of(source, 5, number_of) == [0, 4, 8, 12, 16]
        assert fake_time.now_s == pytest.approx(1000.8)
        assert source.dropped == 0


def test_at_zero_a_file_waits_for_its_reader(clip: Path, fake_time: Any, number_of: Number) -> None:
    """0 is every frame as fast as asked."""
    with file_source(clip, fake_time, 0) as source:
        assert numbers_of(source, 20, number_of) == list(range(20))
    assert fake_time.now_s == 1000


def test_a_slow_reader_of_a_file_misses_frames(
    clip: Path, fake_time: Any, number_of: Number
) -> None:
    """What is due while nobody asks is gone and counted."""
    with file_source(clip, fake_time, 100) as source:
        numbers_of(source, 1, number_of)
        fake_time.sleep(0.52)
        assert numbers_of(source, 2, number_of) == [10, 11]
        assert source.dropped == 9


def test_a_file_loops(clip: Path, fake_time: Any, number_of: Number) -> None:
    """With loop the first frame follows the last."""
    with file_source(clip, fake_time, 100, loop=True) as source:
        assert numbers_of(source, 45, number_of) == [k % 20 for k in range(45)]


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    """A path where nothing is says so."""
    with pytest.raises(SourceMissingError, match="expected a video file, found none"):
        VideoSource(CameraSettings(), str(tmp_path / "no.mp4")).open()


def test_a_file_that_is_no_video_is_an_error(tmp_path: Path) -> None:
    """Text is not played."""
    path = tmp_path / "text.mp4"
    path.write_text("no video")
    with pytest.raises(SourceError, match="expected a video that FFmpeg reads"):
        VideoSource(CameraSettings(), str(path)).open()


def test_it_needs_an_address() -> None:
    """``video:`` alone is a wrong setting."""
    with pytest.raises(SettingsError, match="expected video:FILE-or-URL"):
        VideoSource(CameraSettings(), "")


# Streams


def test_a_slow_reader_gets_new_frames(mjpeg_camera: Any, number_of: Number) -> None:
    """However slowly they are read, frames are no older than 1 s of the camera's 50 a second.

    Read one after the other, the tenth would be some four seconds old.
    """
    ages = []
    with stream_source(mjpeg_camera.url) as source:
        for _ in range(10):
            with source.frame(WAIT_S) as frame:
                ages.append((mjpeg_camera.sent - number_of(frame.luma)) % 32)
            time.sleep(0.5)
        assert source.dropped > 100
    # 25 frames in half a second: what is older than that is not the newest. 32 tell no more.
    assert max(ages) < 25
    assert sorted(ages)[5] < 8


def test_a_stream_is_thinned_out(mjpeg_camera: Any) -> None:
    """Of 50 frames a second, 10 are given: the mean distance is 0.1 s, within a fifth."""
    with stream_source(mjpeg_camera.url, per_second=10) as source:
        times = []
        for _ in range(15):
            with source.frame(WAIT_S) as frame:
                times.append(frame.taken_s)
    # The first ones come as they were buffered while the stream was looked at.
    assert (times[-1] - times[4]) / 10 == pytest.approx(0.1, rel=0.2)


def test_a_stream_that_stops_comes_back(mjpeg_camera: Any) -> None:
    """A stream that ends is an error; opened again it goes on, time after time."""
    mjpeg_camera.pictures = 30
    source = stream_source(mjpeg_camera.url)
    for _ in range(3):
        with source, pytest.raises(SourceError, match="the stream has ended; open it again"):
            for _ in range(100):
                with source.frame(WAIT_S):
                    pass
    mjpeg_camera.pictures = 10**9
    with source, source.frame(WAIT_S):
        pass
    assert mjpeg_camera.listeners == 4


def test_a_stream_that_falls_silent_stalls_and_goes_on(mjpeg_camera: Any) -> None:
    """Silence shorter than the limit is a stall, after which the same connection goes on."""
    with stream_source(mjpeg_camera.url, timeout_s=20) as source:
        with source.frame(WAIT_S):
            pass
        mjpeg_camera.paused.set()
        with pytest.raises(SourceStalledError):
            while True:
                with source.frame(0.3):
                    pass
        mjpeg_camera.paused.clear()
        with source.frame(WAIT_S):
            pass
    assert mjpeg_camera.listeners == 1


def test_a_stream_that_stays_silent_is_given_up(mjpeg_camera: Any) -> None:
    """After the limit the connection is over: every later frame is a stall, at once."""
    with stream_source(mjpeg_camera.url, timeout_s=0.5) as source:
        with source.frame(WAIT_S):
            pass
        mjpeg_camera.paused.set()
        with pytest.raises(SourceStalledError, match="silent; open it again"):
            while True:
                with source.frame(WAIT_S):
                    pass


def test_a_sender_that_never_answers_stalls(mjpeg_camera: Any) -> None:
    """A server that takes the request and says nothing is waited for as long as set."""
    mjpeg_camera.silent = True
    start_s = time.monotonic()
    with pytest.raises(SourceStalledError):
        stream_source(mjpeg_camera.url, timeout_s=0.5).open()
    assert 0.5 <= time.monotonic() - start_s < WAIT_S


@pytest.mark.parametrize("scheme", ["http", "rtsp", "tcp"])
def test_a_mute_port_stalls(mute_port: int, scheme: str) -> None:
    """Whatever the protocol, a port that is mute is a stall in bounded time."""
    start_s = time.monotonic()
    with pytest.raises(SourceStalledError):
        stream_source(f"{scheme}://127.0.0.1:{mute_port}/x", timeout_s=0.5).open()
    assert time.monotonic() - start_s < WAIT_S


def test_no_sender_is_missing() -> None:
    """A port where nobody listens, or a host of no name, is missing."""
    with socket.socket() as taken:  # bound but not listening: nobody else gets it
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(SourceMissingError):
            stream_source(f"http://127.0.0.1:{taken.getsockname()[1]}/x").open()


def test_a_thread_is_not_left_behind(mjpeg_camera: Any) -> None:
    """A source that is closed has no thread."""
    before = threading.active_count()
    with stream_source(mjpeg_camera.url) as source, source.frame(WAIT_S):
        names = [thread.name for thread in threading.enumerate()]
        assert source.name in names
    assert source.name not in [thread.name for thread in threading.enumerate()]
    assert before <= threading.active_count()


def test_secrets_are_not_in_errors(mjpeg_camera: Any, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither an error nor what libraries print holds the password, while the server gets it."""
    mjpeg_camera.silent = True
    address = f"127.0.0.1:{mjpeg_camera.port}/x?key={SECRET}"
    for url in (f"http://me:{SECRET}@{address}", f"http://me:{SECRET}@127.0.0.1:1/x"):
        source = stream_source(url, timeout_s=0.3)
        with pytest.raises(SourceError) as caught:
            source.open()
        assert SECRET not in f"{caught.value!r} {source.name} {caught.value.__cause__!r}"
    printed = capfd.readouterr()
    assert SECRET not in printed.out + printed.err
