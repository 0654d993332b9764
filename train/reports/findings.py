"""The sections of the page about a network, each with a sentence that says what to see there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..paper import CLASSES
from ..plots import draw_coverage, draw_curves
from ..subject import Subject
from .diagrams import confusion_chart, reliability_chart
from .page import Picture, Section, Table, drawn
from .results import Result

NOTHING = "-"
SHA256 = re.compile("[0-9a-f]{64}")
DIGEST_LENGTH = 12
"""Of a digest on the page."""
DECISIONS = {
    "right": "read right",
    "wrong": "read wrong",
    "unsure": "left open: not sure enough",
    "no_digit": "taken for no digit",
}
"""What a device does with an image."""
SAME_DATA = {
    True: "Its training was measured on the same test digits.",
    False: "These are other test digits than its training was measured on.",
    None: "Which digits its training was measured on is not known.",
}


def percent(part: float | None, digits: int = 2) -> str:
    """Return a part of 1 as it is shown."""
    return NOTHING if part is None else f"{100 * part:.{digits}f} %"


def in_short(results: Sequence[Result], as_it_is: float | None) -> Section:
    """Return the section with the figures that matter most, a column a set."""
    every = [result.figures for result in results]

    def row(name: str, cells: Sequence[str]) -> Sequence[str]:
        return (name, *cells)

    macro = [figures["macro"] for figures in every]
    rows = [
        row("images", [f"{figures['count']:,}" for figures in every]),
        row("of them digits", [f"{figures['digits']:,}" for figures in every]),
        row("accuracy", [percent(figures["accuracy"]) for figures in every]),
        row("accuracy among ten digits", [percent(f["digit_accuracy"]) for f in every]),
        row("precision, mean of the classes", [percent(each["precision"]) for each in macro]),
        row("recall, mean of the classes", [percent(each["recall"]) for each in macro]),
        row("F1, mean of the classes", [percent(each["f1"]) for each in macro]),
        row("digits that are answered", [percent(figures["coverage"]) for figures in every]),
        row("wrong among the answers", [percent(figures["error"]) for figures in every]),
        row("calibration error", [percent(figures["calibration_error"]) for figures in every]),
    ]
    if as_it_is is not None:
        rest = [NOTHING] * (len(results) - 1)
        rows.append(row("accuracy on MNIST as it is", [percent(as_it_is), *rest]))
    confidence = every[0]["min_confidence"]
    return Section(
        "In short",
        "The accuracy among ten digits is what is usually reported: its reader knows that all are "
        f"digits. A device does not, and answers with what has a confidence of {confidence:g} or "
        "more." + _PAPER * (len(results) > 1) + _RAW * (as_it_is is not None),
        [Table(("", *(result.examination.title for result in results)), rows)],
    )


_PAPER = " Paper are marks cut from photographs that nothing is trained on."
_RAW = (
    " This network learnt from MNIST as it is, which a camera does not give; the digits of all "
    "other figures went through the device's crop."
)


def identity(subject: Subject, data: Mapping[str, Any]) -> Section:
    """Return the section that says what was evaluated, and on what.

    Args:
        subject: The network.
        data: As ``metrics.json`` has it.
    """
    same = data["same_as_training"]
    facts = {
        "evaluated": subject.name,
        "kind": subject.kind,
        **subject.facts_of_training(),
        **subject.facts,
        "classes": ", ".join(subject.classes),
        "temperature": f"{subject.temperature:.4f}",
        "least confidence": f"{subject.min_confidence:g}",
        "preprocessing": str(subject.recipe.get("preprocessing", NOTHING)),
        **{f"{name} sha256": each for name, each in data.items() if name != "same_as_training"},
    }
    versions = subject.recipe.get("versions")
    tables = [
        Table(("what", ""), [(name.replace("_", " "), _cell(v)) for name, v in facts.items()])
    ]
    if isinstance(versions, dict):
        rows = [(name, str(each or NOTHING)) for name, each in versions.items()]
        tables.append(Table(("trained with", "version"), rows))
    return Section(
        "What was evaluated",
        "The sums, which metrics.json has in full, tell whether these are the network and the "
        "digits that are meant. " + SAME_DATA[same],
        tables,
    )


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    text = str(value).removeprefix("sha256:")
    return text[:DIGEST_LENGTH] if SHA256.fullmatch(text) else text


def classes_section(result: Result) -> Section:
    """Return precision, recall and F1 a class."""
    figures, rows = result.figures, []
    for name, each in figures["classes"].items():
        if each["count"]:
            shares = [percent(each[key]) for key in ("precision", "recall", "f1")]
            rows.append((name, f"{each['count']:,}", *shares))
    macro = [percent(figures["macro"][key]) for key in ("precision", "recall", "f1")]
    rows.append(("mean", f"{figures['count']:,}", *macro))
    return Section(
        f"{result.examination.title}: classes",
        _weakest(figures["classes"]),
        [Table(("class", "images", "precision", "recall", "F1"), rows)],
    )


def _weakest(classes: Mapping[str, Mapping[str, float]]) -> str:
    there = {name: each for name, each in classes.items() if each["count"]}
    missed, mistaken = (
        min(there, key=lambda name: there[name][what]) for what in ("recall", "precision")
    )
    return (
        "Precision is the part of what is read as a class that is of it, recall the part of a "
        f"class that is read as it; the least recall is that of {missed}, the least precision that "
        f"of {mistaken}."
    )


def confusion_section(result: Result) -> Section:
    """Return the confusion matrix."""
    classes, table = result.classes, result.figures["confusion"]
    pairs = [
        (count, true, read)
        for true, row in zip(classes, table, strict=True)
        for read, count in zip(classes, row, strict=True)
        if true != read and count
    ]
    worst = ", ".join(f"{true} as {read} ({n:,})" for n, true, read in sorted(pairs)[:-4:-1])
    caption = "True classes by what they were read as; errors are coloured."
    return Section(
        f"{result.examination.title}: confusion",
        f"Most often taken for another are {worst}." if worst else "Nothing was read wrong.",
        pictures=[Picture(confusion_chart(table, classes), caption)],
    )


def reliability_section(result: Result) -> Section:
    """Return the reliability diagram with its calibration error."""
    rows, title = result.figures["reliability"], f"{result.examination.title}: reliability"
    if not rows:
        return Section(title, "Nothing was read as a digit, so no confidence was given.")
    return Section(
        title,
        "Bars that end on the line are honest, above it too modest, below it too sure; few answers "
        "make a bar that says little. The expected calibration error, the mean gap to the line "
        f"over all answers, is {percent(result.figures['calibration_error'])}.",
        pictures=[Picture(reliability_chart(rows), "What is read as a digit, by its confidence.")],
    )


def coverage_section(result: Result) -> Section:
    """Return the curve of error against coverage, and what a device would do."""
    figures = result.figures
    decisions, chosen = figures["decisions"], figures["min_confidence"]
    header = ["at that confidence", "digits"]
    rows = [[about, f"{decisions['digits'][key]:,}"] for key, about in DECISIONS.items()]
    if figures["count"] > figures["digits"]:
        header.append("other marks")
        for row, key in zip(rows, DECISIONS, strict=True):
            row.append(f"{decisions['others'][key]:,}")
    chart = draw_coverage(figures["coverage_curve"], chosen)
    return Section(
        f"{result.examination.title}: coverage",
        f"With a least confidence of {chosen:g}, {percent(figures['coverage'])} of the digits are "
        f"answered, and {percent(figures['error'])} of the answers are wrong; another threshold is "
        "another point of the curve.",
        [Table(header, rows)],
        [Picture(drawn(chart), "Wrong answers against answered digits, by the threshold.")],
    )


def error_sections(result: Result, shown: int) -> Iterator[Section]:
    """Yield the errors themselves, worst first.

    Args:
        result: What was read.
        shown: Most of a kind that are shown.
    """
    title, wrong, missed = result.examination.title, result.wrong_digits, result.missed_digits
    text = (
        f"{len(wrong):,} were read as a digit that they are not, the surest first; metrics.json "
        "has all of them, by the number that stands below."
        if wrong
        else "Nothing was read as a digit that it is not."
    )
    yield Section(f"{title}: wrong digits", text, (), _gallery(result, wrong[:shown]))
    if missed:
        text = f"{len(missed):,} digits were taken for none, the surest first."
        yield Section(f"{title}: missed digits", text, (), _gallery(result, missed[:shown]))


def _gallery(result: Result, indices: Sequence[int]) -> list[Picture]:
    pictures = []
    for index in indices:
        true, read = (CLASSES[each[index]] for each in (result.examination.labels, result.read))
        confidence = percent(float(result.confidence[index]), 1)
        caption = f"{true} → {read}\n{confidence}\nno. {index}"
        png = _png(result.examination.images[index])
        pictures.append(Picture(png, caption, pixelated=True))
    return pictures


def _png(image: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


def curves_section(subject: Subject) -> Section:
    """Return the curves of the training."""
    epochs = len(subject.history)
    text = (
        "the curves of what was held back should flatten and not rise again."
        if "val_loss" in subject.history[0]
        else "nothing was held back, so the curves do not tell when it began to learn by heart."
    )
    return Section(
        "Training",
        f"{epochs} epochs: {text}",
        pictures=[Picture(drawn(draw_curves(subject.history)), "Loss, error and learning rate.")],
    )
