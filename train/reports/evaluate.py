"""A network looked at: a folder with a page and its numbers.

``metrics.json`` holds

- ``format``: 1;
- ``subject``: ``name``, ``kind``, ``classes``, ``temperature``, ``min_confidence``,
  ``model_sha256`` and ``evaluated_with``; ``parameters``, ``multiplications`` and ``bytes`` where
  they are known;
- ``training``: the network's ``recipe.json``, as far as it is known;
- ``data``: digests of what it was evaluated on, and ``same_as_training``, null if that is not
  known;
- ``mnist``: MNIST's test digits through the device's crop; ``paper``: marks of photographs, if they
  were given. In each:

  - ``count`` and ``digits``: images, and how many of them are digits;
  - ``accuracy``: part that was read right; ``digit_accuracy``: that of the digits, if the reader
    knows that they are some; ``cross_entropy``, nats;
  - ``min_confidence``; there, ``coverage``, the part of the digits that is answered, ``error``, the
    part of the answers that is wrong, and ``decisions``: how many ``digits`` and ``others`` are
    read ``right`` or ``wrong``, left ``unsure``, or taken for ``no_digit``;
  - ``coverage_curve``: ``threshold``, ``coverage`` and ``error``;
  - ``calibration_error``; ``reliability`` by bin: ``low``, ``high``, ``count``, ``confidence``,
    ``accuracy``;
  - ``classes``: ``precision``, ``recall``, ``f1`` and ``count`` of each; ``macro``: their means
    over the classes that are there; ``confusion``: a row a true class, a column one that was read;
  - ``errors``: ``index``, ``true``, ``read`` and ``confidence`` of each, worst first;

- ``mnist_as_it_is``: ``digit_accuracy`` without the crop, of a network that was trained so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from digitcam.edge.files import write_whole

from ..augment import plain_images
from ..data import DigitData
from ..errors import DataError
from ..evaluation import digit_accuracy
from ..paper import PaperData
from ..saliency import LEAST
from ..subject import Subject
from . import findings
from .attention import attention_section
from .page import Section, failures_told, write_page
from .results import Examination, Result, examine

FORMAT = 1
PAGE, NUMBERS = "report.html", "metrics.json"


def write_evaluation(
    folder: Path,
    subject: Subject,
    data: DigitData,
    paper: PaperData | None = None,
    *,
    errors: int,
    chosen: Sequence[int] | None = None,
) -> dict[str, Any]:
    """Evaluate a network and write the page and the numbers.

    Args:
        folder: Where to; it is there.
        subject: The network.
        data: MNIST, whose test digits are read.
        paper: Marks of photographs that were not trained on.
        errors: Most errors of a kind that are shown.
        chosen: Indices of test digits to explain; by default the worst errors and right ones.

    Returns:
        What ``metrics.json`` holds.

    Raises:
        RunError: A file cannot be written; what stood under its name is as it was.
    """
    results = [examine(subject, each) for each in _examinations(data, paper)]
    as_it_is = _as_it_is(subject, data)
    numbers = _numbers(subject, data, paper, results, as_it_is)
    sections = list(_sections(subject, numbers, results, errors, chosen, as_it_is))
    title = f"digitcam: {Path(subject.name).stem}"
    with failures_told(folder):
        write_whole(folder / NUMBERS, (json.dumps(numbers, indent=1) + "\n").encode())
        write_page(folder / PAGE, title, _summary(subject, results[0]), sections)
    return numbers


def check_chosen(chosen: Sequence[int] | None, data: DigitData) -> None:
    """Refuse indices that no test digit has.

    Raises:
        DataError: One is beyond the last.
    """
    count = len(data.x_test)
    beyond = [index for index in chosen or () if index >= count]
    if beyond:
        raise DataError(
            f"--digits must be from 0 to {count - 1}, the last test digit, found {beyond[0]}"
        )


def _examinations(data: DigitData, paper: PaperData | None) -> Iterator[Examination]:
    yield Examination("mnist", "MNIST", plain_images(data.x_test), data.y_test)
    if paper:
        yield Examination("paper", "Paper", paper.images(), paper.labels)


def _as_it_is(subject: Subject, data: DigitData) -> float | None:
    if not subject.raw:
        return None
    logits = np.log(np.maximum(subject.probabilities(data.x_test), LEAST))
    return digit_accuracy(logits, data.y_test)


def _numbers(
    subject: Subject,
    data: DigitData,
    paper: PaperData | None,
    results: Sequence[Result],
    as_it_is: float | None,
) -> dict[str, Any]:
    digests = {name: data.digests()[name] for name in ("x_test", "y_test")}
    if paper:
        digests["paper"] = paper.digest().removeprefix("sha256:")
    return {
        "format": FORMAT,
        "subject": {
            "name": subject.name,
            "kind": subject.kind,
            "classes": subject.classes,
            "temperature": subject.temperature,
            "min_confidence": subject.min_confidence,
            **subject.facts,
        },
        "training": dict(subject.recipe),
        "data": {**digests, "same_as_training": _same_as_training(subject, digests)},
        **{result.examination.key: result.figures for result in results},
        **({"mnist_as_it_is": {"digit_accuracy": as_it_is}} if as_it_is is not None else {}),
    }


def _same_as_training(subject: Subject, digests: Mapping[str, str]) -> bool | None:
    recorded = subject.recipe.get("data")
    if not isinstance(recorded, dict) or "x_test" not in recorded:
        return None
    return all(recorded.get(name) == digests[name] for name in ("x_test", "y_test"))


def _sections(
    subject: Subject,
    numbers: Mapping[str, Any],
    results: Sequence[Result],
    errors: int,
    chosen: Sequence[int] | None,
    as_it_is: float | None,
) -> Iterator[Section]:
    yield findings.in_short(results, as_it_is)
    yield findings.identity(subject, numbers["data"])
    for result in results:
        yield findings.classes_section(result)
        yield findings.confusion_section(result)
        yield findings.reliability_section(result)
        yield findings.coverage_section(result)
        yield from findings.error_sections(result, errors)
        asked = chosen if result is results[0] else None
        yield attention_section(subject, result, asked)
    if subject.history:
        yield findings.curves_section(subject)


def _summary(subject: Subject, result: Result) -> str:
    figures = result.figures
    name = subject.recipe.get("architecture", "A network")
    right, own = (findings.percent(figures[name]) for name in ("digit_accuracy", "accuracy"))
    return (
        f"{name}, as a {subject.kind}: of {figures['digits']:,} test digits of MNIST, seen as a "
        f"device sees them, {right} are read right"
        + (f", and {own} where they may be taken for none." if subject.rejects else ".")
    )
