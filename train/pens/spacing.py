"""How far apart people write digits, as measured on UNIPEN's numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .script import Script
from .texture import Plane

# Of 603 numbers of unipen_strings.npz whose strokes tell which digit they belong to (1,270 gaps):
# the narrowest free space between neighbours, line to line at the same height, in median heights
# of the number's digits. Mean of a number: median 0.41, log-normal with sigma 0.6 (5 % to 95 %:
# 0.08 to 0.84). Within a number: standard deviation 0.19, less where digits stand close.
# Neighbours' baselines differ by 0.15, heights by 14 %, half of it among digits alike.
MEDIAN = 0.41
SIGMA = 0.6
CROWDED = 0.12
"""Share of numbers that are crowded on top: UNIPEN asked for separate digits, cheques don't."""
BETWEEN = (-0.25, 1.3)
"""Narrowest and widest gap, in heights."""
STRIPS = 10
"""Strips a height is cut into: digits are as far apart as they are at the same height."""
_REACH = 8
"""Strips above and below a digit that still count."""
_ALL = STRIPS + 2 * _REACH
_FAR = 1e6


@dataclass(frozen=True)
class Spacing:
    """How a writing is spaced, in heights of a digit."""

    mean: float
    """Mean free space between the ink of neighbours."""
    deviation: float
    """Standard deviation from one gap to the next."""
    word: float
    """What a space adds."""

    def gaps(self, text: str, rng: np.random.Generator) -> list[float]:
        """Draw the free space before each character that is none, the first one's too."""
        free = np.clip(self.mean + self.deviation * rng.standard_normal(len(text)), *BETWEEN)
        spaces = rng.uniform(0.8 * self.word, 1.25 * self.word, len(text))
        gaps, pending = [], 0.0
        for character, gap, space in zip(text, free.tolist(), spaces.tolist(), strict=True):
            if character == " ":
                pending += space
                continue
            gaps.append(gap + pending)
            pending = 0.0
        return gaps


def random_spacing(
    rng: np.random.Generator, width: float = 0.0, mean: float | None = None
) -> Spacing:
    """Draw how a writer spaces a number.

    Args:
        rng: Source of every draw.
        width: Of the pen, in heights: a stroke takes its width from the gap, of which people with
            broad pens give half back by writing wider.
        mean: Mean gap in heights instead of a drawn one.
    """
    if mean is None:
        mean = MEDIAN * float(np.exp(SIGMA * rng.standard_normal())) - width / 2
        if rng.random() < CROWDED:
            mean -= rng.uniform(0.1, 0.4)
        mean = float(np.clip(mean, -0.12, 1.1))
    return Spacing(mean, 0.07 + 0.22 * max(mean, 0.0), float(rng.uniform(0.5, 2.0)))


@dataclass(frozen=True)
class Outline:
    """Where the ink of characters starts and ends, each around a column 0 of its own, px."""

    left: NDArray[np.float64]
    """(n, strips): leftmost ink in each strip from a common baseline, far to the right if none."""
    right: NDArray[np.float64]
    """(n, strips): rightmost ink, far to the left if none."""

    def columns(self, gaps: list[float], height_px: float) -> list[float]:
        """Return how far each character is moved to the right, the first one by 0.

        Args:
            gaps: Free space before each of them, in heights.
            height_px: Height of a digit.
        """
        touching = (self.right[:-1] - self.left[1:]).max(axis=1).tolist()
        first, last = self.left.min(axis=1).tolist(), self.right.max(axis=1).tolist()
        columns = [0.0]
        for k, gap in enumerate(gaps[1:]):
            apart = last[k] - first[k + 1]
            step = touching[k] if touching[k] > -_FAR / 2 else apart
            # No character slips under the arm of the one before it, or passes it.
            least = max(apart - 0.45 * height_px, first[k] * 0.7 + last[k] * 0.3 - first[k + 1])
            columns.append(columns[-1] + max(step + gap * height_px, least))
        return columns


def outline_of_script(script: Script, height_px: float, width_px: float) -> Outline:
    """Measure strokes, all of whose characters have their baselines at row 0."""
    starts = script.starts()
    counts = np.diff(starts, append=len(script.points))
    whose = np.repeat(np.arange(len(starts)), counts)
    x = script.points[:, 0].astype(np.float64)
    strip = _strip(script.points[:, 1], height_px) + whose * _ALL
    left = np.full(len(starts) * _ALL, _FAR)
    right = np.full(len(starts) * _ALL, -_FAR)
    np.minimum.at(left, strip, x - width_px / 2)
    np.maximum.at(right, strip, x + width_px / 2)
    return Outline(left.reshape(-1, _ALL), right.reshape(-1, _ALL))


def outline_of_planes(planes: list[Plane], tops: list[float], height_px: float) -> Outline:
    """Measure characters' planes of coverage, the upper edge of each in rows from the baseline."""
    left, right = np.full((len(planes), _ALL), _FAR), np.full((len(planes), _ALL), -_FAR)
    for k, (plane, top) in enumerate(zip(planes, tops, strict=True)):
        tall, wide = plane.shape
        mask = plane > 0
        first, last = mask.argmax(axis=1), wide - mask[:, ::-1].argmax(axis=1)
        empty = ~mask.any(axis=1)
        strip = _strip(np.arange(tall) + top, height_px)
        starts = np.flatnonzero(np.diff(strip, prepend=-1))
        begin, end = np.where(empty, _FAR, first), np.where(empty, -_FAR, last)
        left[k, strip[starts]] = np.minimum.reduceat(begin, starts)
        right[k, strip[starts]] = np.maximum.reduceat(end, starts)
    return Outline(left, right)


def _strip(rows: NDArray[Any], height_px: float) -> NDArray[np.int64]:
    strip = (rows * (STRIPS / height_px) + (STRIPS + _REACH)).astype(np.int64)
    return np.clip(strip, 0, _ALL - 1)
