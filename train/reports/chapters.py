"""The sections of the page about the data, each with a sentence that says what to see there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..paper import PaperData
from ..scene import INK_LEVEL
from . import sheets
from .facts import PHOTOGRAPHS, TEST, TRAINING, Facts, Part
from .page import Section, Table
from .pictures import Drawing, class_bars, level_chart, matrix, measure_charts, sheet
from .statistics import DIGITS, LEVELS, MEASURES, Statistics, closest_classes, summary_of

SPREAD_GAIN = 2
"""No pixel's standard deviation is more than half its range."""
CLOSEST = 3
"""Pairs of classes that are named as most alike."""
DIGEST_LENGTH = 12


def chapters(facts: Facts, paper: PaperData | None, seed: int, samples: int) -> list[Section]:
    """Return the page's sections.

    Args:
        facts: What was measured.
        paper: Marks of photographs, if there are any.
        seed: Source of every draw.
        samples: Images shown of each class.
    """
    training = facts.parts[TRAINING]
    # One source a section, so that none changes with what stands before it.
    draws = [np.random.default_rng((seed, number)) for number in range(4)]
    return [
        _arrays(facts),
        _classes(facts),
        sheets.samples_section(facts, samples, draws[0]),
        _pixels(facts),
        _shapes(facts),
        _means(facts),
        _likeness(facts),
        sheets.unusual_section(facts),
        sheets.duplicates_section(facts),
        sheets.distorted_section(training, draws[1]),
        sheets.pages_section(training, samples, draws[2]),
        *([sheets.photographs_section(paper, samples, draws[3])] if paper else []),
    ]


def _arrays(facts: Facts) -> Section:
    digests = {name: _short(digest) for name, digest in facts.digests.items()}
    counts = {name: f"{part.statistics.count:,}" for name, part in facts.parts.items()}
    rows = [
        (TRAINING, counts[TRAINING], digests["x_train"], digests["y_train"]),
        (TEST, counts[TEST], digests["x_test"], digests["y_test"]),
    ]
    if PHOTOGRAPHS in digests:
        count = counts.get(PHOTOGRAPHS, "0")
        rows.append((PHOTOGRAPHS, count, digests[PHOTOGRAPHS], "in the same"))
    return Section(
        "What is there",
        "A run's recipe.json holds the same sums, so that it can be told what was trained on.",
        [Table(("part", "digits", "sha256 of the images", "of the labels"), rows)],
    )


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:DIGEST_LENGTH]


def _classes(facts: Facts) -> Section:
    counts = {name: part.statistics.labels for name, part in facts.parts.items()}
    shares = {name: [100 * n / sum(own) for n in own] for name, own in counts.items()}
    rows = []
    for digit in range(DIGITS):
        cells = [(f"{counts[name][digit]:,}", f"{shares[name][digit]:.1f} %") for name in counts]
        rows.append([str(digit), *(text for pair in cells for text in pair)])
    header = ["class", *(text for name in counts for text in (name, "share"))]
    return Section(
        "Classes",
        _balance(facts.parts[TRAINING].statistics, shares),
        [Table(header, rows)],
        [Drawing(class_bars(shares), "Share of each class in its part.", name="classes")],
    )


def _balance(training: Statistics, shares: Mapping[str, Sequence[float]]) -> str:
    apart = np.abs(np.subtract(shares[TRAINING], shares[TEST]))
    missing = [str(digit) for digit, count in enumerate(training.labels) if not count]
    balance = (
        f"The largest class of the training part has {training.imbalance:.2f} images for one of "
        "the smallest"
        if training.imbalance
        else f"The training part has no {', '.join(missing)}"
    )
    return (
        f"{balance}; training and test part differ most in the share of {apart.argmax()}, by "
        f"{apart.max():.1f} points."
    )


def _pixels(facts: Facts) -> Section:
    statistics = {name: part.statistics for name, part in facts.parts.items()}
    every = statistics.values()
    rows = {
        "mean level": [f"{s.mean_level:.1f}" for s in every],
        "standard deviation": [f"{s.level_deviation:.1f}" for s in every],
        "bare paper, 0": [f"{100 * s.part(0, 0):.1f} %" for s in every],
        f"ink, {INK_LEVEL} and more": [f"{100 * s.part(INK_LEVEL, LEVELS):.1f} %" for s in every],
        "full ink, 255": [f"{100 * s.part(LEVELS - 1, LEVELS):.1f} %" for s in every],
    }
    chart = level_chart({name: s.levels for name, s in statistics.items()})
    return Section(
        "Pixels",
        "Most pixels should be paper and the rest mostly ink; what lies between are the edges of "
        "strokes, and grain.",
        [Table(("pixels", *statistics), [(name, *cells) for name, cells in rows.items()])],
        [Drawing(chart, "Pixels by their level, on a logarithmic scale.", name="levels")],
    )


def _shapes(facts: Facts) -> Section:
    parts = facts.parts
    rows = [
        (title, *(_spread(part, measure) for part in parts.values()))
        for measure, title in MEASURES.items()
    ]
    charts = measure_charts({name: part.measured for name, part in parts.items()}, MEASURES)
    return Section(
        "Shapes",
        "MNIST's digits fill 20 px in their longer direction and are centred by mass on pixel 14; "
        "data that is laid out otherwise shows here.",
        [
            Table(("mean ± standard deviation", *parts), rows),
            Table(("training, mean", *map(str, range(DIGITS))), _means_by_class(parts[TRAINING])),
        ],
        [Drawing(charts, "How the measures are spread over the images.", name="shapes")],
    )


def _spread(part: Part, measure: str) -> str:
    summary = part.statistics.measures[measure]
    return f"{summary.mean:.1f} ± {summary.deviation:.1f}"


def _means_by_class(part: Part) -> list[list[str]]:
    members = [part.labels == digit for digit in range(DIGITS)]
    return [
        [title, *(f"{summary_of(values[own]).mean:.1f}" if own.any() else "-" for own in members)]
        for title, values in ((title, part.measured[name]) for name, title in MEASURES.items())
    ]


def _means(facts: Facts) -> Section:
    rows = {
        "mean": facts.classes.mean.round().astype(np.uint8),
        "spread": (SPREAD_GAIN * facts.classes.deviation).clip(0, LEVELS - 1).astype(np.uint8),
    }
    png = sheet(rows, list(map(str, range(DIGITS))), enlarge=3)
    caption = "Mean and standard deviation, this twice as bright, of each class's training images."
    return Section(
        "Mean and spread",
        "The mean shows what a class has in common, the spread where its hands differ.",
        pictures=[Drawing(png, caption, name="means")],
    )


def _likeness(facts: Facts) -> Section:
    closest = ", ".join(closest_classes(facts.between_means, CLOSEST))
    caption = "Root mean square difference of the mean images of two classes, in levels."
    return Section(
        "Likeness of the classes",
        f"The most alike are {closest or 'none'}. The nearest mean alone is right for "
        f"{100 * facts.nearest_mean_accuracy:.1f} % of the test digits, which any network has to "
        "beat.",
        pictures=[Drawing(matrix(facts.between_means, "levels"), caption, name="likeness")],
    )
