"""The command ``edge-predict``: reads the digits in pictures."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import cv2

from ..annotate import draw_reading
from ..decode import MAX_BYTES, SUFFIXES, pictures_in
from ..errors import ImageError
from ..files import write_whole
from ..frame import Frame, Reading
from ..lock import CameraLock
from ..reading.recognize import Recognizer
from ..settings import RUNTIMES, CameraSettings, Settings
from ..settings_file import load_settings
from ..sources import FORMS, source_of
from .common import add_common, complain, native_lines_hidden, print_all, probability, run_command

COMMAND = "edge-predict"
STDIN = "-"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``edge-predict``."""
    parser = argparse.ArgumentParser(
        prog=COMMAND, description="Read the handwritten digits in pictures."
    )
    add = parser.add_argument
    add("images", nargs="*", metavar="IMAGE", help="image, directory of images, or - for stdin")
    add(
        "--camera",
        nargs="?",
        const="",
        metavar="SOURCE",
        help=f"read one frame of a camera instead: {FORMS} (default: as the settings say)",
    )
    add("--json", action="store_true", help="one JSON object a line an image")
    add("--annotate", type=Path, metavar="OUT.png", help="draw the reading of the one image here")
    add(
        "--model",
        metavar="BUNDLE",
        help="model bundle, or the name of one that ships (default: as the settings say, digits)",
    )
    add(
        "--min-confidence",
        type=probability,
        metavar="P",
        help="digits less certain than this, 0 to 1, become ?, and belong to no number where they "
        "stand alone (default: the model's own threshold)",
    )
    add("--config", type=Path, metavar="FILE", help="settings file, TOML (default: none)")
    add("--runtime", choices=RUNTIMES, help="TFLite runtime (default: auto, the fastest there is)")
    add_common(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``edge-predict``; 0 ok, 1 something could not be read, 2 wrong usage."""
    parser = build_parser()
    options = parser.parse_args(argv)
    if options.annotate and options.annotate.suffix.lower() not in SUFFIXES:
        parser.error(f"--annotate: expected a name like OUT.png, found {options.annotate}")
    if bool(options.images) == (options.camera is not None):
        parser.error("expected images or --camera, found " + ("both" if options.images else "none"))
    return run_command(COMMAND, options.debug, lambda: _predict(options, parser))


def _predict(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    settings = load_settings(options.config) if options.config else Settings()
    if options.runtime:
        settings = replace(settings, runtime=options.runtime)
    if options.min_confidence is not None:
        settings = replace(settings, min_confidence=options.min_confidence)
    camera = replace(settings.camera, source=options.camera or settings.camera.source)
    settings = replace(settings, model=options.model or settings.model, camera=camera)
    settings.check()
    attempt = _Attempt(options.debug)
    sources: list[str | Path] = []
    for name in options.images:
        with attempt:
            sources += [name] if name == STDIN else _images(Path(name))
    if options.annotate and len(sources) > 1:
        parser.error(f"--annotate takes one image, found {len(sources)}")
    cv2.setNumThreads(settings.threads)
    with native_lines_hidden(options.debug):
        recognizer = Recognizer(settings.model, settings)
    if options.camera is not None:
        _read_camera(recognizer, camera, options)
    for source in sources:
        with attempt:
            _read_one(recognizer, source, options)
    return int(attempt.failed)


class _Attempt:
    """Context whose bad images are told of and remembered, so that the next are still read."""

    def __init__(self, debug: bool) -> None:
        self.failed = False
        self._debug = debug

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if self._debug or not isinstance(error, ImageError):
            return False
        self.failed = True
        complain(COMMAND, error)
        return True


def _images(path: Path) -> list[Path]:
    """Return the images in a directory, or the path if it is none."""
    try:
        if not path.is_dir():
            return [path]
        files = pictures_in(path)
    except OSError as error:
        raise ImageError(
            f"{path}: cannot be read: {error.strerror}; check the path and its permissions"
        ) from error
    if not files:
        raise ImageError(
            f"{path}: expected images ({' '.join(sorted(SUFFIXES))}), found a directory "
            "without any; name the files if theirs have other suffixes"
        )
    return files


def _read_one(recognizer: Recognizer, source: str | Path, options: argparse.Namespace) -> None:
    start = perf_counter()
    with native_lines_hidden(options.debug):
        frame = recognizer.frame(_stdin() if source == STDIN else source)
        reading = recognizer.read_frame(frame, decode_ms=(perf_counter() - start) * 1e3)
    _tell("stdin" if source == STDIN else str(source), frame, reading, options)


def _tell(name: str, frame: Frame, reading: Reading, options: argparse.Namespace) -> None:
    print_all(_json(name, reading) if options.json else _text(name, reading))
    if options.annotate:
        write_annotated(options.annotate, frame, reading)


def _read_camera(
    recognizer: Recognizer, settings: CameraSettings, options: argparse.Namespace
) -> None:
    source = source_of(settings)
    lock = CameraLock(source.name) if source.exclusive else nullcontext()
    start = perf_counter()
    with (
        native_lines_hidden(options.debug),
        lock,
        source,
        source.frame(settings.timeout_s) as taken,
    ):
        frame = recognizer.frame(taken.luma.copy())
    reading = recognizer.read_frame(frame, decode_ms=(perf_counter() - start) * 1e3)
    _tell(source.name, frame, reading, options)


def _stdin() -> bytes:
    if sys.stdin is None:
        raise ImageError("stdin: expected an image, found it closed; name a file or pipe one in")
    content = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ImageError(f"stdin: expected an image of at most {MAX_BYTES >> 20} MiB, found more")
    return content


def write_annotated(path: Path, frame: Frame, reading: Reading) -> None:
    """Write the annotated picture atomically, in the format of the path's suffix.

    Raises:
        ImageError: It cannot be written there.
    """
    encoded = cv2.imencode(path.suffix, draw_reading(frame, reading))[1].tobytes()
    try:
        write_whole(path, encoded)
    except OSError as error:
        raise ImageError(
            f"{path}: cannot write the annotated picture: {error.strerror}; choose another place"
        ) from error


def _json(name: str, reading: Reading) -> str:
    return json.dumps({"source": name, **reading.as_dict()})


def _text(name: str, reading: Reading) -> str:
    if not reading.lines:
        return f"{name}: no digits"
    return f"{name}:\n" + "\n".join(f"  {line.text}" for line in reading.lines)
