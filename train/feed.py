"""What the network sees in an epoch: digits by every hand, marks of pages, marks of photographs.

Train what you run: the digits go through the device's view, the pages through its whole way from
luma to model image, pieces of digits and digits that touch among them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.reading.view import IMAGE_SHAPE, fingerprint

from .augment import AugmentSettings, augment
from .epochs import Job
from .found import find_on_pages, shown
from .paper import REJECT, SEVERAL, PaperData
from .pens.hand import Hand
from .pens.pen import random_pen
from .writers import DIGITS, MNIST, Writers

Samples = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""Model images (N, 28, 28) uint8 and labels (N,) uint8, indices of paper.CLASSES."""

KINDS = (0.5, 0.35, 0.15)
"""Shares of digits, of what is none, and of several digits among the marks from photographs."""
HEIGHT_PX = (16.0, 60.0)
"""Least and largest height of a digit that is written."""
VIEWS = 2
"""Times that a mark of a page is shown: as it is, and bent as another hand would have made it."""


@dataclass(frozen=True)
class FeedSettings:
    """What an epoch is made of."""

    digits: int = 25_000
    """Single digits an epoch."""
    mnist_digits: int = 8_000
    """Those of them that are MNIST's pictures as they are, distorted; others are written anew."""
    page_marks: int = 36_000
    """Digits and other marks found on rendered pages, an epoch."""
    paper_marks: int = 20_000
    """Distorted marks from photographs of paper, half of them digits, an epoch."""
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    """How digits are distorted."""
    paper_augment: AugmentSettings = field(
        default_factory=lambda: AugmentSettings(
            rotation_deg=9,
            shear=0.18,
            elastic_px=1.1,
            blur_px=1.0,
            widen_probability=0.3,
            camera=1.0,
        )
    )
    """How marks from photographs are, which have been through a camera already, and those of pages
    without one."""

    distinct_epochs: int = 10
    """Epochs that differ; after them they come again, each time in another order."""

    def samples(self, *, with_paper: bool) -> int:
        """Return how many samples an epoch has."""
        return self.digits + self.page_marks + (self.paper_marks if with_paper else 0)


@dataclass(frozen=True)
class MarkSource:
    """Makes digits, marks of rendered pages and marks of photographs.

    Args:
        x: (N, 28, 28) uint8 digits of MNIST, white on black.
        y: (N,) uint8 labels.
        paper: Marks from photographs, if there are any.
        settings: What an epoch is made of.
        writers: Who writes.
    """

    x: NDArray[np.uint8]
    y: NDArray[np.uint8]
    paper: PaperData | None
    settings: FeedSettings
    writers: Writers = field(default_factory=Writers)

    @property
    def amounts(self) -> Mapping[str, int]:
        """Samples of each kind in an epoch."""
        settings = self.settings
        mnist = 0 if MNIST in self.writers.without else min(settings.mnist_digits, settings.digits)
        return {
            "mnist": mnist,
            "digits": settings.digits - mnist,
            "pages": settings.page_marks,
            "paper": settings.paper_marks if self.paper else 0,
        }

    def digest(self) -> str:
        """Return a hash of everything that the samples come from."""
        content = hashlib.sha256(json.dumps([asdict(self.settings), fingerprint()]).encode())
        content.update(self.x.tobytes() + self.y.tobytes() + self.writers.digest().encode())
        content.update(self.paper.digest().encode() if self.paper else b"")
        return content.hexdigest()

    def make(self, job: Job) -> Samples:
        """Return the samples of a job."""
        rng = np.random.default_rng(job.seed)
        settings = self.settings
        if job.kind == "pages":
            return page_samples(self._hands, job.count, rng, settings.paper_augment)
        if job.kind == "digits":
            return written_digits(self._hands, job.count, rng, settings.augment)
        if job.kind == "paper" and self.paper:
            return paper_samples(self.paper, job.count, rng, settings.paper_augment)
        chosen = _shuffled_part(job, len(self.x))
        images = [augment(self.x[index], rng, settings.augment) for index in chosen]
        return _stacked(images), self.y[chosen]

    @cached_property
    def _hands(self) -> list[Hand]:
        """Those who write, loaded once a process."""
        return self.writers.hands("training", (self.x, self.y))

    def __getstate__(self) -> dict[str, Any]:
        """Leave the hands out: each process loads them anew."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def written_digits(
    hands: Sequence[Hand], count: int, rng: np.random.Generator, how: AugmentSettings
) -> Samples:
    """Write digits with any pen at any size, and distort them.

    A source writes in proportion to the square root of its hands, each of them alike.
    """
    sources: dict[str, list[Hand]] = {}
    for hand in hands:
        if hand.characters & DIGITS:
            sources.setdefault(hand.source, []).append(hand)
    pools = list(sources.values())
    weights = np.sqrt([len(pool) for pool in pools])
    places = rng.choice(len(pools), count, p=weights / weights.sum())
    labels = np.zeros(count, np.uint8)
    images = []
    for index, place in enumerate(places.tolist()):
        pool = pools[place]
        hand = pool[int(rng.integers(len(pool)))]
        able = sorted(hand.characters & DIGITS)
        sign = able[int(rng.integers(len(able)))]
        height = float(np.exp(rng.uniform(*np.log(HEIGHT_PX))))
        ink = hand.glyph(sign, height, random_pen(rng), rng).ink
        images.append(augment(ink, rng, how))
        labels[index] = int(sign)
    return _stacked(images), labels


def page_samples(
    hands: Sequence[Hand], count: int, rng: np.random.Generator, how: AugmentSettings
) -> Samples:
    """Return exactly ``count`` marks of rendered pages, as the device finds them and bent.

    Raises:
        DataError: Hardly any is found, so that there would be no end to it.
    """
    few = -(-count // VIEWS)
    marks = find_on_pages(hands, rng, few).drawn(few, rng)
    images, labels = shown(marks)
    only_bent = replace(how, camera=0.0, plain=0.0)
    again = marks[: count - few]
    bent = [augment(mark.contrast, rng, only_bent, mark.floor) for mark, _ in again]
    return np.concatenate([images, _stacked(bent)]), np.concatenate([labels, labels[: len(again)]])


def paper_samples(
    paper: PaperData, count: int, rng: np.random.Generator, how: AugmentSettings
) -> Samples:
    """Draw marks of photographs, and distort them."""
    chosen = _balanced(paper.labels, count, rng)
    images = [
        augment(paper.contrasts[index], rng, how, float(paper.floors[index])) for index in chosen
    ]
    return _stacked(images), paper.labels[chosen]


def _stacked(images: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    return np.stack(images) if images else np.zeros((0, *IMAGE_SHAPE), np.uint8)


def _balanced(labels: NDArray[np.uint8], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw digits, other marks and several digits at once in the shares of KINDS."""
    kind = np.searchsorted([REJECT, SEVERAL], labels, side="right")
    amounts = np.bincount(kind, minlength=len(KINDS))
    weights = (np.array(KINDS) / np.maximum(amounts, 1))[kind]
    return rng.choice(len(labels), count, p=weights / weights.sum())


def _shuffled_part(job: Job, size: int) -> NDArray[np.int64]:
    """Return the chunk's digits: an epoch goes through all of them before one comes again."""
    seed, epoch, _, start = job.seed
    order = np.random.default_rng((seed, epoch, size)).permutation(size)
    part: NDArray[np.int64] = order[np.arange(start, start + job.count) % size]
    return part
