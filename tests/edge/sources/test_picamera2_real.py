"""The released picamera2 with libcamera's virtual camera, in a container with Debian Trixie.

The tests before the last run where there is that library and a camera: in the container, mostly.
"""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import pytest

from digitcam.edge.errors import (
    SourceBusyError,
    SourceError,
    SourceMissingError,
    SourceStalledError,
)
from digitcam.edge.settings import CameraSettings
from digitcam.edge.sources import FrameSource, source_of

from ...debian import MONTH, debootstrap, kept

CHECKOUT = Path(__file__).parents[3]
DEBIAN = (
    "ca-certificates,libcamera-ipa,python3-hypothesis,python3-jsonschema,python3-libarchive-c,"
    "python3-libcamera,python3-numpy,python3-piexif,python3-pil,python3-prctl,python3-pytest,"
    "python3-tqdm"
)
WHEELS = ("picamera2==0.3.38", "av", "opencv-python-headless<5", "OpenEXR", "simplejpeg")
CAMERA = """\
"Virtual0":
  supported_formats:
  - {width: 640, height: 480, frame_rates: [30, 30]}
  - {width: 1920, height: 1080, frame_rates: [30, 30]}
  test_pattern: "lines"
  model: "Virtual Video Device"
"""
WAIT_S = 20.0

Cover = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def cover(request: pytest.FixtureRequest) -> Any:
    """Cover the virtual camera, which the plugin brings, for the length of a block."""
    if not request.config.pluginmanager.has_plugin("virtual_camera"):
        pytest.skip("no virtual camera here; make test-picamera2 runs this in a container")
    return sys.modules["virtual_camera"].covered


def camera(source: str = "picamera2", **settings: Any) -> FrameSource:
    quick = {"settle_s": 0, "frames_per_second": 0} | settings
    return source_of(CameraSettings(source=source, **quick))


def pipes() -> int:
    """Return how many ends of pipes this process holds, less the library's own garbage."""
    gc.collect()
    held = 0
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            held += str(link.readlink()).startswith("pipe:")
    return held


def test_a_camera_that_is_not_there_leaks_nothing(cover: Cover) -> None:
    """Looking for a camera again and again, as the service does, takes no descriptors."""
    missing = camera("picamera2:1")
    counts = []
    for _ in range(4):
        with pytest.raises(SourceMissingError, match="rpicam-hello --list-cameras"):
            missing.open()
        counts.append(pipes())
    assert counts[-1] == counts[0]


def test_an_open_camera_is_busy(cover: Cover) -> None:
    """A second source says that the camera is held, the first goes on, and then it is free."""
    first, second = camera(), camera()
    with first:
        with pytest.raises(SourceBusyError):
            second.open()
        with first.frame(WAIT_S):
            pass
    with second, second.frame(WAIT_S):
        pass


@pytest.mark.parametrize("size", [(800, 600), (648, 480), (638, 480)])
def test_the_librarys_choice_of_size_is_refused(cover: Cover, size: tuple[int, int]) -> None:
    """A size that the camera has not is an error that tells one it has; then it opens."""
    with pytest.raises(SourceError, match=r"gives (640 x 480|1920 x 1080)"):
        camera(width=size[0], height=size[1]).open()
    with camera(width=1920, height=1080) as source, source.frame(WAIT_S) as frame:
        assert frame.luma.shape == (1080, 1920)


def test_the_default_settings_open_a_camera_without_controls(cover: Cover) -> None:
    """Rate, exposure and white balance are set only where the camera advertises them."""
    with camera(settle_s=0.2, frames_per_second=10) as source, source.frame(WAIT_S) as frame:
        assert frame.luma.shape == (480, 640)
        assert frame.luma.std() > 10  # lines, and no chroma
    with pytest.raises(SourceError, match=r"remove camera\.lens_position"):
        camera(lens_position=2.0).open()


def test_a_covered_camera_goes_on(cover: Cover) -> None:
    """After more stalls than there are buffers no frame is lost."""
    with camera() as source:
        with cover():
            time.sleep(0.1)
            stalls = 0
            for _ in range(8):
                try:
                    with source.frame(0.02):
                        pass
                except SourceStalledError:
                    stalls += 1
            assert stalls >= 6  # one frame or two had come before
        for _ in range(8):
            with source.frame(WAIT_S):
                pass


def test_a_covered_camera_can_be_closed(cover: Cover) -> None:
    """What is waited for is cancelled, no thread is left, and the camera opens again."""
    source = camera()
    before = threading.active_count()
    with cover():
        with suppress(SourceStalledError):
            source.open()
        for _ in range(3):
            with suppress(SourceError), source.frame(0.02):
                pass
        source.close()
    assert threading.active_count() == before
    with source, source.frame(WAIT_S):
        pass


@pytest.mark.picamera2
def test_the_contract_holds_with_the_real_library() -> None:
    """What every source promises, and the tests above, on the virtual camera; none is skipped."""
    debian = debian_with_picamera2()
    folder = "tests/edge/sources"
    variables = {
        "PYTHONPATH": f"/opt/site:/opt/checkout:/src/{folder}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LIBCAMERA_LOG_LEVELS": "*:FATAL",
    }
    done = subprocess.run(
        [
            *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network"),
            *(f"--directory={debian}", "--read-only", "--tmpfs=/tmp", f"--bind-ro={CHECKOUT}:/src"),
            *(f"--setenv={name}={value}" for name, value in variables.items()),
            *("--chdir=/src", "--pipe", "python3", "-m", "pytest", "-q", "-rs"),
            *("-p", "virtual_camera", "-p", "no:cacheprovider", "-m", "not picamera2"),
            *("-k", "picamera2", f"{folder}/test_contract.py", f"{folder}/test_picamera2_real.py"),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "skipped" not in done.stdout
    assert int(done.stdout.split(" passed")[0].split()[-1]) >= 18


def debian_with_picamera2() -> Path:
    """Return a Debian with the library and the virtual camera, made this month."""
    missing = [tool for tool in ("systemd-nspawn", "debootstrap") if shutil.which(tool) is None]
    if os.geteuid() or missing:
        pytest.skip("needs root; apt install systemd-container debootstrap")

    def make(root: Path) -> None:
        debootstrap("trixie", root, f"--include={DEBIAN}")
        shutil.rmtree(root / "var/cache/apt/archives")
        install_library(root)

    held = zlib.crc32("\n".join((DEBIAN, *WHEELS, CAMERA)).encode())
    return kept(f"trixie-picamera2-{MONTH}-{held:08x}", make)


def install_library(root: Path) -> None:
    """Add picamera2, the checkout's package and the camera's description."""
    platforms = [f"--platform=manylinux{name}_x86_64" for name in ("2014", "_2_28", "_2_34")]
    abis = [f"--abi={name}" for name in ("cp313", "abi3", "none")]
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"),
            *("--only-binary=:all:", "--implementation=cp", "--python-version=3.13"),
            *(*platforms, *abis, "--target", root / "opt/site", *WHEELS, "videodev2"),
        ],
        check=True,
    )
    package = root / "opt/checkout/digitcam"
    package.mkdir(parents=True)
    for name in ("edge", "train"):
        (package / name).symlink_to(f"/src/{name}")
    described = root / "usr/share/libcamera/pipeline/virtual/virtual.yaml"
    described.parent.mkdir(parents=True)
    described.write_text(CAMERA)
    (root / "src").mkdir()
