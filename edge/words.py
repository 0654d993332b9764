"""Marks to words that are read as strings, and back: the digits of a string to their places."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from .frame import Box, GrayImage, enclosing_box
from .segment import Candidate, Marks, group_words, is_bit_of, union_of

WORD_GAP = 0.5
"""Widest space in a word, in heights."""
MAX_ASPECT = 11.0
"""Width over height of a word; wider ones would be narrowed more than the network was taught."""
MAX_WORDS = 24
"""Most words of a frame that are read as strings; the digits of others are parted."""
MIN_INK = 0.25
"""Part of the word's peak contrast that bounds its digits' boxes."""


@dataclass(frozen=True)
class Word:
    """Marks that stand together."""

    members: list[int]
    """Indices of the marks."""
    box: Box
    contrast: GrayImage
    """(box.height, box.width) uint8: the ink of its marks, 0 elsewhere."""


def find_words(marks: Marks, groups: Iterable[Collection[int]]) -> list[Word]:
    """Return the words that hold groups, at most so many of the frame's.

    Args:
        marks: What stands on the paper.
        groups: Indices of marks that may touch one another or be parts of one digit.
    """
    words = [set(members) for members in group_words(marks.digits, WORD_GAP)]
    held: list[set[int]] = []
    for group in groups:
        together = [word for word in words if not word.isdisjoint(group)]
        words = [word for word in words if word.isdisjoint(group)]
        held = [word for word in held if word not in together]
        word = set().union(*together)
        words.append(word)
        held.append(word)
    found = [_word(marks, sorted(members)) for members in held[:MAX_WORDS]]
    return [word for word in found if word.box.width <= MAX_ASPECT * word.box.height]


def _word(marks: Marks, members: list[int]) -> Word:
    digits = [marks.digits[i] for i in members]
    parts = [
        *digits,
        *(bit for bit in marks.bits if any(is_bit_of(bit.box, mark.box) for mark in digits)),
    ]
    box = enclosing_box([part.box for part in parts])
    return Word(members, box, union_of(parts, box))


def place_digits(word: Word, places: Sequence[float]) -> list[Candidate]:
    """Return a mark for each digit: the word's ink as far as the emptiest column to the next.

    Args:
        word: What was read.
        places: Where its digits stand, parts of its width, from left to right.
    """
    if not places:
        return []
    ink = word.contrast.sum(axis=0, dtype=np.int64)
    columns = [round(place * (word.box.width - 1)) for place in places]
    between = [_emptiest(ink, a, b) for a, b in pairwise(columns)]
    floor = MIN_INK * cv2.norm(word.contrast, cv2.NORM_INF)
    candidates = []
    for left, right in zip([0, *between], [*between, word.box.width], strict=True):
        left = min(left, word.box.width - 1)
        own = word.contrast[:, left : max(right, left + 1)]
        x, y, width, height = cv2.boundingRect((own >= floor).view(np.uint8))
        if not width:
            x, y, width, height = 0, 0, own.shape[1], own.shape[0]
        box = Box(word.box.x + left + x, word.box.y + y, width, height)
        candidates.append(Candidate(box, own[y : y + height, x : x + width]))
    return candidates


def _emptiest(ink: NDArray[np.int64], first: int, last: int) -> int:
    """Return the column of least ink from ``first`` to ``last``, the middle one of several."""
    between = ink[first : last + 1]
    least = np.flatnonzero(between == between.min())
    return first + int(least[len(least) // 2])
