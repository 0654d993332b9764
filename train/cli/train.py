"""The command ``digitcam-train``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..architectures import ARCHITECTURES
from ..errors import TrainError
from ..run import Recipe
from .common import (
    MAX_SEED,
    add_common,
    add_data,
    add_photographs,
    amount,
    require_packages,
    run_command,
    whole,
)

NEEDED = ("keras", "matplotlib", "scipy", "sklearn")
"""Packages of the train extra; some are imported only when a training ends."""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``digitcam-train``; every flag that has a default shows it."""
    parser = argparse.ArgumentParser(
        prog="digitcam-train",
        description="Train a digit reader; called again, it goes on where it was interrupted.",
    )
    recipe, add = Recipe(), parser.add_argument

    def setting(flag: str, default: object, about: str, **options: Any) -> None:
        add(flag, default=default, help=f"{about} (default: %(default)s)", **options)

    add("--out", type=Path, required=True, metavar="RUN", help="run folder, such as runs/mine")
    add_data(parser)
    add_photographs(parser)
    add("--teacher", type=Path, metavar="MODEL", help="learn from this model.keras too")
    setting("--arch", recipe.architecture, "network", choices=sorted(ARCHITECTURES))
    setting("--epochs", recipe.epochs, "longest training", type=whole(1))
    setting("--batch-size", recipe.batch_size, "samples a step", type=whole(1))
    setting("--learning-rate", recipe.learning_rate, "highest rate", type=amount)
    setting("--weight-decay", recipe.weight_decay, "of AdamW", type=amount)
    setting("--patience", recipe.patience, "epochs without gain", type=whole(1))
    setting("--validation", recipe.validation, "digits held back", type=whole(1))
    setting("--digits", recipe.feed.digits, "digits an epoch", type=whole(1))
    setting("--scene-marks", recipe.feed.scene_marks, "from scenes, an epoch", type=whole(0))
    setting("--paper-marks", recipe.feed.paper_marks, "from photographs", type=whole(0))
    setting("--seed", recipe.seed, "source of every draw", type=whole(0, MAX_SEED))
    add(
        "--workers",
        type=whole(1),
        help="processes that distort digits (default: one less than there are processors)",
    )
    add_common(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``digitcam-train``; 0 trained, 1 failed, 2 wrong usage."""
    options = build_parser().parse_args(argv)
    return run_command(
        "digitcam-train",
        options.debug,
        lambda: _train(options),
        interrupted="interrupted; call it again to go on",
    )


def _train(options: argparse.Namespace) -> int:
    from ..data import load_digits

    require_packages(NEEDED, "training")
    defaults = Recipe()
    recipe = replace(
        defaults,
        architecture=options.arch,
        seed=options.seed,
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        weight_decay=options.weight_decay,
        validation=options.validation,
        patience=options.patience,
        feed=replace(
            defaults.feed,
            digits=options.digits,
            scene_marks=options.scene_marks,
            paper_marks=options.paper_marks,
        ),
    )
    data = load_digits(options.data)
    try:
        import keras  # noqa: F401 - also says whether its backend is there
    except ImportError as error:
        raise TrainError(
            f"training needs Keras and TensorFlow ({error}); pip install 'digitcam[train]'"
        ) from error
    from ..training import train

    metrics = train(
        data, recipe, options.out, options.workers, options.photographs, options.teacher
    )
    print(f"test accuracy {metrics['test_accuracy']:.4f}")
    print(f"model {options.out / 'model.keras'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
