"""What stands on paper and is no digit: letters, signs, strokes, scribbles, pieces of frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
Kind = Literal["letter", "sign", "word", "stroke", "scribble", "corner", "ring", "blob", "dash"]
KINDS: tuple[Kind, ...] = get_args(Kind)
WEIGHTS = (0.3, 0.12, 0.08, 0.12, 0.14, 0.1, 0.04, 0.04, 0.06)
"""How often each kind is drawn."""

LETTERS = "ACEFHKLMNPRTUVWXacdefhkmnprtuvwx"
"""Letters that no digit is written like."""
SIGNS = "#$%&+=?!*@/()[]{}<>~^"
FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_PLAIN,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)
CANVAS_PX = 160
"""Everything is drawn on a square of this side, then bent, cut to its ink and scaled."""
BASE_PX = 80
"""Height of a capital letter on the canvas."""


def random_clutter(rng: np.random.Generator, height_px: float, kind: Kind | None = None) -> Gray:
    """Draw a mark that is no digit.

    Args:
        rng: Source of every draw.
        height_px: Height of the digits that it stands among, px; most marks are as high.
        kind: What to draw; by default any, as often as WEIGHTS says.

    Returns:
        (h, w) uint8, white ink (255) on black, cut to its ink.
    """
    if kind is None:
        kind = KINDS[int(rng.choice(len(KINDS), p=WEIGHTS))]
    canvas = np.zeros((CANVAS_PX, CANVAS_PX), np.uint8)
    width = int(rng.integers(4, 12))
    _PAINTERS[kind](canvas, rng, width)
    canvas = _bent(canvas, rng)
    x, y, w, h = cv2.boundingRect((canvas >= 64).view(np.uint8))
    if not w:  # The bend has thinned a dot away.
        return np.full((3, 3), 255, np.uint8)
    scale = height_px / BASE_PX
    size = max(round(w * scale), 2), max(round(h * scale), 2)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(canvas[y : y + h, x : x + w], size, interpolation=way), np.uint8)


def _text(canvas: Gray, rng: np.random.Generator, width: int, text: str) -> None:
    font = FONTS[int(rng.integers(len(FONTS)))]
    thickness = max(width // 2, 1)
    (w, h), _ = cv2.getTextSize(text, font, 1, thickness)
    scale = min(BASE_PX / h, (CANVAS_PX - 20) / w)
    (w, h), _ = cv2.getTextSize(text, font, scale, thickness)
    place = (CANVAS_PX - w) // 2, (CANVAS_PX + h) // 2
    cv2.putText(canvas, text, place, font, scale, (255,), thickness, cv2.LINE_AA)


def _letter(canvas: Gray, rng: np.random.Generator, width: int) -> None:
    _text(canvas, rng, width, LETTERS[int(rng.integers(len(LETTERS)))])


def _sign(canvas: Gray, rng: np.random.Generator, width: int) -> None:
    _text(canvas, rng, width, SIGNS[int(rng.integers(len(SIGNS)))])


def _word(canvas: Gray, rng: np.random.Generator, width: int) -> None:
    """Letters that touch."""
    count = int(rng.integers(2, 5))
    _text(canvas, rng, width, "".join(rng.choice(list(LETTERS), count)))


def _stroke(canvas: Gray, rng: np.random.Generator, width: int) -> None:
    """A stroke that leans too far to be a 1, with a hook now and then."""
    angle = np.deg2rad(rng.uniform(40, 140)) + np.pi * (rng.random() < 0.5)
    step = 45 * np.array([np.sin(angle), np.cos(angle)])
    middle = np.full(2, CANVAS_PX / 2)
    points = [middle - step, middle + rng.normal(0, 5, 2), middle + step]
    if rng.random() < 0.4:
        points.append(middle + step + rng.normal(0, 15, 2))
    _curve(canvas, np.array(points), width)


def _scribble(canvas: Gray, rng: np.random.Generator, width: int) -> None:
    points = CANVAS_PX / 2 + rng.normal(0, 24, (int(rng.integers(4, 9)), 2))
    _curve(canvas, points, width)


def _corner(canvas: Gray, rng: np.random.Generator, width: int) -> None:
    """A corner, crossing or junction of lines, or a frame."""
    low, high = 40, 40 + int(rng.integers(50, 90))
    across = int(rng.integers(low, high))
    sides = [((low, low), (low, high)), ((low, high), (high, high)), ((high, high), (high, low)),
             ((high, low), (low, low)), ((across, low), (across, high)),
             ((low, across), (high, across))]  # fmt: skip
    first = int(rng.integers(4))
    chosen = [first, (first + 1) % 4, 4 + int(rng.integers(2)), (first + 2) % 4, (first + 3) % 4]
    thickness = max(width // 3, 1)
    for index in chosen[: int(rng.choice([2, 3, 5], p=[0.6, 0.25, 0.15]))]:
        cv2.line(canvas, *sides[index], (255,), thickness, cv2.LINE_AA)


def _ring(canvas: Gray, rng: np.random.Generator, width: int) -> None:
    """Something circled."""
    middle = CANVAS_PX // 2
    axes = int(rng.integers(45, 65)), int(rng.integers(40, 60))
    cv2.ellipse(canvas, ((middle, middle), (2 * axes[0], 2 * axes[1]), 0), (255,), width // 2 + 1)
    _curve(canvas, middle + rng.normal(0, 13, (5, 2)), width)


def _blob(canvas: Gray, rng: np.random.Generator, width: int) -> None:
    points = CANVAS_PX / 2 + rng.normal(0, 18, (8, 2))
    hull = cv2.convexHull(points.astype(np.int32))
    cv2.fillConvexPoly(canvas, hull, (255,), cv2.LINE_AA)


def _dash(canvas: Gray, rng: np.random.Generator, width: int) -> None:
    """A dash, two, or dots."""
    middle = CANVAS_PX // 2
    for row in range(int(rng.integers(1, 3))):
        length = int(rng.integers(3, 40))
        y = middle + row * int(rng.integers(18, 35))
        end = (middle + length, y + int(rng.integers(-6, 7)))
        cv2.line(canvas, (middle - length, y), end, (255,), width, cv2.LINE_AA)


def _curve(canvas: Gray, points: NDArray[np.float64], width: int) -> None:
    """Draw a smooth line: the corners are cut three times (Chaikin 1974)."""
    for _ in range(3):
        near, far = points[:-1], points[1:]
        inner = np.stack([0.75 * near + 0.25 * far, 0.25 * near + 0.75 * far], axis=1)
        points = np.concatenate([points[:1], inner.reshape(-1, 2), points[-1:]])
    line = np.rint(points * 8).astype(np.int32)[:, None]
    cv2.polylines(canvas, [line], False, (255,), width, cv2.LINE_AA, 3)


def _bent(canvas: Gray, rng: np.random.Generator) -> Gray:
    """Turn, slant and bend as a hand does."""
    grid = np.stack(np.meshgrid(_AXIS, _AXIS), axis=2)
    angle, shear = rng.normal(0, 0.12), rng.normal(0, 0.15)
    turn = np.array([[np.cos(angle), -np.sin(angle) + shear], [np.sin(angle), np.cos(angle)]])
    bend = cv2.resize(rng.normal(0, 3, (4, 4, 2)).astype(np.float32), (CANVAS_PX, CANVAS_PX))
    field = (grid @ turn.T + CANVAS_PX / 2).astype(np.float32) + bend
    x, y = cv2.split(field)
    return np.asarray(cv2.remap(canvas, x, y, cv2.INTER_LINEAR), np.uint8)


_AXIS = np.arange(CANVAS_PX, dtype=np.float32) - CANVAS_PX / 2
_PAINTERS: dict[Kind, Callable[[Gray, np.random.Generator, int], None]] = {
    "letter": _letter,
    "sign": _sign,
    "word": _word,
    "stroke": _stroke,
    "scribble": _scribble,
    "corner": _corner,
    "ring": _ring,
    "blob": _blob,
    "dash": _dash,
}
