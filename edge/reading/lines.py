"""Digits to lines: what is one number, in the order a person reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .neighbours import spaces

MAX_GAP = 2.5
"""Widest space in a number, in heights; wider ones part numbers in any case."""
PARTING = 2.0
"""A space parts two numbers that is so many times as wide as those beside it, and ..."""
LEAST_GAP = 0.8
"""... at least so many heights wide."""


def group_numbers(boxes: NDArray[np.float64], others: NDArray[np.float64]) -> list[list[int]]:
    """Put digits into numbers, in reading order: down the rows, from left to right.

    Args:
        boxes: (N, 4) left, top, width, height of digits.
        others: (M, 4) marks that are none: a sign between two digits parts them.
    """
    if not len(boxes):
        return []
    following = _following(spaces(boxes, boxes)[1])
    signs = spaces(boxes, others)[1].min(axis=1, initial=np.inf) if len(others) else None
    chains = _chains(following)
    numbers = []
    for chain in chains:
        between = [following[i][1] for i in chain[:-1]]
        parted = _parted(between)
        if signs is not None:
            parted = [p or signs[i] < s for p, i, s in zip(parted, chain, between, strict=False)]
        start = 0
        for place, cut in enumerate([*parted, True]):
            if cut:
                numbers.append(chain[start : place + 1])
                start = place + 1
    return _in_order(numbers, boxes)


def _following(space: NDArray[np.float64]) -> list[tuple[int, float]]:
    """Return the digit that follows each, and the space between; -1 where none does.

    Each follows one alone: the nearest.
    """
    after = space.argmin(axis=1)
    before = space.argmin(axis=0)
    found = []
    for i, j in enumerate(after.tolist()):
        near = float(space[i, j])
        follows = near <= MAX_GAP and before[j] == i
        found.append((j, near) if follows else (-1, np.inf))
    return found


def _chains(following: Sequence[tuple[int, float]]) -> list[list[int]]:
    starts = set(range(len(following))) - {j for j, _ in following}
    chains = []
    for start in sorted(starts):
        chain = [start]
        while (after := following[chain[-1]][0]) >= 0:
            chain.append(after)
        chains.append(chain)
    return chains


def _parted(spaces: Sequence[float]) -> list[bool]:
    """Say which spaces of a row part two numbers."""
    if len(spaces) < 2:
        return [space > 1.5 for space in spaces]
    usual = sorted(spaces)[(len(spaces) - 1) // 2]
    return [s > LEAST_GAP and s > PARTING * max(usual, 0.1) + 0.2 for s in spaces]


def _in_order(numbers: list[list[int]], boxes: NDArray[np.float64]) -> list[list[int]]:
    """Sort numbers by row, and those of one row from left to right."""
    middle = [float(np.median(boxes[n, 1] + boxes[n, 3] / 2)) for n in numbers]
    height = [float(np.median(boxes[n, 3])) for n in numbers]
    rows: list[list[int]] = []
    level = 0.0
    for index in sorted(range(len(numbers)), key=middle.__getitem__):
        if rows and middle[index] - level < height[index] / 2:
            rows[-1].append(index)
        else:
            rows.append([index])
            level = middle[index]
    return [numbers[i] for row in rows for i in sorted(row, key=lambda i: boxes[numbers[i][0], 0])]
