"""Lines printed on paper: ruled, squared, dotted, fine print, frames, boxes and combs."""

from __future__ import annotations

import cv2
import numpy as np

from digitcam.edge.frame import Box

from .noise import clouds, enlarged
from .page import Colour, Gray, Kind
from .plan import Paper
from .sheet import Sheet


def rule(
    sheet: Sheet,
    paper: Paper,
    colour: Colour,
    pitch_px: float,
    width_px: float,
    rng: np.random.Generator,
) -> float | None:
    """Print rulings all over a sheet; return the row of the first one, px, if there are rows.

    Args:
        sheet: What is printed on.
        paper: What kind.
        colour: Of the lines.
        pitch_px: Distance of neighbouring lines, px.
        width_px: Thickness of a line, px; below 1 it is paler.
        rng: Source of what is left to chance.
    """
    match paper:
        case Paper.RULED:
            first = _rows(sheet, colour, pitch_px, width_px, rng)
            if rng.random() < 0.3:  # The margin.
                x = rng.uniform(0.08, 0.2) * sheet.width
                line(sheet, Box(round(x), 0, 1, sheet.height), (70.0, 60.0, 200.0), width_px)
            return first
        case Paper.SQUARED:
            first = _rows(sheet, colour, pitch_px, width_px, rng)
            x = rng.uniform(0, pitch_px)
            while x < sheet.width:
                line(sheet, Box(round(x), 0, 1, sheet.height), colour, width_px)
                x += pitch_px
            return first
        case Paper.DOTTED:
            _dots(sheet, colour, pitch_px, max(width_px, 1.2))
        case Paper.PATTERNED:
            _fine_print(sheet, colour, rng)
        case Paper.PLAIN:
            pass
    return None


def line(sheet: Sheet, along: Box, colour: Colour, width_px: float) -> None:
    """Print a straight line along the longer side of a box whose shorter side is ignored."""
    strength = float(np.clip(width_px, 0.35, 1))
    thick = max(round(width_px), 1)
    shift = thick // 2
    if along.height > along.width:
        box = Box(along.x - shift, along.y, thick, along.height)
    else:
        box = Box(along.x, along.y - shift, along.width, thick)
    sheet.rule(box, colour, strength)


def frame(sheet: Sheet, box: Box, colour: Colour, width_px: float) -> None:
    """Print a rectangle."""
    line(sheet, Box(box.x, box.y, box.width, 1), colour, width_px)
    line(sheet, Box(box.x, box.bottom, box.width, 1), colour, width_px)
    line(sheet, Box(box.x, box.y, 1, box.height), colour, width_px)
    line(sheet, Box(box.right, box.y, 1, box.height), colour, width_px)


def circle(sheet: Sheet, box: Box, colour: Colour, width_px: float) -> None:
    """Print an ellipse in a box."""
    pad = max(round(width_px), 1) + 1
    ink = np.zeros((box.height + 2 * pad, box.width + 2 * pad), np.uint8)
    middle = pad + box.width // 2, pad + box.height // 2
    axes = box.width // 2, box.height // 2
    cv2.ellipse(ink, middle, axes, 0, 0, 360, (255,), max(round(width_px), 1), cv2.LINE_AA)
    sheet.mark(ink, box.x - pad, box.y - pad, colour, Kind.RULING)


def _rows(
    sheet: Sheet, colour: Colour, pitch_px: float, width_px: float, rng: np.random.Generator
) -> float:
    first = y = pitch_px * rng.uniform(0.2, 3) if rng.random() < 0.5 else rng.uniform(0, pitch_px)
    while y < sheet.height:
        line(sheet, Box(0, round(y), sheet.width, 1), colour, width_px)
        y += pitch_px
    return float(first)


def _dots(sheet: Sheet, colour: Colour, pitch_px: float, width_px: float) -> None:
    pitch = max(pitch_px, 8.0)
    side = round(width_px)
    ink = np.zeros((side + 1, sheet.width), np.uint8)
    for x in np.arange(pitch / 2, sheet.width - side, pitch):
        ink[:side, round(x) : round(x) + side] = 255
    for y in np.arange(pitch / 2, sheet.height, pitch):
        sheet.mark(ink, 0, round(y), colour, Kind.RULING)


def _fine_print(sheet: Sheet, colour: Colour, rng: np.random.Generator) -> None:
    """Print waves, guilloches, hatching or dots under everything, as on cheques."""
    shape = sheet.height, sheet.width
    small = max(shape[0] * 2 // 3, 8), max(shape[1] * 2 // 3, 8)
    y, x = np.meshgrid(
        np.arange(small[0], dtype=np.float32), np.arange(small[1], dtype=np.float32), indexing="ij"
    )
    pitch, angle = rng.uniform(4, 12), rng.uniform(0, np.pi)
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    along, across = x * cos + y * sin, y * cos - x * sin
    bend = np.float32(rng.uniform(0, 8) * pitch) * clouds(small, rng, 4, 2)
    wave = np.float32(rng.uniform(0, 1.5) * pitch) * np.sin(along / np.float32(rng.uniform(6, 25)))
    lines = np.cos((across + wave + bend) * np.float32(2 * np.pi / pitch))
    if rng.random() < 0.25:
        lines = np.minimum(lines, np.cos(along * np.float32(2 * np.pi / pitch)))
    elif rng.random() < 0.3:
        crossing = np.cos((across - wave - bend) * np.float32(2 * np.pi / pitch))
        lines = np.maximum(lines, crossing)
    level = np.clip((lines - np.float32(rng.uniform(0.1, 0.7))) * 3, 0, 1) * np.float32(255)
    ink: Gray = np.asarray(enlarged(level, shape), np.uint8)
    sheet.mark(ink, 0, 0, colour, Kind.RULING)
