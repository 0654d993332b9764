"""What can be counted and measured in labelled images of digits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.bundle import DIGIT_CLASSES

from ..scene import INK_LEVEL

Images = NDArray[np.uint8]
"""(N, 28, 28) uint8, white ink on black."""
Labels = NDArray[np.uint8]
"""(N,) uint8."""
Numbers = NDArray[np.float32]

DIGITS = len(DIGIT_CLASSES)
LEVELS = 256
TAIL = 5
"""Percent of the images that lie below a summary's low end, and above its high end."""
CHUNK = 4096
"""Images that are measured at once, so that memory stays small."""

MEASURES = {
    "ink": "part with ink, %",
    "stroke": "stroke width, px",
    "width": "ink's width, px",
    "height": "ink's height, px",
    "center_x": "centre of mass from the left, px",
    "center_y": "centre of mass from the top, px",
}
"""What is measured of each image, with its unit."""


@dataclass(frozen=True)
class Summary:
    """A measure over many images."""

    mean: float
    deviation: float
    """Standard deviation."""
    low: float
    """5 % of the images lie below."""
    high: float
    """5 % of the images lie above."""


@dataclass(frozen=True)
class Statistics:
    """A set of digits in numbers."""

    count: int
    labels: tuple[int, ...]
    """Images of each class."""
    levels: tuple[int, ...]
    """Pixels at each level, 0 (paper) to 255 (ink)."""
    measures: Mapping[str, Summary]
    """By the keys of MEASURES."""

    @property
    def imbalance(self) -> float | None:
        """Images of the largest class for one of the smallest; None where a class is missing."""
        return max(self.labels) / min(self.labels) if min(self.labels) else None

    @property
    def mean_level(self) -> float:
        """Mean of all pixels."""
        return float(np.average(np.arange(LEVELS), weights=self.levels))

    @property
    def level_deviation(self) -> float:
        """Standard deviation of all pixels."""
        square = float(np.average(np.arange(LEVELS) ** 2, weights=self.levels))
        return float(np.sqrt(max(square - self.mean_level**2, 0)))

    def part(self, first: int, last: int) -> float:
        """Return the part of all pixels whose level is one of these."""
        return sum(self.levels[first : last + 1]) / sum(self.levels)


@dataclass(frozen=True)
class ClassImages:
    """What the images of a class have in common, and where they differ."""

    mean: Numbers
    """(10, 28, 28) levels; black where a class is missing."""
    deviation: Numbers
    """(10, 28, 28) standard deviation in levels."""


@dataclass(frozen=True)
class Duplicates:
    """Images that are there twice, pixel for pixel."""

    training: int
    """Images of the training part that an earlier one is the same as."""
    test: int
    """Images of the test part that an earlier one is the same as."""
    shared: tuple[tuple[int, int], ...]
    """Index of a training image and of a test image that is the same."""
    contradictions: int
    """Images that are there with more than one label, whichever part they are in."""


def statistics_of(images: Images, labels: Labels, measured: Mapping[str, Numbers]) -> Statistics:
    """Count classes and levels, and summarize what ``measure`` gave."""
    return Statistics(
        count=len(images),
        labels=tuple(np.bincount(labels, minlength=DIGITS).tolist()),
        levels=tuple(_count_levels(images).tolist()),
        measures={name: summary_of(values) for name, values in measured.items()},
    )


def summary_of(values: Numbers) -> Summary:
    """Summarize a measure; it has one value or more."""
    low, high = np.percentile(values, (TAIL, 100 - TAIL))
    mean, deviation = values.mean(dtype=np.float64), values.std(dtype=np.float64)
    return Summary(float(mean), float(deviation), float(low), float(high))


def measure(images: Images) -> dict[str, Numbers]:
    """Measure each image; every one has ink.

    Returns:
        (N,) for each of MEASURES. The stroke's width is twice the area of the ink by the length
        of its outline, which is the total variation of the image (the coarea formula).
    """
    parts = [_measure(chunk) for chunk in _chunks(images)]
    return {name: np.concatenate([part[name] for part in parts]) for name in MEASURES}


def _measure(images: Images) -> dict[str, Numbers]:
    ink = images >= INK_LEVEL
    level = images.astype(np.float32) / (LEVELS - 1)
    rows, columns = level.sum(axis=2), level.sum(axis=1)
    area = level.sum(axis=(1, 2))
    measured = {
        "ink": 100 * ink.mean(axis=(1, 2)),
        "stroke": 2 * area / _outline(level),
        "width": _extent(ink.any(axis=1)),
        "height": _extent(ink.any(axis=2)),
        "center_x": columns @ np.arange(columns.shape[1]) / area,
        "center_y": rows @ np.arange(rows.shape[1]) / area,
    }
    return {name: values.astype(np.float32) for name, values in measured.items()}


def _outline(level: Numbers) -> Numbers:
    """Return the total variation of images whose ink is 1, in px."""
    framed = np.pad(level, ((0, 0), (1, 1), (1, 1)))
    down, right = np.diff(framed, axis=1)[:, :, :-1], np.diff(framed, axis=2)[:, :-1]
    return np.hypot(down, right).sum(axis=(1, 2))  # type: ignore[no-any-return]


def _extent(there: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return from the first to the last that is there, a row."""
    first, after_last = there.argmax(axis=1), there.shape[1] - there[:, ::-1].argmax(axis=1)
    return after_last - first  # type: ignore[no-any-return]


def _count_levels(images: Images) -> NDArray[np.int64]:
    counts = [np.bincount(chunk.ravel(), minlength=LEVELS) for chunk in _chunks(images)]
    return np.sum(counts, axis=0)  # type: ignore[no-any-return]


def _chunks(images: Images) -> Iterator[Images]:
    for start in range(0, len(images), CHUNK):
        yield images[start : start + CHUNK]


def class_images(images: Images, labels: Labels) -> ClassImages:
    """Return the mean and the spread of each class."""
    mean, deviation = np.zeros((2, DIGITS, *images.shape[1:]), np.float32)
    for digit in np.unique(labels):
        own = images[labels == digit]
        mean[digit], deviation[digit] = own.mean(axis=0), own.std(axis=0)
    return ClassImages(mean, deviation)


def distances_between(classes: ClassImages) -> Numbers:
    """Return (10, 10): root mean square difference of the means of two classes, in levels.

    It is no number (NaN) where one of them is missing.
    """
    means = classes.mean.reshape(DIGITS, -1)
    distances = np.sqrt(((means[:, None] - means[None]) ** 2).mean(axis=2))
    missing = ~means.any(axis=1)
    distances[missing], distances[:, missing] = np.nan, np.nan
    return distances  # type: ignore[no-any-return]


def closest_classes(distances: Numbers, count: int) -> list[str]:
    """Return the pairs of classes, such as ``4 and 9``, with the least distances first."""
    pairs = [pair for pair in combinations(range(DIGITS), 2) if distances[pair] >= 0]
    return [f"{a} and {b}" for a, b in sorted(pairs, key=distances.__getitem__)[:count]]


def distances_to_means(images: Images, classes: ClassImages) -> Numbers:
    """Return (N, 10): root mean square difference of each image and each class's mean, in levels.

    It is infinite to a class that is missing.
    """
    means = classes.mean.reshape(DIGITS, -1)
    squares = (means**2).mean(axis=1)
    squares[~means.any(axis=1)] = np.inf
    parts = []
    for chunk in _chunks(images):
        flat = chunk.reshape(len(chunk), -1).astype(np.float32)
        product = flat @ means.T * (2 / flat.shape[1])
        apart = (flat**2).mean(axis=1, keepdims=True) - product + squares
        parts.append(np.sqrt(apart.clip(0)))
    return np.concatenate(parts)


def own_and_nearest_other(distances: Numbers, labels: Labels) -> tuple[Numbers, Numbers]:
    """Return (N,) and (N,): of the distances those to the own class and to the nearest other."""
    others, every = distances.copy(), np.arange(len(labels))
    others[every, labels] = np.inf
    return distances[every, labels], others.min(axis=1)


def most_unusual(scores: Numbers, labels: Labels, count: int) -> list[list[int]]:
    """Return a list a class: indices of its images with the highest scores, the highest first."""
    highest = np.argsort(-scores, kind="stable")
    return [highest[labels[highest] == digit][:count].tolist() for digit in range(DIGITS)]


def find_duplicates(
    training: Images, training_labels: Labels, test: Images, test_labels: Labels
) -> Duplicates:
    """Find images that are the same pixel for pixel."""
    places: dict[bytes, list[int]] = {}
    for index, image in enumerate(chain(training, test)):
        places.setdefault(image.tobytes(), []).append(index)
    labels, border = np.concatenate([training_labels, test_labels]), len(training)
    repeated = [group for group in places.values() if len(group) > 1]
    parts = [
        ([i for i in group if i < border], [i - border for i in group if i >= border])
        for group in repeated
    ]
    return Duplicates(
        training=sum(max(len(own) - 1, 0) for own, _ in parts),
        test=sum(max(len(own) - 1, 0) for _, own in parts),
        shared=tuple((ours[0], theirs) for ours, others in parts if ours for theirs in others),
        contradictions=sum(len(np.unique(labels[group])) > 1 for group in repeated),
    )
