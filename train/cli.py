"""The command ``digitcam-train``."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .architectures import ARCHITECTURES
from .errors import TrainError
from .run import Recipe

NEEDED = ("keras", "matplotlib", "scipy", "sklearn")
"""Packages of the train extra; some are imported only when a training ends."""
MAX_SEED = 2**32 - 1
"""Largest seed that NumPy's and TensorFlow's own generators take."""


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
    add(
        "--data",
        type=Path,
        help="mnist.npz or a folder with it or the IDX files (default: DIGITCAM_DATA, then a "
        "download)",
    )
    add("--photographs", type=Path, metavar="FOLDER", help="real handwriting, see CONTRIBUTING.md")
    add("--teacher", type=Path, metavar="MODEL", help="learn from this model.keras too")
    setting("--arch", recipe.architecture, "network", choices=sorted(ARCHITECTURES))
    setting("--epochs", recipe.epochs, "longest training", type=_whole(1))
    setting("--batch-size", recipe.batch_size, "samples a step", type=_whole(1))
    setting("--learning-rate", recipe.learning_rate, "highest rate", type=_amount)
    setting("--weight-decay", recipe.weight_decay, "of AdamW", type=_amount)
    setting("--patience", recipe.patience, "epochs without gain", type=_whole(1))
    setting("--validation", recipe.validation, "digits held back", type=_whole(1))
    setting("--digits", recipe.feed.digits, "digits an epoch", type=_whole(1))
    setting("--scene-marks", recipe.feed.scene_marks, "from scenes, an epoch", type=_whole(0))
    setting("--paper-marks", recipe.feed.paper_marks, "from photographs", type=_whole(0))
    setting("--seed", recipe.seed, "source of every draw", type=_whole(0, MAX_SEED))
    add(
        "--workers",
        type=_whole(1),
        help="processes that distort digits (default: one less than there are processors)",
    )
    add("--debug", action="store_true", help="show the traceback of an error")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``digitcam-train``; 0 trained, 1 failed, 2 wrong usage."""
    options = build_parser().parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow logs its own noise as errors
    try:
        return _train(options)
    except (TrainError, OSError) as error:
        if options.debug:
            raise
        print(f"digitcam-train: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("digitcam-train: interrupted; call it again to go on", file=sys.stderr)
        return 130


def _train(options: argparse.Namespace) -> int:
    from .data import load_digits

    _check_extra()
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
    from .training import train

    metrics = train(
        data, recipe, options.out, options.workers, options.photographs, options.teacher
    )
    print(f"test accuracy {metrics['test_accuracy']:.4f}")
    print(f"model {options.out / 'model.keras'}")
    return 0


def _check_extra() -> None:
    """Say before the training what would fail after it."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise TrainError(f"training needs {', '.join(missing)}; pip install 'digitcam[train]'")


def _whole(least: int, most: int | None = None) -> Callable[[str], int]:
    expected = f"expected a whole number from {least}" + (f" to {most}" if most else "")

    def parse(text: str) -> int:
        if not text.isdecimal() or int(text) < least or (most and int(text) > most):
            raise argparse.ArgumentTypeError(f"{expected}, found {text!r}")
        return int(text)

    return parse


def _amount(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number from 0, found {text!r}")
    return value


if __name__ == "__main__":
    sys.exit(main())
