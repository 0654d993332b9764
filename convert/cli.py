"""``digitcam-convert``: from a training run to a verified bundle."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from digitcam.edge.errors import EdgeError
from digitcam.train.data import DATA_VARIABLE, DigitData, load_digits
from digitcam.train.errors import TrainError

from .checks import MAX_GAP_POINTS, Figures
from .convert import check, convert
from .errors import ConvertError

PROGRAM = "digitcam-convert"
INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


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
    parser.add_argument(
        "--data",
        metavar="PATH",
        type=Path,
        help=f"mnist.npz, or a folder with it or the IDX files (default: ${DATA_VARIABLE}, "
        "and without that a download)",
    )
    parser.add_argument(
        "--max-gap",
        metavar="POINTS",
        type=points,
        help="how far the accuracy of int8 may be from that of float, 0 to 100 percentage points "
        f"(default: {MAX_GAP_POINTS}; --check takes what the bundle was made with)",
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of a failure")
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
    try:
        _print_figures(_run(arguments))
    except (ConvertError, TrainError, EdgeError, OSError) as error:
        return _fail(str(error), arguments.debug)
    except KeyboardInterrupt:
        _fail("interrupted", arguments.debug)
        return INTERRUPTED
    except Exception as error:
        return _fail(
            f"unexpected {type(error).__name__}: {error}; --debug shows where", arguments.debug
        )
    return 0


def _run(arguments: argparse.Namespace) -> Figures:
    def load() -> DigitData:
        return load_digits(arguments.data)

    if arguments.check:
        return check(arguments.check, load, _say)
    max_gap = MAX_GAP_POINTS if arguments.max_gap is None else arguments.max_gap
    return convert(arguments.run, arguments.out, load, _say, max_gap)


def points(text: str) -> float:
    """Parse percentage points, 0 to 100."""
    value = float(text)
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"must be from 0 to 100, found {text}")
    return value


def _print_figures(figures: Figures) -> None:
    for name, value in figures.as_dict().items():
        sys.stdout.write(f"{name}: {value}\n")


def _say(message: str) -> None:
    sys.stderr.write(f"{message}\n")


def _fail(message: str, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    _say(f"{PROGRAM}: {message}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
