"""Tells which strokes of a recorded number belong to which of its digits."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from .strokes import Points

_LEAST_OVERLAP = 0.1
"""Strokes of one digit stand above each other by this much of the narrower one's breadth."""
_HEIGHTS = (0.55, 1.7)
"""Lowest and highest digit of a number, in median heights; a bar alone is lower."""
_BREADTH = 1.7
"""Broadest digit in median heights."""


def strokes_by_digit(strokes: Sequence[Points], count: int) -> list[list[int]] | None:
    """Group the strokes of a number into its digits, left to right.

    Args:
        strokes: (k, 2) each, as recorded.
        count: How many digits there are.

    Returns:
        For each digit the indices of its strokes; None where that isn't plain, as where one
        stroke writes two digits.

    """
    if len(strokes) < count:
        return None
    spans = [(float(s[:, 0].min()), float(s[:, 0].max()), [i]) for i, s in enumerate(strokes)]
    tall = max(float(np.ptp(stroke[:, 1])) for stroke in strokes)
    spans.sort(key=lambda span: span[0] + span[1])
    while len(spans) > count:
        overlaps = [_overlap(a, b, 0.12 * tall) for a, b in pairwise(spans)]
        at = int(np.argmax(overlaps))
        if overlaps[at] < _LEAST_OVERLAP:
            return None
        left, right = spans[at], spans[at + 1]
        union = min(left[0], right[0]), max(left[1], right[1]), sorted(left[2] + right[2])
        spans[at : at + 2] = [union]
    groups = [span[2] for span in spans]
    return groups if _plausible(strokes, groups) else None


def _overlap(
    a: tuple[float, float, list[int]], b: tuple[float, float, list[int]], floor: float
) -> float:
    shared = min(a[1], b[1]) - max(a[0], b[0])
    return shared / max(min(a[1] - a[0], b[1] - b[0]), floor)


def _plausible(strokes: Sequence[Points], groups: Sequence[Sequence[int]]) -> bool:
    sizes = np.array([np.ptp(np.concatenate([strokes[i] for i in g]), axis=0) for g in groups])
    median = float(np.median(sizes[:, 1]))
    low, high = _HEIGHTS[0] * median, _HEIGHTS[1] * median
    return bool(
        (sizes[:, 1] >= low).all()
        and (sizes[:, 1] <= high).all()
        and (sizes[:, 0] <= _BREADTH * median).all()
    )
