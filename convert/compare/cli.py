"""The command ``digitcam-compare``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from digitcam.train.architectures import PRESETS
from digitcam.train.cli.common import (
    MAX_SEED,
    RESUMABLE,
    add_common,
    add_data,
    add_photographs,
    complain,
    require_packages,
    run_command,
    say,
    whole,
)
from digitcam.train.data import load_digits

from ..errors import ConvertError
from .compare import Plan, compare
from .report import write_report
from .table import HEADER, markdown, rows

PROGRAM = "digitcam-compare"
NEEDED = ("keras", "matplotlib", "jinja2", "scipy", "sklearn")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``digitcam-compare``."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Train networks or load bundles, convert and measure them alike, and print and "
        "draw one table. Called again, it goes on where it was interrupted.",
    )
    add = parser.add_argument
    add(
        "names",
        nargs="*",
        metavar="NAME",
        help="preset to train, as digitcam-train --presets lists them; or `published`, all that "
        "are not digitcam's own",
    )
    add("--out", type=Path, required=True, metavar="FOLDER", help="for runs, bundles and results")
    add(
        "--load",
        type=Path,
        action="append",
        default=[],
        metavar="BUNDLE",
        help="bundle to measure beside them; again for more",
    )
    add_data(parser)
    add_photographs(parser)
    add(
        "--seed",
        type=whole(0, MAX_SEED),
        action="append",
        metavar="N",
        help="train each preset with it; again for more (default: 1)",
    )
    add("--epochs", type=whole(1), help="of every training (default: the preset's own)")
    add("--jobs", type=whole(1), default=1, help="trainings at a time (default: %(default)s)")
    add_common(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``digitcam-compare``; 0 compared, 1 something failed, 2 wrong usage."""
    parser = build_parser()
    options = parser.parse_args(argv)
    published = [name for name, preset in PRESETS.items() if preset.published]
    names = [n for name in options.names for n in (published if name == "published" else [name])]
    if unknown := [name for name in names if name not in PRESETS]:
        parser.error(f"unknown preset {unknown[0]!r}; known are published, {', '.join(PRESETS)}")
    if not names and not options.load:
        parser.error("expected presets to train, or bundles to --load")
    plan = Plan(
        out=options.out,
        names=list(dict.fromkeys(names)),
        seeds=list(dict.fromkeys(options.seed or [1])),
        bundles=options.load,
        data=options.data,
        photographs=options.photographs,
        epochs=options.epochs,
        jobs=options.jobs,
    )
    return run_command(PROGRAM, options.debug, lambda: _compare(plan), RESUMABLE, ConvertError)


def _compare(plan: Plan) -> int:
    require_packages(NEEDED, "comparing")
    results, failures = compare(plan, lambda: load_digits(plan.data), say)
    written = write_report(plan.out, results)
    print(markdown(HEADER, rows(results)), end="")
    say(f"wrote {', '.join(map(str, written))}")
    for failure in failures:
        complain(PROGRAM, failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
