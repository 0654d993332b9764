"""The shipped reader, drawn pages with known digits, and `edge-predict` as a process."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from digitcam.edge import Recognizer
from digitcam.edge.bundle import DEFAULT_BUNDLE
from digitcam.edge.classify import MODULES, find_interpreter
from digitcam.edge.errors import RuntimeUnavailableError
from digitcam.edge.frame import Box, Digit, Line, StableReading
from digitcam.edge.settings import Runtime
from digitcam.train.scene import Scene, render_rows

ROWS = ("80365", "4920", "6358")
START = "import sys; from digitcam.edge.cli.predict import main; sys.exit(main())"

Predict = Callable[..., "subprocess.CompletedProcess[str]"]
Make = Callable[..., StableReading]


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have models that were tried be remembered for the tests alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def recognizer() -> Recognizer:
    """The reader with the shipped bundle and the default settings."""
    return Recognizer()


@pytest.fixture(scope="session")
def rows() -> tuple[str, ...]:
    """What is written on the page, line by line."""
    return ROWS


@pytest.fixture(scope="session")
def page() -> Scene:
    """A photographed page with `rows` on it, 640 x 480."""
    return render_rows(ROWS, np.random.default_rng(5), height_px=52)


@pytest.fixture(scope="session")
def text() -> str:
    """What the page reads."""
    return "\n".join(ROWS)


@pytest.fixture(scope="session")
def doubt(page: Scene) -> tuple[float, str]:
    """A threshold that one digit of the page is below, and what the page reads then."""
    reading = Recognizer().read(page.image)
    lowest, second = sorted(d.confidence for line in reading.lines for d in line.digits)[:2]
    texts = (
        "".join("?" if d.confidence == lowest else str(d.digit) for d in line.digits)
        for line in reading.lines
    )
    return (lowest + second) / 2, "\n".join(texts)


@pytest.fixture
def note(page: Scene, tmp_path: Path) -> Path:
    """The page as a file."""
    path = tmp_path / "note.png"
    cv2.imwrite(str(path), page.image)
    return path


@pytest.fixture(params=sorted(MODULES))
def runtime(request: pytest.FixtureRequest) -> Runtime:
    """Each runtime that this machine can use."""
    name: Runtime = request.param
    if importlib.util.find_spec(MODULES[name].partition(".")[0]) is None:
        pytest.skip(f"{name} is not installed")
    try:
        find_interpreter(name)
    except RuntimeUnavailableError as error:
        pytest.skip(str(error))
    return name


@pytest.fixture
def bundle_copy(tmp_path: Path) -> Path:
    """A copy of the shipped bundle, free to be damaged; its name without suffix."""
    stem = tmp_path / "copy"
    for suffix in (".tflite", ".json"):
        shutil.copy(f"{DEFAULT_BUNDLE}{suffix}", f"{stem}{suffix}")
        Path(f"{stem}{suffix}").chmod(0o644)
    return stem


@pytest.fixture(scope="session")
def start() -> list[str]:
    """The command line that `edge-predict` stands for."""
    return [sys.executable, "-c", START]


@pytest.fixture
def predict(start: list[str], tmp_path: Path) -> Predict:
    """Run `edge-predict` in a process and return what it said."""

    def run(*arguments: object, stdin: bytes = b"", **environment: str) -> object:
        done = subprocess.run(
            [*start, *map(str, arguments)],
            input=stdin,
            capture_output=True,
            cwd=tmp_path,
            env={**os.environ, **environment},
            timeout=60,
            check=False,
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    return run  # type: ignore[return-value]


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that every user can look into; those of `tmp_path` are one user's alone."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="session")
def make() -> Make:
    """Make the stable reading of a number: its id, its digits and, unless told, its second.

    A sign `?` is a digit that cannot be told.
    """

    def make_reading(number: int, text: str = "", **changes: Any) -> StableReading:
        signs = text or str(number)
        likeliest = ((3, 0.51), (8, 0.4))
        digits = [
            Digit(None, 0.51, Box(20 * i, 5, 15, 30), likeliest)
            if sign == "?"
            else Digit(int(sign), 0.98, Box(20 * i, 5, 15, 30))
            for i, sign in enumerate(signs)
        ]
        known: dict[str, Any] = {
            "id": f"{number:032x}",
            "time": datetime(2026, 1, 2, tzinfo=UTC) + timedelta(seconds=number),
            "line": Line(tuple(digits)),
            "confidence": 0.98,
            "agreed": (4, 5),
            "value": signs,
            "suspect": None,
            "source": "replay:notes",
            "model": "sha256:0",
        }
        return StableReading(**(known | changes))

    return make_reading
