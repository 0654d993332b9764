"""``digitcam-convert``: from a training run to a verified bundle."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from digitcam.train.cli.common import add_common, add_data, require_packages, run_command, say
from digitcam.train.data import DigitData, load_digits

from .checks import MAX_GAP_POINTS, Figures
from .convert import check, convert
from .errors import ConvertError
from .strings import MAX_GAP_POINTS as MAX_STRING_GAP
from .strings import (
    StringFigures,
    check_strings,
    convert_strings,
    is_string_bundle,
    is_string_run,
)

PROGRAM = "digitcam-convert"
NEEDED = ("ai_edge_litert", "flatbuffers", "keras", "tensorflow")


def build_parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Quantize a trained network to int8, verify it on both TFLite runtimes and "
        "write the bundle that a device reads; or verify a bundle again.",
    )
    parser.add_argument("run", metavar="RUN", nargs="?", type=Path, help="folder of a training run")
    parser.add_argument(
        "--out",
        metavar="BUNDLE",
        type=Path,
        help="where NAME.tflite, NAME.json and NAME.md go, for example edge/models/digits",
    )
    parser.add_argument(
        "--check", metavar="BUNDLE", type=Path, help="repeat the checks on a bundle; write nothing"
    )
    add_data(parser)
    parser.add_argument(
        "--max-gap",
        metavar="POINTS",
        type=points,
        help="how far the accuracy of int8 may be from that of float, 0 to 100 percentage points "
        f"(default: {MAX_GAP_POINTS}, {MAX_STRING_GAP} of a reader of strings; --check takes what "
        "the bundle was made with)",
    )
    add_common(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return 0 if all went well, 1 on failure, 2 on wrong usage."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    if arguments.check and (arguments.run or arguments.out or arguments.max_gap is not None):
        parser.error("--check BUNDLE takes neither RUN nor --out nor --max-gap")
    if not arguments.check and not (arguments.run and arguments.out):
        parser.error("expected RUN and --out BUNDLE, or --check BUNDLE")
    if arguments.out and arguments.out.is_dir():
        parser.error(
            f"--out: expected a bundle's name, as in {arguments.out}/digits, found a folder"
        )
    return run_command(PROGRAM, arguments.debug, lambda: _run(arguments), base=ConvertError)


def _run(arguments: argparse.Namespace) -> int:
    for name, value in _figures(arguments).as_dict().items():
        print(f"{name}: {value}")
    return 0


def _figures(arguments: argparse.Namespace) -> Figures | StringFigures:
    def load() -> DigitData:
        return load_digits(arguments.data)

    if arguments.check:
        repeat = check_strings if is_string_bundle(arguments.check) else check
        return repeat(arguments.check, load, say)
    require_packages(NEEDED, "converting")
    strings = is_string_run(arguments.run)
    max_gap = arguments.max_gap
    if max_gap is None:
        max_gap = MAX_STRING_GAP if strings else MAX_GAP_POINTS
    return (convert_strings if strings else convert)(
        arguments.run, arguments.out, load, say, max_gap
    )


def points(text: str) -> float:
    """Parse percentage points, 0 to 100."""
    value = float(text)
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"must be from 0 to 100, found {text}")
    return value


if __name__ == "__main__":
    sys.exit(main())
