"""The built wheel reads the same on a 64-bit Arm processor as here; `make test-arm64` runs this."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .emulated import BOOKWORM, CHECKOUT, TRIXIE, EmulatedPi, emulated_pi

pytestmark = [pytest.mark.arm64, pytest.mark.timeout(600)]

SAMPLE = CHECKOUT / "docs/sample.png"
READ_SAMPLE = Path(__file__).with_name("read_sample.py")
EDGE_RUN = "import sys; from digitcam.edge.cli.run import main; sys.exit(main())"
FRAMES = 12
"""Of the replay: as many as five that agree need, and some."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built from a copy: building leaves files behind."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, folder)
    for name in ("edge", "train", "convert"):
        shutil.copytree(CHECKOUT / name, folder / name)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    subprocess.run([*build, "--wheel-dir", folder / "dist", folder], check=True)
    return next((folder / "dist").glob("*.whl"))


@pytest.fixture(scope="module", params=[BOOKWORM, TRIXIE], ids=lambda release: release.name)
def pi(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> EmulatedPi:
    """An emulated Pi with the wheel, one a release."""
    if platform.machine() != "x86_64":
        pytest.skip(f"expected x86-64 to compare with, found {platform.machine()}")
    return emulated_pi(request.param, wheel, tmp_path_factory.mktemp(request.param.name))


def test_sample(pi: EmulatedPi, tmp_path: Path) -> None:
    """The sample reads the same; logits are at most one quantization step from x86-64's."""
    arguments = [READ_SAMPLE, SAMPLE, pi.release.runtime, tmp_path / "crops.npy"]
    native = told(here(*arguments))
    arm = told(pi.python(*arguments))
    assert arm["machine"] == "aarch64"
    assert arm["runtime"] == native["runtime"] == pi.release.runtime
    assert arm["text"] == native["text"] == SAMPLE.with_suffix(".txt").read_text().strip()
    steps = np.abs(np.array(arm["logits"]) - np.array(native["logits"]))
    assert steps.max() <= 1  # allows off by one int8 step, not two


def here(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run this Python."""
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def told(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    read: dict[str, Any] = json.loads(done.stdout)
    return read


def test_replay(pi: EmulatedPi, tmp_path: Path) -> None:
    """edge-run reads the sample from a replay and publishes every line, until the replay ends."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(FRAMES):
        shutil.copy(SAMPLE, pictures / f"{number:02}.png")
    settings = tmp_path / "digitcam.toml"
    settings.write_text(
        "[camera]\nframes_per_second = 0\nrepeat = 1\n"  # an emulated processor has time
        '[sinks]\nuse = ["stdout"]\n[stabilize]\nreread_after_s = 0\nmin_stable_s = 0\n'
    )
    source = ("--config", settings, "--source", f"replay:{pictures}")
    done = pi.python("-c", EDGE_RUN, *source)
    assert done.returncode == 0, done.stderr
    texts = [json.loads(line)["text"] for line in done.stdout.splitlines()]
    assert sorted(texts) == sorted(SAMPLE.with_suffix(".txt").read_text().split())
