"""Settings of the reader: defaults, units and allowed ranges, once.

A settings file is TOML; ``default.toml`` holds every key with its default.
"""

from __future__ import annotations

from dataclasses import Field, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal

from .errors import SettingsError

Polarity = Literal["auto", "dark-on-light", "light-on-dark"]
Runtime = Literal["auto", "tflite-runtime", "litert"]
POLARITIES: tuple[Polarity, ...] = ("auto", "dark-on-light", "light-on-dark")
RUNTIMES: tuple[Runtime, ...] = ("auto", "tflite-runtime", "litert")


def _within(default: Any, low: float, high: float, *, odd: bool = False) -> Any:
    return field(default=default, metadata={"low": low, "high": high, "odd": odd})


def _one_of(default: Any, choices: tuple[str, ...]) -> Any:
    return field(default=default, metadata={"choices": choices})


@dataclass(frozen=True)
class PreprocessSettings:
    """Luma to ink."""

    work_size_px: int = _within(1280, 64, 8192)
    """Largest long side the reader works at; larger images are reduced."""
    median_blur_px: int = _within(3, 1, 5, odd=True)
    """Median kernel, odd; 1 is off. 3 keeps a two-pixel pencil line, 5 loses it."""
    block_fraction: float = _within(0.08, 0.01, 0.5)
    """Block of the adaptive threshold as a part of the short side; wider than any stroke."""
    min_block_px: int = _within(25, 3, 255)
    """Smallest block."""
    min_contrast: int = _within(20, 1, 255)
    """Ink differs from the paper by at least this many grey levels."""
    min_relative_contrast: float = _within(0.45, 0, 1)
    """Ink has at least this part of the contrast of the strongest ink nearby."""
    reach_fraction: float = _within(0.1, 0.01, 1)
    """How far nearby is, as a part of the short side."""
    polarity: Polarity = _one_of("auto", POLARITIES)
    """Whether ink is darker or lighter than its ground."""

    def fainter(self, part: float) -> PreprocessSettings:
        """Return settings by which ink of this part of the usual relative contrast counts too."""
        return replace(self, min_relative_contrast=part * self.min_relative_contrast)


@dataclass(frozen=True)
class SegmentSettings:
    """Ink to candidates."""

    min_height_px: int = _within(10, 4, 1000)
    """Lower marks are no digits, px of the working resolution."""
    min_peak_contrast: int = _within(35, 1, 255)
    """Grey levels that the strongest ink of a mark reaches at least."""
    min_aspect: float = _within(0.06, 0.01, 1)
    """Width over height of the narrowest digit."""
    max_aspect: float = _within(12.0, 0.5, 50)
    """Width over height of the widest string of touching digits."""
    min_fill: float = _within(0.08, 0, 1)
    """A mark whose ink fills less of its box is a frame or an edge."""
    max_fill: float = _within(0.8, 0, 1)
    """A mark wider than half its height that fills more of its box is a blob."""
    min_relative_height: float = _within(0.45, 0, 1)
    """Marks lower than this part of their line's median height are punctuation."""
    max_gap: float = _within(3.0, 0.1, 100)
    """Digits further apart than this many heights are not one line."""
    max_candidates: int = _within(512, 1, 4096)
    """At most so many marks a frame are classified; the tallest come first."""


@dataclass(frozen=True)
class Settings:
    """Everything that can be set."""

    runtime: Runtime = _one_of("auto", RUNTIMES)
    """Which TFLite runtime; auto takes the fastest that is installed."""
    threads: int = _within(1, 1, 64)
    """Processors that the network may use."""
    min_confidence: float | None = _within(None, 0, 1)
    """Less certain digits are rejected; without it the model's own threshold holds."""
    preprocess: PreprocessSettings = field(default_factory=PreprocessSettings)
    segment: SegmentSettings = field(default_factory=SegmentSettings)

    def check(self, source: str = "settings") -> None:
        """Raise SettingsError if a value is impossible, naming the key and the allowed range."""
        _check(self, source)


def load_settings(path: Path) -> Settings:
    """Read a TOML settings file over the defaults.

    Raises:
        SettingsError: It cannot be read, or a key or value is not allowed.
    """
    import tomllib  # here, because most starts have no file to read

    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"{path}: expected a settings file, cannot read it: {error.strerror}; check the path"
        ) from error
    except ValueError as error:
        raise SettingsError(f"{path}: expected TOML, found {error}; mend that line") from error
    settings: Settings = _merge(Settings(), values, str(path))
    settings.check(str(path))
    return settings


def _merge(section: Any, values: dict[str, Any], source: str, prefix: str = "") -> Any:
    known = {f.name: f for f in fields(section)}
    changes = {}
    for key, value in values.items():
        if key not in known:
            raise SettingsError(
                f"{source}: unknown setting {prefix}{key}; known are {', '.join(sorted(known))}"
            )
        inner = getattr(section, key)
        if is_dataclass(inner):
            if not isinstance(value, dict):
                raise SettingsError(f"{source}: {prefix}{key} must be a table, found {value!r}")
            value = _merge(inner, value, source, f"{prefix}{key}.")
        changes[key] = value
    return replace(section, **changes)


def _check(section: Any, source: str, prefix: str = "") -> None:
    for item in fields(section):
        value = getattr(section, item.name)
        if is_dataclass(value):
            _check(value, source, f"{prefix}{item.name}.")
        elif not _is_allowed(item, value):
            raise SettingsError(
                f"{source}: {prefix}{item.name} must be {_allowed(item)}, found {value!r}"
            )


def _is_allowed(item: Field[Any], value: object) -> bool:
    if "choices" in item.metadata:
        return value in item.metadata["choices"]
    if value is None:
        return item.default is None
    whole = isinstance(item.default, int)
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        return False
    in_range: bool = item.metadata["low"] <= value <= item.metadata["high"]
    return in_range and (not item.metadata["odd"] or value % 2 == 1)


def _allowed(item: Field[Any]) -> str:
    if "choices" in item.metadata:
        return "one of " + ", ".join(item.metadata["choices"])
    kind = "a number"
    if isinstance(item.default, int):
        kind = "an odd whole number" if item.metadata["odd"] else "a whole number"
    return f"{kind} from {item.metadata['low']} to {item.metadata['high']}"
