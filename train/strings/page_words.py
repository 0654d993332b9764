"""Words as the device finds them on rendered pages, with the digits that their marks hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitcam.edge.frame import Box, enclosing_box
from digitcam.edge.reading.ink import find_ink
from digitcam.edge.reading.marks import Mark, find_marks
from digitcam.edge.reading.word_image import word_image

from ..page_marks import ALIKE, pixels_of
from ..pages.page import Kind, Number, Page
from ..pages.plan import Content, random_plan
from ..pages.render import render_page
from ..pages.seen import UNSEEN_FACES, UNSEEN_TEXTURES
from ..pens.hand import Hand
from .sample import Word, readable
from .written import LOOK_ALIKE

CONTENTS = {
    Content.LOOSE: 0.28, Content.LIST: 0.12, Content.TABLE: 0.1, Content.SUMS: 0.05,
    Content.NOTES: 0.06, Content.FORM: 0.06, Content.BOXES: 0.03, Content.CUT: 0.3,
}  # fmt: skip
"""What is on pages with numbers, and how often."""
OTHERS = {
    Content.NOTES: 0.2, Content.WORDS: 0.25, Content.PRINT: 0.2, Content.DRAWINGS: 0.1,
    Content.TEXTURE: 0.1, Content.LOOSE: 0.15,
}  # fmt: skip
"""The same of pages that words without a digit are taken from."""
SIZES = {(240, 320): 0.35, (320, 240): 0.15, (360, 480): 0.3, (480, 640): 0.2}
"""Heights and widths of photographs, px, and how often."""
MOST = 30
"""Words taken from one page."""
WAYS = 8
"""Words taken from one number, at most."""
FEW, FEW_KEPT = 8, 0.15
"""Digits of numbers of several, from which a page is worth its search, and share of others kept."""
ALONE = 0.3
"""Share of the single digits that are kept: the other reader tells those."""
WHOLE, OUTSIDE = 0.85, 0.08
"""Parts of a digit's ink from which a word holds it, and up to which it does not."""
PURE = 0.88
"""Part of a mark's ink that is a number's, from which it belongs to the number."""
ANEW = 0.75
"""Part of a mark's ink that no mark of the word has yet, at least."""
SINGLE = 0.15
"""Share of the parts of numbers that are a single mark."""
DENSE = 0.5
"""Part of a mark that is a number's ink, at least; less is a stain around it."""
SIGNS = 0.3
"""Share of words with what else stands in their box, such as commas."""
STEEPEST = 0.6
"""Rows a column: numbers that climb or fall more are left out, as no order is theirs."""
NARROW = 0.4
"""A mark so wide, in its heights, may pass for a 1 and is not taught as nothing alone."""
DOUBTFUL = ALIKE | LOOK_ALIKE | frozenset("/()")
"""What is written like a digit is not taught as nothing alone, nor is what is printed."""
PIECES = 0.2
"""Share of words of nothing that may hold a piece of a digit."""
GAP, HEIGHTS = 1.0, (0.4, 2.5)
"""Widest space between neighbours without a digit, in heights of the left one, and how much lower
or higher the right one may be."""
LONGEST = 6
"""Most marks of a word without a digit."""


@dataclass(frozen=True)
class _Found:
    """A mark and whose its pixels are."""

    mark: Mark
    inside: NDArray[np.bool_]
    """(h, w): which pixels of the page from its box's corner on are its own."""
    owned: NDArray[np.int64]
    """(C + 1,) pixels of each character; none of nobody."""
    ink: int
    """Pixels that show ink of any kind."""

    @property
    def place(self) -> tuple[slice, slice]:
        """Where `inside` lies on the page."""
        x, y = self.mark.box.x, self.mark.box.y
        height, width = self.inside.shape
        return slice(y, y + height), slice(x, x + width)


class PageWords:
    """Draws pages, and from them words.

    Args:
        hands: Who writes.
    """

    def __init__(self, hands: Sequence[Hand]) -> None:
        self._hands = hands

    def with_digits(self, rng: np.random.Generator) -> Iterator[Word]:
        """Yield words with digits without end."""
        return self._words(rng, CONTENTS, numbers_of)

    def without_digits(self, rng: np.random.Generator) -> Iterator[Word]:
        """Yield words without a digit without end."""
        return self._words(rng, OTHERS, nothing_of)

    def _words(
        self,
        rng: np.random.Generator,
        contents: dict[Content, float],
        words_of: Callable[[Page, np.random.Generator], list[Word]],
    ) -> Iterator[Word]:
        names, sizes = list(contents), list(SIZES)
        while True:
            content = names[int(rng.choice(len(names), p=_shares(contents)))]
            size = sizes[int(rng.choice(len(sizes), p=_shares(SIZES)))]
            plan = replace(random_plan(rng), content=content)
            page = render_page(
                rng,
                self._hands,
                plan,
                None if content is Content.CUT else size,
                without_textures=UNSEEN_TEXTURES,
                without_faces=UNSEEN_FACES,
            )
            words = [word for word in words_of(page, rng) if readable(word)]
            yield from (words[i] for i in rng.permutation(len(words))[:MOST])


def _shares(weights: Mapping[Any, float]) -> NDArray[np.float64]:
    share = np.array(list(weights.values()))
    return share / share.sum()  # type: ignore[no-any-return]


def numbers_of(page: Page, rng: np.random.Generator) -> list[Word]:
    """Return words of a page's numbers: runs of neighbouring marks that hold whole digits."""
    numbers = [number for number in page.numbers if _is_upright(page, number)]
    written = sum(len(number.members) for number in numbers if len(number.members) > 1)
    if page.plan.content is not Content.CUT and written < FEW and rng.random() > FEW_KEPT:
        return []
    found = _found(page, [number.box for number in numbers])
    amounts = np.bincount(page.owner.ravel(), minlength=len(page.characters) + 1)
    words = []
    for number in numbers:
        row = _row(found, number, page, rng)
        for first, end in _runs(len(row), rng):
            digits = _held(row[first:end], page, amounts)
            if len(digits) > 1 or (digits and rng.random() < ALONE):
                parts = row[first:end]
                if rng.random() < SIGNS:
                    parts = [*parts, *_signs(found, parts, page)]
                words.append((word_image([each.mark for each in parts]), digits))
    return words


def nothing_of(page: Page, rng: np.random.Generator) -> list[Word]:
    """Return words of a page that hold no digit: single marks, and runs of neighbours."""
    found = _found(page)
    digits, alike = _digits(page), _alike(page)
    pieces = rng.random() < PIECES
    amounts = np.maximum(np.bincount(page.owner.ravel(), minlength=len(digits)), 1)
    most = 0.4 if pieces else 0.0
    free = [
        each
        for each in found
        if (each.owned[digits] <= most * amounts[digits]).all()
        and each.owned[alike].sum() <= 0.3 * max(each.ink, 1)
    ]
    order = rng.permutation(len(free))[: 2 * MOST]
    words: list[Word] = []
    for i in order:
        run = _neighbours(free[i], free, int(rng.integers(1, LONGEST + 1)))
        if len(run) > 1 or not _is_doubtful(run[0], page):
            words.append((word_image([each.mark for each in run]), ()))
    return words


def _is_doubtful(found: _Found, page: Page) -> bool:
    """Say whether a mark alone may be a digit for all that can be seen of it."""
    box, owner = found.mark.box, int(found.owned.argmax())
    doubtful = owner and page.characters[owner - 1].label in DOUBTFUL
    kind = page.kind[found.place]
    printed = (kind[found.inside] == Kind.PRINT).sum() > 0.3 * found.inside.sum()
    return bool(doubtful or printed or box.width <= NARROW * box.height)


def _found(page: Page, near: Sequence[Box] | None = None) -> list[_Found]:
    """Find the marks of a page as the device does, and whose their pixels are.

    Args:
        page: Where to look.
        near: Boxes, outside of which marks do not matter.
    """
    luma = cv2.cvtColor(page.image, cv2.COLOR_BGR2GRAY)
    count = len(page.characters) + 1
    found = []
    for mark in find_marks(find_ink(luma)):  # type: ignore[arg-type]
        if near is not None and not any(mark.box.intersection(box) for box in near):
            continue
        inside = pixels_of(mark, page)
        y, x = mark.box.y, mark.box.x
        place = np.s_[y : y + inside.shape[0], x : x + inside.shape[1]]
        kinds = np.bincount(page.kind[place][inside], minlength=len(Kind))
        owned = np.bincount(page.owner[place][inside], minlength=count)
        owned[0] = 0
        ink = int(kinds.sum() - kinds[Kind.BARE] - kinds[Kind.TEXTURE])
        found.append(_Found(mark, inside, owned, ink))
    return found


def _digits(page: Page) -> NDArray[np.bool_]:
    """Return which characters are digits that may be read: (C + 1,)."""
    return np.array([False, *(c.label.isdigit() and not c.struck for c in page.characters)])


def _alike(page: Page) -> NDArray[np.bool_]:
    """Return which characters look like digits and are none: (C + 1,)."""
    return np.array([False, *(c.label in ALIKE for c in page.characters)])


def _is_upright(page: Page, number: Number) -> bool:
    """Say whether a number runs from left to right, and may be read."""
    members = [page.characters[i] for i in number.members]
    if any(each.struck or not each.label.isdigit() for each in members):
        return False
    x = np.array([each.box.x + each.box.width / 2 for each in members])
    y = np.array([each.box.center_y for each in members])
    steps = np.diff(x)
    return bool((steps > 0).all()) and abs(y[-1] - y[0]) <= STEEPEST * max(x[-1] - x[0], 1)


def _row(
    found: Sequence[_Found], number: Number, page: Page, rng: np.random.Generator
) -> list[_Found]:
    """Return marks that make up a number, from left to right, no ink of it twice."""
    members = np.array(number.members) + 1
    own = [
        (int(each.owned[members].sum()), each)
        for each in found
        if each.mark.box.intersection(number.box)
    ]
    own = [
        (amount, each)
        for amount, each in own
        if amount and amount >= max(PURE * each.ink, DENSE * each.inside.sum())
    ]
    # The larger ones are the surer ones, but not always the same.
    order = np.argsort([-np.log(amount) + rng.normal(0, 0.3) for amount, _ in own])
    taken = np.zeros(page.owner.shape, bool)
    row = []
    for i in order:
        each = own[i][1]
        view = taken[each.place]
        if (each.inside & ~view).sum() >= ANEW * each.inside.sum():
            view |= each.inside
            row.append(each)
    return sorted(row, key=lambda each: each.mark.box.x + each.mark.box.width / 2)


def _runs(count: int, rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    """Yield the whole row, and parts of it."""
    if count:
        yield 0, count
    for _ in range(min(WAYS, count) - 1):
        first = int(rng.integers(count))
        end = first + 1 if rng.random() < SINGLE else int(rng.integers(first + 1, count + 1))
        if end - first < count:
            yield first, end


def _held(parts: Sequence[_Found], page: Page, amounts: NDArray[np.int64]) -> tuple[int, ...]:
    """Return the digits that marks hold, in order; none if they hold a part of one."""
    digits = _digits(page)
    share = sum(each.owned for each in parts) / np.maximum(amounts, 1)
    held = np.flatnonzero(digits & (share >= WHOLE))
    if (digits & (share > OUTSIDE) & (share < WHOLE)).any():
        return ()
    members = sorted(
        (page.characters[i - 1] for i in held), key=lambda each: each.box.x + each.box.width / 2
    )
    return tuple(int(each.label) for each in members)


def _signs(found: Sequence[_Found], parts: Sequence[_Found], page: Page) -> list[_Found]:
    """Return marks beside a word's own that stand in its box and hold nothing of a digit."""
    box = enclosing_box([each.mark.box for each in parts])
    digits = _digits(page)
    taken = np.zeros(page.owner.shape, bool)
    for each in parts:
        taken[each.place] |= each.inside
    signs = []
    for each in found:
        if (
            each.owned.sum() >= DENSE * each.inside.sum()
            and _is_inside(each.mark.box, box)
            and not each.owned[digits].any()
        ):
            view = taken[each.place]
            if (each.inside & ~view).sum() >= ANEW * each.inside.sum():
                view |= each.inside
                signs.append(each)
    return signs


def _is_inside(box: Box, around: Box) -> bool:
    return box.intersection(around) >= 0.7 * box.area


def _neighbours(start: _Found, free: Sequence[_Found], most: int) -> list[_Found]:
    """Return a mark and those that stand behind it in a row."""
    run = [start]
    while len(run) < most:
        box = run[-1].mark.box
        near = [each for each in free if _is_next(box, each.mark.box)]
        if not near:
            break
        run.append(min(near, key=lambda each: each.mark.box.x))
    return run


def _is_next(box: Box, other: Box) -> bool:
    gap = other.x - box.right
    shared = min(box.bottom, other.bottom) - max(box.y, other.y)
    return (
        -0.1 * box.height <= gap <= GAP * box.height
        and other.x > box.x
        and HEIGHTS[0] * box.height <= other.height <= HEIGHTS[1] * box.height
        and shared >= 0.5 * min(box.height, other.height)
    )
