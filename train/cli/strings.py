"""The command ``digitcam-train-strings``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
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
SETTINGS: dict[str, tuple[Callable[[str], float], str, str]] = {
    "epochs": (whole(1), "N", "how often it learns from an epoch's words"),
    "batch_size": (whole(1), "N", "words a step"),
    "learning_rate": (amount, "RATE", "highest rate"),
    "weight_decay": (amount, "PART", "of adamw"),
    "width": (amount, "FACTOR", "filters, as a multiple of the network's own"),
    "validation": (whole(1), "N", "digits of MNIST held back"),
}
"""Fields of a recipe that have a flag: its type, what it takes, and what it is."""
KINDS = {
    "written": "numbers written by one hand each, an epoch",
    "pages": "words found on rendered pages, an epoch",
    "photographed": "numbers of photographs and of parts of such, an epoch",
    "nothing": "words without a digit, an epoch",
    "distinct_epochs": "epochs that differ; after them they come again",
}
"""Fields of a feed that have a flag."""


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
    for name, (kind, metavar, about) in SETTINGS.items():
        add(
            f"--{name.replace('_', '-')}",
            type=kind,
            default=getattr(recipe, name),
            metavar=metavar,
            help=f"{about} {default}",
        )
    for name, about in KINDS.items():
        add(
            f"--{name.replace('_', '-')}",
            type=whole(int(name == "distinct_epochs")),
            default=getattr(recipe.feed, name),
            metavar="N",
            help=f"{about} {default}",
        )
    add(
        "--without",
        action="append",
        default=[],
        metavar="SOURCE",
        help="leave a source out whole, such as unipen:apb, mnist or amounts; may be repeated",
    )
    add_seed(parser, recipe.seed)
    add(
        "--samples",
        type=Path,
        metavar="FOLDER",
        help="keep samples here, 200 MB an epoch, for trainings with the same data, feed and seed",
    )
    add(
        "--workers",
        type=whole(1),
        metavar="N",
        help="processes that make words (default: one less than there are processors)",
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

    given = {name: getattr(options, name) for name in (*SETTINGS, "seed")}
    amounts = {name: getattr(options, name) for name in KINDS}
    recipe = StringRecipe(**given, without=tuple(sorted(options.without)))
    recipe = replace(recipe, feed=replace(recipe.feed, **amounts))
    metrics = train_strings(
        load_digits(options.data),
        recipe,
        options.out,
        options.workers,
        options.photographs,
        options.samples,
    )
    print(f"words held back, read exactly {metrics['held_exact']:.4f}")
    print(f"model {options.out / 'model.keras'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
