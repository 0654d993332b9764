"""A directory of pictures, by a clock that the test owns."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from digitcam.edge.errors import (
    SettingsError,
    SourceEndedError,
    SourceError,
    SourceMissingError,
    SourceStalledError,
)
from digitcam.edge.settings import CameraSettings
from digitcam.edge.sources import replay
from digitcam.edge.sources.replay import ReplaySource

Number = Callable[[Any], int]


def source_of_pictures(
    pictures: Path, time: Any, per_second: float = 10, *, repeat: int = 1, loop: bool = False
) -> ReplaySource:
    settings = CameraSettings(frames_per_second=per_second, loop=loop, repeat=repeat)
    return ReplaySource(settings, str(pictures), clock=time.clock, sleep=time.sleep)


def test_pictures_come_in_order_at_their_rate(
    pictures: Path, fake_time: Any, number_of: Number
) -> None:
    """A reader that keeps up gets every picture by name, a tenth of a second apart."""
    with source_of_pictures(pictures, fake_time) as source:
        seen = []
        for _ in range(12):
            with source.frame(1) as frame:
                seen.append((number_of(frame.luma), round(frame.taken_s, 6)))
        assert seen == [(k, round(1000 + k / 10, 6)) for k in range(12)]
        assert source.dropped == 0


def test_pictures_are_shown_for_a_while(pictures: Path, fake_time: Any, number_of: Number) -> None:
    """Each is so many frames at the same rate, over as many rounds as are asked for."""
    with source_of_pictures(pictures, fake_time, repeat=3, loop=True) as source:
        seen = []
        for _ in range(75):
            with source.frame(1) as frame:
                seen.append(number_of(frame.luma))
        count = len(set(seen))
        assert seen == [k // 3 % count for k in range(75)]
        assert fake_time.now_s == pytest.approx(1000 + 7.4)


def test_a_slow_reader_misses_pictures(pictures: Path, fake_time: Any, number_of: Number) -> None:
    """What is due while nobody asks is gone and counted; the newest that was due comes at once."""
    with source_of_pictures(pictures, fake_time) as source:
        with source.frame(1):
            fake_time.sleep(0.55)
        before_s = fake_time.now_s
        with source.frame(1) as frame:
            assert number_of(frame.luma) == 5
            assert frame.taken_s == pytest.approx(1000.5)
        assert fake_time.now_s == before_s
        assert source.dropped == 4


def test_a_slow_reader_misses_no_single_picture(
    pictures: Path, fake_time: Any, number_of: Number
) -> None:
    """Pictures that are shown for a while are each shown once at least, and named."""
    seen = []
    source = source_of_pictures(pictures, fake_time, repeat=3)
    with source, pytest.raises(SourceEndedError):
        while True:
            with source.frame(1) as frame:
                seen.append(number_of(frame.luma))
                assert frame.picture == f"{seen[-1]:02}.png"
                fake_time.sleep(2)
    assert list(dict.fromkeys(seen)) == list(range(12))


def test_it_ends_after_the_last_picture(pictures: Path, fake_time: Any, number_of: Number) -> None:
    """The last picture stays until it is fetched, however late; then the source has ended."""
    with source_of_pictures(pictures, fake_time) as source:
        with source.frame(1):
            fake_time.sleep(3600)
        with source.frame(1) as frame:
            assert number_of(frame.luma) == 11
        for _ in range(2):
            with pytest.raises(SourceEndedError, match=r"all 12 pictures"), source.frame(1):
                pass


def test_it_begins_anew_where_that_is_set(
    pictures: Path, fake_time: Any, number_of: Number
) -> None:
    """With loop, the first picture follows the last one."""
    with source_of_pictures(pictures, fake_time, loop=True) as source:
        seen = []
        for _ in range(26):
            with source.frame(1) as frame:
                seen.append(number_of(frame.luma))
    assert seen == [k % 12 for k in range(26)]


def test_zero_is_as_fast_as_asked(pictures: Path, fake_time: Any) -> None:
    """At 0 frames a second nothing is waited for and nothing is dropped."""
    with source_of_pictures(pictures, fake_time, per_second=0) as source:
        for _ in range(12):
            with source.frame(0):
                pass
        assert source.dropped == 0
    assert fake_time.now_s == 1000


def test_a_picture_due_later_than_the_wait_is_a_stall(
    pictures: Path, fake_time: Any, number_of: Number
) -> None:
    """The wait ends when it was to end, and the picture comes when it is due."""
    with source_of_pictures(pictures, fake_time, per_second=0.5) as source:
        with source.frame(1):
            pass
        with pytest.raises(SourceStalledError), source.frame(1.5):
            pass
        assert fake_time.now_s == 1001.5
        with source.frame(1.5) as frame:
            assert number_of(frame.luma) == 1
        assert fake_time.now_s == pytest.approx(1002)
        assert source.dropped == 0


def test_opening_again_begins_with_the_first(
    pictures: Path, fake_time: Any, number_of: Number
) -> None:
    """Whatever was shown before, an opened source shows the first picture, and counts from 0."""
    source = source_of_pictures(pictures, fake_time)
    for _ in range(2):
        with source:
            with source.frame(1):
                fake_time.sleep(1)
            with source.frame(1) as frame:
                assert number_of(frame.luma) == 10
            assert source.dropped == 9


def test_pictures_are_decoded_once(pictures: Path, fake_time: Any) -> None:
    """A second round needs no files."""
    with source_of_pictures(pictures, fake_time, loop=True) as source:
        for _ in range(12):
            with source.frame(1):
                pass
        shutil.rmtree(pictures)
        for _ in range(12):
            with source.frame(1) as frame:
                assert not frame.luma.flags.writeable


def test_what_is_kept_is_bounded(
    pictures: Path,
    fake_time: Any,
    number_of: Number,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Beyond the bound pictures are decoded each time: the ninth of 8 that fit is not kept."""
    monkeypatch.setattr(replay, "CACHE_BYTES", 8 * 64 * 48)
    with source_of_pictures(pictures, fake_time, loop=True) as source:
        for _ in range(12):
            with source.frame(1):
                pass
        shutil.rmtree(pictures)
        for _ in range(8):
            with source.frame(1):
                pass
        with source.frame(1) as frame:
            assert number_of(frame.luma) == 0
    told = [each.getMessage() for each in caplog.records]
    assert [f"{number:02}.png: cannot be read" in line for number, line in enumerate(told, 8)] == [
        True
    ] * 4


def test_pictures_may_differ_in_size_and_format(tmp_path: Path, fake_time: Any) -> None:
    """Each is given whole, in its own size; other files are passed over."""
    cv2.imwrite(str(tmp_path / "a.JPG"), np.zeros((30, 40, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "b.bmp"), np.zeros((3000, 20), np.uint8))
    (tmp_path / "c.txt").write_text("no picture")
    (tmp_path / "d.png").mkdir()
    with source_of_pictures(tmp_path, fake_time) as source:
        with source.frame(1) as frame:
            assert frame.luma.shape == (30, 40)
        with source.frame(1) as frame:
            assert frame.luma.shape == (3000, 20)
        with pytest.raises(SourceEndedError), source.frame(1):
            pass


@pytest.mark.parametrize("repeat", [1, 3])
@pytest.mark.parametrize("damaged", [(0,), (5, 6), (11,), (0, 4, 11)])
def test_damaged_pictures_are_passed_over(
    pictures: Path,
    fake_time: Any,
    number_of: Number,
    caplog: pytest.LogCaptureFixture,
    damaged: tuple[int, ...],
    repeat: int,
) -> None:
    """Each is one warning with its name; the others come in order, and the end at the end."""
    for number in damaged:
        (pictures / f"{number:02}.png").write_bytes(b"no picture")
    seen = []
    with source_of_pictures(pictures, fake_time, repeat=repeat) as source:
        with pytest.raises(SourceEndedError, match=f"all {12 - len(damaged)} pictures"):
            while True:
                with source.frame(1) as frame:
                    seen.append(number_of(frame.luma))
        assert source.dropped == 0
    assert seen == [k for k in range(12) if k not in damaged for _ in range(repeat)]
    told = [each.getMessage() for each in caplog.records]
    assert len(told) == len(damaged)
    for number, line in zip(damaged, told, strict=True):
        assert f"{number:02}.png: expected a JPEG" in line


def test_a_mended_picture_is_shown_when_opened_again(
    pictures: Path, fake_time: Any, number_of: Number
) -> None:
    """What was left out is looked at anew."""
    good = (pictures / "00.png").read_bytes()
    source = source_of_pictures(pictures, fake_time)
    for content, first in ((b"no picture", 1), (good, 0)):
        (pictures / "00.png").write_bytes(content)
        with source, source.frame(1) as frame:
            assert number_of(frame.luma) == first


def test_nothing_but_damaged_pictures_is_an_error(pictures: Path, fake_time: Any) -> None:
    """Where none can be read the source says so, looping or not."""
    for path in pictures.glob("*.png"):
        path.write_bytes(b"no picture")
    for loop in (False, True):
        source = source_of_pictures(pictures, fake_time, loop=loop)
        with source, pytest.raises(SourceError, match="can be read, found none"), source.frame(1):
            pass


@pytest.mark.parametrize("what", ["missing", "file", "empty"])
def test_no_pictures_is_missing(tmp_path: Path, fake_time: Any, what: str) -> None:
    """No directory, a file in its place, or no pictures in it: the message says what to do."""
    path = tmp_path / "place"
    if what == "file":
        path.write_text("no directory")
    elif what == "empty":
        path.mkdir()
    with pytest.raises(SourceMissingError, match=r"expected (a directory of )?pictures") as caught:
        source_of_pictures(path, fake_time).open()
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_it_needs_a_directory() -> None:
    """``replay:`` alone is a wrong setting."""
    with pytest.raises(SettingsError, match="expected replay:DIRECTORY"):
        ReplaySource(CameraSettings(), "")
