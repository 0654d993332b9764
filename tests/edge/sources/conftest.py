"""Recordings, and a camera that sends MJPEG over HTTP on loopback."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

WIDTH, HEIGHT = 64, 48
STEP = 8
"""Gray levels between one numbered picture and the next: more than compression changes."""
NUMBERS = 256 // STEP


def numbered(number: int) -> NDArray[np.uint8]:
    """Return a picture that tells its number, modulo NUMBERS, by its brightness; BGR."""
    return np.full((HEIGHT, WIDTH, 3), number % NUMBERS * STEP + STEP // 2, np.uint8)


def read_number(luma: NDArray[np.uint8]) -> int:
    """Return the number of a picture, modulo NUMBERS."""
    return int(luma.mean()) // STEP


class MjpegCamera:
    """Sends numbered pictures to whoever asks, and can misbehave."""

    def __init__(self) -> None:
        self.per_second = 50.0
        self.silent = False
        """Takes connections and never answers."""
        self.pictures = 10**9
        """Sends so many to each listener, then hangs up."""
        self.paused = threading.Event()
        """Stays connected and sends nothing."""
        self.sent = 0
        """Number of the picture sent last."""
        self.listeners = 0
        self.ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/stream.mjpg"

    def close(self) -> None:
        """Hang up on all."""
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera.listeners += 1
                if camera.silent:
                    camera.ended.wait()
                    return
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
                self.end_headers()
                with contextlib.suppress(OSError):  # the listener hung up
                    camera.send_all(self.wfile.write)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def send_all(self, write: Callable[[bytes], object]) -> None:
        """Send pictures until there are no more."""
        for _ in range(self.pictures):
            while self.paused.is_set() and not self.ended.is_set():
                time.sleep(0.01)
            if self.ended.is_set():
                return
            self.sent += 1
            jpeg = cv2.imencode(".jpg", numbered(self.sent))[1].tobytes()
            head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            write(head.encode() + jpeg + b"\r\n")
            time.sleep(1 / self.per_second)


@pytest.fixture
def mjpeg_camera() -> Iterator[MjpegCamera]:
    """A camera on loopback."""
    camera = MjpegCamera()
    yield camera
    camera.close()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A directory of twelve numbered pictures."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(12):
        cv2.imwrite(str(folder / f"{number:02}.png"), numbered(number))
    return folder


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A video of 20 numbered frames at 20 frames a second."""
    path = tmp_path / "clip.mp4"
    fourcc = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(path), fourcc, 20, (WIDTH, HEIGHT))
    if not writer.isOpened():
        pytest.skip("this OpenCV cannot write MP4")
    for number in range(20):
        writer.write(numbered(number))
    writer.release()
    return path


class FakeTime:
    """A clock that goes on only when someone sleeps."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def clock(self) -> float:
        """Return the time."""
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now_s += seconds


@pytest.fixture
def fake_time() -> FakeTime:
    """A clock and a sleep."""
    return FakeTime()


@pytest.fixture
def number_of() -> Callable[[NDArray[np.uint8]], int]:
    """What a picture's number is."""
    return read_number
