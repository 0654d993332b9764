"""What a training learns from, chooses by and is measured on: all there is, or MNIST as it is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from digitcam.edge.bundle import DIGIT_CLASSES
from digitcam.edge.reading.view import IMAGE_SHAPE

from .augment import plain_images
from .data import DigitData
from .epochs import Annotation, Arrays, EpochFeed
from .feed import FeedSettings, MarkSource, Samples
from .found import find_on_pages, shown
from .paper import CLASSES, PaperData
from .run import Recipe
from .writers import Writers

HELD_PAGES = 150
"""Most pages by held-back hands whose marks are looked at."""
DIGITS_A_PAGE = 10
"""Held-back digits of MNIST for each of them, at least."""


class Feed(Protocol):
    """Makes the epochs of a training."""

    def epoch(self, number: int, *, last: bool = False) -> Arrays:
        """Return the samples of an epoch, from 0, in the order to train on them.

        Images, labels, and what an annotation says of them if the feed was opened with one.
        """
        ...


@dataclass(frozen=True)
class PaperDataset:
    """Digits by every hand, marks of rendered pages, and marks of photographs."""

    x: NDArray[np.uint8]
    """(N, 28, 28) digits to learn from, as MNIST has them."""
    y: NDArray[np.uint8]
    """(N,) labels."""
    paper: PaperData | None
    settings: FeedSettings
    writers: Writers
    seed: int
    held: Mapping[str, Samples]
    """What is not trained on: ``digit`` of MNIST, ``page`` of rendered pages, and ``paper``."""
    test: Samples
    """MNIST's test digits, as model images."""
    classes: tuple[str, ...] = CLASSES
    """What the labels stand for."""

    @property
    def samples(self) -> int:
        """Samples an epoch."""
        return self.settings.samples(with_paper=self.paper is not None)

    @property
    def calibration(self) -> Samples:
        """Marks as the device finds them: MNIST's own digits are easier than those on paper."""
        return _joined([self.held["page"], self.held["paper"]])

    def feed(
        self,
        workers: int | None,
        samples: Path | None = None,
        annotation: Annotation | None = None,
    ) -> EpochFeed:
        """Open the source of epochs, made in processes of their own, or kept in a folder."""
        source = MarkSource(self.x, self.y, self.paper, self.settings, self.writers)
        keep = samples / f"{source.digest():.16}-{self.seed}" if samples else None
        distinct = self.settings.distinct_epochs
        return EpochFeed(source, self.seed, workers, distinct, keep, annotation)


@dataclass(frozen=True)
class MnistDataset:
    """MNIST as it is, perhaps turned a little."""

    x: NDArray[np.uint8]
    """(N, 28, 28) digits to learn from."""
    y: NDArray[np.uint8]
    """(N,) labels."""
    rotation_deg: float
    """Largest turn either way."""
    seed: int
    held: Mapping[str, Samples]
    """What is not trained on: ``digit``, or nothing."""
    test: Samples
    """MNIST's test digits, as they are."""
    classes: tuple[str, ...] = DIGIT_CLASSES
    """What the labels stand for."""

    @property
    def samples(self) -> int:
        """Samples an epoch."""
        return len(self.x)

    @property
    def calibration(self) -> Samples:
        """The digits that are held back, if there are any."""
        return self.held.get("digit", _NOTHING)

    def feed(
        self,
        workers: int | None,
        samples: Path | None = None,
        annotation: Annotation | None = None,
    ) -> AbstractContextManager[Feed]:
        """Open the source of epochs, which needs no process of its own and is not worth keeping."""
        return nullcontext(_MnistFeed(self, annotation))

    def epoch(self, number: int) -> Samples:
        """Return all digits in another order each epoch."""
        rng = np.random.default_rng((self.seed, number))
        order = rng.permutation(len(self.x))
        images = self.x[order]
        if self.rotation_deg:
            angles = rng.uniform(-self.rotation_deg, self.rotation_deg, len(images))
            images = np.stack([_turned(*each) for each in zip(images, angles, strict=True)])
        return images, self.y[order]


@dataclass(frozen=True)
class _MnistFeed:
    dataset: MnistDataset
    annotation: Annotation | None

    def epoch(self, number: int, *, last: bool = False) -> Arrays:
        columns = self.dataset.epoch(number)
        return (*columns, self.annotation.of(columns)) if self.annotation else columns


Dataset = PaperDataset | MnistDataset
_NOTHING: Samples = (np.zeros((0, *IMAGE_SHAPE), np.uint8), np.zeros(0, np.uint8))


def classes_of(recipe: Recipe) -> tuple[str, ...]:
    """Return what the logits of a recipe's network stand for."""
    return DIGIT_CLASSES if recipe.feed is None else CLASSES


def split_dataset(
    data: DigitData,
    recipe: Recipe,
    paper: PaperData | None = None,
    marks: PaperData | None = None,
    writers: Writers | None = None,
) -> Dataset:
    """Hold back the digits that the seed chooses, and return what the recipe's training needs.

    Args:
        data: MNIST.
        recipe: Says which data set it is.
        paper: Marks of photographs to learn from.
        marks: Marks of photographs that are held back for the calibration.
        writers: Who writes beside MNIST; by default the drawn hand.
    """
    order = np.random.default_rng(recipe.seed).permutation(len(data.x_train))
    held, kept = order[: recipe.validation], order[recipe.validation :]
    x, y = data.x_train[kept], data.y_train[kept]
    digits = data.x_train[held], data.y_train[held]
    if recipe.feed is None:
        some = {"digit": digits} if recipe.validation else {}
        test = data.x_test, data.y_test
        return MnistDataset(x, y, recipe.rotation_deg, recipe.seed, some, test)
    test = plain_images(data.x_test), data.y_test
    writers = writers or Writers(without=recipe.without)
    parts = {
        "digit": (plain_images(digits[0]), digits[1]),
        "page": _held_pages(writers, digits, recipe.seed),
        "paper": (marks.images(), marks.labels) if marks else _NOTHING,
    }
    return PaperDataset(x, y, paper, recipe.feed, writers, recipe.seed, parts, test)


def _held_pages(writers: Writers, digits: Samples, seed: int) -> Samples:
    """Return marks of pages by hands that are not trained on."""
    hands = writers.hands("calibration", digits)
    pages = min(max(len(digits[0]) // DIGITS_A_PAGE, 1), HELD_PAGES)
    rng = np.random.default_rng(seed)
    found = find_on_pages(hands, rng, pages=pages)
    return shown(found.drawn(found.usable, rng))


def _joined(parts: list[Samples]) -> Samples:
    images, labels = zip(*parts, strict=True)
    return np.concatenate(images), np.concatenate(labels)


def _turned(image: NDArray[np.uint8], degrees: float) -> NDArray[np.uint8]:
    middle = (IMAGE_SHAPE[1] - 1) / 2, (IMAGE_SHAPE[0] - 1) / 2
    matrix = cv2.getRotationMatrix2D(middle, degrees, 1.0)
    return cv2.warpAffine(image, matrix, IMAGE_SHAPE)  # type: ignore[return-value]
