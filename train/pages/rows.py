"""Rows to write on, and how much is written."""

from __future__ import annotations

from collections.abc import Iterator

from digitcam.edge.frame import Box

from .scribe import Scribe


def baselines(scribe: Scribe, area: Box, *, height_px: float | None = None) -> Iterator[float]:
    """Yield rows to write on, px, from the top of an area to its end.

    On ruled paper most stand on the lines, some where they like.
    """
    rng, height = scribe.rng, height_px or scribe.height_px
    pitch = height * (rng.uniform(1.2, 1.65) if scribe.plan.close_rows else rng.uniform(1.65, 3.5))
    y = area.y + height * rng.uniform(1.1, 1.6)
    if rng.random() < 0.5:
        y += rng.uniform(0, 0.5) * max(area.height - 3 * height, 0)
    ruled = scribe.baselines
    if ruled is not None and rng.random() < 0.7 and ruled[1] >= 0.8 * height:
        step = ruled[1] * max(round(pitch / ruled[1]), 1)
        first = ruled[0] + ruled[1] * max(-(-(y - ruled[0]) // ruled[1]), 0)
        lift = rng.uniform(-0.1, 0.25) * height
        y, pitch = first - lift, max(step, ruled[1])
    while y < area.bottom - 0.1 * height:
        yield y + rng.normal(0, 0.03) * height
        y += pitch * rng.uniform(0.97, 1.08)


def budget_of(scribe: Scribe) -> int:
    """Draw how many characters are written on a page."""
    return round(3 * 24 ** float(scribe.rng.random()))
