"""Reading real paper: digitcam, the tutorials' pipeline and RapidOCR on the same photographs.

    python benchmarks/paper.py --data FOLDER [--gallery OUT.html]

The folder (or DIGITCAM_DATA) holds ``notes/``, ``amounts/``, ``characters/``, ``cells.npz`` and
``forms/``. Of each, the fixed fifth that is never trained on is read. RapidOCR takes part where
``pip install '.[rapidocr]'`` has put it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import cv2
from gallery import Exhibit, write_gallery
from readers import BASELINE_MODEL, Digitcam, RapidOcr, Reader, Tutorial, usable_interpreter

from digitcam.edge import EdgeError
from digitcam.edge.bundle import DEFAULT_BUNDLE
from digitcam.edge.settings import RUNTIMES, Settings
from digitcam.train.held_back import Score, Set, calibration_error, load_sets


@dataclass(frozen=True)
class Figure:
    """A number of a set's score, and what it is to reach."""

    name: str
    value: Callable[[Score], float]
    form: str = "{:.1%}"
    least: float | None = None
    most: float | None = None

    def verdict(self, value: float) -> str:
        """Say what was to be reached, and whether it was."""
        if self.least is not None:
            met, bound = value >= self.least - 1e-9, f"at least {self.form.format(self.least)}"
        elif self.most is not None:
            met, bound = value <= self.most + 1e-9, f"at most {self.form.format(self.most)}"
        else:
            return ""
        return f"{bound}: {'met' if met else 'MISSED'}"


WHOLE = "{:.0f}"
TIME = Figure("ms an image", lambda s: 1e3 * statistics.median(s.seconds), "{:.1f}")
DIGIT_ERRORS = Figure("digit error rate", lambda s: s.share("edits", "digits"))
FIGURES: dict[str, tuple[Figure, ...]] = {
    "notes": (
        Figure("numbers exact, of 11", lambda s: s.counts["exact"], WHOLE, least=11),
        Figure("digits on pages without", lambda s: s.counts["false_digits"], WHOLE, most=5),
        TIME,
    ),
    "notes: turned": (
        Figure("numbers exact", lambda s: s.share("exact", "numbers")),
        TIME,
    ),
    "amounts": (
        Figure("numbers exact", lambda s: s.share("exact", "numbers"), least=0.8),
        DIGIT_ERRORS,
        Figure("digits found and right", lambda s: s.share("found", "digits")),
        TIME,
    ),
    "characters: digits": (
        Figure("right of those answered", lambda s: s.share("right", "answered"), least=0.99),
        Figure("rejected", lambda s: s.share("rejected", "pictures"), most=0.02),
        DIGIT_ERRORS,
        TIME,
    ),
    "characters: letters": (
        Figure("rejected", lambda s: s.share("rejected", "pictures"), least=0.95),
        TIME,
    ),
    "cells: handwritten": (
        Figure("read right", lambda s: s.share("right", "pictures"), least=0.99),
        DIGIT_ERRORS,
        TIME,
    ),
    "cells: empty": (
        Figure("read as a digit", lambda s: 1 - s.share("rejected", "pictures"), most=0.005),
        TIME,
    ),
    "forms": (
        Figure(
            "handwritten, found and right", lambda s: s.share("right", "handwritten"), least=0.95
        ),
        Figure(
            "false digits a photo",
            lambda s: s.share("false_digits", "pages"),
            "{:.2f}",
            most=2,
        ),
        Figure(
            "small candidates read, a photo", lambda s: s.share("candidates", "pages"), "{:.1f}"
        ),
        Figure("read beside the grid, a photo", lambda s: s.share("beside", "pages"), "{:.1f}"),
        TIME,
    ),
}
MAX_ECE = 0.02


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; 1 if there is nothing to read."""
    options = _parser().parse_args(argv)
    cv2.setNumThreads(1)
    try:
        runtime = usable_interpreter(options.runtime)
        readers: list[Reader] = [
            Digitcam(options.model, Settings(runtime=options.runtime)),
            Tutorial(BASELINE_MODEL, options.runtime),
        ]
        if find_spec("rapidocr"):
            readers.append(RapidOcr())
        else:
            print("rapidocr: skipped, not installed; pip install '.[rapidocr]'")
        sets = list(load_sets(Path(options.data or "."), everything=options.all))
    except (OSError, ValueError, LookupError, EdgeError) as error:
        print(f"paper: {error}", file=sys.stderr)
        return 1
    wanted = [each for each in sets if not options.sets or each.name.split(":")[0] in options.sets]
    if not wanted:
        print(
            "paper: expected notes/, amounts/, characters/, cells.npz or forms/, found none; give "
            "the folder with --data",
            file=sys.stderr,
        )
        return 1
    part = "all of each set" if options.all else "the held-back fifth"
    print(f"{part}; {runtime}, one thread\n")
    print(f"{'':52}" + "".join(f"{reader.name:>12}" for reader in readers))
    results: dict[str, dict[str, float]] = {}
    rooms: list[tuple[str, list[Exhibit]]] = []
    confidences: list[tuple[float, bool]] = []
    for each in wanted:
        exhibits: list[Exhibit] = []
        scores = [_read_all(reader, each, exhibits if not i else None)
                  for i, reader in enumerate(readers)]  # fmt: skip
        rooms.append((each.name, exhibits))
        confidences += scores[0].confidences
        _print_set(each, readers, scores, results)
    ece = calibration_error(confidences)
    results["all"] = {"calibration error": ece}
    met = "met" if ece <= MAX_ECE else "MISSED"
    print(f"{'calibration error (ECE, 15 bins) over all':52}{ece:>12.4f}", end="")
    print(f"   at most {MAX_ECE}: {met}; {len(confidences):,} digits")
    if options.gallery:
        write_gallery(options.gallery, rooms)
        print(f"gallery: {options.gallery}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("DIGITCAM_DATA"))
    parser.add_argument("--model", type=Path, default=DEFAULT_BUNDLE)
    parser.add_argument("--runtime", choices=RUNTIMES, default="auto")
    parser.add_argument("--all", action="store_true", help="read what was trained on too")
    parser.add_argument("--sets", type=lambda text: text.split(","), help="such as notes,forms")
    parser.add_argument("--gallery", type=Path, metavar="OUT.html")
    parser.add_argument("--json", type=Path, metavar="OUT.json")
    return parser


def _read_all(reader: Reader, each: Set, exhibits: list[Exhibit] | None) -> Score:
    """Have a reader read a set, and keep the pictures where there is a list for them."""
    score = Score()
    reader.read(each.cases[0].load()) if each.cases else None  # warms up
    for case in each.cases:
        image = case.load()
        answer = reader.read(image)
        score.seconds.append(answer.seconds)
        verdict = each.score(case, answer, score)
        if exhibits is not None:
            exhibits.append(Exhibit(case.name, image, answer, verdict))
    return score


def _print_set(
    each: Set,
    readers: Sequence[Reader],
    scores: Sequence[Score],
    results: dict[str, dict[str, float]],
) -> None:
    for figure in FIGURES[each.name]:
        title = f"{each.name} ({len(each.cases)}): {figure.name}"
        values = [figure.value(score) for score in scores]
        row = "".join(f"{figure.form.format(value):>12}" for value in values)
        print(f"{title:52}{row}   {figure.verdict(values[0])}".rstrip(), flush=True)
        results.setdefault(title, {}).update(
            {reader.name: value for reader, value in zip(readers, values, strict=True)}
        )


if __name__ == "__main__":
    sys.exit(main())
