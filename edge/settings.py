"""Settings: defaults, units and allowed ranges, once.

A settings file is TOML (``settings_file``); ``default.toml`` holds every key with its default.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal

from .address import is_url, shown
from .errors import SettingsError

Polarity = Literal["auto", "dark-on-light", "light-on-dark"]
Runtime = Literal["auto", "tflite-runtime", "litert"]
POLARITIES: tuple[Polarity, ...] = ("auto", "dark-on-light", "light-on-dark")
RUNTIMES: tuple[Runtime, ...] = ("auto", "tflite-runtime", "litert")
QUARTERS = (0, 90, 180, 270)
"""Ways that a camera may hang, degrees."""
SINKS = ("stdout", "journal", "jsonl", "sqlite")
"""Where readings can go."""
_PATH_BYTES = 4000
"""Linux takes 4096 ..."""
_NAME_BYTES = 200
"""... and 255 of a name, to which the sinks add what they need."""


@dataclass(frozen=True)
class Rule:
    """What a value must be."""

    says: str
    """The end of "must be ..."."""
    allows: Callable[[Any], bool]
    many: bool = False
    """Whether it is a tuple of values."""


def _setting(default: Any, says: str, allows: Callable[[Any], bool], *, many: bool = False) -> Any:
    optional = default is None
    rule = Rule(says, lambda value: (optional and value is None) or allows(value), many)
    return field(default=default, metadata={"rule": rule})


def _within(default: Any, low: float, high: float, *, odd: bool = False) -> Any:
    whole = isinstance(default, int)
    kind = "an odd whole number" if odd else "a whole number" if whole else "a number"

    def allows(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            return False
        return low <= value <= high and (not odd or value % 2 == 1)

    return _setting(default, f"{kind} from {low} to {high}", allows)


def _one_of(default: Any, choices: tuple[Any, ...]) -> Any:
    def allows(value: Any) -> bool:
        return type(value) is type(default) and value in choices

    return _setting(default, "one of " + ", ".join(map(str, choices)), allows)


def _some_of(default: tuple[str, ...], choices: tuple[str, ...]) -> Any:
    def allows(value: Any) -> bool:
        listed = isinstance(value, tuple) and all(v in choices for v in value)
        return listed and len(set(value)) == len(value)

    says = "a list of " + ", ".join(choices) + ", each once at most"
    return _setting(default, says, allows, many=True)


def _path(default: str, says: str, allows: Callable[[str], bool] = bool) -> Any:
    says += f", of at most {_PATH_BYTES} bytes, {_NAME_BYTES} between slashes, without a NUL"
    return _setting(default, says, lambda value: _is_path(value) and allows(value))


def _yes_or_no(default: bool) -> Any:
    return _setting(default, "true or false", lambda value: isinstance(value, bool))


def _is_text(value: Any) -> bool:
    """Tell whether the system takes it for a path or an address."""
    try:
        return 0 not in (name := os.fsencode(value)) and len(name) <= _PATH_BYTES
    except (TypeError, UnicodeEncodeError):
        return False


def _is_path(value: Any) -> bool:
    parts = value.split("/") if isinstance(value, str) and _is_text(value) else [None]
    return all(part is not None and len(os.fsencode(part)) <= _NAME_BYTES for part in parts)


def _is_source(value: Any) -> bool:
    return _is_path(value) or (_is_text(value) and is_url(value.partition(":")[2]))


def _is_region(value: Any) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) == 4
        and all(isinstance(v, int) and not isinstance(v, bool) and v >= 0 for v in value)
    )


def _is_pattern(value: Any) -> bool:
    try:
        re.compile(value)
    except (re.error, TypeError, ValueError, OverflowError, RecursionError):
        return False
    return isinstance(value, str)


@dataclass(frozen=True)
class PreprocessSettings:
    """Luma to ink."""

    work_size_px: int = _within(1600, 64, 8192)
    """Largest long side the reader works at; larger images are reduced."""
    polarity: Polarity = _one_of("auto", POLARITIES)
    """Whether ink is darker or lighter than its ground."""
    orientation: int = _one_of(0, QUARTERS)
    """Degrees clockwise that a picture is turned by before it is read."""


@dataclass(frozen=True)
class CameraSettings:
    """Where frames come from, and how long they may be away."""

    source: str = _setting(
        "picamera2", "the name of a source, such as picamera2 or v4l2:/dev/video0", _is_source
    )
    """picamera2[:N], v4l2:/dev/videoN, video:FILE-or-URL or replay:DIR."""
    width: int = _within(640, 64, 4096)
    """Of the frame, px."""
    height: int = _within(480, 64, 4096)
    """Of the frame, px."""
    frames_per_second: float = _within(10.0, 0, 120)
    """0 is as fast as they come; 1/60 is one a minute."""
    region: tuple[int, int, int, int] | None = _setting(
        None, "[left, top, width, height] in px of the frame", _is_region, many=True
    )
    """What is read of the frame; None is all of it."""
    lens_position: float | None = _within(None, 0, 32)
    """Dioptres at which the lens is held; None focuses once, at the start."""
    settle_s: float = _within(2.0, 0, 60)
    """How long exposure and white balance may settle before they are locked."""
    lock_exposure: bool = _yes_or_no(True)
    """Whether they are locked then. Where daylight comes in they should not be."""
    repeat: int = _within(10, 1, 100_000)
    """Frames for which a replay shows each picture, by itself; 1 for a camera's recorded frames."""
    loop: bool = _yes_or_no(False)
    """Whether a replay or a video file begins anew at its end."""
    timeout_s: float = _within(5.0, 0.1, 60)
    """A camera that gives no frame for so long after one is due has stalled."""
    frozen_after_s: float = _within(60.0, 0, 86400)
    """Frames that are equal to the last bit for so long are frozen; 0 is never."""
    black_after_s: float = _within(300.0, 0, 86400)
    """Frames that are black for so long are a fault; 0 is never: it may be night."""
    first_retry_s: float = _within(1.0, 0.01, 60)
    """Wait before a camera at fault is opened again; it doubles from time to time."""
    max_retry_s: float = _within(20.0, 0.01, 60)
    """Longest wait."""
    max_retries: int = _within(8, 0, 1000)
    """So many openings without a good frame end the service, for systemd to start it anew."""

    @property
    def shows_single_pictures(self) -> bool:
        """Whether it is a replay of pictures that each stand for themselves, unlike frames."""
        return self.source.startswith("replay:") and self.repeat > 1

    @property
    def interval_s(self) -> float:
        """From one frame to the next, at the rate that is wanted; 0 is as short as can be."""
        return 1 / self.frames_per_second if self.frames_per_second else 0.0


@dataclass(frozen=True)
class StabilizeSettings:
    """Readings of frames to readings that are published."""

    agree: int = _within(4, 1, 100)
    """In so many ..."""
    of: int = _within(5, 1, 100)
    """... of so many frames a line must read the same."""
    min_stable_s: float = _within(0.5, 0, 3600)
    """And for so long."""
    ones_stable_s: float = _within(10.0, 0, 3600)
    """A line of nothing but ones for so long: edges and shadows, as of hands, resemble them."""
    moving_stable_s: float = _within(3.0, 0, 3600)
    """Where the picture moves a line must first read the same at one place for so long."""
    min_confidence: float = _within(0.6, 0, 1)
    """A line whose least certain digit, of those that are told, is less certain, as the mean of
    those frames, is not published."""
    gone_after_s: float = _within(3.0, 0, 86400)
    """A line that is not seen for so long is gone, and published again if it returns."""
    still_change: int = _within(6, 1, 255)
    """Grey levels by which 8 x 8 px must change on average to count as a change."""
    reread_after_s: float = _within(10.0, 0, 86400)
    """An unchanged picture is read again only after so long."""


@dataclass(frozen=True)
class PlausibilitySettings:
    """What a reading must be like; one that is not is published as suspect, with the reason.

    So is one with a ``?``.
    """

    pattern: str = _setting("", "a regular expression", _is_pattern)
    """That all digits of a line match where all are told; empty is any."""
    min_digits: int = _within(1, 1, 100)
    """Of a line."""
    max_digits: int = _within(100, 1, 100)
    """Of a line."""
    minimum: float | None = _within(None, 0, 1e100)
    """Of a line's value."""
    maximum: float | None = _within(None, 0, 1e100)
    """Of a line's value."""
    max_step: float | None = _within(None, 0, 1e100)
    """Largest difference from the last value at this place."""
    accept_after_s: float = _within(60.0, 0, 86400)
    """What is suspect by its step alone and stays for so long is accepted."""


@dataclass(frozen=True)
class SinkSettings:
    """Where stable readings go."""

    use: tuple[str, ...] = _some_of(("stdout",), SINKS)
    """All of these, in this order."""
    directory: str = _path("", "a directory, or empty", lambda value: True)
    """Of the files below; empty is systemd's state directory, or the one at hand."""
    jsonl_file: str = _path("readings.jsonl", "a file")
    """JSON Lines."""
    jsonl_max_mb: float = _within(10.0, 0.001, 10000)
    """MB (10**6 bytes) from which a new file is begun."""
    jsonl_files: int = _within(5, 1, 1000)
    """Files that are kept, the one that is written among them."""
    sqlite_file: str = _path("readings.db", "a file")
    """SQLite."""
    sqlite_max_readings: int = _within(200_000, 1, 100_000_000)
    """Readings that are kept; the oldest go first."""
    max_waiting: int = _within(10_000, 1, 10_000_000)
    """Readings that wait in memory for a sink that fails; the oldest go first, and are counted."""


@dataclass(frozen=True)
class Settings:
    """Everything that can be set."""

    runtime: Runtime = _one_of("auto", RUNTIMES)
    """Which TFLite runtime; auto takes the fastest that is installed."""
    threads: int = _within(1, 1, 64)
    """Processors that reading may use."""
    model: str = _path("digits", "a model bundle")
    """Model bundle: a path, or the name of a shipped one."""
    strings: str = _path("strings", "a model bundle, or empty", lambda value: True)
    """Bundle that reads words of touching digits: a path, or the name of a shipped one; without
    it, or beside a model that does not know `several`, they are not read."""
    min_confidence: float | None = _within(None, 0, 1)
    """Less certain digits become ``?``; without it the model's own threshold holds."""
    preprocess: PreprocessSettings = field(default_factory=PreprocessSettings)
    camera: CameraSettings = field(default_factory=CameraSettings)
    stabilize: StabilizeSettings = field(default_factory=StabilizeSettings)
    plausibility: PlausibilitySettings = field(default_factory=PlausibilitySettings)
    sinks: SinkSettings = field(default_factory=SinkSettings)

    def check(self) -> None:
        """Raise SettingsError if a value is impossible, naming the key and what is allowed."""
        for key, message in self.problems():
            raise SettingsError(f"settings: {key} {message}")

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield each impossible value's dotted key, and what it must be and is."""
        wrong = list(_broken_rules(self, ""))
        yield from wrong
        if not wrong:
            yield from _contradictions(self)


def _broken_rules(section: Any, prefix: str) -> Iterator[tuple[str, str]]:
    for item in fields(section):
        value = getattr(section, item.name)
        if is_dataclass(value):
            yield from _broken_rules(value, f"{prefix}{item.name}.")
        elif not item.metadata["rule"].allows(value):
            yield (
                f"{prefix}{item.name}",
                f"must be {item.metadata['rule'].says}, found {shown(value)}",
            )


def _contradictions(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield values that are possible alone but not beside the others."""
    camera, stable, rule = settings.camera, settings.stabilize, settings.plausibility
    if camera.region is not None:
        left, top, width, height = camera.region
        if not 0 < width <= camera.width - left or not 0 < height <= camera.height - top:
            yield (
                "camera.region",
                f"must lie in the frame, left + width from 1 to {camera.width} and top + height "
                f"from 1 to {camera.height}, and hold a pixel; found {shown(list(camera.region))}",
            )
    if stable.agree > stable.of:
        yield (
            "stabilize.agree",
            f"must be from 1 to stabilize.of, {stable.of}, found {stable.agree}",
        )
    if rule.min_digits > rule.max_digits:
        yield (
            "plausibility.min_digits",
            f"must be at most plausibility.max_digits, {rule.max_digits}, found {rule.min_digits}",
        )
    if (rule.minimum or 0) > (math.inf if rule.maximum is None else rule.maximum):
        yield (
            "plausibility.minimum",
            f"must be at most plausibility.maximum, {rule.maximum}, found {rule.minimum}",
        )
    if _collide(settings.sinks.jsonl_file, settings.sinks.sqlite_file):
        yield (
            "sinks.jsonl_file",
            f"must be another file than sinks.sqlite_file, {shown(settings.sinks.sqlite_file)}, "
            f"also with what both add to names, found {shown(settings.sinks.jsonl_file)}",
        )


def _collide(jsonl: str, sqlite: str) -> bool:
    """Tell whether the two sinks would write one file."""
    lines, database = os.path.normpath(jsonl), os.path.normpath(sqlite)
    beside = [database + suffix for suffix in ("", "-wal", "-shm", "-journal")]
    return lines in beside or re.fullmatch(rf"{re.escape(lines)}\.\d+", database) is not None
