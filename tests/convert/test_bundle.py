"""Writing a bundle, killed at every step."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from digitcam.convert.bundle import bundle_files, bundle_stem, write_bundle
from digitcam.edge.bundle import load_bundle
from digitcam.edge.errors import ModelError

OLD, NEW = b"o" * 300_000, b"n" * 300_000

WRITER = """
import hashlib, os, signal, sys
from pathlib import Path
from digitcam.convert.bundle import write_bundle

steps, left = ("open", "os.rename"), int(sys.argv[2])

def die_at_a_step(event, arguments):
    global left
    if event in steps and ".tmp" in str(arguments[0]):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(die_at_a_step)
print("ready", flush=True)
while True:
    for letter in (b"n", b"o"):
        model = letter * 300_000
        digest = hashlib.sha256(model).hexdigest()
        sidecar = {"format": 1, "letter": letter.decode(), "sha256": digest}
        write_bundle(Path(sys.argv[1]), model, sidecar, letter.decode() * 50_000)
"""
STEPS = 6
"""Three files, each opened under another name and renamed."""
NEVER = 0


def sidecar_of(model: bytes) -> dict[str, object]:
    return {"format": 1, "letter": chr(model[0]), "sha256": hashlib.sha256(model).hexdigest()}


def start_writer(stem: Path, step: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(stem), str(step)]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    return writer


def assert_nothing_half_written(stem: Path) -> None:
    tflite, sidecar, card = bundle_files(stem)
    assert tflite.read_bytes() in (OLD, NEW)
    assert json.loads(sidecar.read_bytes())["letter"] in "on"
    assert card.read_text() in ("o" * 50_000, "n" * 50_000)


def test_a_bundle_is_three_files(tmp_path: Path) -> None:
    """Writing leaves the .tflite, the sidecar and the card, and no temporary file."""
    write_bundle(tmp_path / "v1.5", OLD, sidecar_of(OLD), "card")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "v1.5.json",
        "v1.5.md",
        "v1.5.tflite",
    ]
    assert (tmp_path / "v1.5.tflite").read_bytes() == OLD
    assert json.loads((tmp_path / "v1.5.json").read_text()) == sidecar_of(OLD)


def test_files_are_readable_as_the_umask_allows(tmp_path: Path) -> None:
    """A bundle written by one user can be read by the service's, as any new file can."""
    (tmp_path / "plain").write_text("")
    write_bundle(tmp_path / "digits", OLD, {}, "")
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1


@pytest.mark.parametrize("name", ["digits", "digits.tflite", "digits.json", "digits.md"])
def test_any_of_the_files_names_the_bundle(name: str) -> None:
    """A bundle can be named with or without the suffix of one of its files."""
    assert bundle_stem(Path("models") / name) == Path("models/digits")


def test_a_failure_leaves_the_old_bundle_alone(tmp_path: Path) -> None:
    """Where a file cannot be replaced, its temporary file goes away again."""
    (tmp_path / "digits.tflite").mkdir()
    with pytest.raises(OSError, match=r"digits\.tflite"):
        write_bundle(tmp_path / "digits", NEW, sidecar_of(NEW), "card")
    assert [path.name for path in tmp_path.iterdir()] == ["digits.tflite"]


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_a_kill_at_any_step_leaves_whole_files(tmp_path: Path, step: int) -> None:
    """Killed with -9 before each opening and renaming, no final name holds half a file."""
    stem = tmp_path / "digits"
    write_bundle(stem, OLD, sidecar_of(OLD), "o" * 50_000)
    writer = start_writer(stem, step)
    assert writer.wait(30) == -signal.SIGKILL
    assert_nothing_half_written(stem)


def test_a_kill_between_the_files_is_noticed(tmp_path: Path) -> None:
    """A new .tflite beside the old sidecar, as a kill can leave them, is refused by its hash."""
    stem = tmp_path / "digits"
    write_bundle(stem, OLD, sidecar_of(OLD), "")
    start_writer(stem, 4).wait(30)
    assert bundle_files(stem)[0].read_bytes() == NEW
    with pytest.raises(ModelError, match="sha256 must be"):
        load_bundle(stem)


def test_kills_at_random_moments_leave_whole_files(tmp_path: Path) -> None:
    """Killed with -9 at eight random moments of writing over and over, every file stays whole."""
    stem = tmp_path / "digits"
    write_bundle(stem, OLD, sidecar_of(OLD), "o" * 50_000)
    rng = random.Random(5)
    for _ in range(8):
        writer = start_writer(stem, NEVER)
        time.sleep(rng.uniform(0.005, 0.08))
        os.kill(writer.pid, signal.SIGKILL)
        assert writer.wait(30) == -signal.SIGKILL
        assert_nothing_half_written(stem)
