"""Results as a table: a row a network, its seeds taken together."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from digitcam.train.architectures import PRESETS, Reported

from .measure import PAPER_DIGITS
from .results import Result, Results

HEADER = (
    "network",
    "parameters",
    "MACs",
    "reported",
    "reproduced",
    "points",
    "as the device sees it",
    "int8",
    "paper digits",
    "amounts",
    "letters left",
    "kB",
    "ms a digit",
    "training",
)
LEGEND = (
    "reproduced: MNIST's test digits in float (validation digits where the report is of those), "
    "mean and range over the seeds; points: percentage points from the report; as the device sees "
    "it: test digits through the device's crop, in float, then in int8 on tflite-runtime; paper "
    "digits: photographs of one digit read right; amounts: handwritten numbers exact; letters "
    "left: letters that were rightly not read."
)
NONE = "-"


def rows(results: Results) -> list[list[str]]:
    """Return the cells, a row a network, in the order of the presets and then of their coming."""
    order = [*(name for name in PRESETS if results.of(name))]
    order += [name for name in results.names if name not in order]
    return [_row(name, results.of(name), results.milliseconds.get(name)) for name in order]


def markdown(header: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """Return a table as Markdown has it."""
    lines = [header, ["---"] * len(header), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def reproduced(result: Result, reported: Reported | None) -> float:
    """Return the accuracy that compares with the reported one, 0 to 1."""
    if reported and reported.on == "validation" and result.validation_accuracy is not None:
        return result.validation_accuracy
    return result.test_accuracy


def points(accuracy: float, reported: Reported) -> float:
    """Return by how many percentage points an accuracy leaves what was reported; 0 within it."""
    highest = reported.up_to or reported.accuracy
    return 100 * (max(accuracy - highest, 0) + min(accuracy - reported.accuracy, 0))


def _row(name: str, seeds: Sequence[Result], milliseconds: float | None) -> list[str]:
    reported = PRESETS[name].reported if name in PRESETS else None
    values = [reproduced(each, reported) for each in seeds]
    first = seeds[0]
    return [
        name,
        f"{first.parameters:,}",
        f"{first.multiplications / 1e6:.2f} M",
        str(reported) if reported else NONE,
        _spread(values),
        f"{points(fmean(values), reported):+.2f}" if reported else NONE,
        _spread([each.device_accuracy for each in seeds]),
        _spread([each.int8_accuracy for each in seeds]),
        _paper(seeds, PAPER_DIGITS),
        _paper(seeds, "amounts"),
        _paper(seeds, "characters: letters"),
        f"{first.bytes / 1e3:.1f}",
        f"{milliseconds:.3f}" if milliseconds else NONE,
        _duration(seeds),
    ]


def _paper(seeds: Sequence[Result], kind: str) -> str:
    return _spread([each.paper[kind] for each in seeds if kind in each.paper], "{:.1%}")


def _spread(values: Sequence[float], form: str = "{:.2%}") -> str:
    if not values:
        return NONE
    mean = form.format(fmean(values))
    if len(values) == 1:
        return mean
    return f"{mean} ({form.format(min(values))} to {form.format(max(values))})"


def _duration(seeds: Sequence[Result]) -> str:
    known = [each.train_seconds for each in seeds if each.train_seconds is not None]
    return f"{fmean(known) / 60:.1f} min" if known else NONE
