"""The yardstick: what a reader makes of sources, pens, papers, places and pages that it never saw.

    python benchmarks/yardstick.py --data FOLDER [--model BUNDLE] [--sets digits,rows] [--limit 20]

The folder (or DIGITCAM_DATA) is that of the training data. What is read is drawn from writers who
are held back, from MNIST's test digits, from a fifth of other sources, and from textures and
typefaces of `train.pages.seen`; all of it from a seed, so that each run reads the same. Whoever
trained on nsysu, optdigits or semeion knows that fifth: of those, transfer.py has the figures that
count. One thread.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
from gallery import Exhibit, write_gallery
from paper import Figure
from readers import usable_interpreter

from digitcam.edge import EdgeError, Recognizer
from digitcam.edge.bundle import DEFAULT_BUNDLE
from digitcam.edge.settings import RUNTIMES, Settings
from digitcam.train.errors import TrainError
from digitcam.train.held_back import Case, Image, Score, Set, calibration_error, read
from digitcam.train.yardstick.scoring import OUTCOMES
from digitcam.train.yardstick.sets import KINDS, load_kinds

MAX_EXHIBITS = 60
"""Failures of a set in the gallery."""
MAX_VALUES = 8
"""Factors with more values are told in the file alone."""
MAX_ECE = 0.03


@dataclass
class Result:
    """What came of a set, in all and by each factor that its cases differ in."""

    name: str
    kind: str
    total: Score = field(default_factory=Score)
    factors: dict[str, dict[str, Score]] = field(default_factory=dict)
    """By factor, such as ``size``, and value."""
    exhibits: list[Exhibit] = field(default_factory=list)
    cases: int = 0

    def add(self, case: Case, score: Score) -> None:
        """Add what came of a case."""
        self.cases += 1
        _merge(self.total, score)
        for factor, value in factors_of(case.name):
            _merge(self.factors.setdefault(factor, {}).setdefault(value, Score()), score)


def factors_of(name: str) -> Iterator[tuple[str, str]]:
    """Yield the factors in a case's name, ``…/size=40 px/…``, and their values."""
    parts = name.replace("pen=1/", "pen=1:").split("/")
    yield from ((f, v) for f, sign, v in (part.partition("=") for part in parts) if sign)


def _merge(into: Score, score: Score) -> None:
    into.counts.update(score.counts)
    into.confidences += score.confidences
    into.seconds += score.seconds


def share(part: str, whole: str) -> Callable[[Score], float]:
    """Return what takes the share of two counts."""
    return lambda score: score.share(part, whole)


RIGHT = Figure("right", share("right", "pictures"))
EXACT = Figure("exact", share("exact", "numbers"))
FIGURES: dict[str, tuple[Figure, ...]] = {
    "digits": (Figure("right", share("right", "pictures"), least=0.93),),
    "pens": (Figure("right", share("right", "pictures"), least=0.97),),
    "numbers: plain paper": (Figure("exact", share("exact", "numbers"), least=0.94),),
    "numbers: ruled paper": (Figure("exact", share("exact", "numbers"), least=0.90),),
    "numbers: squared paper": (Figure("exact", share("exact", "numbers"), least=0.88),),
    "numbers: desks": (Figure("exact", share("exact", "numbers"), least=0.90),),
    "numbers: recorded": (EXACT,),
    "rows: 1.15": (Figure("exact", share("exact", "numbers"), least=0.85),),
    "rows: 1.35": (Figure("exact", share("exact", "numbers"), least=0.92),),
    "rows: 1.6": (Figure("exact", share("exact", "numbers"), least=0.94),),
    "silence": (Figure("digits a page", share("invented", "pages"), "{:.3f}", most=0.05),),
    "places": (Figure("right", share("right", "pictures"), least=0.99),),
    "files": (Figure("right", share("right", "pictures"), least=0.99),),
    "canvas": (Figure("right", share("right", "pictures"), least=0.98),),
    "notes": (
        Figure("exact, of 11", lambda s: s.counts["exact"], "{:.0f}", least=11),
        Figure("digits on pages without", lambda s: s.counts["false_digits"], "{:.0f}"),
    ),
    "notes: turned": (EXACT,),
    "amounts": (Figure("exact", share("exact", "numbers"), least=0.85),),
    "characters: digits": (Figure("right", share("right", "pictures"), least=0.97),),
    "characters: letters": (Figure("nothing read", share("silent", "pages"), least=0.97),),
    "cells: handwritten": (Figure("right", share("right", "pictures"), least=0.97),),
    "cells: empty": (Figure("nothing read", share("silent", "pages"), least=0.97),),
    "forms": (
        Figure("found and right", share("right", "handwritten"), least=0.97),
        Figure("false digits a photo", share("false_digits", "pages"), "{:.2f}"),
    ),
}
"""By set, or by kind where all sets of it are held against the same."""
WORST_CELL = Figure("worst", share("right", "pictures"), least=0.97)
MEAN_SOURCE = Figure("mean over sources: right", share("right", "pictures"), least=0.97)
WORST_SOURCE = Figure("worst source: right", share("right", "pictures"), least=0.93)
LOST = Figure("mean over sources: nothing read", share("nothing", "pictures"), most=0.015)
CALIBRATION = Figure("calibration error (ECE, 15 bins)", lambda s: calibration_error(s.confidences),
                     "{:.4f}", most=MAX_ECE)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    title: str
    figure: Figure
    value: float
    detail: str = ""

    def __str__(self) -> str:
        value = self.figure.form.format(self.value)
        verdict = self.figure.verdict(self.value)
        return f"{self.title:52}{value:>9}   {verdict:26} {self.detail}".rstrip()


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; 1 if there is nothing to read, or to read with."""
    options = _parser().parse_args(argv)
    cv2.setNumThreads(1)
    try:
        runtime = usable_interpreter(options.runtime)
        recognizer = Recognizer(options.model, Settings(runtime=options.runtime))
        print(f"{options.model}; {runtime}, one thread\n")
        results = []
        for kind, each in load_kinds(
            Path(options.data or "."), options.sets, options.limit, everything=options.all
        ):
            if each.cases:
                results.append(read_set(recognizer, kind, each, keep=bool(options.gallery)))
                _print(rows_of(results[-1]))
    except (OSError, EdgeError, TrainError) as error:
        print(f"yardstick: {error}", file=sys.stderr)
        return 1
    if not results:
        print("yardstick: expected the training data, found none; give --data", file=sys.stderr)
        return 1
    print()
    _print(summary(results))
    if options.gallery:
        write_gallery(options.gallery, [(each.name, each.exhibits) for each in results])
        print(f"gallery: {options.gallery}")
    if options.json:
        options.json.write_text(json.dumps(as_dict(results), indent=1) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("DIGITCAM_DATA"))
    parser.add_argument("--model", type=Path, default=DEFAULT_BUNDLE)
    parser.add_argument("--runtime", choices=RUNTIMES, default="auto")
    parser.add_argument(
        "--sets", type=_kinds, default=frozenset(KINDS), help=f"some of {','.join(KINDS)}"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="read at most N pictures of a set")
    parser.add_argument("--all", action="store_true", help="read what was trained on too")
    parser.add_argument("--gallery", type=Path, metavar="OUT.html", help="of what went wrong")
    parser.add_argument("--json", type=Path, metavar="OUT.json")
    return parser


def _kinds(text: str) -> frozenset[str]:
    kinds = frozenset(text.split(","))
    if kinds - set(KINDS):
        raise argparse.ArgumentTypeError(f"expected some of {','.join(KINDS)}, found {text}")
    return kinds


def read_set(recognizer: Recognizer, kind: str, each: Set, *, keep: bool) -> Result:
    """Read every picture of a set; keep those that went wrong if told to."""
    result = Result(each.name, kind)
    recognizer.read(each.cases[0].load())  # warms up
    for case in each.cases:
        image, score = case.load(), Score()
        answer = read(recognizer, _png(image) if kind == "files" else image)
        score.seconds.append(answer.seconds)
        verdict = each.score(case, answer, score)
        result.add(case, score)
        if keep and not verdict.right and len(result.exhibits) < MAX_EXHIBITS:
            result.exhibits.append(Exhibit(case.name, image, answer, verdict))
    return result


def _png(image: Image) -> bytes:
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return bytes(cv2.imencode(".png", gray)[1].tobytes())


def rows_of(result: Result) -> Iterator[Row]:
    """Yield the lines of a set: each figure, with what went wrong beside the first."""
    for index, figure in enumerate(FIGURES.get(result.name) or FIGURES[result.kind]):
        title = f"{result.name} ({result.cases}): {figure.name}"
        yield Row(title, figure, figure.value(result.total), "" if index else _detail(result))
    if result.kind == "places":
        cells = [
            (RIGHT.value(score), f"{factor} {value}")
            for factor, by_value in result.factors.items()
            for value, score in by_value.items()
        ]
        value, where = min(cells)
        yield Row("places: worst size, place or frame", WORST_CELL, value, where)


def _detail(result: Result) -> str:
    """Tell how the wrong ones are wrong, where, and how long it took."""
    score, parts = result.total, []
    if score.counts["pictures"] and not score.counts["pages"]:
        names = dict(zip(OUTCOMES[1:], ("wrong", "lost", "invented", "?"), strict=True))
        parts = [f"{name} {score.share(key, 'pictures'):.1%}" for key, name in names.items()]
    elif score.counts["digits"]:
        names = {"edits": "digit errors", "lost": "lost", "invented": "invented", "untold": "?"}
        parts = [f"{name} {score.share(key, 'digits'):.1%}" for key, name in names.items()]
    elif score.counts["unsure"]:
        parts = [f"? {score.share('unsure', 'pages'):.3f}"]
    figure = (FIGURES.get(result.name) or FIGURES[result.kind])[0]
    for factor, by_value in result.factors.items():
        if len(by_value) > MAX_VALUES:
            continue
        values = [
            f"{value} {figure.form.format(figure.value(s))}"
            for value, s in sorted(by_value.items())
        ]
        parts.append(f"by {factor}: {', '.join(values)}")
    parts.append(f"{1e3 * statistics.median(score.seconds):.0f} ms")
    return "; ".join(parts)


def summary(results: Sequence[Result]) -> Iterator[Row]:
    """Yield what is told of all sources of digits together, and the calibration."""
    singles = [result for result in results if result.kind == "digits"]
    if singles:
        values = {r.name.removeprefix("digits: "): RIGHT.value(r.total) for r in singles}
        worst = min(values, key=values.__getitem__)
        mean = statistics.mean(values.values())
        yield Row(f"digits: {MEAN_SOURCE.name}", MEAN_SOURCE, mean)
        yield Row(f"digits: {WORST_SOURCE.name}", WORST_SOURCE, values[worst], worst)
        lost = statistics.mean(LOST.value(r.total) for r in singles)
        yield Row(f"digits: {LOST.name}", LOST, lost)
    everything = Score()
    for result in results:
        _merge(everything, result.total)
    told = f"{len(everything.confidences):,} digits"
    yield Row(CALIBRATION.name, CALIBRATION, CALIBRATION.value(everything), told)


def as_dict(results: Sequence[Result]) -> dict[str, object]:
    """Return all counts, figures and factors."""
    sets = {
        result.name: {
            "cases": result.cases,
            "counts": dict(result.total.counts),
            "ms": 1e3 * statistics.median(result.total.seconds),
            "factors": {
                factor: {value: dict(score.counts) for value, score in by_value.items()}
                for factor, by_value in result.factors.items()
            },
        }
        for result in results
    }
    rows = [row for result in results for row in rows_of(result)] + list(summary(results))
    return {"figures": {row.title: row.value for row in rows}, "sets": sets}


def _print(rows: Iterator[Row]) -> None:
    for row in rows:
        print(row, flush=True)


if __name__ == "__main__":
    sys.exit(main())
