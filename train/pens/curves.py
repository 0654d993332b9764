"""Curves through recorded points: the tablet's raster taken out, gaps between points filled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .strokes import Points

RASTER = 14.0
"""Steps of a tablet's raster, in 1000ths of a sample, from which it shows as stairs."""
_CORNER = np.cos(np.deg2rad(65))
"""A recorded line that turns by more has a corner, which no curve rounds."""


def raster_of(strokes: Sequence[Points]) -> float:
    """Estimate the step of the raster that a sample was recorded on, in the points' unit.

    UNIPEN's ``apa``, ``app`` and part of ``ibm`` were recorded on coarse tablets: their characters
    are about 25 steps high, so that a slanting stroke is a flight of stairs.
    """
    steps = np.abs(np.concatenate([np.diff(stroke, axis=0) for stroke in strokes])).ravel()
    steps = steps[steps > 1.5]  # Rounding to whole units leaves steps of one.
    return float(np.percentile(steps, 10)) if steps.size >= 8 else 0.0


def settled(strokes: Sequence[Points]) -> list[Points]:
    """Return the strokes of a sample without the stairs of a coarse raster."""
    step = raster_of(strokes)
    return [_smoothed(stroke, step) for stroke in strokes] if step > RASTER else list(strokes)


def _smoothed(stroke: Points, step: float) -> Points:
    """Walk along the stroke in half steps of the raster and average over three of its steps."""
    along = _arc(stroke)
    if along[-1] < 3 * step:
        return stroke
    count = int(along[-1] / (step / 2)) + 2
    at = np.linspace(0, along[-1], count)
    even = np.stack([np.interp(at, along, stroke[:, axis]) for axis in (0, 1)], axis=1)
    kernel = np.hanning(11)[1:-1] / np.hanning(11).sum()
    # Mirrored through its ends, so that those stay where they are.
    reach = min(len(kernel) // 2, count - 1)
    front = 2 * even[0] - even[reach:0:-1]
    back = 2 * even[-1] - even[-2 : -2 - reach : -1]
    long = np.concatenate([front, even, back])
    if len(long) < len(kernel):
        return stroke
    smooth = [np.convolve(long[:, axis], kernel, "valid") for axis in (0, 1)]
    return np.stack(smooth, axis=1).astype(np.float32)


def _arc(stroke: Points) -> NDArray[np.float64]:
    steps = np.hypot(*np.diff(stroke.astype(np.float64), axis=0).T)
    return np.concatenate([[0.0], np.cumsum(steps)])


def thinned(stroke: Points, spacing: float) -> Points:
    """Leave points out that are much nearer to each other than `spacing`, but no corner."""
    if len(stroke) < 5:
        return stroke
    steps = np.diff(stroke, axis=0)
    length = np.sqrt(steps[:, 0] ** 2 + steps[:, 1] ** 2)
    every = int(spacing / max(float(length.mean()), 1e-6))
    if every < 2:
        return stroke
    kept = np.zeros(len(stroke), bool)
    kept[::every] = kept[-1] = True
    ahead, behind = stroke[4:] - stroke[2:-2], stroke[2:-2] - stroke[:-4]
    turn = (ahead * behind).sum(axis=1)
    scale = np.hypot(*ahead.T) * np.hypot(*behind.T)
    kept[2:-2] |= turn < _CORNER * scale
    return np.asarray(stroke[kept], np.float32)


def rounded(stroke: Points, spacing: float) -> Points:
    """Run a curve through the points where they are further apart than `spacing`.

    Catmull and Rom's spline; a turn of more than 65 degrees stays a corner.
    """
    if len(stroke) < 3:
        span = float(np.abs(stroke[-1] - stroke[0]).max())
        return np.linspace(stroke[0], stroke[-1], int(span / spacing) + 2, dtype=np.float32)
    steps = np.diff(stroke, axis=0)
    length = np.sqrt(steps[:, 0] ** 2 + steps[:, 1] ** 2)
    count = int(np.ceil(float(length.mean()) / spacing))
    if count < 2:
        return stroke
    ways = steps / np.maximum(length, 1e-6)[:, None]
    corner = (ways[1:] * ways[:-1]).sum(axis=1) < _CORNER
    shorter = np.minimum(length[1:], length[:-1])[:, None]
    middle = (ways[1:] + ways[:-1]) / 2 * shorter
    # A tangent for where each span starts and one for where it ends: a corner has two.
    start = np.concatenate([steps[:1], np.where(corner[:, None], steps[1:], middle)])
    end = np.concatenate([np.where(corner[:, None], steps[:-1], middle), steps[-1:]])
    t = (np.arange(min(count, 8), dtype=np.float32) / min(count, 8))[None, :, None]
    t2, t3 = t * t, t * t * t
    first, last = stroke[:-1, None], stroke[1:, None]
    curve = (
        (2 * t3 - 3 * t2 + 1) * first
        + (t3 - 2 * t2 + t) * start[:, None]
        + (3 * t2 - 2 * t3) * last
        + (t3 - t2) * end[:, None]
    )
    return np.concatenate([curve.reshape(-1, 2), stroke[-1:]], dtype=np.float32)
