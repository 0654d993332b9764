"""The command ``digitcam-evaluate``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from digitcam.edge.cli.common import native_lines_hidden
from digitcam.edge.settings import RUNTIMES

from .common import (
    add_common,
    add_data,
    add_photographs,
    require_packages,
    run_command,
    say,
    whole,
)

if TYPE_CHECKING:
    from ..data import DigitData

COMMAND = "digitcam-evaluate"
NEEDED = ("matplotlib", "jinja2", "sklearn")
MAX_ERRORS = 1000


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``digitcam-evaluate``."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description="Measure a trained network, or a bundle as a device runs it, on MNIST's test "
        "digits through the device's crop: accuracy, precision, recall and F1 a class, confusion, "
        "reliability, coverage against error, the errors themselves, and what it looks at. Writes "
        "report.html, which needs no network to open, and metrics.json.",
    )
    add = parser.add_argument
    add(
        "subject",
        type=Path,
        metavar="SUBJECT",
        help="folder of a finished training; or a bundle, with or without .tflite; or the name of "
        "a shipped one, such as digits",
    )
    add("--out", type=Path, required=True, metavar="FOLDER", help="for report.html, metrics.json")
    add_data(parser)
    add_photographs(parser)
    add(
        "--errors",
        type=whole(0, MAX_ERRORS),
        default=40,
        metavar="N",
        help="errors of a kind that are shown (default: %(default)s)",
    )
    add(
        "--digits",
        type=whole(0),
        nargs="+",
        metavar="INDEX",
        help="test digits whose Grad-CAM and occlusion are shown (default: the worst errors, and "
        "a right one a class)",
    )
    add("--runtime", choices=RUNTIMES, help="of a bundle (default: auto, the fastest there is)")
    add_common(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``digitcam-evaluate``; 0 written, 1 failed, 2 wrong usage."""
    options = build_parser().parse_args(argv)
    return run_command(COMMAND, options.debug, lambda: _evaluate(options))


def _evaluate(options: argparse.Namespace) -> int:
    require_packages(NEEDED, "the report")
    from ..paper import load_paper
    from ..reports.evaluate import PAGE, check_chosen, write_evaluation
    from ..reports.page import make_folder
    from ..subject import open_subject

    with native_lines_hidden(options.debug):
        subject = open_subject(options.subject, options.runtime)
    data = _load_digits(options)
    check_chosen(options.digits, data)
    make_folder(options.out)
    paper = None
    if options.photographs:
        say("finding the marks in the photographs")
        paper = load_paper(options.photographs, "held-back")
    say("reading")
    numbers = write_evaluation(
        options.out, subject, data, paper, errors=options.errors, chosen=options.digits
    )
    print(f"accuracy among ten digits {numbers['mnist']['digit_accuracy']:.4f}")
    print(f"page {options.out / PAGE}")
    return 0


def _load_digits(options: argparse.Namespace) -> DigitData:
    from ..data import load_digits

    if options.data or options.subject.is_dir():
        return load_digits(options.data)
    # A download loads TensorFlow, which must not be loaded beside the runtime of a bundle.
    with (
        native_lines_hidden(options.debug),
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
    ):
        return pool.submit(load_digits).result()


if __name__ == "__main__":
    sys.exit(main())
