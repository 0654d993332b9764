"""Settings of every kind that TOML can hold: each is taken, or refused in one line."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from digitcam.edge.bundle import load_bundle
from digitcam.edge.camera import Camera
from digitcam.edge.errors import EdgeError, SettingsError
from digitcam.edge.settings import Settings
from digitcam.edge.settings_file import load_settings
from digitcam.edge.sinks import check_writable, sinks_of
from digitcam.edge.sinks.delivery import Delivery
from digitcam.edge.stabilize import Stabilizer

LONGEST = 1000
"""Characters of a message."""


def keys(section: Any, prefix: str = "") -> Iterator[str]:
    for item in fields(section):
        value = getattr(section, item.name)
        if is_dataclass(value):
            yield from keys(value, f"{prefix}{item.name}.")
        yield prefix + item.name


KEYS = tuple(keys(Settings()))
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(
    [
        "a{99999999999}",
        "(" * 5000 + ")" * 5000,
        "[" * 5000,
        "(" * 120 + ")" * 120,
        "\0",
        "a\nb",
        "\x1e",
        "a\u2028b",
        "x" * 5000,
        "x/" * 5000,
        "é" * 150,
        "replay:\0",
        "replay:" + "x" * 300,
        "replay:/proc/self/mem",
        "v4l2:/dev/" + "x" * 300,
        "v4l2:/dev/null",
        "picamera2:" + "9" * 5000,
        "picamera2:²",
        "video:" + "x" * 300,
        "video:http://[::1",
        "video:http://[::1]:99999999/",
        "video:http://user:p#w@127.0.0.1:9/x",
        ".",
        "..",
        "/",
        "",
        ".tflite",
    ]
)
NUMBERS = st.integers() | st.sampled_from([10**400, -(10**400)]) | st.floats() | st.integers(0, 100)
VALUES = st.recursive(
    TEXTS | NUMBERS | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def toml_of(value: Any) -> str:
    """Return a value as TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict):
        inner = ", ".join(f"{toml_of(str(k))} = {toml_of(v)}" for k, v in value.items())
        return "{" + inner + "}"
    return "[" + ", ".join(map(toml_of, value)) + "]"


def use(path: Path) -> None:
    """Read a file and build what the service builds of it; EdgeError is one line, no more."""
    try:
        settings = load_settings(path)
        load_bundle(Path(settings.model))
        camera = Camera(settings.camera)
        Stabilizer(settings.stabilize, settings.plausibility, camera.source.name)
        check_writable(settings.sinks)
        Delivery(sinks_of(settings.sinks), settings.sinks.max_waiting)
    except EdgeError as error:
        assert len(str(error).splitlines()) == 1
        assert len(str(error)) < LONGEST


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the file is; its folder is the one at hand."""
    folder = tmp_path_factory.mktemp("settings")
    return folder / "mine.toml"


@pytest.mark.parametrize("key", KEYS)
@examples(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(value=VALUES)
def test_any_value_of_any_key(key: str, value: Any, path: Path) -> None:
    """It is possible, or refused in one line of bounded length."""
    path.write_text(f"{key} = {toml_of(value)}\n")
    use(path)


@examples(deadline=None)
@given(values=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6))
def test_several_values(values: dict[str, Any], path: Path) -> None:
    """Values that contradict one another, or one another's tables, are no crash either."""
    path.write_text("".join(f"{key} = {toml_of(value)}\n" for key, value in values.items()))
    use(path)


@examples(deadline=None)
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes(content: bytes, path: Path) -> None:
    """Whatever a file holds, it is read or refused."""
    path.write_bytes(content)
    use(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("threads = " + "[" * 5000, "found brackets in brackets beyond any use"),
        ("threads = " + "{a=" * 5000, "found brackets in brackets beyond any use"),
        ("threads = " + "9" * 5000, "expected TOML, found "),
        ("threads = 0x" + "9" * 5000, "found a int that is too large to show"),
        ('"a\\nb" = 1', "unknown setting 'a\\nb'; known are"),
        ("#" * (1 << 20) + "\n", "of at most 1 MiB, found more"),
        ("a" + " " * 100000, "expected TOML, found "),
        ("[plausibility]\npattern = 'a{99999999999}'", "must be a regular expression, found"),
        ("[camera]\nsource = 'picamera2:1234'", None),
        ("[sinks]\njsonl_file = 'x'\nsqlite_file = './x'", "must be another file than"),
        ("[sinks]\njsonl_file = 'x'\nsqlite_file = 'x.3'", "must be another file than"),
        ("[sinks]\njsonl_file = 'x-wal'\nsqlite_file = 'x'", "must be another file than"),
        ("[sinks]\njsonl_file = ''", "must be a file, of at most 4000 bytes, 200 between"),
    ],
)
def test_what_is_wrong_is_named(content: str, says: str | None, path: Path) -> None:
    """The line says what was found; what is long is shown in part or not at all."""
    path.write_text(content)
    if says is None:
        load_settings(path)
        return
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert says in str(caught.value)
    assert len(str(caught.value)) < LONGEST


def test_devices_and_pipes_are_refused(tmp_path: Path) -> None:
    """Neither a device without end nor a pipe that nobody writes is waited for."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero"), Path("/dev/null")):
        with pytest.raises(SettingsError, match="expected a settings file, found a device or pipe"):
            load_settings(path)


def test_a_byte_order_mark(path: Path) -> None:
    """What Notepad puts before the first line is no part of it, and lines are counted as ever."""
    path.write_bytes(b"\xef\xbb\xbfthreads = 2\r\n[camera]\r\nwidth = 320\r\n")
    settings = load_settings(path)
    assert (settings.threads, settings.camera.width) == (2, 320)
    path.write_bytes(b"\xef\xbb\xbfthreads = 0\r\n")
    with pytest.raises(SettingsError, match="line 1: threads must be"):
        load_settings(path)


def test_the_dumper_is_right() -> None:
    """What these tests write is TOML that holds the value."""
    value = {"a": [1, '\0"\n\x7f', {"b": 1.5}], "": True}
    assert tomllib.loads(f"x = {toml_of(value)}")["x"] == value
