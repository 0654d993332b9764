"""The project's own digits as a hand, and the signs that no other hand has."""

from __future__ import annotations

from functools import cache, partial

import numpy as np

from ..handwriting import variant_count, variant_curves
from .script import Shape, shape_of
from .stroke_hand import StrokeHand
from .strokes import Points

_TURN = np.linspace(0, 2 * np.pi, 13, dtype=np.float32)
_RING = np.stack([np.sin(_TURN), -np.cos(_TURN)], axis=1)
_BOW = np.stack([np.sin(_TURN[2:-2] + np.pi), np.cos(_TURN[2:-2] + np.pi)], axis=1)


def _line(*points: tuple[float, float]) -> Points:
    return np.array(points, np.float32)


_ROUND = np.stack([1 - np.sin(_TURN[2:11]), -np.cos(_TURN[2:11])], axis=1)


def _bow(depth: float) -> Points:
    return _line((depth, 0), (depth / 4, 0.25), (0, 0.5), (depth / 4, 0.75), (depth, 1))


def _percent(lean: float, ring: float) -> list[Points]:
    return [
        _line((0.5 + lean, 0), (0.5 - lean, 1)),
        _RING * np.float32(ring) + np.array([0.45 - lean, 0.22], np.float32),
        _RING * np.float32(ring) + np.array([0.55 + lean, 0.78], np.float32),
    ]


def _ring(radius: float, y: float) -> Points:
    return np.asarray(_RING * np.float32(radius) + np.array([0, y], np.float32))


_BOWS = [_bow(depth) for depth in (0.12, 0.2, 0.3)]
SIGNS: dict[str, list[list[Points]]] = {
    ".": [[_line((0, 0), (0.4, 0.3), (1, 1))]],
    ",": [[_line((0.5, 0), (0.45, 0.5), (0, 1))], [_line((0.35, 0), (0, 1))],
          [_line((0, 0.1), (0.3, 0), (0.4, 0.4), (0, 1))]],
    ":": [[_line((0, 0), (0, 0.06)), _line((0, 0.94), (0, 1))]],
    "-": [[_line((0, 0), (1, 0))]],
    "+": [[_line((0.5, 0), (0.5, 1)), _line((0, 0.5), (1, 0.5))]],
    "=": [[_line((0, 0), (1, 0)), _line((0, 0.4), (1, 0.4))]],
    "/": [[_line((lean, 0), (0, 1))] for lean in (0.3, 0.5, 0.75, 1.1)],
    "(": [[bow] for bow in _BOWS],
    ")": [[bow * np.array([-1, 1], np.float32)] for bow in _BOWS],
    "%": [_percent(0.35, 0.17), _percent(0.25, 0.2), _percent(0.45, 0.14)],
    "!": [[_line((0, 0), (0, 0.74)), _line((0, 0.97), (0, 1))],
          [_line((0.1, 0), (0, 0.7)), _ring(0.04, 0.96)]],
    "?": [[_line((0, 0.15), (0.18, 0), (0.42, 0.1), (0.45, 0.28), (0.25, 0.45), (0.22, 0.72)),
           _line((0.22, 0.97), (0.22, 1))]],
    "<": [[_line((1, 0), (0, 0.5), (1, 1))], [_line((0.9, 0.1), (0, 0.45), (1, 0.9))]],
    ">": [[_line((0, 0), (1, 0.5), (0, 1))], [_line((0.1, 0.1), (1, 0.45), (0, 0.9))]],
    "$": [[
        _line((0.55, 0.2), (0.3, 0.1), (0.05, 0.25), (0.12, 0.45), (0.45, 0.58), (0.55, 0.75),
              (0.3, 0.9), (0, 0.8)),
        _line((0.3, 0), (0.3, 1)),
    ]],
    "°": [[_RING]],
    "€": [[
        _ROUND * np.array([0.35, 0.5], np.float32),
        _line((-0.15, -0.13), (0.45, -0.15)),
        _line((-0.15, 0.1), (0.42, 0.08)),
    ]],
    "x": [[_line((0, 0), (0.8, 1)), _line((0.8, 0), (0, 1))]],
}  # fmt: skip
"""Ways to write signs: strokes in any unit, y down; `place` says how high they are and where."""


@cache
def drawn_hand() -> StrokeHand:
    """Return the hand that writes the digits of `handwriting` and common signs."""
    ways = {
        str(digit): [cache(partial(_drawn, digit, k)) for k in range(variant_count(digit))]
        for digit in range(10)
    }
    for sign, signs in SIGNS.items():
        ways[sign] = [cache(partial(shape_of, strokes, sign)) for strokes in signs]
    return StrokeHand("drawn", "drawn", ways)


def _drawn(digit: int, variant: int) -> Shape:
    curves = [curve.astype(np.float32) for curve in variant_curves(digit)[variant]]
    return shape_of(curves, str(digit))
