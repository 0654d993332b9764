"""The command ``digitcam-tune``."""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..architectures import PRESETS, find_preset
from ..run import Recipe
from ..tuning.outcome import Outcome
from ..tuning.space import SETTINGS, own_values, search_space
from .common import (
    RESUMABLE,
    add_common,
    add_data,
    add_photographs,
    add_seed,
    add_sources,
    complain,
    require_packages,
    run_command,
    whole,
)
from .train import varied

if TYPE_CHECKING:
    from ..tuning.search import Search
    from ..tuning.study import Study

COMMAND = "digitcam-tune"
NEEDED = ("keras", "optuna", "matplotlib", "scipy", "sklearn", "jinja2")
EPOCHS = 10
"""Most epochs of a trial, unless more are asked for."""
TRIALS = 30
SPARING = 9
"""The page is drawn anew once this many times as long has passed as drawing it took."""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``digitcam-tune``."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description="Search for better settings of a training: learning rate, batch, "
        "regularization, width, augmentation. Called again, it goes on where it was interrupted; "
        "called on other machines with the same --storage, they share the work.",
    )
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="STUDY", help="folder, such as runs/search")
    add(
        "--arch",
        default=Recipe.architecture,
        choices=PRESETS,
        metavar="NAME",
        help="network, see digitcam-train --presets (default: %(default)s)",
    )
    add(
        "--trials",
        type=whole(1),
        default=TRIALS,
        metavar="N",
        help="how many there are to be in all, over all calls and machines (default: %(default)s)",
    )
    add(
        "--workers",
        type=whole(1),
        default=1,
        metavar="N",
        help="trials at the same time on this machine (default: %(default)s)",
    )
    add(
        "--epochs",
        type=whole(1),
        metavar="N",
        help=f"of a trial (default: the network's own, at most {EPOCHS})",
    )
    add(
        "--search",
        nargs="+",
        choices=SETTINGS,
        default=(),
        metavar="SETTING",
        help=f"search these only, of {', '.join(SETTINGS)} (default: all that go with the network)",
    )
    add(
        "--storage",
        metavar="WHERE",
        help="a file that all machines see, or a database's URL, such as mysql://... or "
        "postgresql://... (default: a file in STUDY)",
    )
    add_data(parser)
    add_photographs(parser)
    add_sources(parser)
    add(
        "--validation",
        type=whole(1),
        metavar="N",
        help="training digits that trials are judged by (default: the network's own, or "
        f"{Recipe.validation} where it holds back none)",
    )
    for flag in ("--digits", "--mnist-digits", "--page-marks", "--paper-marks"):
        least = int(flag == "--digits")
        add(flag, type=whole(least), metavar="N", help="an epoch, as in digitcam-train")
    add_seed(parser, Recipe.seed)
    add_common(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``digitcam-tune``; 0 all trials done, 1 failed, 2 wrong usage."""
    options = build_parser().parse_args(argv)
    return run_command(COMMAND, options.debug, lambda: _tune(options), RESUMABLE)


def trial_recipe(options: argparse.Namespace) -> Recipe:
    """Return the recipe of a trial, before the settings that are searched.

    Raises:
        RunError: A flag does not go with the network.
    """
    recipe = varied(find_preset(options.arch).recipe, options)
    epochs = options.epochs or min(recipe.epochs, EPOCHS)
    # No trial stops early: all are judged after the same epochs.
    return replace(
        recipe,
        epochs=epochs,
        patience=epochs,
        validation=recipe.validation or Recipe.validation,
    )


def _tune(options: argparse.Namespace) -> int:
    require_packages(NEEDED, "the search")
    from ..reports.tune import PAGE, best_recipe
    from ..tuning.search import run_workers, settings_of

    search = _search_of(options)
    study = search.open()
    study.settle(settings_of(search), own_values(search.recipe, search.space))
    progress = Progress(search, study)
    progress()
    if progress.done < search.trials:
        run_workers(search, progress)
        progress(last=True)
    if progress.best:
        print(f"report {options.out / PAGE}")
        print(f"train the best in full: {best_recipe(search, progress.best)['command']}")
    return _verdict(options, progress)


def _search_of(options: argparse.Namespace) -> Search:
    from ..data import load_digits
    from ..training import check_fits
    from ..tuning.search import Search, without_test

    recipe = trial_recipe(options)
    search_space(recipe, options.search)  # Says what does not go with the network.
    data = without_test(load_digits(options.data))
    check_fits(recipe, data, options.photographs)
    return Search(
        options.out,
        options.storage,
        recipe,
        options.search,
        options.trials,
        data,
        options.photographs,
        options.workers,
        options.debug,
        options.optional_sources,
    )


class Progress:
    """Tells of the trials that are done, and keeps the results on disk up to date.

    Args:
        search: What is searched.
        study: Its trials.
    """

    def __init__(self, search: Search, study: Study) -> None:
        self._search, self._study = search, study
        self._not_before = -math.inf
        self.done = -1
        self.best: Outcome | None = None

    def __call__(self, *, last: bool = False) -> None:
        """Look for trials that are done, unless that took much of the time up to now.

        Args:
            last: Look in any case.
        """
        from ..reports.tune import write_results

        begin = time.monotonic()
        if begin < self._not_before and not last:
            return
        before, self.done = self.done, self._study.done()
        if before == self.done and not last:
            return
        self.best = write_results(self._search, self._study)
        end = time.monotonic()
        self._not_before = end + SPARING * (end - begin)
        told = f", the best is trial {self.best.trial}" if self.best else ""
        if self.done not in (0, before):
            most = max(self._search.trials, self.done)
            print(f"{self.done} of {most} trials done{told}", file=sys.stderr)


def _verdict(options: argparse.Namespace, progress: Progress) -> int:
    """Return the exit status, and say why if it is not 0."""
    if progress.done < options.trials:
        complain(
            COMMAND, f"{progress.done} of {options.trials} trials done; call it again to go on"
        )
        return 1
    if not progress.best:
        complain(COMMAND, f"no trial has finished; {options.out / 'report.html'} says why")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
