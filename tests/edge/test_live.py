"""Frames to stable readings: what is read, what is left alone, and where boxes lie."""

import cv2
import numpy as np
import pytest

from digitcam.edge.decode import luma_of
from digitcam.edge.errors import SourceError
from digitcam.edge.frame import GrayImage, StableReading
from digitcam.edge.live import LiveReader
from digitcam.edge.reading.recognize import Recognizer
from digitcam.edge.settings import PlausibilitySettings, StabilizeSettings
from digitcam.edge.sources import CameraFrame
from digitcam.edge.stabilize import Stabilizer
from digitcam.train.scene import Scene

SETTINGS = StabilizeSettings(agree=4, of=5, min_stable_s=0, reread_after_s=60)
FRAME_S = 0.1


class Show:
    """Shows pictures to a live reader, `FRAME_S` apart, each with a sensor's noise."""

    def __init__(
        self, recognizer: Recognizer, region: tuple[int, int, int, int] | None = None
    ) -> None:
        self.live = LiveReader(recognizer, Stabilizer(SETTINGS, PlausibilitySettings()), region)
        self.time_s = 0.0
        self._rng = np.random.default_rng(9)

    def see(self, luma: GrayImage, times: int = 1) -> list[StableReading]:
        """Show a picture so many times; return what was published."""
        found = []
        for _ in range(times):
            self.time_s += FRAME_S
            noise = self._rng.normal(0, 2, luma.shape)
            noisy = np.clip(luma + noise, 0, 255).astype(np.uint8)
            noisy.flags.writeable = False
            found += self.live.see(CameraFrame(noisy, self.time_s))
        return found


@pytest.fixture(scope="module")
def luma(page: Scene) -> GrayImage:
    """The page as a camera gives it."""
    return luma_of(page.image)


def test_a_page_is_published_line_by_line(
    recognizer: Recognizer, luma: GrayImage, rows: tuple[str, ...]
) -> None:
    """Every line of the page is published, once, and only a few frames are read for it."""
    show = Show(recognizer)
    assert sorted(each.text for each in show.see(luma, 100)) == sorted(rows)
    assert show.live.read_frames == 1 + SETTINGS.of


def test_an_unchanged_picture_is_read_again_at_last(
    recognizer: Recognizer, luma: GrayImage
) -> None:
    """What is not noticed as a change is read after reread_after_s all the same."""
    show = Show(recognizer)
    show.see(luma, 10)
    show.time_s += SETTINGS.reread_after_s
    show.see(luma, 10)
    assert show.live.read_frames == 1 + SETTINGS.of + 1


def test_a_change_is_read(recognizer: Recognizer, luma: GrayImage, rows: tuple[str, ...]) -> None:
    """Another page is read and published; the frame in which it came is not."""
    show = Show(recognizer)
    show.see(np.full_like(luma, 200), 20)
    assert show.see(luma, SETTINGS.agree) == []
    assert sorted(each.text for each in show.see(luma)) == sorted(rows)


def test_a_light_that_is_switched_on_is_no_new_page(
    recognizer: Recognizer, luma: GrayImage
) -> None:
    """The same page, lighter everywhere, is neither read nor published again."""
    show = Show(recognizer)
    dim = (luma * 0.9).astype(np.uint8)
    show.see(dim, 20)
    reads = show.live.read_frames
    assert show.see(dim + np.uint8(10), 20) == []
    assert show.live.read_frames == reads


def test_a_hand_that_passes_publishes_nothing(recognizer: Recognizer, luma: GrayImage) -> None:
    """A dark shape that moves over the page in twenty steps leaves every reading as it was."""
    show = Show(recognizer)
    assert show.see(luma, 20)
    for step in range(20):
        picture = luma.copy()
        cv2.ellipse(picture, (35 * step, 260), (70, 150), 20, 0, 360, 90, -1)
        assert show.see(picture) == []
    assert show.see(luma, 20) == []


@pytest.mark.parametrize("what", ["trembles", "flickers"])
def test_a_camera_that_trembles_or_a_lamp_that_flickers(
    recognizer: Recognizer, luma: GrayImage, rows: tuple[str, ...], what: str
) -> None:
    """A shake by a pixel, or wandering bands of light of 5 %, keep no line from being published."""
    show = Show(recognizer)
    found = []
    for frame in range(80):
        if what == "trembles":
            picture = np.roll(luma, (frame % 2, frame // 2 % 2), (0, 1))
        else:
            phases = np.arange(luma.shape[0])[:, None] / 30 + frame * 2.1
            picture = np.clip(luma * (1 + 0.05 * np.sin(phases)), 0, 255).astype(np.uint8)
        found += show.see(picture)
    assert sorted(each.text for each in found) == sorted(rows)


def test_boxes_of_a_region_are_those_of_the_frame(
    recognizer: Recognizer, luma: GrayImage, page: Scene, rows: tuple[str, ...]
) -> None:
    """Only what is in the region is read, and its boxes are in px of the whole frame."""
    digits = page.digits[: len(rows[0])]
    top, bottom = min(d.y for d in digits) - 25, max(d.y + d.height for d in digits) + 18
    whole = Show(recognizer).see(luma, 10)
    found = Show(recognizer, (40, top, 560, bottom - top)).see(luma, 10)
    assert [each.text for each in found] == [rows[0]]
    box = next(each.line.box for each in whole if each.text == rows[0])
    assert np.abs(np.subtract(found[0].line.box.as_list(), box.as_list())).max() <= 2  # px


def test_movement_beside_the_region_does_not_matter(
    recognizer: Recognizer, luma: GrayImage, page: Scene, rows: tuple[str, ...]
) -> None:
    """What moves outside of the region of interest delays nothing."""
    bottom = max(d.y + d.height for d in page.digits[: len(rows[0])]) + 18
    show = Show(recognizer, (0, 0, 640, bottom))
    found = []
    for step in range(10):
        picture = luma.copy()
        picture[bottom:] = 20 * step
        found += show.see(picture)
    assert [each.text for each in found] == [rows[0]]


def test_a_region_beyond_the_frame_is_one_line(recognizer: Recognizer, luma: GrayImage) -> None:
    """A camera that gives smaller frames than the region needs says so."""
    show = Show(recognizer, (600, 0, 100, 100))
    with pytest.raises(SourceError, match=r"of at least 700 x 100 px, found 640 x 480; set"):
        show.see(luma)


def test_frames_may_change_their_size(recognizer: Recognizer, luma: GrayImage) -> None:
    """A source that goes over to another size is read on."""
    show = Show(recognizer)
    show.see(luma, 10)
    large = cv2.resize(luma, None, fx=1.5, fy=1.5)
    assert len(show.see(large, 10)) in (0, 3)
    assert show.live.read_frames == 2 * (1 + SETTINGS.of)
