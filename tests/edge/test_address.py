"""Addresses in messages: no character of a password, whatever it is made of."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitcam.edge.address import shown, without_secrets
from digitcam.edge.doctor import Machine
from digitcam.edge.doctor.camera import check_camera
from digitcam.edge.errors import EdgeError, SettingsError
from digitcam.edge.processes import command_line
from digitcam.edge.settings import CameraSettings, Settings
from digitcam.edge.sources import source_of

SECRET = "Xq7Zw"
"""In no message by chance."""
ANY = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        (f"rtsp://admin:{SECRET}@camera:554/a", "rtsp://***@camera:554/a"),
        (f"http://{SECRET}@camera/a.mjpg?x=1", "http://***@camera/a.mjpg?***"),
        (f"http://camera/a.cgi?user=a&pwd={SECRET}#b", "http://camera/a.cgi?***"),
        (f"http://a:{SECRET}@x@[::1]:80/a", "http://***@[::1]:80/a"),
        (f"http://a:{SECRET}#@camera/a", "http://***"),
        (f"http://camera/a?mail=a@{SECRET}", "http://***"),
        (f"rtsp://camera/user=a_password={SECRET}_channel=1.sdp", "rtsp://camera/user=***"),
        (f"http:/a:{SECRET}@camera/a", "***"),
        (f" http://a:{SECRET}@camera/a", "***://***@camera/a"),
        (f"video:http://a:{SECRET}@camera/a", "video:http://***@camera/a"),
        ("HTTP://camera/", "HTTP://camera/"),
        ("http://[::1", "http://[::1"),
        ("note?.mp4", "note?.mp4"),
        ("/home/a@b/12.mp4", "/home/a@b/12.mp4"),
    ],
)
def test_what_is_shown(url: str, wanted: str) -> None:
    """User, password and query of a URL stay out; paths of files are kept."""
    assert without_secrets(url) == wanted
    assert without_secrets(wanted) == wanted


@given(before=ANY, after=ANY, user=ANY, kind=st.sampled_from(["video", "replay", "v4l2", "", "x"]))
def test_no_password_is_told(before: str, after: str, user: str, kind: str) -> None:
    """Not by a source's name, an error, the settings or edge-doctor, with any character in it."""
    url = f"http://{user}:{before}{SECRET}{after}@127.0.0.1:9/stream"
    source = f"{kind}:{url}" if kind else url
    camera = CameraSettings(source=source)
    assert SECRET not in shown(source) + shown([source]) + shown({"source": source})
    try:
        Settings(camera=camera).check()
        assert SECRET not in source_of(camera).name
    except EdgeError as error:
        assert SECRET not in str(error)
    with pytest.raises(SettingsError) as caught:
        Settings(camera=replace(camera, width=source)).check()  # type: ignore[arg-type]
    assert SECRET not in str(caught.value)


@given(secret=ANY, mark=st.sampled_from("?="))
def test_no_token_is_told(secret: str, mark: str) -> None:
    """Nor what stands in a query, or behind a = in a path."""
    assert SECRET not in without_secrets(f"http://camera/a{mark}{secret}{SECRET}")


@pytest.mark.parametrize("password", ["p#w", "p?w", "p/w", "p@w", "p:w", "#", "1#1"])
@pytest.mark.parametrize("kind", ["video", "replay"])
def test_the_doctor_tells_no_password(password: str, kind: str) -> None:
    """It says what to write instead where it cannot tell the host from the password."""
    camera = CameraSettings(source=f"{kind}:http://Xq:{password}Zw@127.0.0.1:9/x")
    finding = check_camera(Settings(camera=camera), Machine())
    assert finding.level == "failure"
    assert "Xq" not in finding.as_text()
    assert "Zw" not in finding.as_text()


def test_a_process_that_was_given_a_password() -> None:
    """The line that names a process has no password of its arguments."""
    url = f"--source=video:http://a:{SECRET}#1@127.0.0.1:9/x"
    wait = "import sys; print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", wait, url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = command_line(process.pid)
        process.communicate()
    assert "sys.stdin.read()" in found
    assert SECRET not in found


@pytest.mark.parametrize("password", ["p#w", "p?w", "p/w", "p@w"])
def test_a_command_tells_no_password(password: str) -> None:
    """What edge-predict prints, and what its libraries print, holds nothing of it."""
    start = "import sys; from digitcam.edge.cli.predict import main; sys.exit(main())"
    url = f"video:http://Xq:{password}Zw@127.0.0.1:9/x"
    command = [sys.executable, "-c", start, "--camera", url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "Xq" not in done.stdout + done.stderr
    assert "Zw" not in done.stdout + done.stderr
