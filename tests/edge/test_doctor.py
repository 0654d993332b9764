"""`edge-doctor`: each check in its states, on real files, processes and sockets."""

import grp
import json
import os
import pickle
import pwd
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from digitcam.edge.bundle import DEFAULT_BUNDLE, load_bundle
from digitcam.edge.cli.doctor import main
from digitcam.edge.doctor import Finding, Machine, examine
from digitcam.edge.doctor.board import (
    check_memory,
    check_power,
    check_temperature,
    throttled_finding,
)
from digitcam.edge.doctor.camera import check_camera, check_groups, connection_problem
from digitcam.edge.doctor.finding import refusal
from digitcam.edge.doctor.machine import User
from digitcam.edge.doctor.reader import check_model, check_runtime, check_settings
from digitcam.edge.doctor.system import check_clock, check_disk, check_service, space_finding
from digitcam.edge.errors import EdgeError, ModelError
from digitcam.edge.golden import golden_of
from digitcam.edge.lock import CameraLock
from digitcam.edge.processes import holders_of
from digitcam.edge.settings import CameraSettings, Settings, SinkSettings

CHECKS = [
    *("settings", "model", "runtime", "camera", "groups", "disk"),
    *("power", "temperature", "memory", "clock", "service"),
]
"""In the order in which they are printed."""
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root may act as another user")

Write = Callable[[str, str], Path]
Command = Callable[[str, str], None]
Module = Callable[[str, str], None]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine whose root is an empty folder, and whose service has no user yet."""
    (tmp_path / "root").mkdir()
    return Machine(tmp_path / "root", service="digitcam-under-test")


@pytest.fixture
def write(machine: Machine) -> Write:
    """Write a file of the machine."""

    def to(name: str, text: str) -> Path:
        path = machine.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return to


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Install a shell script as a command; the system's own are not there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def install(name: str, script: str) -> None:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    return install


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Module:
    """Put a module, or a distribution's metadata, in front of all others, for new processes."""
    folder = tmp_path / "modules"
    folder.mkdir()
    before = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), *([before] if before else [])]))

    def install(name: str, text: str) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(text)

    return install


@pytest.fixture
def pi(write: Write) -> None:
    """A Raspberry Pi by its device tree, whose texts end with a zero byte."""
    write("/proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.5\0")


def of_source(source: str) -> Settings:
    return Settings(camera=CameraSettings(source=source))


def level_and_text(finding: Finding) -> tuple[str, str]:
    """Return the level and all that is said, and check the finding's form on the way."""
    assert finding.name in CHECKS
    assert (finding.remedy is None) == (finding.level == "ok")
    said = f"{finding.found}; {finding.remedy}"
    assert "\n" not in said
    return finding.level, said


# --- settings and model ----------------------------------------------------------------------


def test_no_settings_file() -> None:
    """The defaults hold, and are told to."""
    finding, settings = check_settings(None)
    assert (finding.level, settings) == ("ok", Settings())


def test_a_settings_file(tmp_path: Path) -> None:
    """A possible file is ok; an impossible one fails, with the line and what is allowed."""
    path = tmp_path / "digitcam.toml"
    path.write_text("[camera]\nwidth = 800\n")
    finding, settings = check_settings(path)
    assert finding.level == "ok"
    assert settings is not None
    assert settings.camera.width == 800
    path.write_text("[camera]\nwidth = 8\n")
    finding, settings = check_settings(path)
    assert finding.level == "failure"
    assert "line 2: camera.width must be a whole number from 64 to 4096, found 8" in str(finding)
    assert settings is None


def test_the_model(bundle_copy: Path) -> None:
    """The shipped bundle is ok, a damaged one fails with the loader's reason and remedy."""
    settings = replace(Settings(), model=str(bundle_copy))
    finding, bundle = check_model(settings)
    assert finding.level == "ok"
    assert bundle is not None
    assert bundle.sha256[:12] in finding.found
    Path(f"{bundle_copy}.tflite").write_bytes(bundle.model[:-1])
    finding, bundle = check_model(settings)
    assert (finding.level, bundle) == ("failure", None)
    assert "sha256 must be" in finding.found
    assert finding.remedy is not None
    assert finding.remedy.startswith("copy both files again")
    assert check_model(replace(Settings(), model=""))[1] is None


@pytest.mark.parametrize(
    ("model", "strings", "expected"),
    [
        ("strings", "strings", "a network for single digits"),
        ("digits", "digits", "a reader of strings"),
    ],
)
def test_bundles_in_each_others_place(model: str, strings: str, expected: str) -> None:
    """A bundle is named that cannot do what it is to do, before the service fails to start."""
    finding, bundle = check_model(replace(Settings(), model=model, strings=strings))
    assert (finding.level, bundle) == ("failure", None)
    assert f"expected {expected}" in finding.found


def test_an_error_is_parted_into_what_is_and_what_to_do() -> None:
    """The house's messages end with what to do, after the last semicolon."""
    finding = refusal("model", EdgeError("a: expected b; found c; do d"))
    assert finding == Finding("model", "failure", "a: expected b; found c", "do d")
    assert refusal("model", EdgeError("all wrong")).found == "all wrong"


# --- runtime ---------------------------------------------------------------------------------


def runtime_finding(bundle: Path = DEFAULT_BUNDLE, **settings: object) -> tuple[str, str]:
    chosen = replace(Settings(), model=str(bundle), **settings)  # type: ignore[arg-type]
    return level_and_text(check_runtime(chosen, load_bundle(bundle), Machine()))


def change_golden(bundle: Path, change: Callable[[np.ndarray], np.ndarray] | None) -> None:
    """Have other golden logits in a sidecar, or none."""
    sidecar = json.loads(Path(f"{bundle}.json").read_text())
    rows = sidecar.pop("golden")["logits"]
    if change:
        logits = np.stack([np.frombuffer(bytes.fromhex(row), np.int8) for row in rows])
        sidecar["golden"] = golden_of(change(logits.astype(int)).astype(np.int8)).as_dict()
    Path(f"{bundle}.json").write_text(json.dumps(sidecar))


def test_the_runtime_that_is_here() -> None:
    """It is named with its version and numpy's, and meets the shipped golden logits."""
    level, said = runtime_finding()
    assert level == "ok", said
    assert re.match(r"(litert|tflite-runtime) \d[\d.]+ with numpy \d[\d.]+, 10 golden", said)


def test_a_bundle_without_golden_logits(bundle_copy: Path) -> None:
    """There is nothing to compare with, which is a warning and no failure."""
    change_golden(bundle_copy, None)
    level, said = runtime_finding(bundle_copy)
    assert (level, "nothing to compare with" in said) == ("warning", True)


def test_golden_logits_of_other_images(bundle_copy: Path) -> None:
    """Logits of images that this version does not draw are not compared."""
    text = Path(f"{bundle_copy}.json").read_text()
    digest = load_bundle(bundle_copy).golden.images  # type: ignore[union-attr]
    Path(f"{bundle_copy}.json").write_text(text.replace(digest, "sha256:0"))
    level, said = runtime_finding(bundle_copy)
    assert (level, "nothing to compare with" in said) == ("warning", True)


def test_logits_that_are_a_little_off(bundle_copy: Path) -> None:
    """Three quantization steps with the same answers are a warning."""
    change_golden(bundle_copy, lambda logits: logits - 2 * (logits > 0) - (logits > 0))
    level, said = runtime_finding(bundle_copy)
    assert level == "warning"
    assert re.search("within 1 step, found [34], with the same answers", said)


def test_logits_within_the_limit_of_their_bundle(bundle_copy: Path) -> None:
    """A bundle of a network on which runtimes agree less says so, and is met within that."""
    change_golden(bundle_copy, lambda logits: logits - 3 * (logits > 0))
    path = Path(f"{bundle_copy}.json")
    sidecar = json.loads(path.read_text())
    sidecar["golden"]["limit"] = 4
    path.write_text(json.dumps(sidecar))
    level, said = runtime_finding(bundle_copy)
    assert level == "ok"
    assert "10 golden images within 4 steps" in said
    sidecar["golden"]["limit"] = 0
    path.write_text(json.dumps(sidecar))
    with pytest.raises(ModelError, match="a limit from 1 to 255"):
        load_bundle(bundle_copy)


def test_logits_that_are_wrong(bundle_copy: Path) -> None:
    """Other answers than at export are a failure."""
    change_golden(bundle_copy, lambda logits: -1 - logits)
    level, said = runtime_finding(bundle_copy)
    assert (level, "with other answers" in said) == ("failure", True)


FAILING = """
class Interpreter:
    def __init__(self, **_):
        try:
            raise ImportError("numpy.core.multiarray failed to import")
        except ImportError as error:
            raise SystemError("<built-in method CreateWrapperFromFile> returned a result with "
                              "an exception set") from error
"""
"""As tflite-runtime 2.14.0 does beside numpy 2.2.6: it imports, and fails when it is built."""
METADATA = "Metadata-Version: 2.1\nName: {}\nVersion: {}\n"


def test_tflite_runtime_beside_numpy_2(module: Module) -> None:
    """The misfit is told plainly, with the remedy, where Python tells nothing of it."""
    module("tflite_runtime/interpreter.py", FAILING)
    for name, version in (("tflite-runtime", "2.14.0"), ("numpy", "2.2.6")):
        folder = f"{name.replace('-', '_')}-{version}.dist-info"
        module(f"{folder}/METADATA", METADATA.format(name, version))
    level, said = runtime_finding(runtime="tflite-runtime")
    assert level == "failure"
    assert said.startswith("tflite-runtime 2.14.0 with numpy 2.2.6: it is built for numpy 1")
    assert "pip install 'numpy<2'" in said


def test_a_runtime_that_cannot_be_built(module: Module) -> None:
    """Whatever a runtime raises is told, with how to install it."""
    module("ai_edge_litert/interpreter.py", "import no_such_library")
    level, said = runtime_finding(runtime="litert")
    assert level == "failure"
    assert "No module named 'no_such_library'" in said
    assert "pip install" in said


def test_a_runtime_for_another_processor(module: Module) -> None:
    """One that dies of an illegal instruction is a finding, and does not take the doctor along."""
    module("ai_edge_litert/interpreter.py", "import os\nos.kill(os.getpid(), 4)")
    level, said = runtime_finding(runtime="litert")
    assert level == "failure"
    assert "found the process ended by signal 4 (Illegal" in said


def test_the_runtime_waits_for_a_model() -> None:
    """Without a model nothing can be run, which the model's failure explains."""
    level, _ = level_and_text(check_runtime(Settings(), None, Machine()))
    assert level == "warning"


def test_files_at_hand_do_not_disturb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A numpy.py in the folder where the doctor is called is not imported."""
    (tmp_path / "numpy.py").write_text("raise SystemExit('the wrong one')")
    monkeypatch.chdir(tmp_path)
    assert runtime_finding()[0] == "ok"


# --- camera ----------------------------------------------------------------------------------


def camera(source: str, machine: Machine | None = None) -> tuple[str, str]:
    return level_and_text(check_camera(of_source(source), machine or Machine()))


LISTING = "class Picamera2:\n    def global_camera_info():\n        return {}\n"


@pytest.fixture
def lock_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks of this test alone."""
    monkeypatch.setattr("digitcam.edge.lock.RUN_DIRECTORY", tmp_path)


@pytest.mark.parametrize(
    ("listed", "source", "level", "told"),
    [
        ([{"Model": "imx708", "Num": 0}], "picamera2", "ok", "picamera2:0 is an imx708"),
        ([{"Model": "a"}, {"Model": "ov5647"}], "picamera2:1", "ok", "1 is an ov5647"),
        ([], "picamera2", "failure", "expected a camera 0, libcamera lists 0"),
        ([{"Model": "imx708"}], "picamera2:1", "failure", "libcamera lists 1"),
    ],
)
@pytest.mark.usefixtures("lock_folder")
def test_cameras_of_libcamera(
    module: Module, machine: Machine, listed: object, source: str, level: str, told: str
) -> None:
    """The camera that the settings name is among those that libcamera lists, or is not."""
    module("picamera2.py", LISTING.format(listed))
    found, said = camera(source, machine)
    assert (found, told in said) == (level, True), said


@pytest.mark.parametrize(
    ("library", "told", "remedy"),
    [
        ("raise ModuleNotFoundError(\"No module named 'libcamera'\")", "libcamera", "apt install"),
        ("raise ValueError('numpy.dtype size changed')", "size changed", "pip uninstall numpy"),
        ("import os; os.abort()", "ended by signal 6 (Aborted)", "start the Pi anew"),
    ],
)
def test_a_libcamera_that_does_not_work(
    module: Module, machine: Machine, library: str, told: str, remedy: str
) -> None:
    """Apt's library that is not seen, another numpy below it, and a crash have remedies each."""
    module("picamera2.py", library)
    level, said = camera("picamera2", machine)
    assert (level, told in said, remedy in said) == ("failure", True, True), said


@contextmanager
def process(name: str, code: str, tmp_path: Path, *arguments: object) -> Iterator[int]:
    """Run a script of this name that prints a line when it is ready; give its number."""
    script = tmp_path / name
    script.write_text(f"{code}\nprint('ready', flush=True)\nimport time; time.sleep(60)\n")
    command = [sys.executable, str(script), *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        try:
            assert holder.stdout.readline() == b"ready\n"
            yield holder.pid
        finally:
            holder.kill()


LOCKS = """
import sys
from pathlib import Path
from digitcam.edge.lock import CameraLock
from digitcam.edge.processes import holders_of
CameraLock(sys.argv[1], Path(sys.argv[2])).__enter__()
"""


@pytest.fixture
def device(machine: Machine) -> Iterator[str]:
    """A character device that nobody has open, as /dev/video0 of the machine.

    It is a terminal: one whose number is not taken in a container beside this one either.
    """
    pairs = [os.openpty() for _ in range(20)]
    names = [Path(os.ttyname(terminal)) for _, terminal in pairs]
    for _, terminal in pairs:
        os.close(terminal)
    machine.path("/dev").mkdir()
    free = next(name for name in names if not holders_of(name))
    machine.path("/dev/video0").symlink_to(free)
    yield "/dev/video0"
    for master, _ in pairs:
        os.close(master)


@pytest.mark.usefixtures("lock_folder")
def test_a_device_that_is_free(machine: Machine, device: str) -> None:
    """A device that is there, may be used and is used by none is ok."""
    assert camera(f"v4l2:{device}", machine) == ("ok", "/dev/video0 is there; None")


@pytest.mark.usefixtures("lock_folder")
def test_asking_leaves_no_lock_file(machine: Machine, device: str, tmp_path: Path) -> None:
    """A lock file of the caller's would keep the service from writing its name there."""
    camera(f"v4l2:{device}", machine)
    assert not list(tmp_path.glob("*.lock"))


@pytest.mark.parametrize(("name", "level"), [("edge-run", "ok"), ("benchmark", "failure")])
@pytest.mark.usefixtures("lock_folder")
def test_a_device_that_is_locked(
    machine: Machine, device: str, tmp_path: Path, name: str, level: str
) -> None:
    """Held by the service is how it should be; held by another process is a failure."""
    source = f"v4l2:{device}"
    with process(name, LOCKS, tmp_path, source, tmp_path) as pid:
        found, said = camera(source, machine)
    assert found == level
    assert ("held by edge-run, as it should be" if level == "ok" else f"process {pid}") in said


@pytest.mark.usefixtures("lock_folder")
def test_a_lock_that_was_left(machine: Machine, device: str, tmp_path: Path) -> None:
    """The file of a process that is gone holds nothing."""
    with CameraLock(f"v4l2:{device}", tmp_path):
        pass
    assert list(tmp_path.glob("*.lock"))
    assert camera(f"v4l2:{device}", machine)[0] == "ok"


@pytest.mark.usefixtures("lock_folder")
def test_a_device_that_another_program_has_open(
    machine: Machine, device: str, tmp_path: Path
) -> None:
    """It is named, as a warning: it may have the device open without using it."""
    opens = "import os, sys\nos.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)"
    with process("viewer", opens, tmp_path, machine.path(device)) as pid:
        level, said = camera(f"v4l2:{device}", machine)
    assert level == "warning"
    assert f"but open in process {pid} (" in said


def test_a_device_that_is_not_there(machine: Machine, write: Write) -> None:
    """What is there is named; a file in its place is none."""
    write("/dev/video7", "")
    level, said = camera("v4l2:/dev/video0", machine)
    assert (level, "No such file" in said, "here are: video7" in said) == ("failure", True, True)
    level, said = camera("v4l2:/dev/video7", machine)
    assert (level, "expected a device" in said) == ("failure", True)


@ROOT_ONLY
def test_a_device_of_others(machine: Machine) -> None:
    """A device that the caller may not use is a failure that says who asked."""
    ours, theirs = os.openpty()
    name = os.ttyname(theirs)
    Path(name).chmod(0o600)
    asked = replace(machine, root=Path("/"))
    finding = as_user(
        pwd.getpwnam("nobody"), [], lambda: check_camera(of_source(f"v4l2:{name}"), asked)
    )
    os.close(ours)
    os.close(theirs)
    level, said = level_and_text(finding)
    assert (level, said.startswith(f"{name}: nobody may not use it; ")) == ("failure", True)


def test_pictures(tmp_path: Path) -> None:
    """A directory with pictures is ok; one without, or none, is a failure."""
    folder = tmp_path / "pictures"
    assert camera(f"replay:{folder}")[0] == "failure"
    folder.mkdir()
    level, said = camera(f"replay:{folder}")
    assert (level, "expected pictures" in said) == ("failure", True)
    cv2.imwrite(str(folder / "a.png"), np.zeros((8, 8), np.uint8))
    assert camera(f"replay:{folder}") == ("ok", f"{folder} holds 1 picture; None")


def test_a_video_file(tmp_path: Path) -> None:
    """A file that can be read and holds something is ok."""
    path = tmp_path / "a.mp4"
    assert camera(f"video:{path}")[0] == "failure"
    path.touch()
    level, said = camera(f"video:{path}")
    assert (level, "found an empty file" in said) == ("failure", True)
    path.write_bytes(b"video")
    assert camera(f"video:{path}")[0] == "ok"


def test_an_address() -> None:
    """A host that answers is ok, one that does not fails, and the password stays out of it."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        address = f"video:rtsp://admin:secret@127.0.0.1:{port}/stream?token=secret"
        assert camera(address) == ("ok", f"127.0.0.1:{port} answers; None")
    level, said = camera(address)
    assert (level, "Connection refused" in said) == ("failure", True)
    assert "secret" not in said


def test_an_address_without_port() -> None:
    """A scheme that is not known needs a port."""
    level, said = camera("video:udp://127.0.0.1/stream")
    assert (level, "name the port" in said) == ("failure", True)


def test_a_silent_host() -> None:
    """A host that drops what it gets is given up in time."""
    with closing(socket.socket()) as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        address = server.getsockname()
        waiting = [socket.socket() for _ in range(8)]  # they fill the queue
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(address)
        start = time.monotonic()
        problem = connection_problem(*address, timeout_s=0.3)
        assert time.monotonic() - start < 3
        for client in waiting:
            client.close()
    assert problem is not None


def test_an_unknown_source() -> None:
    """A source of no known kind is a failure that names the kinds."""
    level, said = camera("webcam:0")
    assert (level, "replay:DIRECTORY" in said) == ("failure", True)


# --- groups ----------------------------------------------------------------------------------


def as_user(user: pwd.struct_passwd, groups: list[int], function: Callable[[], Finding]) -> Finding:
    """Call in a process of another user, with these groups beside nobody's own."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups(groups)
            os.setresgid(-1, groups[0] if groups else user.pw_gid, -1)
            os.setresuid(-1, user.pw_uid, -1)
            os.write(writer, pickle.dumps(function()))
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    finding = pickle.loads(answer)  # what this test wrote
    assert isinstance(finding, Finding)
    return finding


def other_group(gid: int) -> grp.struct_group:
    """Return some group that is not this one, with nobody in it."""
    return next(g for g in grp.getgrall() if g.gr_gid not in (0, gid) and not g.gr_mem)


def test_sources_that_need_no_group(machine: Machine) -> None:
    """Files and addresses are nobody's devices."""
    assert level_and_text(check_groups(of_source("replay:x"), machine))[0] == "ok"


def test_a_system_without_the_group(machine: Machine) -> None:
    """Where there is no such group none is needed."""
    asked = replace(machine, camera_group="no-such-group", service="nobody")
    assert level_and_text(check_groups(Settings(), asked))[0] == "ok"


def test_the_service_user_in_and_out_of_the_group(machine: Machine) -> None:
    """The user that the service runs as has to be in the group, whoever asks."""
    nobody = pwd.getpwnam("nobody")
    own, other = grp.getgrgid(nobody.pw_gid), other_group(nobody.pw_gid)
    asked = replace(machine, service="nobody", camera_group=own.gr_name)
    assert level_and_text(check_groups(Settings(), asked))[0] == "ok"
    level, said = level_and_text(
        check_groups(Settings(), replace(asked, camera_group=other.gr_name))
    )
    assert level == "failure"
    assert f"sudo usermod -aG {other.gr_name} nobody" in said


@ROOT_ONLY
def test_root_needs_no_group(machine: Machine) -> None:
    """Root may use every device."""
    assert level_and_text(check_groups(Settings(), machine))[0] == "ok"


@ROOT_ONLY
def test_a_session_from_before_the_group(machine: Machine) -> None:
    """A user who was put into the group has to log in anew, which is a warning."""
    nobody = pwd.getpwnam("nobody")
    asked = replace(machine, camera_group=grp.getgrgid(nobody.pw_gid).gr_name)
    session = [other_group(nobody.pw_gid).gr_gid]
    finding = as_user(nobody, session, lambda: check_groups(Settings(), asked))
    assert level_and_text(finding)[0] == "warning"
    assert finding.remedy == "log in anew"


# --- disk ------------------------------------------------------------------------------------


def into(folder: Path) -> Settings:
    return Settings(sinks=SinkSettings(use=("jsonl",), directory=str(folder)))


def test_readings_that_go_to_no_file(machine: Machine) -> None:
    """Without a file sink there is no disk to fill."""
    assert level_and_text(check_disk(Settings(), machine))[0] == "ok"


def test_the_directory_of_readings(machine: Machine, tmp_path: Path) -> None:
    """One that can be written, on a disk with room, is ok or tells of the room; none fails."""
    level, said = level_and_text(check_disk(into(tmp_path), machine))
    assert level in ("ok", "warning")
    assert re.match(rf"{tmp_path}: \d+ MB free", said)
    level, said = level_and_text(check_disk(into(tmp_path / "none"), machine))
    assert (level, "sudo install -d" in said) == ("failure", True)


def test_the_service_directory_goes_first(machine: Machine) -> None:
    """Called by hand, the doctor looks where the service writes, if it is installed."""
    machine.path(f"/var/lib/{machine.service}").mkdir(parents=True)
    settings = Settings(sinks=SinkSettings(use=("sqlite",)))
    assert f"/var/lib/{machine.service}:" in check_disk(settings, machine).found


def test_a_service_before_its_first_start(machine: Machine) -> None:
    """Its directory is yet to be made by systemd: the disk is looked at, not the permission."""
    machine.path("/var/lib").mkdir(parents=True, mode=0o700)
    settings = Settings(sinks=SinkSettings(use=("sqlite",)))
    level, said = level_and_text(check_disk(settings, replace(machine, service="nobody")))
    assert level in ("ok", "warning")
    assert said.startswith(f"{machine.path('/var/lib')}: ")


def test_a_directory_of_others(machine: Machine, tmp_path: Path) -> None:
    """Where the service's user may not write, no reading is kept."""
    tmp_path.chmod(0o700)
    level, said = level_and_text(check_disk(into(tmp_path), replace(machine, service="nobody")))
    assert level == "failure"
    assert f"{tmp_path}: nobody may not write there" in said


def test_permission_is_judged_as_the_kernel_does(tmp_path: Path) -> None:
    """Owner, group and others have their own bits, and root needs none."""
    uid, gid = 1234, 5678
    os.chown(tmp_path, uid, gid) if os.geteuid() == 0 else pytest.skip("needs root for chown")
    owner, member = User("a", uid, frozenset()), User("b", 1, frozenset([gid]))
    stranger, root = User("c", 1, frozenset()), User("root", 0, frozenset())
    for mode, allowed in ((0o700, "a"), (0o070, "b"), (0o007, "c"), (0o730, "ab"), (0o600, "")):
        tmp_path.chmod(mode)
        status = tmp_path.stat()
        found = [user.name for user in (owner, member, stranger) if user.may_write(status)]
        assert "".join(found) == allowed
        assert root.may_write(status)


def test_a_read_only_disk(machine: Machine) -> None:
    """A card that the kernel mounted read-only is a failure."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    read_only = [Path(m[1]) for m in mounts if "ro" in m[3].split(",") and Path(m[1]).is_dir()]
    if not read_only:
        pytest.skip("nothing here is mounted read-only")
    level, said = level_and_text(check_disk(into(read_only[0]), machine))
    assert (level, "mounted read-only" in said) == ("failure", True)


@pytest.mark.parametrize(
    ("free_mb", "files", "level"),
    [
        (500, 1000, "ok"),
        (499, 1000, "warning"),
        (500, 999, "warning"),
        (20, 10**6, "warning"),
        (19, 10**6, "failure"),
        (10**6, 19, "failure"),
    ],
)
def test_room_on_the_disk(free_mb: int, files: int, level: str) -> None:
    """Space and files that can still be made are judged, whichever is scarcer."""
    assert level_and_text(space_finding("/", free_mb, files))[0] == level


# --- power, temperature, memory --------------------------------------------------------------


def test_power_of_another_machine(machine: Machine) -> None:
    """What is no Raspberry Pi tells nothing of its power, which is no fault."""
    assert level_and_text(check_power(machine))[0] == "ok"


@pytest.mark.parametrize(
    ("bits", "level", "told"),
    [
        ("0x0", "ok", "no under-voltage"),
        ("0x50000", "warning", "since the start under-voltage, throttling (0x50000); use"),
        ("0x50005", "failure", "now under-voltage, throttling (0x50005); use the supply"),
        ("0x80008", "warning", "now the soft temperature limit (0x80008); cool it"),
        ("0xe0000", "warning", "a capped frequency, throttling, the soft temperature limit"),
    ],
)
@pytest.mark.usefixtures("pi")
def test_power(machine: Machine, command: Command, bits: str, level: str, told: str) -> None:
    """The firmware's bits are told in words, those of now before those of the past."""
    command("vcgencmd", f'[ "$1" = get_throttled ] && echo "throttled={bits}"')
    found, said = level_and_text(check_power(machine))
    assert (found, told in said) == (level, True), said


def test_every_documented_bit() -> None:
    """Each of the eight bits alone is told of."""
    for bit in (0, 1, 2, 3, 16, 17, 18, 19):
        finding = throttled_finding(1 << bit)
        assert finding.level == ("failure" if bit == 0 else "warning")
        assert finding.found.startswith("now " if bit < 16 else "since the start ")


@pytest.mark.parametrize(("alarm", "level"), [("0", "ok"), ("1", "failure")])
@pytest.mark.usefixtures("pi", "command")
def test_power_without_vcgencmd(machine: Machine, write: Write, alarm: str, level: str) -> None:
    """The kernel's under-voltage alarm is asked where the command is not installed."""
    write("/sys/class/hwmon/hwmon0/name", "cpu_thermal\n")
    write("/sys/class/hwmon/hwmon1/name", "rpi_volt\n")
    write("/sys/class/hwmon/hwmon1/in0_lcrit_alarm", f"{alarm}\n")
    assert level_and_text(check_power(machine))[0] == level


@pytest.mark.usefixtures("pi")
def test_power_that_cannot_be_told(machine: Machine, command: Command) -> None:
    """A vcgencmd that may not ask the firmware is a warning with the remedy."""
    command("vcgencmd", "echo 'VCHI initialization failed' >&2; exit 255")
    level, said = level_and_text(check_power(machine))
    assert (level, "ended by exit status 255 (VCHI init" in said) == ("warning", True)


def test_a_command_that_hangs(machine: Machine, command: Command) -> None:
    """It is ended in time, with the children that would keep its output open."""
    command("vcgencmd", "/bin/sleep 30 & /bin/sleep 30")
    start = time.monotonic()
    ran = machine.run("vcgencmd", timeout_s=0.2)
    assert time.monotonic() - start < 5
    assert ran is not None
    assert (ran.status, ran.ending()) == (None, "the time limit")


@pytest.mark.parametrize(
    ("millidegrees", "level"),
    [("79999", "ok"), ("80000", "warning"), ("84999", "warning"), ("85000", "failure")],
)
def test_temperature(machine: Machine, write: Write, millidegrees: str, level: str) -> None:
    """The hottest zone counts; a Pi slows down at 80 and 85 degrees."""
    write("/sys/class/thermal/thermal_zone0/temp", "41000\n")
    write("/sys/class/thermal/thermal_zone1/temp", f"{millidegrees}\n")
    write("/sys/class/thermal/thermal_zone2/temp", "")
    assert level_and_text(check_temperature(machine))[0] == level


def test_no_thermometer(machine: Machine) -> None:
    """A machine without sensors is not at fault."""
    assert level_and_text(check_temperature(machine))[0] == "ok"


MEMORY = "MemTotal: 500000 kB\nMemAvailable: {} kB\nCmaTotal: {} kB\nCmaFree: 1000 kB\n"


@pytest.mark.parametrize(
    ("available", "contiguous", "source", "level"),
    [
        (400_000, 262_144, "picamera2", "ok"),
        (400_000, 65_536, "picamera2:1", "ok"),
        (400_000, 32_768, "picamera2", "warning"),
        (400_000, 0, "replay:x", "ok"),
        (140_000, 262_144, "picamera2", "warning"),
        (70_000, 262_144, "replay:x", "failure"),
    ],
)
@pytest.mark.usefixtures("pi")
def test_memory(
    machine: Machine, write: Write, available: int, contiguous: int, source: str, level: str
) -> None:
    """Free memory counts for all, contiguous memory for cameras of libcamera."""
    write("/proc/meminfo", MEMORY.format(available, contiguous))
    assert level_and_text(check_memory(of_source(source), machine))[0] == level


def test_memory_of_another_machine(machine: Machine, write: Write) -> None:
    """Only a Raspberry Pi has cameras of libcamera that need contiguous memory."""
    write("/proc/meminfo", MEMORY.format(400_000, 0))
    assert level_and_text(check_memory(of_source("picamera2"), machine))[0] == "ok"


def test_memory_that_cannot_be_told(machine: Machine) -> None:
    """Without /proc the memory is unknown, which is a warning; without settings it is judged."""
    assert level_and_text(check_memory(None, machine))[0] == "warning"
    assert level_and_text(check_memory(None, Machine()))[1].partition(" ")[0].isdigit()


# --- clock and service -----------------------------------------------------------------------


@pytest.mark.usefixtures("command")
def test_a_clock_that_timesyncd_has_set(machine: Machine, write: Write) -> None:
    """The file that systemd-timesyncd leaves is enough."""
    write("/run/systemd/timesync/synchronized", "")
    assert level_and_text(check_clock(machine))[0] == "ok"


@pytest.mark.parametrize(
    ("script", "level", "told"),
    [
        ("echo yes", "ok", "set by NTP"),
        ("echo no", "warning", "not set by NTP"),
        ("echo 'Failed to connect to bus' >&2; exit 1", "warning", "cannot tell"),
    ],
)
def test_a_clock_that_timedated_knows(
    machine: Machine, command: Command, script: str, level: str, told: str
) -> None:
    """Else timedatectl is asked, in the words that scripts can rely on."""
    command("timedatectl", f'[ "$*" = "show -p NTPSynchronized --value" ] && {script}')
    found, said = level_and_text(check_clock(machine))
    assert (found, told in said) == (level, True)


def test_a_clock_of_the_past(machine: Machine, write: Write) -> None:
    """A time before the installation is wrong, whatever NTP did."""
    write("/run/systemd/timesync/synchronized", "")
    level, said = level_and_text(check_clock(replace(machine, now=lambda: 0.0)))
    assert (level, said.startswith("1970-01-01 00:00 UTC, but digitcam")) == ("failure", True)


HEALTHY = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "SubState": "running",
    "Result": "success",
    "UnitFileState": "enabled",
    "NRestarts": "0",
    "StatusText": "10.0 frames/s, 2 = two lines",
}


@pytest.mark.parametrize(
    ("changes", "level", "told"),
    [
        ({}, "ok", "active (running), enabled, 0 restarts: 10.0 frames/s, 2 = two lines"),
        ({"LoadState": "not-found"}, "ok", "is not installed"),
        ({"NRestarts": "3"}, "warning", "3 restarts"),
        ({"ActiveState": "activating", "SubState": "auto-restart"}, "warning", "journalctl -u"),
        ({"ActiveState": "inactive", "SubState": "dead"}, "warning", "enable --now"),
        ({"UnitFileState": "disabled"}, "warning", "enable --now"),
        (
            {"ActiveState": "failed", "SubState": "failed", "Result": "watchdog"},
            "failure",
            "it ended by watchdog; journalctl -u digitcam",
        ),
    ],
)
def test_the_service(
    machine: Machine, command: Command, changes: dict[str, str], level: str, told: str
) -> None:
    """What systemd says of the service is judged, with its own status line."""
    lines = "\n".join(f"{key}={value}" for key, value in (HEALTHY | changes).items())
    command("systemctl", f"/bin/cat <<'END'\n{lines}\nEND")
    found, said = level_and_text(check_service(machine))
    assert (found, told in said) == (level, True), said


@pytest.mark.parametrize("installed", [False, True])
def test_no_systemd(machine: Machine, command: Command, installed: bool) -> None:
    """In a container, with or without the command, there is no service to judge."""
    if installed:
        command("systemctl", "echo 'System has not been booted with systemd' >&2; exit 1")
    assert level_and_text(check_service(machine))[0] == "ok"


# --- all of it -------------------------------------------------------------------------------


def doctor(*arguments: object) -> "subprocess.CompletedProcess[str]":
    start = "import sys; from digitcam.edge.cli.doctor import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", start, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings of a camera that every machine has."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    cv2.imwrite(str(pictures / "a.png"), np.zeros((8, 8), np.uint8))
    path = tmp_path / "digitcam.toml"
    path.write_text(f'[camera]\nsource = "replay:{pictures}"\n')
    return path


def test_the_text(config: Path) -> None:
    """A line a check, in order, what to do indented below, and a status that fits."""
    done = doctor("--config", config)
    lines = done.stdout.splitlines()
    findings = [line for line in lines if not line.startswith(" ")]
    assert [line.split()[1].rstrip(":") for line in findings] == CHECKS
    assert {line.split()[0] for line in findings} <= {"ok", "warning", "failure"}
    assert all(line.startswith("         ") for line in lines if line not in findings)
    assert done.returncode == any(line.startswith("failure") for line in findings)
    assert done.stderr == ""


def test_the_json(config: Path) -> None:
    """The same, an object a line with exactly the documented keys."""
    done = doctor("--json", "--config", config)
    findings = [json.loads(line) for line in done.stdout.splitlines()]
    assert [finding["name"] for finding in findings] == CHECKS
    for finding in findings:
        assert list(finding) == ["name", "level", "found", "remedy"]
        level_and_text(Finding(**finding))
    assert done.returncode == any(finding["level"] == "failure" for finding in findings)


def test_wrong_settings_fail(tmp_path: Path, capsys: Capture) -> None:
    """What hangs on the settings is not guessed at; the machine is still examined."""
    path = tmp_path / "digitcam.toml"
    path.write_text("colour = 1\n")
    assert main(["--json", "--config", str(path)]) == 1
    findings = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (findings[0]["level"], findings[0]["name"]) == ("failure", "settings")
    dependent = {"model", "runtime", "camera", "groups", "disk"}
    assert [f["name"] for f in findings[1:]] == [
        name for name in CHECKS[1:] if name not in dependent
    ]


def test_a_healthy_pi(
    machine: Machine, config: Path, write: Write, command: Command, pi: None
) -> None:
    """Where all is well every check says so."""
    write("/proc/meminfo", MEMORY.format(400_000, 262_144))
    write("/sys/class/thermal/thermal_zone0/temp", "51000\n")
    command("vcgencmd", "echo throttled=0x0")
    command("timedatectl", "echo yes")
    lines = "\n".join(f"{key}={value}" for key, value in HEALTHY.items())
    command("systemctl", f"/bin/cat <<'END'\n{lines}\nEND")
    findings = list(examine(config, machine))
    assert [finding.name for finding in findings] == CHECKS
    assert {finding.level for finding in findings} == {"ok"}, findings


@pytest.mark.parametrize(
    ("arguments", "status"), [(["--colour"], 2), (["--help"], 0), (["--version"], 0)]
)
def test_usage(arguments: list[str], status: int, capsys: Capture) -> None:
    """Wrong usage ends with 2; help tells of the output and the statuses."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == status
    out, _ = capsys.readouterr()
    assert ("name, level, found and remedy" in " ".join(out.split())) == (arguments == ["--help"])


def test_a_reader_that_has_seen_enough(config: Path) -> None:
    """A closed pipe ends the command quietly."""
    reader, writer = os.pipe()
    os.close(reader)
    start = "import sys; from digitcam.edge.cli.doctor import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", start, "--config", str(config)],
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=120,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_an_interrupt(config: Path, module: Module) -> None:
    """Ctrl-C ends it with 130 and leaves no process behind."""
    module("ai_edge_litert/interpreter.py", "import time\ntime.sleep(60)")
    module("tflite_runtime/interpreter.py", "import time\ntime.sleep(60)")
    start = "import sys; from digitcam.edge.cli.doctor import main; sys.exit(main())"
    with subprocess.Popen(
        [sys.executable, "-c", start, "--config", str(config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as done:
        assert done.stdout is not None
        assert done.stdout.readline().startswith(b"ok       settings")
        assert done.stdout.readline().startswith(b"ok       model")
        time.sleep(0.3)
        done.send_signal(signal.SIGINT)
        assert done.wait(40) == 130
        assert done.stderr is not None
        assert done.stderr.read() == b""
