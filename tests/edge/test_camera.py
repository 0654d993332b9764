"""A source that fails in every way is opened again, told of once, and given up on in the end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Self

import numpy as np
import pytest

from digitcam.edge.camera import SLICE_S, Camera, GaveUpError
from digitcam.edge.errors import (
    SourceBusyError,
    SourceEndedError,
    SourceError,
    SourceMissingError,
    SourceStalledError,
)
from digitcam.edge.settings import CameraSettings
from digitcam.edge.sources import CameraFrame

FRAME_S = 0.1
SETTINGS = CameraSettings(
    timeout_s=2, first_retry_s=1, max_retry_s=8, max_retries=5, frozen_after_s=5, black_after_s=7
)


class Clock:
    """Time that passes only where something waits."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:  # noqa: D102
        return self.now_s

    def wait(self, seconds: float) -> None:
        """Let the time pass."""
        self.now_s += seconds


class Faulty:
    """A sensor that does what a script says at each opening: a picture, an error, or silence.

    Args:
        clock: Its time.
        openings: For each opening, what to raise at it, or the frames that follow: a grey level, an
            error to raise, or None for no frame in time. The last one is repeated for ever.
    """

    name, live, exclusive, dropped = "faulty", True, False, 0

    def __init__(self, clock: Clock, *openings: Exception | list[object]) -> None:
        self._clock = clock
        self._openings = list(openings)
        self._frames: Iterator[object] | None = None
        self.opened: list[float] = []
        self.level = 0.0
        self._noise = np.random.default_rng(1)

    def open(self) -> None:
        """Begin the next opening of the script."""
        if self._frames is not None:
            return
        self.opened.append(self._clock.now_s)
        script = self._openings.pop(0) if len(self._openings) > 1 else self._openings[0]
        if isinstance(script, Exception):
            raise script
        self._frames = iter([*script[:-1], *[script[-1]] * 10_000])

    @contextmanager
    def frame(self, timeout_s: float) -> Iterator[CameraFrame]:
        """Do the next thing of the script."""
        assert self._frames is not None, "frame() of a closed source"
        what = next(self._frames)
        if isinstance(what, Exception):
            self._clock.wait(FRAME_S)
            raise what
        if what is None:
            self._clock.wait(timeout_s)
            raise SourceStalledError("faulty: expected a frame, found none")
        self._clock.wait(FRAME_S)
        luma = np.full((48, 64), what, np.uint8)
        if what and isinstance(what, int):
            luma += self._noise.integers(0, 4, luma.shape).astype(np.uint8)
        yield CameraFrame(luma, self._clock.now_s)

    def close(self) -> None:
        """Forget the opening."""
        self._frames = None

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


Watch = Callable[..., list[float]]


@pytest.fixture
def clock() -> Clock:
    """Time that the test lets pass."""
    return Clock()


def watch(camera: Camera, clock: Clock, seconds: float) -> list[float]:
    """Take frames for so long; return when they came."""
    came = []
    with camera, closing(camera.frames()) as frames:
        for found in frames:
            if found:
                came.append(found[0].taken_s)
            if clock.now_s > 100 + seconds:
                break
    return came


def missing() -> SourceError:
    return SourceMissingError("faulty: expected a camera, found none; plug it in")


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    ("frames", "fault", "within_s"),
    [
        pytest.param([100, 100, SourceError("faulty: broke")], "failed", 2, id="raises"),
        pytest.param([100, 100, ValueError("a bug\nin a driver")], "failed", 2, id="crashes"),
        pytest.param([100, 100, None], "stalled", 4, id="stalls"),
        pytest.param([100, 100, 100.0], "frozen", 8, id="freezes"),
        pytest.param([100, 100, 0], "black", 10, id="turns black"),
        pytest.param([100, 100, missing()], "missing", 2, id="vanishes"),
        pytest.param([100, 100, SourceBusyError("faulty: busy")], "busy", 2, id="is taken"),
    ],
)
def test_every_fault_is_told_apart_and_mended(
    frames: list[object],
    fault: str,
    within_s: float,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The fault is logged once by its name, the source opened again, and frames come again."""
    caplog.set_level(logging.INFO, "digitcam")
    source = Faulty(clock, frames, [100])
    camera = Camera(SETTINGS, source, clock.wait, clock)
    came = watch(camera, clock, 60)
    assert len(source.opened) == 2
    assert source.opened[1] - 100 <= within_s + SETTINGS.first_retry_s
    told = [text for text in warnings(caplog) if text.endswith(f"({fault})")]
    assert len(told) == 1
    assert "\n" not in told[0]
    assert came[-1] > 150
    assert (camera.fault, camera.retries) == ("", 0)
    assert caplog.messages[-1] == "faulty: gives pictures"


def test_a_camera_that_vanishes_for_a_minute(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """It is looked for less and less often, told of once, and gives frames when it is back."""
    settings = CameraSettings(first_retry_s=1, max_retry_s=20, max_retries=8)
    away: list[Exception | list[object]] = [missing()] * 6
    source = Faulty(clock, [100, 100, missing()], *away, [100])
    came = watch(Camera(settings, source, clock.wait, clock), clock, 200)
    waits = np.diff(source.opened)
    assert waits[1:] == pytest.approx([2, 4, 8, 16, 20, 20])
    assert source.opened[-1] - 100 > 60
    assert came[-1] > 290
    assert len(warnings(caplog)) == 1


def test_a_camera_that_stays_away_is_given_up(clock: Clock) -> None:
    """After max_retries openings the end says what was found and how often it was tried."""
    source = Faulty(clock, missing())
    with pytest.raises(GaveUpError, match=r"^faulty: expected a camera, .* after 5 more tries, "):
        watch(Camera(SETTINGS, source, clock.wait, clock), clock, 1000)
    assert len(source.opened) == 1 + SETTINGS.max_retries


@pytest.mark.parametrize("frames", [[100.0], [0], [None], [100, SourceError("faulty: broke")]])
def test_openings_without_a_good_picture_are_counted(frames: list[object], clock: Clock) -> None:
    """A camera that opens well but is frozen, black, silent or breaks at once is given up too."""
    source = Faulty(clock, frames)
    with pytest.raises(GaveUpError):
        watch(Camera(SETTINGS, source, clock.wait, clock), clock, 1000)
    assert len(source.opened) == 1 + SETTINGS.max_retries


def test_a_late_frame_is_no_fault(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """A camera may take timeout_s for a frame, longer than one wait."""
    script: list[object] = [100, *[None] * int(SETTINGS.timeout_s / SLICE_S - 1)] * 20
    source = Faulty(clock, [*script, 100])
    assert len(watch(Camera(SETTINGS, source, clock.wait, clock), clock, 60)) > 20
    assert (len(source.opened), warnings(caplog)) == (1, [])


def test_pictures_may_be_far_apart(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """At one a minute nothing is stalled; timeout_s after one was due, and is missing, it is."""
    settings = replace(SETTINGS, frames_per_second=1 / 60)
    minute: list[object] = [*[None] * round((60 - FRAME_S) / SLICE_S), 100]
    source = Faulty(clock, [100, *minute * 10, None], [100])
    camera = Camera(settings, source, clock.wait, clock)
    came, between = [], []
    with camera, closing(camera.frames()) as frames:
        for found in frames:
            between.append(found is not None or camera.is_between)
            if found:
                came.append(found[0].taken_s)
            if camera.fault == "stalled":
                break
    assert len(came) == 11
    assert np.diff(came) == pytest.approx(60, abs=1)
    assert clock.now_s - came[-1] == pytest.approx(62, abs=1)
    assert sum(between) / len(between) > 0.95  # not while one is late
    assert between[-1] is False
    assert len(warnings(caplog)) == 1


def test_the_loop_is_never_kept_waiting(clock: Clock) -> None:
    """Whatever the camera does, control returns within a slice."""
    source = Faulty(clock, [100, None], missing(), [None], [100, SourceError("faulty: x")])
    camera = Camera(SETTINGS, source, clock.wait, clock)
    last_s = clock.now_s
    with pytest.raises(GaveUpError), camera:
        for _ in camera.frames():
            assert clock.now_s - last_s <= SLICE_S + 1e-6
            last_s = clock.now_s


def test_a_recording_ends(clock: Clock) -> None:
    """The end of a recording is no fault."""
    source = Faulty(clock, [100, 100, 100, SourceEndedError("faulty: at its end")])
    assert len(watch(Camera(SETTINGS, source, clock.wait, clock), clock, 1000)) == 3


def test_leaving_closes_the_source(clock: Clock) -> None:
    """Whatever ends the loop, the source is closed, and another loop opens it anew."""
    source = Faulty(clock, [100])
    camera = Camera(SETTINGS, source, clock.wait, clock)
    for opened in (1, 2):
        watch(camera, clock, 1)
        assert source._frames is None
        assert len(source.opened) == opened
