"""Pictures, frozen pictures and black ones are told apart."""

from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest

from digitcam.edge.change import thumbnail
from digitcam.edge.frame import GrayImage
from digitcam.edge.settings import CameraSettings
from digitcam.edge.sources import CameraFrame
from digitcam.edge.watch import BlackError, FrameWatch, FrozenError

SETTINGS = CameraSettings(frozen_after_s=10, black_after_s=20)
SENSOR = SimpleNamespace(live=True, name="picamera2")
RECORDING = SimpleNamespace(live=False, name="replay:x")


def noisy(level: int) -> Iterator[GrayImage]:
    """Yield pictures of a sensor that looks at an even grey."""
    rng = np.random.default_rng(level)
    while True:
        yield np.clip(rng.normal(level, 3, (48, 64)), 0, 255).astype(np.uint8)


def watched(watch: FrameWatch, luma: GrayImage, time_s: float) -> bool:
    return watch.is_good(CameraFrame(luma, time_s), thumbnail(luma))


def test_noise_shows_that_a_camera_lives() -> None:
    """An unchanged scene is good for as long as it takes; only the first frame tells nothing."""
    watch, frames = FrameWatch(SETTINGS, SENSOR), noisy(120)
    assert not watched(watch, next(frames), 0)
    assert all(watched(watch, next(frames), time_s) for time_s in range(1, 1000))


def test_one_changed_bit_shows_that_a_camera_lives() -> None:
    """Frames whose thumbnails are equal are compared bit by bit, from the second on."""
    watch = FrameWatch(SETTINGS, SENSOR)
    for time_s in range(100):
        luma = np.full((48, 64), 120, np.uint8)
        luma[5, 5] += time_s % 2
        assert watched(watch, luma, time_s) == (time_s > 1)


def test_a_frozen_picture_is_a_fault() -> None:
    """The same picture to the last bit for frozen_after_s raises, and was not good before."""
    watch, luma = FrameWatch(SETTINGS, SENSOR), np.full((48, 64), 120, np.uint8)
    watched(watch, luma, 0)
    watched(watch, luma, 1)
    assert not any(watched(watch, luma, time_s) for time_s in range(2, 10))
    with pytest.raises(FrozenError, match=r"picamera2: .* found the same one for 10 s"):
        for time_s in range(10, 13):
            watched(watch, luma, time_s)


def test_a_recording_may_stand_still() -> None:
    """What no sensor makes is never frozen."""
    watch, luma = FrameWatch(SETTINGS, RECORDING), np.full((48, 64), 120, np.uint8)
    assert all(watched(watch, luma, time_s) for time_s in range(100))


@pytest.mark.parametrize("source", [SENSOR, RECORDING])
def test_a_black_picture_is_a_fault(source: SimpleNamespace) -> None:
    """Black frames, equal or noisy, are black and not frozen."""
    for frames in (noisy(3), iter([np.zeros((48, 64), np.uint8)] * 100)):
        watch = FrameWatch(SETTINGS, source)
        assert not any(watched(watch, next(frames), time_s) for time_s in range(20))
        with pytest.raises(BlackError, match="found black ones for 20 s; uncover the lens"):
            watched(watch, next(frames), 20)


def test_a_candle_is_not_black() -> None:
    """One bright spot is a picture."""
    watch, luma = FrameWatch(SETTINGS, RECORDING), np.zeros((48, 64), np.uint8)
    luma[8:16, 8:16] = 40
    assert all(watched(watch, luma, time_s) for time_s in range(100))


@pytest.mark.parametrize("level", [0, 120])
def test_zero_is_never(level: int) -> None:
    """Both checks can be switched off."""
    settings = CameraSettings(frozen_after_s=0, black_after_s=0)
    watch, luma = FrameWatch(settings, SENSOR), np.full((48, 64), level, np.uint8)
    for time_s in range(0, 10**6, 1000):
        watched(watch, luma, time_s)


@pytest.mark.parametrize("source", [SENSOR, RECORDING])
def test_black_that_is_allowed_is_good(source: SimpleNamespace) -> None:
    """Where black is never a fault a black picture is as good as another, from the second on."""
    settings = CameraSettings(black_after_s=0)
    for frames in (noisy(3), iter([np.zeros((48, 64), np.uint8)] * 100)):
        watch = FrameWatch(settings, source)
        watched(watch, next(frames), 0)
        assert all(watched(watch, next(frames), time_s) for time_s in range(1, 100))


def test_the_watch_follows_the_rate() -> None:
    """At a picture an hour the first is good, one black one is no fault yet, and two are."""
    watch, frames = FrameWatch(CameraSettings(frames_per_second=1 / 3600), SENSOR), noisy(120)
    assert all(watched(watch, next(frames), 3600.0 * hour) for hour in range(5))
    black = np.zeros((48, 64), np.uint8)
    assert not watched(watch, black, 3600.0 * 5)
    assert watched(watch, next(frames), 3600.0 * 6)
    assert not watched(watch, black, 3600.0 * 7)
    with pytest.raises(BlackError):
        watched(watch, black, 3600.0 * 8)
