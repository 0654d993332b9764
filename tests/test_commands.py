"""The commands: their usage and version wherever they are installed, with or without the extra."""

from __future__ import annotations

import configparser
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import digitcam.edge

SETUP = configparser.ConfigParser()
SETUP.read(Path(__file__).parent.parent / "setup.cfg")
COMMANDS = dict(
    line.split(" = ")
    for line in SETUP["options.entry_points"]["console_scripts"].strip().splitlines()
)
EXTRA = "ai_edge_litert flatbuffers jinja2 keras matplotlib optuna scipy sklearn tensorflow tqdm"
START = """
import importlib, sys
sys.modules |= dict.fromkeys(filter(None, sys.argv.pop(1).split()))  # as if not installed
module, _, name = sys.argv.pop(1).partition(":")
sys.exit(getattr(importlib.import_module(module), name)())
"""


def run(command: str, *arguments: str, without: str = "") -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-c", START, without, COMMANDS[command], *arguments]
    return subprocess.run(line, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("command", COMMANDS)
def test_usage_without_the_extra(command: str) -> None:
    """Each command tells its usage where only the runtime is installed."""
    done = run(command, "--help", without=EXTRA)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: ")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_version(command: str) -> None:
    """Each command tells the version of the package."""
    done = run(command, "--version", without=EXTRA)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"digitcam {version('digitcam')}\n"


def test_the_version_from_python() -> None:
    """The package tells it too."""
    assert digitcam.edge.__version__ == version("digitcam")


@pytest.mark.parametrize(
    ("command", "arguments", "says"),
    [
        ("digitcam-convert", ("run", "--out", "x"), "converting needs ai_edge_litert, flatbuffers"),
        ("digitcam-compare", ("published", "--out", "x"), "comparing needs keras, matplotlib"),
    ],
)
def test_work_without_the_extra(command: str, arguments: tuple[str, ...], says: str) -> None:
    """What cannot be done is one line that says what to install."""
    done = run(command, *arguments, without=EXTRA)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{command}: {says}")
    assert done.stderr.endswith("; pip install 'digitcam[train]'\n")
    assert done.stderr.count("\n") == 1
