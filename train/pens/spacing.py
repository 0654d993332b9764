"""How far apart people write digits, as measured on UNIPEN's numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
BANDS = 10
"""Strips a height is cut into: digits are as far apart as they are at the same height."""
_REACH = 8
"""Strips above and below a digit that still count."""


@dataclass(frozen=True)
class Spacing:
    """How a writing is spaced, in heights of a digit."""

    mean: float
    """Mean free space between neighbours, less the pen's width."""
    deviation: float
    """Standard deviation from one gap to the next."""
    word: float
    """What a space adds."""

    def gap(self, rng: np.random.Generator) -> float:
        """Draw one gap."""
        return float(np.clip(self.mean + self.deviation * rng.standard_normal(), *BETWEEN))


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
class Profile:
    """Leftmost and rightmost ink of a character, strip by strip from a common baseline."""

    left: NDArray[np.float64]
    """Columns; infinite where a strip is empty."""
    right: NDArray[np.float64]
    """Columns; minus infinite where a strip is empty."""


def profile_of(ink: Plane, top: float, height_px: float) -> Profile:
    """Measure a character.

    Args:
        ink: (h, w) coverage.
        top: Row of its upper edge, 0 at the baseline, negative above.
        height_px: Height of a digit.
    """
    tall, wide = ink.shape
    mask = ink > 0
    first, last = mask.argmax(axis=1), wide - 1 - mask[:, ::-1].argmax(axis=1)
    if not mask[:, 0].all():
        empty = ~mask[np.arange(tall), first]
        first, last = np.where(empty, wide + 10**6, first), np.where(empty, -(10**6), last)
    strip = ((np.arange(tall) + top) * (BANDS / height_px)).astype(np.int64) + BANDS + _REACH
    strip = np.clip(strip, 0, BANDS + 2 * _REACH - 1)
    starts = np.flatnonzero(np.diff(strip, prepend=-1))
    left = np.full(BANDS + 2 * _REACH, np.inf)
    right = np.full(BANDS + 2 * _REACH, -np.inf)
    left[strip[starts]] = np.minimum.reduceat(first, starts)
    right[strip[starts]] = np.maximum.reduceat(last, starts)
    return Profile(left, right)


def nearest(before: Profile, after: Profile) -> float | None:
    """Return the column of `before` at which `after` starts if they just touch; None if apart."""
    reach = float(np.max(before.right - after.left)) + 1
    return reach if reach > -(10**5) else None
