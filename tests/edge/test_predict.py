"""`edge-predict`: what it prints, where, and the status that it ends with."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from digitcam.edge.annotate import UNTOLD_COLOUR
from digitcam.edge.cli.predict import main
from digitcam.edge.lock import CameraLock
from digitcam.edge.reading.recognize import Recognizer
from digitcam.train.scene import Scene

Predict = Callable[..., "subprocess.CompletedProcess[str]"]
Capture = pytest.CaptureFixture[str]


def blank(path: Path) -> Path:
    cv2.imwrite(str(path), np.full((240, 320), 210, np.uint8))
    return path


def broken(path: Path) -> Path:
    path.write_bytes(b"\xff\xd8\xff\xe0 no picture")
    return path


def complaint(stderr: str) -> str:
    """Return the one line on stderr, without the program's name."""
    assert stderr.startswith("edge-predict: ")
    assert stderr.endswith("\n")
    assert stderr.count("\n") == 1
    return stderr.removeprefix("edge-predict: ").rstrip("\n")


def indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())


# --- what is printed -------------------------------------------------------------------------


def test_the_text(note: Path, text: str, capsys: Capture) -> None:
    """The file's name and the digits line by line."""
    assert main([str(note)]) == 0
    assert capsys.readouterr() == (f"{note}:\n{indented(text)}", "")


def test_a_blank_page_has_no_digits(tmp_path: Path, capsys: Capture) -> None:
    """Nothing written is no failure."""
    path = blank(tmp_path / "blank.png")
    assert main([str(path)]) == 0
    assert capsys.readouterr() == (f"{path}: no digits\n", "")


def test_the_json(note: Path, rows: tuple[str, ...], capsys: Capture) -> None:
    """One object on one line, with exactly the documented keys and types."""
    assert main(["--json", str(note)]) == 0
    out, err = capsys.readouterr()
    assert (out.count("\n"), err) == (1, "")
    found = json.loads(out)
    keys = ["source", "width", "height", "text", "lines", "rejected", "timing_ms", "model"]
    assert list(found) == keys
    assert (found["source"], found["width"], found["height"]) == (str(note), 640, 480)
    assert found["text"] == "\n".join(rows)
    assert type(found["rejected"]) is int
    assert re.fullmatch("sha256:[0-9a-f]{64}", found["model"])
    assert list(found["timing_ms"]) == ["decode", "segment", "classify", "total"]
    assert all(type(ms) is float for ms in found["timing_ms"].values())
    assert [line["text"] for line in found["lines"]] == list(rows)
    for line in found["lines"]:
        assert list(line) == ["text", "confidence", "box", "digits"]
        assert line["confidence"] == min(digit["confidence"] for digit in line["digits"])
        assert line["text"] == "".join(str(digit["digit"]) for digit in line["digits"])
        for part in (line, *line["digits"]):
            assert type(part["confidence"]) is float
            assert 0 <= part["confidence"] <= 1
            assert [type(side) for side in part["box"]] == [int] * 4
        for digit in line["digits"]:
            assert list(digit) == ["digit", "confidence", "box"]
            assert type(digit["digit"]) is int


def test_a_digit_in_doubt(note: Path, doubt: tuple[float, str], capsys: Capture) -> None:
    """`--min-confidence` turns it into `?`, in JSON null with the two likeliest digits."""
    threshold, text = doubt
    assert main(["--min-confidence", str(threshold), str(note)]) == 0
    assert capsys.readouterr() == (f"{note}:\n{indented(text)}", "")
    assert main(["--min-confidence", str(threshold), "--json", str(note)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["text"] == text
    digits = [digit for line in found["lines"] for digit in line["digits"]]
    (untold,) = (digit for digit in digits if digit["digit"] is None)
    assert list(untold) == ["digit", "confidence", "box", "likeliest"]
    assert [list(each) for each in untold["likeliest"]] == [["digit", "confidence"]] * 2
    assert untold["likeliest"][0]["confidence"] == untold["confidence"] < threshold
    assert all("likeliest" not in digit for digit in digits if digit is not untold)


def test_the_json_of_a_blank_page(tmp_path: Path, capsys: Capture) -> None:
    """No digits are an empty text and an empty list."""
    assert main(["--json", str(blank(tmp_path / "blank.png"))]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["text"], found["lines"], found["rejected"]) == ("", [], 0)


def test_a_name_that_is_no_text(predict: Predict, note: Path, text: str, tmp_path: Path) -> None:
    """A file whose name cannot be encoded is read, and named with escapes."""
    odd = os.fsdecode(b"note-\xff.png")
    note.rename(tmp_path / odd)
    done = predict(odd)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "note-\\udcff.png:\n" + indented(text)


# --- where pictures come from ----------------------------------------------------------------


def test_stdin(predict: Predict, note: Path, text: str) -> None:
    """A dash reads the picture from stdin."""
    done = predict("-", stdin=note.read_bytes())
    assert (done.returncode, done.stdout, done.stderr) == (0, f"stdin:\n{indented(text)}", "")


def test_empty_stdin(predict: Predict) -> None:
    """Nothing on stdin is one line."""
    done = predict("-")
    assert (done.returncode, done.stdout) == (1, "")
    assert "found an empty file" in complaint(done.stderr)


def test_closed_stdin(start: list[str]) -> None:
    """A service started without stdin is told so."""
    command = ["sh", "-c", '"$@" - <&-', "sh", *start]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert complaint(done.stderr).startswith("stdin: expected an image, found it closed")


def test_a_directory(note: Path, text: str, tmp_path: Path, capsys: Capture) -> None:
    """All images in a directory are read in order of their names, and nothing else there."""
    folder = tmp_path / "folder"
    (folder / "within.png").mkdir(parents=True)
    (folder / "truth.json").write_text("{}")
    blank(folder / "a.PNG")
    note.rename(folder / "b.png")
    assert main([str(folder)]) == 0
    out = f"{folder / 'a.PNG'}: no digits\n{folder / 'b.png'}:\n{indented(text)}"
    assert capsys.readouterr() == (out, "")


def test_a_directory_without_images(tmp_path: Path, capsys: Capture) -> None:
    """A directory without images is one line that names what was looked for."""
    assert main([str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert complaint(err).startswith(f"{tmp_path}: expected images (.bmp .dib ")


def test_a_bad_image_does_not_stop_the_others(note: Path, tmp_path: Path, capsys: Capture) -> None:
    """What cannot be read is one line on stderr, the rest is read, and the status is 1."""
    names = [blank(tmp_path / "a.png"), broken(tmp_path / "b.jpg"), tmp_path / "none.jpg", note]
    assert main(["--json", *map(str, names)]) == 1
    out, err = capsys.readouterr()
    assert [json.loads(line)["source"] for line in out.splitlines()] == [str(names[0]), str(note)]
    for line, name in zip(err.splitlines(keepends=True), names[1:3], strict=True):
        assert complaint(line).startswith(f"{name}: ")


def test_a_name_that_no_file_can_have(note: Path, text: str, capsys: Capture) -> None:
    """A name longer than the system allows is one line, and the next image is read."""
    assert main([str(note.with_name("x" * 300)), str(note)]) == 1
    out, err = capsys.readouterr()
    assert out == f"{note}:\n{indented(text)}"
    assert "cannot be read: File name too long" in complaint(err)


# --- errors ----------------------------------------------------------------------------------


def failing(kind: str, folder: Path, note: Path, copy: Path) -> tuple[list[str], str]:
    """Return arguments that cannot work, and what the line must say."""
    if kind == "missing":
        return [str(folder / "none.png")], "none.png: cannot be read: No such file or directory"
    if kind == "empty":
        (folder / "empty.png").touch()
        return [str(folder / "empty.png")], "empty.png: expected a JPEG, PNG, BMP, WebP or TIFF"
    if kind == "truncated":
        (folder / "cut.png").write_bytes(note.read_bytes()[:5000])
        return [str(folder / "cut.png")], "cut.png: PNG is cut short"
    if kind == "no bundle":
        return ["--model", str(folder / "none"), str(note)], "none.tflite: expected a model bundle"
    if kind == "damaged bundle":
        Path(f"{copy}.tflite").write_bytes(b"damaged")
        return ["--model", str(copy), str(note)], "copy.tflite: sha256 must be"
    if kind == "no settings":
        return ["--config", str(folder), str(note)], "expected a settings file, cannot read it"
    (folder / "mine.toml").write_text("colour = 1")
    return [
        "--config",
        str(folder / "mine.toml"),
        str(note),
    ], "mine.toml: line 1: unknown setting colour"


@pytest.mark.parametrize(
    "kind",
    ["missing", "empty", "truncated", "no bundle", "damaged bundle", "no settings", "settings"],
)
def test_an_error_is_one_line(
    kind: str, tmp_path: Path, note: Path, bundle_copy: Path, capsys: Capture
) -> None:
    """Whatever is wrong, stderr has one line, stdout nothing, and the status is 1."""
    arguments, said = failing(kind, tmp_path, note, bundle_copy)
    assert main(arguments) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert said in complaint(err)


def test_native_libraries_say_nothing(predict: Predict, page: Scene, tmp_path: Path) -> None:
    """What libjpeg and the runtime print by themselves does not reach stderr."""
    jpeg = bytearray(cv2.imencode(".jpg", page.image)[1].tobytes())
    jpeg[len(jpeg) // 2 : len(jpeg) // 2 + 400] = b"\x55" * 400
    (tmp_path / "dented.jpg").write_bytes(jpeg)
    done = predict("dented.jpg")
    assert done.stdout.startswith("dented.jpg:")
    assert (done.returncode, done.stderr) == (0, "")


def test_debug_shows_the_traceback(predict: Predict) -> None:
    """Who asks sees where an error comes from; who does not sees no traceback."""
    loud, quiet = predict("--debug", "none.png"), predict("none.png")
    assert (loud.returncode, quiet.returncode) == (1, 1)
    assert "Traceback (most recent call last):" in loud.stderr
    assert "digitcam.edge.errors.ImageError: none.png: cannot be read" in loud.stderr
    assert complaint(quiet.stderr).startswith("none.png: cannot be read")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "expected images or --camera, found none"),
        (["a.png", "--camera", "picamera2"], "expected images or --camera, found both"),
        (["--min-confidence", "1.5", "a.png"], "expected a number from 0 to 1, found '1.5'"),
        (["--min-confidence", "nan", "a.png"], "expected a number from 0 to 1, found 'nan'"),
        (["--min-confidence", "much", "a.png"], "expected a number from 0 to 1, found 'much'"),
        (["--runtime", "onnx", "a.png"], "argument --runtime: invalid choice: 'onnx'"),
        (["--annotate", "out.png", "a.png", "b.png"], "--annotate takes one image, found 2"),
        (["--annotate", "out.txt", "a.png"], "--annotate: expected a name like OUT.png, found"),
        (["--colour", "a.png"], "unrecognized arguments: --colour"),
    ],
)
def test_wrong_usage(arguments: list[str], said: str, capsys: Capture) -> None:
    """What cannot be meant ends with the usage and status 2."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    out, err = capsys.readouterr()
    assert (caught.value.code, out) == (2, "")
    assert err.startswith("usage: edge-predict ")
    assert said in err.splitlines()[-1]


@pytest.mark.parametrize(
    ("option", "said"), [("--help", "usage: edge-predict"), ("--version", "digitcam ")]
)
def test_help_and_version(option: str, said: str, capsys: Capture) -> None:
    """Both print and end with 0."""
    with pytest.raises(SystemExit) as caught:
        main([option])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith(said)


# --- options ---------------------------------------------------------------------------------


def test_flags_override_the_settings_file(note: Path, tmp_path: Path, capsys: Capture) -> None:
    """A flag wins over the file, which wins over the model's own threshold; no digit goes."""
    config = tmp_path / "mine.toml"
    config.write_text("min_confidence = 1.0")
    arguments = ["--json", "--config", str(config), str(note)]
    told = []
    for more in ([], ["--min-confidence", "0"]):
        assert main([*more, *arguments]) == 0
        reading = json.loads(capsys.readouterr().out)
        digits = [digit for line in reading["lines"] for digit in line["digits"]]
        assert len(digits) == 13
        told.append(sum(digit["digit"] is not None for digit in digits))
    assert told == [0, 13]


def test_another_bundle(note: Path, bundle_copy: Path, text: str, capsys: Capture) -> None:
    """The model may lie anywhere."""
    assert main(["--model", str(bundle_copy), str(note)]) == 0
    assert capsys.readouterr().out == f"{note}:\n{indented(text)}"


# --- one frame of a camera -------------------------------------------------------------------


def test_one_frame_of_a_camera(note: Path, text: str, tmp_path: Path, capsys: Capture) -> None:
    """A frame is taken, read and drawn as a picture is; the source may be named in the settings."""
    out = tmp_path / "seen.png"
    source = f"replay:{note.parent}"
    assert main(["--camera", source, "--annotate", str(out)]) == 0
    assert capsys.readouterr() == (f"{source}:\n{indented(text)}", "")
    assert out.exists()
    config = tmp_path / "mine.toml"
    config.write_text(f'[camera]\nsource = "{source}"\n')
    out.unlink()
    assert main(["--camera", "--config", str(config), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["text"] == text


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("replay:nowhere", "replay:nowhere: expected a directory of pictures"),
        ("webcam", "camera.source: expected picamera2[:N]"),
    ],
)
def test_a_camera_that_cannot_be_had(source: str, says: str, capsys: Capture) -> None:
    """It is one line and a failure."""
    assert main(["--camera", source]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert complaint(err).startswith(says)


def test_a_camera_that_another_process_holds(predict: Predict, tmp_path: Path) -> None:
    """Who holds it is told, with what to do."""
    with CameraLock("v4l2:/dev/video7"):
        done = predict("--camera", "v4l2:/dev/video7")
    assert done.returncode == 1
    said = complaint(done.stderr)
    assert said.startswith(
        f"v4l2:/dev/video7: expected a free camera, it is held by process {os.getpid()}"
    )
    assert "systemctl stop digitcam" in said


# --- annotated pictures ----------------------------------------------------------------------


def test_the_annotated_picture(note: Path, tmp_path: Path, capsys: Capture) -> None:
    """The picture is written in full size, in colour where digits are, and nothing beside it."""
    out = tmp_path / "out"
    out.mkdir()
    path = out / "reading.png"
    path.write_bytes(b"an older one")
    assert main(["--annotate", str(path), str(note)]) == 0
    assert capsys.readouterr().err == ""
    picture = cv2.imread(str(path))
    assert picture is not None
    assert picture.shape == (480, 640, 3)
    assert (picture.max(axis=2) != picture.min(axis=2)).any()
    assert list(out.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) & 0o444 == 0o444


def test_what_cannot_be_told_has_a_colour_of_its_own(
    note: Path, doubt: tuple[float, str], tmp_path: Path, capsys: Capture
) -> None:
    """Its box and question mark are drawn in it, over the digit, and nothing else is."""
    path = tmp_path / "reading.png"
    assert main(["--annotate", str(path), str(note)]) == 0
    told = cv2.imread(str(path))
    assert told is not None
    assert not (told == UNTOLD_COLOUR).all(axis=2).any()
    capsys.readouterr()
    options = ["--json", "--min-confidence", str(doubt[0]), "--annotate", str(path)]
    assert main([*options, str(note)]) == 0
    picture = cv2.imread(str(path))
    assert picture is not None
    lines = json.loads(capsys.readouterr().out)["lines"]
    (box,) = (d["box"] for line in lines for d in line["digits"] if d["digit"] is None)
    x, y, width, height = box
    drawn = np.argwhere((picture == UNTOLD_COLOUR).all(axis=2))
    rows, columns = drawn.T
    assert (columns.min(), columns.max()) == (x - 2, x + width + 1)
    assert rows.max() == y + height + 1
    assert rows.min() < y - 5


@pytest.mark.parametrize(
    ("folder", "why"), [("none", "No such file or directory"), ("note.png", "Not a directory")]
)
def test_a_place_that_cannot_be_written(
    note: Path, text: str, folder: str, why: str, tmp_path: Path, capsys: Capture
) -> None:
    """The reading is printed all the same, and the picture's failure is one line."""
    path = tmp_path / folder / "reading.png"
    assert main(["--annotate", str(path), str(note)]) == 1
    out, err = capsys.readouterr()
    assert out == f"{note}:\n{indented(text)}"
    assert complaint(err).startswith(f"{path}: cannot write the annotated picture: {why}; ")


KILLED = """
import sys
from pathlib import Path
from digitcam.edge.cli.predict import write_annotated
from digitcam.edge import Recognizer
recognizer = Recognizer()
frame = recognizer.frame(sys.argv[1])
reading = recognizer.read_frame(frame)
print("ready", flush=True)
while True:
    write_annotated(Path(sys.argv[2]), frame, reading)
"""


def test_a_kill_leaves_a_whole_picture(note: Path, tmp_path: Path) -> None:
    """However often the writer is killed, the file under the final name is complete."""
    path = tmp_path / "reading.png"
    for wait in (0.013, 0.031, 0.057):
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, str(note), str(path)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            while not path.exists():
                time.sleep(0.001)
            time.sleep(wait)
            writer.send_signal(signal.SIGKILL)
        assert Recognizer().frame(path).luma.shape == (480, 640)


# --- pipes -----------------------------------------------------------------------------------


def test_a_closed_pipe_is_no_traceback(start: list[str], note: Path) -> None:
    """A reader that has seen enough, such as head, ends the command quietly."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [*start, *[str(note)] * 3],
            stdout=writer,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_line(start: list[str], note: Path) -> None:
    """A reading that cannot be written is a failure with the system's reason."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*start, str(note)], stdout=full, stderr=subprocess.PIPE, timeout=60, check=False
        )
    assert done.returncode == 1
    assert complaint(done.stderr.decode()).startswith("stdout: cannot write the reading: No space")


def test_the_console_script_is_installed(note: Path, text: str) -> None:
    """The command stands beside the interpreter that it was installed for."""
    script = Path(sys.executable).with_name("edge-predict")
    if not script.exists():
        pytest.skip(f"{script} is not installed")
    done = subprocess.run([script, note], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{note}:\n{indented(text)}", "")
