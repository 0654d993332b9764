"""Single digits of a source: recorded strokes to be drawn, or pictures cut to their ink."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from ..data import load_digits
from ..held_back import Case, load_sets
from ..paper import part_of
from ..pens.bitmaps import COLLECTIONS, HAND_SIZE
from ..pens.characters import ink_of_photograph
from ..pens.hand import Hand
from ..pens.hands import load_hands
from ..pens.pen import Kind, Pen, random_pen
from .photo import Plane

DIGITS = "0123456789"
PENS: tuple[Kind, ...] = ("ballpoint", "pencil", "felt", "gel", "fountain", "marker")
"""What people write on paper with."""
GROUPS: dict[str, tuple[str, ...]] = {
    "unipen:syn+uqb+aga": ("unipen:syn", "unipen:uqb", "unipen:aga"),
    "unipen:apb+gmd+apa": ("unipen:apb", "unipen:gmd", "unipen:apa"),
    "unipen:ibm+val+app": ("unipen:ibm", "unipen:val", "unipen:app"),
    "unipen:ced+art+ceb+cea": ("unipen:ced", "unipen:art", "unipen:ceb", "unipen:cea"),
}
"""UNIPEN's contributors of digits, three at a time, the small ones together."""
BITMAPS = ("mnist", *COLLECTIONS, "characters")
"""Sources whose digits are pictures."""

Draw = Callable[[float, Pen | None, np.random.Generator], Plane]
"""From a height, px, and a pen, any if None, to a digit's ink."""


@dataclass(frozen=True)
class Specimen:
    """One digit of a source."""

    name: str
    digit: str
    draw: Draw
    """Pictures are drawn without a pen, as they are."""


def writers(folder: Path, *, everything: bool = False) -> list[Hand]:
    """Return UNIPEN's writers of all ten digits; those alone who are held back by default."""
    return [hand for hand in _unipen(folder, everything) if hand.characters >= set(DIGITS)]


def specimens(
    folder: Path, source: str, count: int, seed: int, *, everything: bool = False
) -> list[Specimen]:
    """Draw digits of a source, each digit as often.

    Args:
        folder: Of the data.
        source: One of BITMAPS or GROUPS.
        count: How many, at most; no picture comes twice.
        seed: Equal seeds draw equal specimens.
        everything: Take all of the source, instead of what is held back.

    Raises:
        DataError: The source is missing or damaged.
        LookupError: There is no such source.
    """
    rng = np.random.default_rng(seed)
    if source in GROUPS:
        hands = [h for h in _unipen(folder, everything) if h.source in GROUPS[source]]
        return written(hands, count, rng)
    if source not in BITMAPS:
        raise LookupError(f"expected one of {', '.join((*BITMAPS, *GROUPS))}, found {source}")
    found = _pictures(folder, source, everything)
    by_digit = {digit: [each for each in found if each.digit == digit] for digit in DIGITS}
    return [
        some[i]
        for some in by_digit.values()
        for i in np.sort(rng.permutation(len(some))[: -(-count // len(DIGITS))]).tolist()
    ]


def written(hands: Sequence[Hand], count: int, rng: np.random.Generator) -> list[Specimen]:
    """Have hands write digits, each digit and, as far as they can, each hand as often."""
    found = []
    for index in range(count):
        digit = DIGITS[index % len(DIGITS)]
        able = [hand for hand in hands if digit in hand.characters]
        if able:
            hand = able[int(rng.integers(len(able)))]
            found.append(Specimen(hand.name, digit, _drawn(hand, digit)))
    return found


def _drawn(hand: Hand, digit: str) -> Draw:
    def draw(height_px: float, pen: Pen | None, rng: np.random.Generator) -> Plane:
        pen = pen or random_pen(rng, PENS[int(rng.integers(len(PENS)))])
        return hand.glyph(digit, height_px, pen, rng).ink

    return draw


@cache
def _unipen(folder: Path, everything: bool) -> list[Hand]:
    hands = load_hands(folder, without=("drawn", "fonts", *BITMAPS))
    return [hand for hand in hands if everything or part_of(f"hands/{hand.name}") == "held-back"]


def _pictures(folder: Path, source: str, everything: bool) -> list[Specimen]:
    if source == "characters":
        sets = load_sets(folder, everything=everything)
        digits = next((each.cases for each in sets if each.name == "characters: digits"), ())
        return [Specimen(c.name, str(c.truth), _photographed(c)) for c in digits]
    if source == "mnist":
        data = load_digits(folder)
        return _bitmaps("mnist", list(data.x_test), data.y_test.tolist())
    x, y = [], []
    for file, _ in COLLECTIONS[source]:
        with np.load(folder / file) as archive:
            x += list(archive["x"])
            y += archive["y"].tolist()
    inked = [i for i, image in enumerate(x) if image.any()]
    found = _bitmaps(source, [x[i] for i in inked], [y[i] for i in inked])
    hands = max(round(len(found) / HAND_SIZE), 1)
    seen = dict.fromkeys(DIGITS, 0)
    kept = []
    for each in found:  # dealt out to hands as `split_hands` does
        hand = seen[each.digit] % hands
        seen[each.digit] += 1
        if everything or part_of(f"hands/{source}:{hand}") == "held-back":
            kept.append(each)
    return kept


def _bitmaps(source: str, images: Sequence[Plane], labels: Sequence[int]) -> list[Specimen]:
    return [
        Specimen(f"{source}:{i}", str(label), _enlarged(image))
        for i, (image, label) in enumerate(zip(images, labels, strict=True))
    ]


def _enlarged(image: Plane) -> Draw:
    def draw(height_px: float, pen: Pen | None, rng: np.random.Generator) -> Plane:
        return _fitted(image, height_px)

    return draw


def _photographed(case: Case) -> Draw:
    def draw(height_px: float, pen: Pen | None, rng: np.random.Generator) -> Plane:
        gray = np.asarray(cv2.cvtColor(case.load(), cv2.COLOR_BGR2GRAY), np.uint8)
        ink = ink_of_photograph(gray)
        return _fitted(np.asarray(255 - gray, np.uint8) if ink is None else ink, height_px)

    return draw


def _fitted(image: Plane, height_px: float) -> Plane:
    """Cut a picture to its ink and make it so high, smoothly, its strongest ink full."""
    peak = max(int(image.max()), 1)
    x, y, width, height = cv2.boundingRect((image > 0.25 * peak).view(np.uint8))
    ink = image[y : y + height, x : x + width]
    scale = height_px / height
    size = max(round(width * scale), 1), max(round(height_px), 1)
    if scale < 1:
        small = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.convertScaleAbs(small, alpha=255 / peak), np.uint8)
    # Squares of a coarse picture are blurred away before its edge is drawn anew.
    large = np.asarray(cv2.resize(ink, size, interpolation=cv2.INTER_CUBIC), np.float32)
    large = np.asarray(cv2.GaussianBlur(large, (0, 0), max(0.4 * scale, 0.3)), np.float32)
    edge = np.clip((large / peak - 0.5) * min(scale, 3.0) / 1.5 + 0.5, 0, 1)
    return np.asarray(edge * 255, np.uint8)
