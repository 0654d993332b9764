"""What every source promises, on every source that this machine can build."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitcam.edge.errors import SourceError, SourceStalledError
from digitcam.edge.settings import CameraSettings
from digitcam.edge.sources import FrameSource, source_of

KINDS = ("replay", "file", "stream", "v4l2", "picamera2")
WAIT_S = 20.0
"""Far more than any frame takes; what fails does not return at all."""
ROUNDS = 50


@dataclass(frozen=True)
class Made:
    """How a source is made."""

    settings: CameraSettings
    shape: tuple[int, int] = (48, 64)
    """(H, W) of its frames, px."""

    def source(self) -> FrameSource:
        """Return a new one."""
        return source_of(self.settings)


@pytest.fixture(params=KINDS)
def made(request: pytest.FixtureRequest) -> Made:
    """Each kind of source in turn, or the reason why not."""
    fixture: Callable[[str], Any] = request.getfixturevalue
    if request.param == "replay":
        return Made(_settings(f"replay:{fixture('pictures')}"))
    if request.param == "file":
        return Made(_settings(f"video:{fixture('clip')}"))
    if request.param == "stream":
        return Made(_settings(f"video:{fixture('mjpeg_camera').url}"))
    if request.param == "v4l2":
        devices = sorted(Path("/dev").glob("video*"))
        if not devices:
            pytest.skip("no /dev/video* here")
        return Made(CameraSettings(source=f"v4l2:{devices[0]}", frames_per_second=0), (480, 640))
    try:
        from picamera2 import Picamera2
    except ImportError as error:
        pytest.skip(f"no picamera2 here: {error}")
    if not Picamera2.global_camera_info():
        pytest.skip("no camera that picamera2 knows here")
    return Made(CameraSettings(source="picamera2", settle_s=0, frames_per_second=0), (480, 640))


def _settings(source: str) -> CameraSettings:
    return CameraSettings(source=source, frames_per_second=100, loop=True, timeout_s=5)


def test_building_opens_nothing(made: Made) -> None:
    """A source that is built but not opened holds no file."""
    before = _descriptors()
    source = made.source()
    assert _descriptors() == before
    assert source.name
    assert source.dropped == 0


def test_a_frame_is_luma(made: Made) -> None:
    """A frame is (H, W) uint8, of the time at which it was taken."""
    with made.source() as source, source.frame(WAIT_S) as frame:
        assert frame.luma.shape == made.shape
        assert frame.luma.dtype == np.uint8
        # Frames of the future do not exist; the last one of a camera is recent.
        assert time.monotonic() - WAIT_S < frame.taken_s <= time.monotonic()


def test_frames_go_on_in_time(made: Made) -> None:
    """Each frame was taken after the one before."""
    times = []
    with made.source() as source:
        for _ in range(5):
            with source.frame(WAIT_S) as frame:
                times.append(frame.taken_s)
    assert times == sorted(set(times))


def test_a_frame_stays_the_same_in_its_block(made: Made) -> None:
    """While the block lasts, no later frame is written over it."""
    with made.source() as source:
        for _ in range(5):
            with source.frame(WAIT_S) as frame:
                before = frame.luma.copy()
                time.sleep(0.05)
                assert np.array_equal(frame.luma, before)


def test_a_closed_source_gives_no_frames(made: Made) -> None:
    """A source that was never opened, or is closed, says so."""
    source = made.source()
    with pytest.raises(SourceError, match="closed; open it first"), source.frame(WAIT_S):
        pass
    source.open()
    source.close()
    with pytest.raises(SourceError, match="closed; open it first"), source.frame(WAIT_S):
        pass


def test_closing_and_opening_twice_is_nothing(made: Made) -> None:
    """open() of an open source and close() of a closed one change nothing."""
    source = made.source()
    source.close()
    source.open()
    source.open()
    with source.frame(WAIT_S):
        pass
    source.close()
    source.close()


def test_it_opens_again(made: Made) -> None:
    """A closed source opens and gives frames again."""
    source = made.source()
    for _ in range(3):
        with source, source.frame(WAIT_S) as frame:
            assert frame.luma.size > 0


def test_a_wait_is_bounded(made: Made) -> None:
    """With no time to wait, a source gives a frame or says that none came, at once."""
    with made.source() as source:
        start_s = time.monotonic()
        for _ in range(10):
            try:
                with source.frame(0.0):
                    pass
            except SourceStalledError:
                pass
        assert time.monotonic() - start_s < WAIT_S
        with source.frame(WAIT_S):  # it stays open
            pass


def test_an_error_in_the_block_leaves_the_source_in_order(made: Made) -> None:
    """Whatever the reader of a frame does wrong, the next frame comes."""
    with made.source() as source:
        for _ in range(8):  # more than a camera has buffers
            with pytest.raises(ZeroDivisionError), source.frame(WAIT_S):
                raise ZeroDivisionError
        with source.frame(WAIT_S):
            pass


def test_nothing_leaks(made: Made) -> None:
    """Opening and closing many times leaves no descriptor open."""
    source = made.source()
    with source, source.frame(WAIT_S):  # libraries open what they keep
        pass
    before = _descriptors()
    for _ in range(ROUNDS):
        with source, source.frame(WAIT_S):
            pass
    end_s = time.monotonic() + WAIT_S
    while _descriptors() > before and time.monotonic() < end_s:
        time.sleep(0.05)  # the server of the stream hangs up by itself
    assert _descriptors() <= before


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208
