"""The command ``digitcam-train-strings``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..strings.recipe import StringRecipe
from .common import (
    RESUMABLE,
    add_common,
    add_data,
    add_photographs,
    add_seed,
    amount,
    require_packages,
    run_command,
    whole,
)

COMMAND = "digitcam-train-strings"
NEEDED = ("keras", "tensorflow", "scipy")
KINDS = {
    "whole": "strings of photographs, an epoch",
    "spliced": "strings of parts of such, an epoch",
    "composed": "strings of single digits, an epoch",
    "nothing": "words without a digit, an epoch",
}


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``digitcam-train-strings``."""
    recipe = StringRecipe()
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description="Train the reader of words whose digits touch; called again, it goes on where "
        "it was interrupted.",
    )
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="RUN", help="run folder, such as runs/strings")
    add_data(parser)
    add_photographs(parser)
    default = "(default: %(default)s)"
    add("--epochs", type=whole(1), default=recipe.epochs, metavar="N", help=default)
    add(
        "--learning-rate",
        type=amount,
        default=recipe.learning_rate,
        metavar="RATE",
        help=f"highest rate {default}",
    )
    add(
        "--width",
        type=amount,
        default=recipe.width,
        metavar="FACTOR",
        help=f"filters, as a multiple of the network's own {default}",
    )
    for name, about in KINDS.items():
        add(
            f"--{name}",
            type=whole(0),
            default=getattr(recipe.feed, name),
            metavar="N",
            help=f"{about} {default}",
        )
    add_seed(parser, recipe.seed)
    add(
        "--workers",
        type=whole(1),
        metavar="N",
        help="processes that write strings (default: one less than there are processors)",
    )
    add_common(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``digitcam-train-strings``; 0 trained, 1 failed, 2 wrong usage."""
    options = build_parser().parse_args(argv)
    return run_command(COMMAND, options.debug, lambda: _train(options), RESUMABLE)


def _train(options: argparse.Namespace) -> int:
    require_packages(NEEDED, "training")
    from ..data import load_digits
    from ..strings.training import train_strings

    recipe = StringRecipe(
        seed=options.seed,
        epochs=options.epochs,
        learning_rate=options.learning_rate,
        width=options.width,
    )
    amounts = {name: getattr(options, name) for name in KINDS}
    recipe = replace(recipe, feed=replace(recipe.feed, **amounts))
    metrics = train_strings(
        load_digits(options.data), recipe, options.out, options.workers, options.photographs
    )
    print(f"strings held back, read exactly {metrics['held_exact']:.4f}")
    print(f"model {options.out / 'model.keras'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
