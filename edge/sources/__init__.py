"""Where frames come from: one protocol, and the sources by name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, Self

from ..address import shown
from ..errors import SettingsError
from ..frame import GrayImage
from ..settings import CameraSettings

FORMS = "picamera2[:N], v4l2:/dev/videoN, video:FILE-or-URL or replay:DIRECTORY"


@dataclass(frozen=True)
class CameraFrame:
    """One picture, valid until the block that it was given to ends."""

    luma: GrayImage
    """(H, W) uint8, 0 black, 255 white; perhaps a view of the camera's own memory, so read-only."""
    taken_s: float
    """When it was taken, seconds of the monotonic clock."""
    picture: str = ""
    """Name of the single picture that it shows, which no other need agree with; empty is none."""


class FrameSource(Protocol):
    """Gives frames. Building one opens nothing; it opens, fails, closes and opens again."""

    @property
    def name(self) -> str:
        """As the user gave it, such as ``replay:pictures``; but passwords are left out."""

    @property
    def live(self) -> bool:
        """Whether a sensor makes the frames, which then are never equal to the last bit."""

    @property
    def exclusive(self) -> bool:
        """Whether only one process can have it."""

    @property
    def dropped(self) -> int:
        """Frames that nobody fetched in time since it was opened, as far as the source can tell."""

    def open(self) -> None:
        """Get ready to give frames, in bounded time; an open source is left as it is.

        Raises:
            SourceMissingError: It is not there now.
            SourceBusyError: Another process holds it.
            SourceStalledError: It did not answer in time.
            SourceError: It cannot be opened for another reason, such as permission.
        """

    def frame(self, timeout_s: float) -> AbstractContextManager[CameraFrame]:
        """Wait for the next frame, at most ``timeout_s``; it is given back when the block ends.

        Raises (entering the block):
            SourceStalledError: No frame came in time; the source stays open.
            SourceEndedError: There are no more.
            SourceError: It is closed, or broke; close it and open it again.
        """

    def close(self) -> None:
        """Give back what it holds; closing twice is nothing."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def source_of(settings: CameraSettings) -> FrameSource:
    """Return the source that ``settings.source`` names, not open yet.

    Raises:
        SettingsError: There is no source of that name, or its part after the colon is wrong.
    """
    kind, _, rest = settings.source.partition(":")
    make: dict[str, Callable[[CameraSettings, str], FrameSource]] = {
        "picamera2": _picamera2,
        "v4l2": _v4l2,
        "video": _video,
        "replay": _replay,
    }
    if kind not in make:
        raise SettingsError(
            f"camera.source: expected {FORMS}, found {shown(settings.source)}; name one of these"
        )
    return make[kind](settings, rest)


# Each is imported where it is asked for: the next one's libraries may not be installed.


def _picamera2(settings: CameraSettings, rest: str) -> FrameSource:
    from .picamera2 import Picamera2Source

    return Picamera2Source(settings, rest)


def _v4l2(settings: CameraSettings, rest: str) -> FrameSource:
    from .v4l2 import V4l2Source

    return V4l2Source(settings, rest)


def _video(settings: CameraSettings, rest: str) -> FrameSource:
    from .video import VideoSource

    return VideoSource(settings, rest)


def _replay(settings: CameraSettings, rest: str) -> FrameSource:
    from .replay import ReplaySource

    return ReplaySource(settings, rest)
