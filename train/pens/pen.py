"""Pens: what they are like, and the kinds that people write with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

Kind = Literal[
    "ballpoint", "pencil", "felt", "marker", "brush", "chalk", "finger", "gel", "fountain"
]
KINDS: tuple[Kind, ...] = get_args(Kind)

WIDTHS: dict[Kind, tuple[float, float]] = {
    "ballpoint": (1 / 40, 1 / 14),
    "pencil": (1 / 36, 1 / 12),
    "felt": (1 / 18, 1 / 7),
    "marker": (1 / 10, 1 / 4),
    "brush": (1 / 14, 1 / 4),
    "chalk": (1 / 14, 1 / 5),
    "finger": (1 / 24, 1 / 5),
    "gel": (1 / 26, 1 / 10),
    "fountain": (1 / 24, 1 / 8),
}
"""Thinnest and thickest stroke of each kind as a fraction of a digit's height."""


@dataclass(frozen=True)
class Pen:
    """How a pen leaves ink; the defaults are an even round pen."""

    kind: Kind = "felt"
    width: float = 0.08
    """Width of a stroke as a fraction of a digit's height."""
    square: bool = False
    """The tip is square, and so are the ends of strokes."""
    chisel: float = 0.0
    """How much thinner the stroke is along the nib than across it (0-1)."""
    nib_angle: float = 0.0
    """Direction of a broad nib's edge, radians from the x axis."""
    pressure: float = 0.0
    """How much the width varies along the stroke with speed and curvature (0-1)."""
    taper: float = 0.0
    """How much thinner a stroke starts and ends (0-1)."""
    opacity: float = 1.0
    """Coverage of an even stroke (0-1)."""
    flow: float = 0.0
    """How much paler the stroke is at places (0-1)."""
    grain: float = 0.0
    """How much the paper's grain breaks the stroke up (0-1)."""
    grain_size: float = 0.02
    """Size of the grain as a fraction of a digit's height."""
    skips: float = 0.0
    """Share of the stroke where the ink fails (0-1)."""
    blobs: float = 0.0
    """How much ink gathers at ends and turns (0-1)."""
    rim: float = 0.0
    """How much paler the middle of the stroke is than its edge (0-1)."""
    softness: float = 0.0
    """Blur of the edge as a fraction of the stroke's width."""
    crisp: bool = False
    """Drawn without anti-aliasing, as on a screen."""


def random_pen(rng: np.random.Generator, kind: Kind | None = None) -> Pen:
    """Draw a pen.

    Args:
        rng: Source of every draw.
        kind: What sort of pen; by default any.
    """
    kind = kind or KINDS[int(rng.integers(len(KINDS)))]
    low, high = np.log(WIDTHS[kind])
    width = float(np.exp(rng.uniform(low, high)))
    a, b, c, d, e = rng.random(5).tolist()
    angle = float(rng.uniform(-1.2, 0.2))
    match kind:
        case "ballpoint":
            skips = 0.12 * e if b < 0.4 else 0.0
            return Pen(kind, width, opacity=1 - 0.25 * a, flow=0.3 * c, skips=skips,
                       blobs=0.8 * d, pressure=0.15, grain=0.15 * a)  # fmt: skip
        case "pencil":
            return Pen(kind, width, opacity=0.95 - 0.4 * a, flow=0.15 + 0.25 * b,
                       grain=0.2 + 0.5 * c, grain_size=0.006 + 0.012 * d, softness=0.2 * e,
                       pressure=0.25)  # fmt: skip
        case "felt":
            return Pen(kind, width, opacity=1 - 0.15 * a, flow=0.15 * b, blobs=0.25 * c,
                       pressure=0.15 * d, softness=0.08 * e)  # fmt: skip
        case "marker":
            square = b < 0.3
            chisel = 0.35 + 0.4 * c if not square and a < 0.35 else 0.0
            return Pen(kind, width, square=square, chisel=chisel, nib_angle=angle,
                       opacity=1 - 0.2 * d, flow=0.25 * e)  # fmt: skip
        case "brush":
            return Pen(kind, width, pressure=0.4 + 0.5 * a, taper=0.3 + 0.6 * b, flow=0.3 * c,
                       grain=0.35 * d if e < 0.4 else 0.0, grain_size=0.03)  # fmt: skip
        case "chalk":
            return Pen(kind, width, opacity=1 - 0.3 * a, grain=0.35 + 0.5 * b, flow=0.4 * e,
                       grain_size=0.005 + 0.011 * c, softness=0.03 + 0.06 * d)  # fmt: skip
        case "finger":
            return Pen(kind, width, crisp=True)
        case "gel":
            return Pen(kind, width, rim=0.1 + 0.5 * a, flow=0.2 * b, blobs=0.4 * c,
                       pressure=0.1 * d, opacity=1 - 0.1 * e)  # fmt: skip
        case "fountain":
            return Pen(kind, width, chisel=0.3 + 0.5 * a, nib_angle=angle, flow=0.35 * b,
                       blobs=0.3 * c, pressure=0.2 * d)  # fmt: skip
