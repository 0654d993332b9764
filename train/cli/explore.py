"""The command ``digitcam-explore``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .common import (
    add_common,
    add_data,
    add_photographs,
    add_seed,
    require_packages,
    run_command,
    say,
    whole,
)

COMMAND = "digitcam-explore"
NEEDED = ("matplotlib", "jinja2")
MAX_SAMPLES = 100
"""A page's width leaves each of so many some ten px; the PNG files have them all."""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``digitcam-explore``."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description="Look at the data: classes, samples, pixels, means and spread, unusual images, "
        "duplicates, and what the network is shown of them, as PNG files and one HTML page that "
        "needs no network.",
    )
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="FOLDER", help="for page, pictures and numbers")
    add_data(parser)
    add_photographs(parser)
    add(
        "--samples",
        type=whole(1, MAX_SAMPLES),
        default=16,
        metavar="N",
        help="images shown of each class (default: %(default)s)",
    )
    add_seed(parser, default=1)
    add_common(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``digitcam-explore``; 0 written, 1 failed, 2 wrong usage."""
    options = build_parser().parse_args(argv)
    return run_command(COMMAND, options.debug, lambda: _explore(options))


def _explore(options: argparse.Namespace) -> int:
    require_packages(NEEDED, "the page")
    from ..data import load_digits
    from ..paper import load_paper
    from ..reports.explore import write_exploration
    from ..reports.page import make_folder

    data = load_digits(options.data)
    make_folder(options.out)
    paper = None
    if options.photographs:
        say("finding the marks in the photographs, half a minute")
        paper = load_paper(options.photographs)
    page = write_exploration(options.out, data, paper, seed=options.seed, samples=options.samples)
    print(f"page {page}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
