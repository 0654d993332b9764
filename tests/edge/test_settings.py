"""Settings files: the shipped one, partial ones, and each way to get one wrong."""

import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

import digitcam.edge
from digitcam.edge.errors import SettingsError
from digitcam.edge.settings import PreprocessSettings, Settings
from digitcam.edge.settings_file import line_of, load_settings

DEFAULTS = Path(digitcam.edge.__file__).with_name("default.toml")


def refusal(content: str, tmp_path: Path) -> str:
    """Return the one line that a settings file is refused with; it starts with the file's name."""
    path = tmp_path / "mine.toml"
    path.write_text(content)
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def keys(section: Any, prefix: str = "") -> Iterator[str]:
    for item in fields(section):
        value = getattr(section, item.name)
        if is_dataclass(value):
            yield from keys(value, f"{prefix}{item.name}.")
        else:
            yield prefix + item.name


def test_the_shipped_file_is_the_defaults() -> None:
    """Reading default.toml changes nothing."""
    assert load_settings(DEFAULTS) == Settings()


def test_the_shipped_file_has_every_key() -> None:
    """Whoever copies default.toml has all there is to set, and what has no default is commented."""
    uncommented = re.sub(r"(?m)^# (\w+ = )", r"\1", DEFAULTS.read_text())
    values = tomllib.loads(uncommented)
    found = {
        f"{key}.{inner}" if isinstance(value, dict) else key
        for key, value in values.items()
        for inner in (value if isinstance(value, dict) else [""])
    }
    assert found == set(keys(Settings()))


def test_every_default_is_allowed() -> None:
    """The defaults pass their own check."""
    Settings().check()


def test_the_rest_stays_as_it_was(tmp_path: Path) -> None:
    """A file changes what it names and nothing else."""
    path = tmp_path / "mine.toml"
    path.write_text("min_confidence = 1\n[stabilize]\nagree = 2\nmin_stable_s = 2\n")
    expected = asdict(Settings())
    expected["min_confidence"] = 1
    expected["stabilize"] |= {"agree": 2, "min_stable_s": 2}
    assert asdict(load_settings(path)) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("colour = 1", "unknown setting colour; known are camera, min_confidence, model, "),
        ("segment = {max_gap = 1}", "unknown setting segment; known are camera, min_confidence, "),
        ("[stabilize]\nagrees = 1", "unknown setting stabilize.agrees; known are agree, "),
        ("threads = 0", "threads must be a whole number from 1 to 64, found 0"),
        ("threads = 1.0", "threads must be a whole number from 1 to 64, found 1.0"),
        ("threads = true", "threads must be a whole number from 1 to 64, found True"),
        ("threads = '1'", "threads must be a whole number from 1 to 64, found '1'"),
        ("threads = [1]", "threads must be a whole number from 1 to 64, found [1]"),
        ("[threads]\nx = 1", "threads must be a whole number from 1 to 64, found {'x': 1}"),
        ("min_confidence = 1.5", "min_confidence must be a number from 0 to 1, found 1.5"),
        ("min_confidence = nan", "min_confidence must be a number from 0 to 1, found nan"),
        ("runtime = 'onnx'", "runtime must be one of auto, tflite-runtime, litert, found 'onnx'"),
        ("runtime = ['auto']", "runtime must be one of auto, tflite-runtime, litert, found ['a"),
        ("camera = 5", "camera must be a table, found 5"),
        (
            "[preprocess]\nmedian_blur_px = 3",
            "unknown setting preprocess.median_blur_px; "
            "known are orientation, polarity, work_size_px",
        ),
        (
            "[preprocess]\nwork_size_px = 100000",
            "preprocess.work_size_px must be a whole number from 64 to 8192, found 100000",
        ),
        (
            "[camera]\ntimeout_s = inf",
            "camera.timeout_s must be a number from 0.1 to 60, found inf",
        ),
        (
            "[preprocess]\norientation = 45",
            "preprocess.orientation must be one of 0, 90, 180, 270, found 45",
        ),
        (
            "[preprocess]\npolarity = 'dark'",
            "preprocess.polarity must be one of auto, dark-on-light, light-on-dark, found 'dark'",
        ),
        ("[camera]\nloop = 1", "camera.loop must be true or false, found 1"),
        ("[sinks]\nuse = 'stdout'", "sinks.use must be a list of stdout, journal, jsonl, sqlite, "),
        ("[sinks]\nuse = ['csv']", "sinks.use must be a list of stdout, journal, jsonl, sqlite, "),
        (
            "[sinks]\nuse = ['stdout', 'stdout']",
            "sinks.use must be a list of stdout, journal, jsonl, sqlite, each once at most, ",
        ),
        ("[plausibility]\npattern = '('", "plausibility.pattern must be a regular expression, "),
        (
            "[plausibility]\nmax_digits = 3\nmin_digits = 4",
            "plausibility.min_digits must be at most plausibility.max_digits, 3, found 4",
        ),
        (
            "[plausibility]\nmaximum = 3\nminimum = 4",
            "plausibility.minimum must be at most plausibility.maximum, 3, found 4",
        ),
        ("[stabilize]\nagree = 6", "stabilize.agree must be from 1 to stabilize.of, 5, found 6"),
        (
            "[camera]\nregion = [0, 0, 640]",
            "camera.region must be [left, top, width, height] in px of the frame, found (0, ",
        ),
        (
            "[camera]\nwidth = 320\nregion = [10, 0, 320, 10]",
            "camera.region must lie in the frame, left + width from 1 to 320 and top + height "
            "from 1 to 480, and hold a pixel; found [10, 0, 320, 10]",
        ),
        (
            "[camera]\nregion = [0, 479, 5, 0]",
            "camera.region must lie in the frame, left + width from 1 to 640 and ",
        ),
    ],
)
def test_impossible_settings_are_refused(content: str, message: str, tmp_path: Path) -> None:
    """The message names the file, the line, the key, what is allowed and what was found."""
    line = 1 if content.startswith("[threads]") else content.count("\n") + 1
    assert refusal(content, tmp_path).startswith(f"line {line}: {message}")


def test_the_line_of_a_key_however_it_is_written() -> None:
    """Tables, dotted, quoted and inline keys lead to their line; an unknown one to none."""
    text = "# camera.width = 1\nthreads = 1\n\n[ camera ]\n 'width' = 5\nsinks.x = 1\n"
    text += "[stabilize]\nof = 3\n"
    assert line_of(text, "threads") == 2
    assert line_of(text, "camera.width") == 5
    assert line_of(text, "camera.sinks.x") == 6
    assert line_of(text, "stabilize.of") == 8
    assert line_of(text, "preprocess.polarity") is None
    assert line_of("\ncamera = {width = 1}", "camera.width") == 2


def test_malformed_toml_names_the_line(tmp_path: Path) -> None:
    """A slip of the pen is found by its line."""
    message = refusal("threads = 2\n\nruntime = auto\n", tmp_path)
    assert message.startswith("expected TOML, found ")
    assert "line 3" in message


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    """A picture given as settings is told from TOML."""
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\x89PNG\r\n\xff")
    with pytest.raises(SettingsError, match="expected TOML, found"):
        load_settings(path)


@pytest.mark.parametrize("name", ["", "none.toml", "none/mine.toml"])
def test_what_cannot_be_read_is_refused(name: str, tmp_path: Path) -> None:
    """A directory and a missing file are one line with the system's reason."""
    with pytest.raises(SettingsError, match=r"expected a settings file, cannot read it: \w.*; ch"):
        load_settings(tmp_path / name)


def test_a_file_without_permission(tmp_path: Path) -> None:
    """A file that may not be read says so (root, who may, becomes nobody for it)."""
    path = tmp_path / "mine.toml"
    path.touch(0o000)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        with pytest.raises(SettingsError, match="Permission denied"):
            load_settings(path)
    finally:
        os.seteuid(user)


def test_settings_made_in_python_are_checked_too() -> None:
    """The message names the key where there is no file."""
    with pytest.raises(SettingsError, match=r"^settings: preprocess\.work_size_px must be"):
        Settings(preprocess=PreprocessSettings(work_size_px=0)).check()
