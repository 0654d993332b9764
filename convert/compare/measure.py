"""What is measured of a bundle, each in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from digitcam.edge import Recognizer
from digitcam.edge.bundle import load_bundle
from digitcam.edge.classify import Classifier
from digitcam.edge.reading.view import IMAGE_SHAPE
from digitcam.edge.settings import Settings
from digitcam.train.architectures import build_model
from digitcam.train.architectures.cost import multiplications
from digitcam.train.held_back import Score, load_sets, read

from ..apart import apart

CALLS, ROUNDS = 50, 21
"""A network is called so often in a round, and so many rounds go over all networks."""
RIGHT = {
    "characters: digits": ("right", "pictures"),
    "cells: handwritten": ("right", "pictures"),
    "amounts": ("exact", "numbers"),
    "notes": ("exact", "numbers"),
    "characters: letters": ("rejected", "pictures"),
}
"""Of each set the counts whose ratio is the part that is read right, or rightly left."""
SINGLE_DIGITS = ("characters: digits", "cells: handwritten")
"""Sets of one digit a picture, which compare with MNIST's."""
PAPER_DIGITS = "digits"
"""What the part of both sets together is called."""


@cache
def size(architecture: str, classes: int, width: float) -> tuple[int, int]:
    """Return a network's parameters and multiplications a digit.

    A bundle does not tell them, so the network is built again, by TensorFlow; once for all seeds.
    """
    return apart(_size, architecture, classes, width)


def milliseconds(bundles: Mapping[str, Path]) -> dict[str, float]:
    """Time bundles on tflite-runtime, one digit a call, one thread.

    All are timed in turn, round by round, so that a machine's moods strike all alike; the median
    round counts.

    Args:
        bundles: Paths by name.

    Returns:
        Milliseconds a digit by name.
    """
    return apart(_milliseconds, dict(bundles))


def on_paper(bundle: Path, photographs: Path) -> dict[str, float]:
    """Read the photographs that nothing was trained on with a bundle.

    Returns:
        The part read right by set, those that are there; ``digits`` is that of all pictures of one
        digit.
    """
    return apart(_on_paper, bundle, photographs)


def _size(architecture: str, classes: int, width: float) -> tuple[int, int]:
    model = build_model(architecture, classes, width)
    return model.count_params(), multiplications(model)


def _milliseconds(bundles: Mapping[str, Path]) -> dict[str, float]:
    classifiers = {
        name: Classifier(load_bundle(path), "tflite-runtime") for name, path in bundles.items()
    }
    image = np.random.default_rng(0).integers(0, 256, (1, *IMAGE_SHAPE), np.uint8)
    times: dict[str, list[float]] = {name: [] for name in classifiers}
    for _ in range(ROUNDS):
        for name, classifier in classifiers.items():
            start = perf_counter()
            for _ in range(CALLS):
                classifier.logits(image)
            times[name].append(1e3 * (perf_counter() - start) / CALLS)
    return {name: median(rounds) for name, rounds in times.items()}


def _on_paper(bundle: Path, photographs: Path) -> dict[str, float]:
    # Networks for single digits are compared; a reader of strings would answer for some of them.
    recognizer = Recognizer(bundle, Settings(runtime="tflite-runtime", strings=""))
    scores = {}
    for each in load_sets(photographs):
        if each.name in RIGHT:
            scores[each.name] = score = Score()
            for case in each.cases:
                each.score(case, read(recognizer, case.load()), score)
    parts = {name: score.share(*RIGHT[name]) for name, score in scores.items()}
    if single := [scores[name] for name in SINGLE_DIGITS if name in scores]:
        parts[PAPER_DIGITS] = _share(single, *RIGHT[SINGLE_DIGITS[0]])
    return parts


def _share(scores: Sequence[Score], part: str, whole: str) -> float:
    return sum(s.counts[part] for s in scores) / max(sum(s.counts[whole] for s in scores), 1)
