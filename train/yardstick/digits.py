"""Single digits: by source, by pen, by place, on a drawing canvas, and as files of MNIST."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import product
from pathlib import Path

import cv2
import numpy as np

from ..data import load_digits
from ..held_back import Case, Image, Set
from ..pens.hand import Hand
from ..pens.pen import Pen
from .photo import CLEAR, SOFT, Conditions, Placed, Plane, laid, photograph, seeded
from .scoring import score_digit
from .specimens import BITMAPS, DIGITS, GROUPS, Specimen, specimens, writers, written

HEIGHTS_PX = (16, 40, 120)
"""Sizes that each source's digits are photographed at."""
WIDTHS = {"1/40": 1 / 40, "1/15": 1 / 15, "1/5": 1 / 5}
PEN_HEIGHTS_PX = (14, 40, 200)
FRAMES = ((64, 64), (160, 120), (320, 240), (640, 480), (1280, 960), (1920, 1080))
"""Width and height of frames, px."""
SIZES = 12
"""Heights from the next to a share of the frame's, evenly in their logarithm."""
SMALLEST_PX, LARGEST = 12.0, 0.9
PLACES = {
    "corner": (0.0, 0.0),
    "far corner": (1.0, 1.0),
    "left": (0.0, 0.5),
    "right": (1.0, 0.5),
    "top": (0.5, 0.0),
    "middle": (0.5, 0.5),
}
PLACE_WRITERS = 10
FILE_SIDES_PX = (28, 112, 280)
CANVAS_PX = 280
BRUSHES_PX = (8, 12, 16, 20, 25, 30)
SURROUNDED = (1.0, 2.0)
"""Free paper around a digit, in its heights."""
CUT = (0.0, 0.08)


def sources(everything: bool = False) -> list[str]:
    """Return the names of all sources of single digits."""
    return [*BITMAPS, *GROUPS, *([] if everything else ["writers held back"])]


def by_source(folder: Path, source: str, count: int, seed: int, everything: bool = False) -> Set:
    """Photograph digits of a source on paper, each at three sizes, and once cut to its ink."""
    if source in (*BITMAPS, *GROUPS):
        found = specimens(folder, source, count, seed, everything=everything)
    else:
        found = written(writers(folder), count, np.random.default_rng(seed))
    ways: list[tuple[str, float | None]] = [(f"{px} px", px) for px in HEIGHTS_PX]
    return _set(f"digits: {source}", (
        (f"{source}/{index}/{each.name}/size={way}", partial(_on_paper, each, px), each.digit)
        for index, each in enumerate(found)
        for way, px in [*ways, ("cut", None)]
    ), seed)  # fmt: skip


def by_pen(
    folder: Path, name: str, height_px: int, count: int, seed: int, everything: bool = False
) -> Set:
    """Draw digits of UNIPEN's contributors with a pen of one width at one size."""
    share = -(-count // len(GROUPS))
    found = [
        each
        for group in GROUPS
        for each in specimens(folder, group, share, seed, everything=everything)
    ]
    pen = Pen(width=WIDTHS[name])
    return _set(f"pens: {name} at {height_px} px", (
        (
            f"{index}/{each.name}",
            partial(_on_paper, each, height_px, pen=pen, conditions=CLEAR),
            each.digit,
        )
        for index, each in enumerate(found)
    ), seed)  # fmt: skip


def by_place(folder: Path, count: int, seed: int) -> Set:
    """Write single digits of every size at every place of frames of every size."""
    rng = np.random.default_rng(seed)
    found = writers(folder)
    some = [found[i] for i in np.sort(rng.permutation(len(found))[:PLACE_WRITERS]).tolist()]
    ways = list(product(some, DIGITS, range(SIZES), PLACES, FRAMES))
    chosen = np.sort(rng.permutation(len(ways))[:count]).tolist()
    cases = []
    for hand, digit, size, place, frame in (ways[i] for i in chosen):
        factors = f"size={size + 1}/place={place}/frame={frame[0]}x{frame[1]}"
        make = partial(_placed, hand, digit, size, PLACES[place], frame)
        cases.append((f"{hand.name}/{digit}/{factors}", make, digit))
    return _set("places", cases, seed)


def as_files(folder: Path, side_px: int, negative: bool, count: int, seed: int) -> Set:
    """Take MNIST's test images as they are, enlarged or not, white on black or black on white."""
    data = load_digits(folder)
    chosen = np.sort(np.random.default_rng(seed).permutation(len(data.x_test))[:count]).tolist()
    ground = "negative" if negative else "white on black"
    return _set(f"files: {side_px} px, {ground}", (
        (
            f"mnist:{index}",
            partial(_file, data.x_test[index], side_px, negative),
            str(data.y_test[index]),
        )
        for index in chosen
    ), seed)  # fmt: skip


def on_canvas(folder: Path, repeats: int, seed: int) -> Set:
    """Draw digits on a square canvas with brushes of several widths, either polarity."""
    rng = np.random.default_rng(seed)
    found = writers(folder)
    cases = []
    for brush, dark, index in product(BRUSHES_PX, (False, True), range(11 * repeats)):
        polarity = "black on white" if dark else "white on black"
        factors = f"brush={brush} px/polarity={polarity}"
        hand = found[int(rng.integers(len(found)))]
        digit = DIGITS[index % 11] if index % 11 < 10 else "1"
        bare = index % 11 == 10
        shape = "bar" if bare else "written"
        make = partial(_canvas, None if bare else hand, digit, brush, dark)
        cases.append((f"{hand.name}/{index}/{digit}/{factors}/shape={shape}", make, digit))
    return _set("canvas", cases, seed)


Made = Callable[[np.random.Generator], Image]


def _set(name: str, cases: Iterable[tuple[str, Made, str]], seed: int) -> Set:
    made = tuple(
        Case(f"{name}/{each}", seeded(make, seed, index), digit)
        for index, (each, make, digit) in enumerate(cases)
    )
    return Set(name, made, score_digit)


def _on_paper(
    specimen: Specimen,
    height_px: float | None,
    rng: np.random.Generator,
    pen: Pen | None = None,
    conditions: Conditions = SOFT,
) -> Image:
    """Photograph a digit of a height with free paper around it; None: any, cut to its ink."""
    height = height_px or float(rng.uniform(28, 140))
    ink = specimen.draw(height, pen, rng)
    tall, wide = ink.shape
    low, high = SURROUNDED if height_px else CUT
    left, top, right, bottom = (round(u * height) for u in rng.uniform(low, high, 4))
    plane = laid([Placed(ink, left, top)], (top + tall + bottom, left + wide + right))
    stroke = height * (pen.width if pen else 1 / 20)
    return photograph(plane, rng, stroke, None, conditions)


def _placed(
    hand: Hand,
    digit: str,
    size: int,
    place: tuple[float, float],
    frame: tuple[int, int],
    rng: np.random.Generator,
) -> Image:
    width, height = frame
    part = size / (SIZES - 1)
    tall = SMALLEST_PX * (LARGEST * min(frame) / SMALLEST_PX) ** part
    ink = hand.glyph(digit, tall, Pen(width=float(rng.uniform(1 / 16, 1 / 7))), rng).ink
    ink = _reduced(ink, 0.95 * width, 0.95 * height)
    free = width - ink.shape[1], height - ink.shape[0]
    margin = max(float(rng.uniform(0.08, 0.3)) * tall, 2.0)
    x, y = (
        round(min(margin, room / 2) + at * max(room - 2 * margin, 0))
        for room, at in zip(free, place, strict=True)
    )
    plane = laid([Placed(ink, x, y)], (height, width))
    return photograph(plane, rng, tall / 16, None, CLEAR)


def _reduced(ink: Plane, width: float, height: float) -> Plane:
    scale = min(width / ink.shape[1], height / ink.shape[0])
    if scale >= 1:
        return ink
    size = max(int(ink.shape[1] * scale), 1), max(int(ink.shape[0] * scale), 1)
    return np.asarray(cv2.resize(ink, size, interpolation=cv2.INTER_AREA), np.uint8)


def _file(image: Plane, side_px: int, negative: bool, rng: np.random.Generator) -> Image:
    if side_px != len(image):
        large = cv2.resize(image, (side_px, side_px), interpolation=cv2.INTER_CUBIC)
        image = np.asarray(large, np.uint8)
    return np.asarray(cv2.merge([255 - image if negative else image] * 3), np.uint8)


def _canvas(
    hand: Hand | None, digit: str, brush_px: int, dark: bool, rng: np.random.Generator
) -> Image:
    """Draw with a brush of constant width; without a hand a 1 that is a bare bar."""
    height = float(rng.uniform(140, 230))
    pen = Pen("finger", width=brush_px / height, crisp=bool(rng.random() < 0.5))
    if hand is None:
        lean = float(rng.normal(0, 0.1)) * height
        ends = (CANVAS_PX / 2 + lean / 2, (CANVAS_PX - height) / 2), (
            CANVAS_PX / 2 - lean / 2, (CANVAS_PX + height) / 2,
        )  # fmt: skip
        plane = np.zeros((CANVAS_PX, CANVAS_PX), np.uint8)
        way = cv2.LINE_8 if pen.crisp else cv2.LINE_AA
        (x, y), (u, v) = ((round(a), round(b)) for a, b in ends)
        cv2.line(plane, (x, y), (u, v), (255,), brush_px, way)
    else:
        ink = _reduced(hand.glyph(digit, height, pen, rng).ink, 260, 260)
        free = CANVAS_PX - ink.shape[1], CANVAS_PX - ink.shape[0]
        x, y = (round(room * float(rng.uniform(0.25, 0.75))) for room in free)
        plane = laid([Placed(ink, x, y)], (CANVAS_PX, CANVAS_PX))
    return np.asarray(cv2.merge([255 - plane if dark else plane] * 3), np.uint8)
