"""The command ``digitcam-weigh``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from .common import add_common, add_sources, require_packages, run_command, say, whole

COMMAND = "digitcam-weigh"
NEEDED = ("sklearn",)
PAGES = 800


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``digitcam-weigh``."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description="Fit how a bundle weighs what a mark shows against what stands beside it, "
        "and from which confidence a digit is told, on rendered pages by hands and on photographs "
        "of numbers that its network did not learn from. Writes both into the bundle's sidecar.",
    )
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="with or without .tflite")
    parser.add_argument(
        "--strings", default="strings", metavar="BUNDLE", help="that reads words (%(default)s)"
    )
    parser.add_argument(
        "--photographs",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="what the hands are made of, see CONTRIBUTING.md",
    )
    parser.add_argument(
        "--pages", type=whole(10, 100_000), default=PAGES, metavar="N", help="(%(default)s)"
    )
    add_sources(parser)
    add_common(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Weigh; 0 ok, 1 failure, 2 usage."""
    options = build_parser().parse_args(argv)
    return run_command(COMMAND, options.debug, lambda: _weigh(options))


def _weigh(options: argparse.Namespace) -> int:
    require_packages(NEEDED, "weighing")
    import cv2

    from digitcam.edge import Recognizer
    from digitcam.edge.settings import Settings

    from ..weigh import left_out, weigh, without_weights, write_weights

    cv2.setNumThreads(1)
    hands, numbers = left_out(
        options.photographs, options.without, optional=options.optional_sources
    )
    stem = options.bundle.with_suffix("")
    with TemporaryDirectory() as folder:
        recognizer = Recognizer(
            without_weights(stem, Path(folder)), Settings(strings=options.strings)
        )
    weighed = weigh(recognizer, hands, options.pages, numbers)
    write_weights(stem, weighed)
    say(
        f"{weighed.candidates} candidates on {weighed.pages} pages and {weighed.photographs} "
        f"photographs: told from {weighed.min_confidence:.2f}, {weighed.lost:.2%} of the digits "
        f"lost, {weighed.invented:.2%} invented, calibration error {weighed.calibration_error:.4f}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
