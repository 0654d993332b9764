"""Marks that the device finds on rendered pages: digits, several at once, and what is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.reading.marks import Mark
from digitcam.edge.reading.view import model_images

from .errors import DataError
from .page_marks import marks_of
from .pages.plan import random_plan
from .pages.render import render_page
from .pages.seen import UNSEEN_FACES, UNSEEN_TEXTURES
from .paper import REJECT
from .pens.hand import Hand

REJECTS = 1.2
"""Marks that are no digit, at most, for each that is one or several."""
MAX_OF_PAGE = 40
"""Digits of a page, and other marks of it, that are taken at most."""
BARREN = 0.5
"""Share of the drawn pages without a digit that are rendered."""
MAX_BARREN = 200
"""Pages more than digits found on them after which there are taken to be none."""
TALL = 1 / 3
"""Height, in heights of the digits, from which a mark is as large as one or a part of one."""
TALL_SHARE = 0.85
"""Share of the marks that are no digit that are so large."""
SLIM, SLIM_RATE = 0.4, 0.4
"""Width, in heights, up to which a mark is a bar, as a 1 is, and how often such a one that is no
digit is drawn, beside another: what stands around it tells more of it than its shape."""


@dataclass
class Found:
    """Marks of several pages."""

    others: list[tuple[Mark, int]] = field(default_factory=list)
    """Digits and several at once, with their labels."""
    rejects: list[Mark] = field(default_factory=list)
    """What is none."""
    pages: int = 0
    """How many were looked at."""

    def add(
        self, marks: Sequence[Mark], labels: NDArray[np.int64], rng: np.random.Generator
    ) -> None:
        """Take some of a page's marks."""
        digits = np.flatnonzero((labels >= 0) & (labels != REJECT))
        rejects = np.flatnonzero(labels == REJECT)
        for index in rng.permutation(digits)[:MAX_OF_PAGE]:
            self.others.append((marks[index], int(labels[index])))
        self.rejects += [marks[index] for index in rng.permutation(rejects)[:MAX_OF_PAGE]]
        self.pages += 1

    @property
    def usable(self) -> int:
        """How many marks can be shown in a fair share."""
        return len(self.others) + min(len(self.rejects), int(REJECTS * len(self.others)))

    def drawn(self, count: int, rng: np.random.Generator) -> list[tuple[Mark, int]]:
        """Draw marks, most of those that are no digit as large as digits are.

        Args:
            count: How many, at most ``usable``.
            rng: Source of every draw.
        """
        none = min(round(count * REJECTS / (1 + REJECTS)), len(self.rejects))
        others = [self.others[i] for i in rng.permutation(len(self.others))[: count - none]]
        heights = [mark.box.height for mark, label in self.others if label < REJECT]
        usual = float(np.median(heights)) if heights else 0.0
        tall = np.array([mark.box.height >= TALL * usual for mark in self.rejects], bool)
        shares = np.where(tall, TALL_SHARE / max(tall.sum(), 1),
                          (1 - TALL_SHARE) / max((~tall).sum(), 1))  # fmt: skip
        slim = [mark.box.width <= SLIM * mark.box.height for mark in self.rejects]
        shares = np.where(slim, SLIM_RATE * shares, shares)
        none = count - len(others)
        if not none:
            return others
        chosen = rng.choice(len(shares), none, replace=False, p=shares / shares.sum())
        return others + [(self.rejects[i], REJECT) for i in chosen]


def find_on_pages(
    hands: Sequence[Hand], rng: np.random.Generator, count: int = 0, pages: int = 0
) -> Found:
    """Render pages until so many marks can be shown, and at least so many pages are looked at.

    Raises:
        DataError: Hardly any digit is found, so that there would be no end to it.
    """
    found = Found()
    for marks, labels in _pages(hands, rng):
        found.add(marks, labels, rng)
        if found.usable >= max(count, 1) and found.pages >= pages:
            return found
        if found.pages > len(found.others) + MAX_BARREN:
            break
    raise DataError(
        f"{found.pages} rendered pages gave {len(found.others)} digits; expected hands whose ink "
        "is found"
    )


def shown(marks: Sequence[tuple[Mark, int]]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return marks as the device sees them: (N, 28, 28) model images, (N,) labels."""
    labels = np.array([label for _, label in marks], np.uint8)
    return model_images([mark for mark, _ in marks]), labels


def _pages(
    hands: Sequence[Hand], rng: np.random.Generator
) -> Iterator[tuple[list[Mark], NDArray[np.int64]]]:
    while True:
        plan = random_plan(rng)
        if plan.content.has_digits or rng.random() < BARREN:
            page = render_page(
                rng, hands, plan, without_textures=UNSEEN_TEXTURES, without_faces=UNSEEN_FACES
            )
            yield marks_of(page)
