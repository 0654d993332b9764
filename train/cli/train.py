"""The command ``digitcam-train``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..architectures import PRESETS, find_preset
from ..errors import TrainError
from ..feed import FeedSettings
from ..run import OPTIMIZERS, Recipe, foreign_flag, load_recipe
from .common import (
    MAX_SEED,
    RESUMABLE,
    add_common,
    add_data,
    add_photographs,
    add_sources,
    amount,
    require_packages,
    run_command,
    whole,
)

NEEDED = ("keras", "matplotlib", "scipy", "sklearn")
"""Packages of the train extra; some are imported only when a training ends."""
SETTINGS = (
    "epochs",
    "batch_size",
    "optimizer",
    "learning_rate",
    "momentum",
    "weight_decay",
    "width",
    "patience",
    "validation",
    "rotation_deg",
    "seed",
)
"""Fields of a recipe that have a flag."""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``digitcam-train``; defaults are those of digitcam's flagship."""
    parser = argparse.ArgumentParser(
        prog="digitcam-train",
        description="Train a digit reader; called again, it goes on where it was interrupted. "
        "The defaults are flagship's; --presets lists those of every architecture.",
    )
    recipe, feed, add = Recipe(), FeedSettings(), parser.add_argument

    def setting(flag: str, default: object, about: str, **options: Any) -> None:
        add(flag, help=f"{about} (default: {default})", **options)

    add("--out", type=Path, metavar="RUN", help="run folder, such as runs/mine")
    add("--presets", action="store_true", help="list the architectures with their settings")
    add_data(parser)
    add_photographs(parser)
    add_sources(parser)
    add(
        "--teacher",
        type=Path,
        action="append",
        default=[],
        metavar="MODEL",
        help="learn from this model.keras too; again for the mean of several",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--arch",
        default=Recipe.architecture,
        choices=PRESETS,
        metavar="NAME",
        help="network, with its own settings (default: %(default)s)",
    )
    which.add_argument(
        "--recipe",
        type=Path,
        metavar="FILE",
        help="network and settings of best.json of a search or recipe.json of a run",
    )
    setting("--epochs", recipe.epochs, "longest training", type=whole(1))
    setting("--batch-size", recipe.batch_size, "samples a step", type=whole(1))
    setting("--optimizer", recipe.optimizer, "what changes the weights", choices=OPTIMIZERS)
    setting("--learning-rate", recipe.learning_rate, "highest rate", type=amount)
    setting("--momentum", recipe.momentum, "of sgd", type=amount)
    setting("--weight-decay", recipe.weight_decay, "of adamw", type=amount)
    setting("--width", recipe.width, "filters, as a multiple of the network's own", type=amount)
    setting("--patience", recipe.patience, "epochs without gain", type=whole(1))
    setting("--validation", recipe.validation, "digits held back", type=whole(0))
    setting("--rotation-deg", recipe.rotation_deg, "largest turn, without a feed", type=amount)
    setting("--digits", feed.digits, "single digits an epoch", type=whole(1))
    setting("--mnist-digits", feed.mnist_digits, "of them MNIST's", type=whole(0))
    setting("--page-marks", feed.page_marks, "from rendered pages, an epoch", type=whole(0))
    setting("--paper-marks", feed.paper_marks, "from photographs, an epoch", type=whole(0))
    setting("--distinct-epochs", feed.distinct_epochs, "that differ, then again", type=whole(1))
    setting("--seed", recipe.seed, "source of every draw", type=whole(0, MAX_SEED))
    add(
        "--workers",
        type=whole(1),
        help="processes that distort digits (default: one less than there are processors)",
    )
    add(
        "--samples",
        type=Path,
        metavar="FOLDER",
        help="keep samples here, 65 MB an epoch, for trainings with the same data, feed and seed",
    )
    add_common(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``digitcam-train``; 0 trained, 1 failed, 2 wrong usage."""
    parser = build_parser()
    options = parser.parse_args(argv)
    if options.presets:
        print("\n".join(list_presets()))
        return 0
    if options.out is None:
        parser.error("expected --out RUN, or --presets")
    return run_command("digitcam-train", options.debug, lambda: _train(options), RESUMABLE)


def list_presets() -> Iterator[str]:
    """Yield a line a preset: its training, what was reported of it, and what it is."""
    form = "{:15} {:9} {:>7} {:>6} {:>7} {:>11} {:>9}  {}"
    yield form.format("name", "optimizer", "rate", "batch", "epochs", "held back", "reported", "")
    for name, preset in PRESETS.items():
        recipe, reported = preset.recipe, preset.reported
        yield form.format(
            name,
            recipe.optimizer,
            f"{recipe.learning_rate:g}",
            recipe.batch_size,
            recipe.epochs,
            recipe.validation,
            str(reported) if reported else "",
            preset.about,
        )


def recipe_of(options: argparse.Namespace) -> Recipe:
    """Return the preset's or the file's recipe with what the flags change.

    Raises:
        RunError: A flag does not go with the network, or the file holds no recipe.
    """
    recipe = load_recipe(options.recipe) if options.recipe else find_preset(options.arch).recipe
    return varied(recipe, options)


def varied(recipe: Recipe, options: argparse.Namespace) -> Recipe:
    """Return a recipe with what the flags change.

    Raises:
        RunError: A flag does not go with the network.
    """
    fields = ("digits", "mnist_digits", "page_marks", "paper_marks", "distinct_epochs")
    given = {name: value for name, value in vars(options).items() if value is not None}
    feed = {name: given[name] for name in fields if name in given}
    if recipe.feed:
        recipe = replace(recipe, feed=replace(recipe.feed, **feed))
    elif feed:
        flag = f"--{next(iter(feed)).replace('_', '-')}"
        raise foreign_flag(recipe, flag)
    if options.without:
        recipe = replace(recipe, without=tuple(options.without))
    return replace(recipe, **{name: given[name] for name in SETTINGS if name in given})


def _train(options: argparse.Namespace) -> int:
    from ..data import load_digits

    require_packages(NEEDED, "training")
    recipe = recipe_of(options)
    data = load_digits(options.data)
    try:
        import keras  # noqa: F401 - also says whether its backend is there
    except ImportError as error:
        raise TrainError(
            f"training needs Keras and TensorFlow ({error}); pip install 'digitcam[train]'"
        ) from error
    from ..training import train

    metrics = train(
        data,
        recipe,
        options.out,
        options.workers,
        options.photographs,
        options.teacher,
        samples=options.samples,
        optional=options.optional_sources,
    )
    if metrics:  # the first of several workers has them
        print(f"test accuracy {metrics['test_accuracy']:.4f}")
        print(f"model {options.out / 'model.keras'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
