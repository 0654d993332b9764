"""The command ``digitcam-train``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .architectures import ARCHITECTURES
from .errors import TrainError
from .run import Recipe


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``digitcam-train``; every flag of the recipe shows its default."""
    parser = argparse.ArgumentParser(
        prog="digitcam-train",
        description="Train a digit reader; called again, it goes on where it was interrupted.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    recipe, add = Recipe(), parser.add_argument
    add("--out", type=Path, required=True, metavar="RUN", help="run folder, such as runs/mine")
    add(
        "--data",
        type=Path,
        help="mnist.npz or a folder with it or the IDX files; without it DIGITCAM_DATA, then a "
        "download",
    )
    add("--arch", choices=sorted(ARCHITECTURES), default=recipe.architecture, help="network")
    add("--epochs", type=_positive, default=recipe.epochs, help="longest training")
    add("--batch-size", type=_positive, default=recipe.batch_size, help="samples a step")
    add("--learning-rate", type=float, default=recipe.learning_rate, help="highest rate")
    add("--weight-decay", type=float, default=recipe.weight_decay, help="of AdamW")
    add("--patience", type=_positive, default=recipe.patience, help="epochs without gain")
    add("--validation", type=_positive, default=recipe.validation, help="digits held back")
    add("--digits", type=_positive, default=recipe.feed.digits, help="digits an epoch")
    add("--scene-digits", type=int, default=recipe.feed.scene_digits, help="from scenes, an epoch")
    add("--seed", type=int, default=recipe.seed, help="source of every draw")
    add("--workers", type=_positive, help="processes that distort digits")
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
        feed=replace(defaults.feed, digits=options.digits, scene_digits=options.scene_digits),
    )
    data = load_digits(options.data)
    try:
        import keras  # noqa: F401 - says early that the extra is missing
    except ImportError as error:
        raise TrainError(
            f"training needs Keras and TensorFlow ({error}); pip install 'digitcam[train]'"
        ) from error
    from .training import train

    metrics = train(data, recipe, options.out, options.workers)
    print(f"test accuracy {metrics['test_accuracy']:.4f}")
    print(f"model {options.out / 'model.keras'}")
    return 0


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, found {text!r}")
    return int(text)
