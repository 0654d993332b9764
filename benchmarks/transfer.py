"""What a source that training never saw is read like: each in turn is left out whole.

    python benchmarks/transfer.py --data FOLDER [--only nsysu] [--out runs/transfer]

For each entry a short recipe is trained on everything else, converted to int8, weighed on pages and
photographs of everything else, and read through `Recognizer`, without the reader of words, which is
not trained anew. What is known already of an entry, under equal settings, is not done again; called
again after an interruption, it goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2

from digitcam.convert.convert import convert
from digitcam.convert.errors import ConvertError
from digitcam.edge import EdgeError, Recognizer
from digitcam.edge.files import write_whole
from digitcam.edge.settings import Settings
from digitcam.train.data import DigitData, load_digits
from digitcam.train.errors import TrainError
from digitcam.train.feed import FeedSettings
from digitcam.train.held_back import Score, calibration_error, read
from digitcam.train.run import Recipe, say
from digitcam.train.training import describe, train
from digitcam.train.weigh import left_out, weigh, write_weights
from digitcam.train.yardstick.left_out import ENTRIES, PHOTOGRAPHS, SINGLE_DIGITS, LeftOut
from digitcam.train.yardstick.sets import SEED

RESULTS = Path(__file__).parents[1] / "docs" / "transfer.json"
SHORT = Recipe(
    epochs=8,
    validation=2000,
    feed=FeedSettings(
        digits=12_000, mnist_digits=3_000, page_marks=14_000, paper_marks=6_000, distinct_epochs=2
    ),
)
"""Minutes an entry on two cores; says which choice is better, not how good the result can be."""
PAGES = 200
"""Pages that beliefs are weighed on."""
MAX_GAP_POINTS = 100.0
"""Nothing is refused for what quantization costs: that is a part of the figure."""
MEASURED = ("exact", "digit errors", "lost", "invented", "?", "ece")
NOT_COMPARED = ("format", "versions", "teacher_sha256")
"""Of a training's description; versions are kept beside it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Fill in and print the table; 1 if an entry could not be measured."""
    options = _parser().parse_args(argv)
    cv2.setNumThreads(1)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    failed = False
    try:
        recipe = load_recipe(options)
        data = load_digits(options.data)
        known = load_results(options.results)
    except (OSError, TrainError, ValueError) as error:
        print(f"transfer: {error}", file=sys.stderr)
        return 1
    for name in options.only or ENTRIES:
        settings = settings_of(ENTRIES[name], recipe, data)
        if known.get(name, {}).get("settings") == settings:
            say(f"{name}: known")
            continue
        try:
            known[name] = measure(name, settings, recipe, data, options)
        except (OSError, TrainError, ConvertError, EdgeError) as error:
            print(f"transfer: {name}: {error}", file=sys.stderr)
            failed = True
            continue
        save_results(options.results, known)
    print("\n".join(table(known, recipe, data)))
    return int(failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("DIGITCAM_DATA", "."))
    parser.add_argument(
        "--only", action="append", choices=list(ENTRIES), help="measure this alone; again for more"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("runs/transfer"), help="folder of the runs"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="JSON")
    parser.add_argument("--recipe", type=Path, help="JSON with what differs from the short recipe")
    parser.add_argument("--workers", type=int, help="processes that render")
    return parser


def load_recipe(options: argparse.Namespace) -> Recipe:
    """Return the short recipe, with what a file changes of it and of its feed.

    Raises:
        ValueError: The file names what a recipe has not.
    """
    if options.recipe is None:
        return SHORT
    changes = json.loads(options.recipe.read_text())
    try:
        feed = replace(SHORT.feed or FeedSettings(), **changes.pop("feed", {}))
        return replace(SHORT, **changes, feed=feed)
    except TypeError as error:
        raise ValueError(f"{options.recipe}: expected fields of a recipe: {error}") from error


def settings_of(entry: LeftOut, recipe: Recipe, data: DigitData) -> dict[str, Any]:
    """Return everything that decides an entry's figures, as JSON holds it."""
    described = describe(data, replace(recipe, without=entry.without))
    training = {key: value for key, value in described.items() if key not in NOT_COMPARED}
    reading = {
        "pages": PAGES,
        "seed": SEED,
        "single_digits": SINGLE_DIGITS,
        "photographs": PHOTOGRAPHS,
    }
    settings: dict[str, Any] = json.loads(json.dumps({"training": training, "reading": reading}))
    return settings


def measure(
    name: str,
    settings: Mapping[str, Any],
    recipe: Recipe,
    data: DigitData,
    options: argparse.Namespace,
) -> dict[str, Any]:
    """Train without a source, convert, and read it."""
    entry, start = ENTRIES[name], time.monotonic()
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    run = options.out / f"{name.replace(':', '-').replace(' ', '-')}-{digest[:8]}"
    recipe = replace(recipe, without=entry.without)
    say(f"{name}: training without {', '.join(entry.without)} in {run}")
    train(data, recipe, run, options.workers, Path(options.data))
    bundle = run / "bundle"
    convert(run, bundle, lambda: data, say, MAX_GAP_POINTS)
    say(f"{name}: weighing")
    weigh_without(bundle, entry, Path(options.data))
    say(f"{name}: reading")
    score = read_entry(Recognizer(bundle, Settings(strings="")), entry, Path(options.data))
    return {
        "settings": settings,
        "versions": describe(data, recipe)["versions"],
        "minutes": round((time.monotonic() - start) / 60, 1),
        "counts": dict(score.counts),
        "figures": figures_of(score),
    }


def weigh_without(bundle: Path, entry: LeftOut, folder: Path) -> None:
    """Fit the weights of a bundle's beliefs, without a source."""
    hands, numbers = left_out(folder, entry.without)
    weighed = weigh(Recognizer(bundle, Settings(strings="")), hands, PAGES, numbers)
    write_weights(bundle, weighed)


def read_entry(recognizer: Recognizer, entry: LeftOut, folder: Path) -> Score:
    """Read everything of a source."""
    score = Score()
    for each in entry.load(folder):
        for case in each.cases:
            answer = read(recognizer, case.load())
            each.score(case, answer, score)
    return score


def figures_of(score: Score) -> dict[str, float]:
    """Return what the table tells, 0 to 1 each."""
    figures = {
        "exact": score.share("exact", "numbers"),
        "digit errors": score.share("edits", "digits"),
        "lost": score.share("lost", "digits"),
        "invented": score.share("invented", "digits"),
        "?": score.share("untold", "digits"),
        "ece": calibration_error(score.confidences),
    }
    return {name: round(value, 4) for name, value in figures.items()}


def load_results(path: Path) -> dict[str, Any]:
    """Return what is known by entry; nothing where there is no file yet.

    Raises:
        ValueError: The file is no table of ours.
    """
    if not path.exists():
        return {}
    entries = json.loads(path.read_text()).get("entries")
    if not isinstance(entries, dict):
        raise ValueError(f"{path}: expected entries, found none; give another --results")
    return entries


def save_results(path: Path, known: Mapping[str, Any]) -> None:
    """Write what is known, whole or not at all."""
    ordered = {name: known[name] for name in ENTRIES if name in known}
    write_whole(path, (json.dumps({"entries": ordered}, indent=1) + "\n").encode())


def table(known: Mapping[str, Any], recipe: Recipe, data: DigitData) -> list[str]:
    """Return a row an entry, the mean and the worst; what was measured otherwise is marked."""
    rows = [f"{'left out':26}" + "".join(f"{each:>14}" for each in MEASURED)]
    figures: dict[str, Mapping[str, float]] = {}
    for name, entry in ENTRIES.items():
        if name in known:
            figures[name] = known[name]["figures"]
            other = known[name]["settings"] != settings_of(entry, recipe, data)
            rows.append(_row(name, figures[name]) + ("   other settings" if other else ""))
    if figures:
        mean = {m: statistics.mean(each[m] for each in figures.values()) for m in MEASURED}
        worst = min(figures, key=lambda name: figures[name]["exact"])
        rows += [
            _row(f"mean of {len(figures)} of {len(ENTRIES)}", mean),
            _row("worst", figures[worst]) + f"   {worst}",
        ]
    return rows


def _row(title: str, figures: Mapping[str, float]) -> str:
    return f"{title:26}" + "".join(f"{100 * figures[each]:>12.2f} %" for each in MEASURED)


if __name__ == "__main__":
    sys.exit(main())
