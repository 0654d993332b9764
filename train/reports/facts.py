"""What there is to know about a data set, before anything is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..data import DigitData
from ..paper import PaperData
from .statistics import (
    ClassImages,
    Duplicates,
    Images,
    Labels,
    Numbers,
    Statistics,
    class_images,
    distances_between,
    distances_to_means,
    find_duplicates,
    measure,
    most_unusual,
    own_and_nearest_other,
    statistics_of,
)

TRAINING, TEST, PHOTOGRAPHS = "training", "test", "photographs"


@dataclass(frozen=True)
class Part:
    """Digits of one origin, and what they measure."""

    images: Images
    labels: Labels
    measured: Mapping[str, Numbers]
    """(N,) for each of MEASURES."""
    statistics: Statistics


@dataclass(frozen=True)
class Facts:
    """A data set in numbers, with the images that they are about."""

    digests: Mapping[str, str]
    """sha256 of the data's arrays, and of the marks of photographs."""
    parts: Mapping[str, Part]
    """Training and test digits, and digits of photographs where there are any."""
    classes: ClassImages
    """Of the training part, as are the next three."""
    between_means: Numbers
    """(10, 10) distances in levels; no number where a class is missing."""
    far_from_own: Sequence[Sequence[int]]
    """Indices of the images furthest from the mean of their class, a list a class."""
    near_another: Sequence[Sequence[int]]
    """Indices of the images that are closest to another class's mean, compared with their own."""
    nearest_mean_accuracy: float
    """Part of the test digits that the class with the nearest mean is right for."""
    duplicates: Duplicates
    """Within and between training and test part."""


def find_facts(data: DigitData, paper: PaperData | None, unusual: int) -> Facts:
    """Measure a data set.

    Args:
        data: Training and test digits.
        paper: Marks of photographs, if there are any.
        unusual: Images of each class to find that are unlike it.
    """
    x, y = data.x_train, data.y_train
    parts = {TRAINING: _part(x, y), TEST: _part(data.x_test, data.y_test)}
    if paper and len(paper.digits()[1]):
        parts[PHOTOGRAPHS] = _part(*paper.digits())
    classes = class_images(x, y)
    own, other = own_and_nearest_other(distances_to_means(x, classes), y)
    nearest = distances_to_means(data.x_test, classes).argmin(axis=1)
    return Facts(
        digests=data.digests() | ({PHOTOGRAPHS: paper.digest()} if paper else {}),
        parts=parts,
        classes=classes,
        between_means=distances_between(classes),
        far_from_own=most_unusual(own, y, unusual),
        near_another=most_unusual(own**2 - other**2, y, unusual),
        nearest_mean_accuracy=float((nearest == data.y_test).mean()),
        duplicates=find_duplicates(x, y, data.x_test, data.y_test),
    )


def _part(images: Images, labels: Labels) -> Part:
    measured = measure(images)
    return Part(images, labels, measured, statistics_of(images, labels, measured))


def as_json(facts: Facts) -> dict[str, Any]:
    """Return the numbers without the images and what is known of each."""
    return {
        "data": facts.digests,
        "parts": {
            name: {
                **asdict(part.statistics),
                "imbalance": part.statistics.imbalance,
                "mean_level": part.statistics.mean_level,
                "level_deviation": part.statistics.level_deviation,
            }
            for name, part in facts.parts.items()
        },
        "duplicates": asdict(facts.duplicates),
        "between_means": [
            [distance if distance >= 0 else None for distance in row]
            for row in facts.between_means.tolist()
        ],
        "nearest_mean_accuracy": facts.nearest_mean_accuracy,
        "far_from_own": facts.far_from_own,
        "near_another": facts.near_another,
    }
