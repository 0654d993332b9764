"""What the commands have in common."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from digitcam.edge.errors import ModelError
from digitcam.train.architectures import PRESETS
from digitcam.train.cli import evaluate, explore, strings, train, tune
from digitcam.train.cli.common import RESUMABLE, run_command
from digitcam.train.data import DATA_VARIABLE
from digitcam.train.errors import DataError, TrainError

COMMANDS = {
    "evaluate": evaluate,
    "explore": explore,
    "train": train,
    "train-strings": strings,
    "tune": tune,
}


def arguments(command: str, *more: str) -> list[str]:
    """The shortest call, and more."""
    return [*(["digits"] if command == "evaluate" else []), "--out", "out", *more]


class OtherError(Exception):
    """Of another folder."""


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (DataError("no data"), 1, "no data"),
        (ModelError("no model"), 1, "no model"),
        (OSError("no room"), 1, "no room"),
        (OtherError("no run"), 1, "no run"),
        (KeyError("a"), 1, "unexpected KeyError: 'a'; --debug shows where"),
        (KeyboardInterrupt(), 130, RESUMABLE),
    ],
)
def test_errors_are_one_line(
    capsys: pytest.CaptureFixture[str], error: BaseException, status: int, line: str
) -> None:
    """Whatever is raised is a line and a status, and --debug asks for the error itself."""

    def body() -> int:
        raise error

    assert run_command("digitcam-x", False, body, RESUMABLE, OtherError) == status
    assert capsys.readouterr() == ("", f"digitcam-x: {line}\n")
    if isinstance(error, Exception):
        with pytest.raises(type(error)):
            run_command("digitcam-x", True, body, RESUMABLE, OtherError)


@pytest.mark.parametrize("command", COMMANDS)
def test_debug_shows_the_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """With --debug an error is raised as it is."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrainError):
        COMMANDS[command].main(arguments(command, "--data", "nowhere", "--debug"))


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_the_defaults(capsys: pytest.CaptureFixture[str], command: str) -> None:
    """--help gives the default of every setting and where the data comes from."""
    with pytest.raises(SystemExit) as ended:
        COMMANDS[command].main(["--help"])
    assert ended.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    options = COMMANDS[command].build_parser().parse_args(arguments(command))
    defaults = [value for value in vars(options).values() if type(value) in (int, float, str)]
    assert defaults
    for value in defaults:
        assert f"(default: {value})" in shown
    assert "None" not in shown
    assert DATA_VARIABLE in shown


@pytest.mark.parametrize(
    ("command", "flag", "text", "expected"),
    [
        ("evaluate", "--digits", "-1", "expected a whole number from 0"),
        ("evaluate", "--errors", "1001", "expected a whole number from 0 to 1000"),
        ("evaluate", "--runtime", "onnx", "invalid choice: 'onnx'"),
        ("explore", "--samples", "0", "a whole number from 1 to 100, found '0'"),
        ("explore", "--samples", "101", "a whole number from 1 to 100, found '101'"),
        ("explore", "--seed", "-1", "a whole number from 0 to 4294967295, found '-1'"),
        ("train", "--epochs", "0", "a whole number from 1, found '0'"),
        ("train", "--epochs", "1.5", "a whole number from 1, found '1.5'"),
        ("train", "--batch-size", "²", "a whole number from 1, found '²'"),
        ("train", "--workers", "0", "a whole number from 1, found '0'"),
        ("train", "--page-marks", "-1", "a whole number from 0, found '-1'"),
        ("train", "--seed", "-1", "a whole number from 0 to 4294967295, found '-1'"),
        ("train", "--seed", str(2**32), "a whole number from 0 to 4294967295, found '4294967296'"),
        ("train", "--learning-rate", "fast", "a number from 0, found 'fast'"),
        ("train", "--learning-rate", "nan", "a number from 0, found 'nan'"),
        ("train", "--weight-decay", "-1", "a number from 0, found '-1'"),
        ("train", "--weight-decay", "inf", "a number from 0, found 'inf'"),
        ("train", "--arch", "resnet", f"choose from {next(iter(PRESETS))}"),
        ("train-strings", "--written", "-1", "a whole number from 0, found '-1'"),
        ("train-strings", "--width", "-1", "a number from 0, found '-1'"),
        ("tune", "--arch", "resnet", "choose from "),
        ("tune", "--trials", "0", "a whole number from 1, found '0'"),
        ("tune", "--workers", "-1", "a whole number from 1, found '-1'"),
        ("tune", "--epochs", "1.5", "a whole number from 1, found '1.5'"),
        ("tune", "--validation", "0", "a whole number from 1, found '0'"),
        ("tune", "--search", "dropout", "choose from "),
    ],
)
def test_impossible_values_are_usage_errors(
    capsys: pytest.CaptureFixture[str], command: str, flag: str, text: str, expected: str
) -> None:
    """A value that makes no sense is status 2 and a line with the flag and what it takes."""
    with pytest.raises(SystemExit) as ended:
        COMMANDS[command].main(arguments(command, flag, text))
    assert ended.value.code == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"digitcam-{command}: error: argument {flag}: ")
    assert expected in line.replace("'flagship'", "flagship")


@pytest.mark.parametrize(
    ("command", "purpose", "library"),
    [
        *(("evaluate", "the report", name) for name in ("matplotlib", "jinja2", "sklearn")),
        *(("explore", "the page", name) for name in ("matplotlib", "jinja2")),
        *(("train", "training", name) for name in ("keras", "sklearn", "matplotlib", "tensorflow")),
        ("train-strings", "training", "scipy"),
        ("tune", "the search", "optuna"),
    ],
)
def test_missing_library_names_the_extra(
    command: str, purpose: str, library: str, digits_npz: Path, tmp_path: Path
) -> None:
    """Without a library of the extra there is one line, before any work, that names it."""
    if library == "tensorflow" and find_spec("keras") is None:
        pytest.skip("needs Keras: pip install 'digitcam[train]'")
    script = (
        f"import sys; sys.modules[{library!r}] = None; "  # An import of it then fails.
        f"from {COMMANDS[command].__name__} import main; sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments(command, "--data", str(digits_npz))],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"digitcam-{command}: {purpose} needs ")
    assert library in line
    assert line.endswith("; pip install 'digitcam[train]'")
    assert not (tmp_path / "out").exists()
