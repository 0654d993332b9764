"""The Raspberry Pi's camera without one: our calls against the library's source, and a stand-in.

The stand-in has the library's own names and arguments, which the first tests check on the real
source. It gives frames with stride padding, by a clock that only it moves.
"""

# ruff: noqa: D102  what the methods of the stand-in do is for the library to say

from __future__ import annotations

import ast
import importlib.util
import inspect
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from digitcam.edge.errors import (
    SettingsError,
    SourceBusyError,
    SourceError,
    SourceMissingError,
    SourceStalledError,
)
from digitcam.edge.settings import CameraSettings
from digitcam.edge.sources import picamera2 as module
from digitcam.edge.sources.picamera2 import Picamera2Source

RELEASE = "picamera2==0.3.38"
"""What is looked into where none is installed; Pi OS ships it in 2026."""
OURS = {"library": None, "camera": "Picamera2", "request": "CompletedRequest"}
"""Our variables, and the library's class that each holds."""
STRIDE = 704
FRAME_US = 100_000


# Our calls against the library's source


@pytest.fixture(scope="session")
def library_source(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ast.ClassDef]:
    """The library's classes by name, as written: importing it needs a Raspberry Pi's libcamera."""
    found = importlib.util.find_spec("picamera2")
    if found and found.origin:
        folder = Path(found.origin).parent
    else:
        folder = tmp_path_factory.mktemp("picamera2")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", RELEASE]
        done = subprocess.run(
            [*pip, "--only-binary=:all:", "--dest", str(folder)], capture_output=True, check=False
        )
        wheels = list(folder.glob("*.whl"))
        if done.returncode or not wheels:
            pytest.skip(f"{RELEASE} is neither installed nor to be had from the package index")
        with zipfile.ZipFile(wheels[0]) as wheel:
            wheel.extractall(folder)
        folder /= "picamera2"
    trees = [ast.parse((folder / name).read_bytes()) for name in ("picamera2.py", "request.py")]
    nodes = [node for tree in trees for node in tree.body]
    return {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}


def signature_in(kind: ast.ClassDef, method: str) -> inspect.Signature:
    """Return a method's signature, less ``self``; the last definition counts, not overloads."""
    found = [n for n in kind.body if isinstance(n, ast.FunctionDef) and n.name == method]
    assert found, f"{kind.name} has no {method}()"
    asked = found[-1].args
    names = [argument.arg for argument in asked.args[1:]]
    first_optional = len(names) - len(asked.defaults)
    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=None if at >= first_optional else inspect.Parameter.empty,
        )
        for at, name in enumerate(names)
    ]
    return inspect.Signature(parameters)


def our_calls() -> Iterator[tuple[str, str, list[ast.expr], list[str]]]:
    """Yield class, method, positional arguments and keywords of each call of the library."""
    for node in ast.walk(ast.parse(Path(module.__file__).read_bytes())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        keywords = [str(keyword.arg) for keyword in node.keywords]
        owner, name = node.func.value, node.func.attr
        if name == "_mapped_array":
            yield "MappedArray", "__init__", node.args, keywords
        elif isinstance(owner, ast.Name) and owner.id in OURS:
            kind = OURS[owner.id]
            yield (
                (kind, name, node.args, keywords)
                if kind
                else (
                    name,
                    "__init__",
                    node.args,
                    keywords,
                )
            )


def test_our_calls_fit_the_library(library_source: dict[str, ast.ClassDef]) -> None:
    """Every call of the library names a method that is there, and arguments that it takes."""
    checked = set()
    for kind, method, positional, keywords in our_calls():
        signature = signature_in(library_source[kind], method)
        signature.bind(*positional, **dict.fromkeys(keywords))
        checked.add(method)
    assert {"__init__", "capture_request", "configure", "start", "close", "release"} <= checked


def test_the_stand_in_fits_the_library(library_source: dict[str, ast.ClassDef]) -> None:
    """Each method of the stand-in is the library's, with arguments of the same names."""
    for fake in (Picamera2, CompletedRequest, MappedArray):
        real = library_source[fake.__name__]
        for name, method in inspect.getmembers(fake, inspect.isfunction):
            if name == "__init__" or name.startswith("fake_"):
                continue
            signature = signature_in(real, name)
            for asked in list(inspect.signature(method).parameters)[1:]:
                assert asked in signature.parameters, f"{fake.__name__}.{name}({asked})"


# The stand-in


class World:
    """What the camera is like, and what was done to it."""

    def __init__(self) -> None:
        self.now_s = 5000.0
        self.error: Exception | None = None
        """Raised when the camera is opened."""
        self.format, self.size = "YUV420", (0, 0)
        """What the camera makes of the configuration; (0, 0) is what was asked for."""
        self.cameras = 1
        self.controls: dict[str, tuple[Any, ...]] = {
            "FrameDurationLimits": (8000, 200_000, 33_333),
            "AeEnable": (False, True, True),
            "AwbEnable": (False, True, True),
            "ExposureTime": (1, 10**6, 0),
            "AnalogueGain": (1.0, 16.0, 1.0),
            "ColourGains": (0.0, 32.0, 0.0),
        }
        self.af_states = [0, 1, 1, 2]
        self.set: list[dict[str, Any]] = []
        self.configuration: dict[str, Any] = {}
        self.frames = 0
        self.silent = False
        self.hangs = threading.Event()
        """Set: the camera closes. Not set while it hangs."""
        self.hangs.set()
        self.held: set[int] = set()
        """Numbers of the requests that were not given back."""
        self.open = 0


WORLD = World()


class Job:
    def __init__(self, world: World) -> None:
        self.world = world
        self.future: Future[CompletedRequest] = Future()


class CompletedRequest:
    def __init__(self, world: World) -> None:
        world.frames += 1
        world.now_s += FRAME_US / 1e6
        self.world, self.number = world, world.frames
        world.held.add(self.number)

    def get_metadata(self) -> dict[str, Any]:
        states = self.world.af_states
        return {
            "SensorTimestamp": int(self.world.now_s * 1e9),
            "FrameDuration": FRAME_US,
            "ExposureTime": 1000 + self.number,
            "AnalogueGain": 2.0,
            "ColourGains": (1.5, 1.6),
            "AfState": states.pop(0) if len(states) > 1 else states[0],
        }

    def release(self) -> None:
        self.world.held.remove(self.number)


class MappedArray:
    def __init__(self, request: CompletedRequest, stream: str, write: bool = True) -> None:
        assert (stream, write) == ("main", False)
        width, height = request.world.configuration["main"]["size"]
        self.array: Any = np.zeros((height * 3 // 2, STRIDE), np.uint8)
        self.array[:height, :width] = request.number % 256
        self.array[:, width:] = 255
        self.array[height:] = 128

    def __enter__(self) -> MappedArray:
        return self

    def __exit__(self, exc_type: Any, exc_value: Any, exc_traceback: Any) -> None:
        self.array = None


class Picamera2:
    @staticmethod
    def global_camera_info() -> list[dict[str, Any]]:
        return [{"Num": number} for number in range(WORLD.cameras)]

    def __init__(self, camera_num: int = 0) -> None:
        self.fake_world = WORLD
        if WORLD.error:
            raise WORLD.error
        WORLD.open += 1
        self.camera_controls = WORLD.controls
        self.sensor_resolution = (3280, 2464)
        self.fake_job: Job | None = None

    def create_video_configuration(
        self,
        main: dict[str, Any],
        raw: object,
        buffer_count: int,
        display: object,
        encode: object,
        sensor: dict[str, Any],
    ) -> dict[str, Any]:
        return {"main": main, "raw": raw, "buffer_count": buffer_count, "sensor": sensor}

    def configure(self, camera_config: dict[str, Any]) -> None:
        main = camera_config["main"]
        size = self.fake_world.size if any(self.fake_world.size) else main["size"]
        self.fake_world.configuration = {
            **camera_config,
            "main": {"format": self.fake_world.format, "size": size, "stride": STRIDE},
        }

    def camera_configuration(self) -> dict[str, Any]:
        return self.fake_world.configuration

    def set_controls(self, controls: dict[str, Any]) -> None:
        unknown = set(controls) - set(self.fake_world.controls)
        if unknown:
            raise RuntimeError(f"Control {unknown} is not advertised by libcamera")
        self.fake_world.set.append(controls)

    def start(self) -> None:
        pass

    def capture_request(self, wait: bool) -> Job:
        assert wait is False
        self.fake_job = Job(self.fake_world)
        return self.fake_job

    def wait(self, job: Job, timeout: float) -> CompletedRequest:
        if not self.fake_world.silent and not job.future.done():
            job.future.set_result(CompletedRequest(self.fake_world))
        return job.future.result(timeout=min(timeout, 0.01))

    def cancel_all_and_flush(self) -> None:
        if self.fake_job and not self.fake_job.future.done():
            self.fake_job.future.set_exception(CancelledError())

    def close(self) -> None:
        self.fake_world.hangs.wait()
        self.fake_world.open -= 1


class Mode(IntEnum):
    Manual = 0
    Auto = 1


class Trigger(IntEnum):
    Start = 0


class State(IntEnum):
    Idle = 0
    Scanning = 1
    Focused = 2
    Failed = 3


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A new camera, behind modules of the library's names."""
    library = ModuleType("picamera2")
    library.Picamera2, library.MappedArray = Picamera2, MappedArray  # type: ignore[attr-defined]
    libcamera = ModuleType("libcamera")
    libcamera.controls = SimpleNamespace(  # type: ignore[attr-defined]
        AfModeEnum=Mode, AfTriggerEnum=Trigger, AfStateEnum=State
    )
    monkeypatch.setitem(sys.modules, "picamera2", library)
    monkeypatch.setitem(sys.modules, "libcamera", libcamera)
    new = World()
    monkeypatch.setitem(globals(), "WORLD", new)
    yield new
    new.hangs.set()


def source_in(world: World, **settings: Any) -> Picamera2Source:
    return Picamera2Source(CameraSettings(**settings), "", clock=lambda: world.now_s)


def merged(world: World) -> dict[str, Any]:
    """Return the controls as they were set last."""
    return {name: value for controls in world.set for name, value in controls.items()}


def test_a_frame_is_the_cameras_memory_without_padding(world: World) -> None:
    """Luma is a view of the first rows and columns: neither padding, nor colour, nor a copy."""
    with source_in(world) as source:
        before = world.frames
        with source.frame(1) as frame:
            assert frame.luma.shape == (480, 640)
            assert np.unique(frame.luma).tolist() == [world.frames % 256]
            assert not frame.luma.flags.owndata
            assert frame.taken_s == pytest.approx(world.now_s)
            assert len(world.held) == 1
        assert world.frames == before + 1
        assert world.held == set()
        assert frame.luma.size == 0  # who keeps the frame keeps no memory of the camera
    assert world.open == 0


def test_one_small_stream_is_asked_for(world: World) -> None:
    """One YUV420 stream of the wanted size, read from the sensor's halved full field."""
    with source_in(world):
        assert world.configuration["raw"] is None
        assert world.configuration["main"]["size"] == (640, 480)
        assert world.configuration["buffer_count"] >= 4
        assert world.configuration["sensor"] == {"output_size": (1640, 1232)}
    with source_in(world, width=3000, height=2000):
        assert world.configuration["sensor"] == {"output_size": (3280, 2464)}


@pytest.mark.parametrize(
    ("per_second", "duration_us"), [(10, 100_000), (1, 200_000), (120, 8_333), (0, None)]
)
def test_the_rate_is_the_sensors(world: World, per_second: float, duration_us: int | None) -> None:
    """The sensor takes as many frames as are wanted, within its limits; 0 leaves it alone."""
    with source_in(world, frames_per_second=per_second):
        wanted = None if duration_us is None else (duration_us, duration_us)
        assert merged(world).get("FrameDurationLimits") == wanted


def test_frames_of_a_sensor_that_cannot_be_so_slow_are_left_out(world: World) -> None:
    """At one picture in ten seconds all others are given back, and the waits are short."""
    taken = []
    with source_in(world, frames_per_second=0.1) as source:
        end_s = world.now_s + 60
        while world.now_s < end_s:
            before_s = world.now_s
            with suppress(SourceStalledError), source.frame(0.5) as frame:
                taken.append(frame.taken_s)
            assert world.now_s - before_s < 0.6
            assert world.held == set()
    assert np.diff(taken) == pytest.approx(10, abs=1.1)
    assert len(taken) in (6, 7)


def test_exposure_and_colour_settle_and_are_locked(world: World) -> None:
    """After two seconds of frames the values of the last one are locked."""
    with source_in(world, settle_s=2):
        assert world.frames >= 20
        assert merged(world) | {"FrameDurationLimits": None} == {
            "FrameDurationLimits": None,
            "AeEnable": False,
            "AwbEnable": False,
            "ExposureTime": 1000 + world.frames,
            "AnalogueGain": 2.0,
            "ColourGains": (1.5, 1.6),
        }


def test_daylight_is_followed(world: World) -> None:
    """Without lock_exposure nothing is locked."""
    with source_in(world, lock_exposure=False):
        assert set(merged(world)) == {"FrameDurationLimits"}


def test_a_camera_without_colour_locks_what_it_has(world: World) -> None:
    """Controls that the camera does not advertise, which the library refuses, are left out."""
    for name in ("AwbEnable", "ColourGains"):
        del world.controls[name]
    with source_in(world):
        assert "AwbEnable" not in merged(world)
        assert merged(world)["AeEnable"] is False


def test_the_lens_focuses_once(world: World) -> None:
    """Focus is triggered once and waited for; the mode is one that does not hunt."""
    world.controls |= {"AfMode": (0, 2, 0), "AfTrigger": (0, 1, 0), "LensPosition": (0, 15, 1)}
    with source_in(world, settle_s=0):
        assert merged(world)["AfMode"] == Mode.Auto
        assert world.af_states == [2]
        assert sum("AfTrigger" in controls for controls in world.set) == 1


def test_a_lens_without_focus_is_told_of(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A scene without an edge is a warning, in bounded time, and no more."""
    world.controls |= {"AfMode": (0, 2, 0), "AfTrigger": (0, 1, 0), "LensPosition": (0, 15, 1)}
    world.af_states = [1]
    with source_in(world, settle_s=0) as source, source.frame(1):
        assert "found no focus; set camera.lens_position" in caplog.text


def test_the_lens_is_held_where_it_is_told(world: World) -> None:
    """A lens position makes focus manual, and nothing is waited for."""
    world.controls |= {"AfMode": (0, 2, 0), "AfTrigger": (0, 1, 0), "LensPosition": (0, 15, 1)}
    with source_in(world, lens_position=4, settle_s=0):
        assert merged(world)["AfMode"] == Mode.Manual
        assert merged(world)["LensPosition"] == 4.0
        assert "AfTrigger" not in merged(world)


def test_a_fixed_lens_cannot_be_told(world: World) -> None:
    """A lens position for a camera whose lens is fixed is an error; the camera is given back."""
    with pytest.raises(SourceError, match=r"remove camera\.lens_position"):
        source_in(world, lens_position=4).open()
    assert world.open == 0
    assert world.held == set()


@pytest.mark.parametrize("silent_waits", [1, 5])
def test_a_stall_loses_no_request(world: World, silent_waits: int) -> None:
    """After any number of waits in vain the next frame comes, and no request is left behind."""
    with source_in(world) as source:
        world.silent = True
        for _ in range(silent_waits):
            with pytest.raises(SourceStalledError), source.frame(0.01):
                pass
        world.silent = False
        with source.frame(1):
            pass
        assert world.held == set()
    assert world.open == 0


def test_a_stalled_camera_can_be_closed(world: World) -> None:
    """Closing cancels what is waited for; a frame that came meanwhile is given back."""
    source = source_in(world)
    for late in (False, True):
        source.open()
        world.silent = True
        with pytest.raises(SourceStalledError), source.frame(0.01):
            pass
        world.silent = False
        if late:
            with suppress(SourceStalledError):
                source._camera.wait(source._job, timeout=1)
        source.close()
        assert world.held == set()
        assert world.open == 0


def test_a_camera_that_never_closes_is_left_behind(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """close() returns in bounded time though the kernel does not, and says so."""
    monkeypatch.setattr(module, "STOP_S", 0.05)
    source = source_in(world)
    source.open()
    world.hangs.clear()
    source.close()
    assert "expected the camera to close" in caplog.text
    with pytest.raises(SourceError, match="closed; open it first"), source.frame(1):
        pass


def test_missing_frames_are_counted(world: World) -> None:
    """A gap of four frames' time between two frames is three that are missing."""
    with source_in(world) as source:
        with source.frame(1):
            world.now_s += 3 * FRAME_US / 1e6
        with source.frame(1):
            pass
        assert source.dropped == 3


def test_another_size_is_refused(world: World) -> None:
    """The library changes sizes silently; the source does not, and gives the camera back."""
    world.size = (608, 480)
    with pytest.raises(SourceError, match=r"of 640 x 480 px, the camera gives 608 x 480; set"):
        source_in(world).open()
    assert world.open == 0


def test_another_format_is_refused(world: World) -> None:
    """A USB camera gives YUYV, and there is a source for it."""
    world.format = "YUYV"
    with pytest.raises(SourceError, match=r"gives YUYV; read a USB camera with v4l2:"):
        source_in(world).open()


def nested(*messages: str) -> Exception:
    """Return an error as the library nests them, the reason innermost."""
    error: Exception | None = None
    for message in messages:
        outer = RuntimeError(message)
        outer.__cause__ = error
        error = outer
    assert error
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (nested("No camera number 0 found - use rpicam-hello"), SourceMissingError),
        (IndexError("list index out of range"), SourceMissingError),
        (
            nested("Failed to acquire camera: Device or resource busy", "did not complete."),
            SourceBusyError,
        ),
        (nested("Camera in use by another process", "did not complete."), SourceBusyError),
        (nested("Failed to allocate", "did not complete."), SourceError),
    ],
)
def test_the_librarys_errors_are_explained(
    world: World, error: Exception, kind: type[SourceError]
) -> None:
    """Each is told in one line with its reason, as the kind of error that it is."""
    world.error = error
    with pytest.raises(kind) as caught:
        source_in(world).open()
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)


def test_a_camera_that_is_not_there_is_not_tried(world: World) -> None:
    """Trying would cost the library a descriptor each time."""
    world.cameras, world.error = 0, AssertionError("tried")
    with pytest.raises(SourceMissingError, match="found none; check its cable"):
        source_in(world).open()


def test_without_the_library_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where picamera2 cannot be imported, the message says how to install it."""
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(SourceError, match=r"apt install python3-picamera2, .*site-packages"):
        Picamera2Source(CameraSettings(), "").open()


@pytest.mark.parametrize("rest", ["x", "-1", "1.5", "²"])
def test_a_camera_has_a_number(rest: str) -> None:
    """What follows the colon is a whole number."""
    with pytest.raises(SettingsError, match="expected picamera2 or picamera2:N"):
        Picamera2Source(CameraSettings(), rest)


def test_the_name_is_the_users() -> None:
    """The name is as in the settings."""
    assert Picamera2Source(CameraSettings(), "").name == "picamera2"
    assert Picamera2Source(CameraSettings(), "1").name == "picamera2:1"


def test_a_camera_has_one_name() -> None:
    """However the first camera is asked for, it is locked by the same name; others by theirs."""
    names = [Picamera2Source(CameraSettings(), rest).name for rest in ("", "0", "00", "1", "01")]
    assert names == ["picamera2", "picamera2", "picamera2", "picamera2:1", "picamera2:1"]
