"""A Raspberry Pi's user land on an emulated processor: Debian's Python, and wheels for Arm.

No chroot, no binfmt: qemu runs the one interpreter, and Debian's packages are only unpacked.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..debian import MONTH, debootstrap, kept

CHECKOUT = Path(__file__).parents[2]
PROCESSOR = "cortex-a72"
"""A Pi 4's. A Zero 2 W's cortex-a53 has the same instructions."""
PLATFORMS = ("2014", "_2_17", "_2_27", "_2_28", "_2_34")
"""Of manylinux: what both releases' C libraries run."""


@dataclass(frozen=True)
class Release:
    """A release of Raspberry Pi OS, as far as digitcam is concerned."""

    name: str
    python: str
    runtime: str
    requirements: tuple[str, ...]


BOOKWORM = Release(
    "bookworm",
    "3.11",
    "tflite-runtime",
    ("tflite-runtime>=2.14,<2.15", "numpy>=1.24,<2", "opencv-python-headless>=4.6,<4.12"),
)
# LiteRT 2.2 and later crash under Debian 12's qemu 7.2, and run under qemu 10.
TRIXIE = Release(
    "trixie",
    "3.13",
    "litert",
    ("ai-edge-litert==2.1.6", "numpy>=2,<2.3", "opencv-python-headless>=4.12,<5"),
)


@dataclass(frozen=True)
class EmulatedPi:
    """Runs Python on the emulated processor."""

    release: Release
    root: Path
    """Debian's packages, and in ``site`` those of pip."""
    digitcam: Path
    """Where the wheel is installed."""

    def python(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run its Python; digitcam is installed there."""
        environment = {
            "PYTHONHOME": str(self.root / "usr"),
            "PYTHONPATH": f"{self.digitcam}:{self.root / 'site'}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "QEMU_CPU": PROCESSOR,
        }
        interpreter = self.root / f"usr/bin/python{self.release.python}"
        return subprocess.run(
            [qemu(), "-L", self.root, interpreter, *map(str, arguments)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )


def qemu() -> str:
    """Return the emulator."""
    for name in ("qemu-aarch64-static", "qemu-aarch64"):
        if path := shutil.which(name):
            return path
    pytest.skip("expected qemu-aarch64, found none; apt install qemu-user-static")


def emulated_pi(release: Release, wheel: Path, folder: Path) -> EmulatedPi:
    """Return a Pi with this wheel installed; what is downloaded stays in the cache for a month."""
    qemu()
    _pip("--target", folder, "--no-deps", "--no-compile", wheel)
    return EmulatedPi(release, _user_land(release), folder)


def _user_land(release: Release) -> Path:
    known = re.sub(r"[^\w.]+", "_", "-".join(release.requirements))
    return kept(f"{release.name}-arm64-{MONTH}-{known}", lambda root: _fill(root, release))


def _fill(root: Path, release: Release) -> None:
    _unpack_debian(root, release)
    wanted = [f"--platform=manylinux{name}_aarch64" for name in PLATFORMS]
    abi = "cp" + release.python.replace(".", "")
    wanted += [f"--abi={name}" for name in (abi, "abi3", "none")]
    wanted += ["--only-binary=:all:", "--implementation=cp", f"--python-version={release.python}"]
    _pip("--target", root / "site", *wanted, *release.requirements)


def _unpack_debian(root: Path, release: Release) -> None:
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        pytest.skip("expected root and debootstrap; apt install debootstrap, and run it as root")
    debootstrap(release.name, root, "--arch=arm64", "--foreign", "--include=python3")
    archives = root / "var/cache/apt/archives"
    for package in archives.glob("*.deb"):
        subprocess.run(["dpkg-deb", "--extract", package, root], check=True)
    shutil.rmtree(archives)
    shutil.rmtree(root / "dev")  # devices: nothing that copies or lists the folder should meet them


def _pip(*arguments: object) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", *map(str, arguments)], check=True
    )
