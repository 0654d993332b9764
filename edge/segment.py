"""Ink to candidates: contours of a digit's size and shape, in lines and reading order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from .frame import Box, GrayImage
from .preprocess import Ink
from .settings import SegmentSettings


@dataclass(frozen=True)
class Candidate:
    """A mark that may be a digit."""

    box: Box
    """In px of the working resolution."""
    contrast: GrayImage
    """(box.height, box.width) uint8: the mark's ink alone, 0 elsewhere."""


def find_candidates(ink: Ink, settings: SegmentSettings) -> list[Candidate]:
    """Return the marks that have a digit's size, shape and contrast, the tallest first."""
    contours, hierarchy = cv2.findContours(ink.mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return []
    outer = [contours[i] for i in np.flatnonzero(hierarchy[0, :, 3] < 0)]
    boxes = np.array([cv2.boundingRect(contour) for contour in outer])
    shaped = np.flatnonzero(_have_digit_shape(boxes, settings))
    tallest = shaped[np.argsort(-boxes[shaped, 3], kind="stable")][: settings.max_candidates]
    alone = ~_overlap_others(boxes, tallest)
    candidates = []
    for index, clear in zip(tallest, alone, strict=True):
        box = Box(*boxes[index].tolist())
        if _is_stroke(box, ink, settings):
            contrast = ink.contrast[box.y : box.bottom, box.x : box.right]
            candidates.append(
                Candidate(box, contrast if clear else _cut(contrast, box, outer[index]))
            )
    return candidates


def group_lines(
    candidates: Sequence[Candidate], settings: SegmentSettings
) -> list[list[Candidate]]:
    """Put candidates into lines, in the order a person reads: down the rows, left to right.

    Marks much lower than their line (points, commas, dashes) are left out.
    """
    lines: list[list[Candidate]] = []
    for candidate in sorted(candidates, key=lambda c: c.box.x):
        fitting = [line for line in lines if _continues(line[-1].box, candidate.box, settings)]
        if fitting:
            max(fitting, key=lambda line: line[-1].box.right).append(candidate)
        else:
            lines.append([candidate])
    return _in_rows([_without_punctuation(line, settings) for line in lines])


def _have_digit_shape(boxes: NDArray[np.int_], settings: SegmentSettings) -> NDArray[np.bool_]:
    """(N, 4) boxes -> (N,) whether a digit may fill them."""
    width, height = boxes[:, 2], boxes[:, 3]
    return (
        (height >= settings.min_height_px)
        & (width >= settings.min_aspect * height)
        & (width <= settings.max_aspect * height)
    )


def _overlap_others(boxes: NDArray[np.int_], chosen: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Say which of the chosen boxes overlap any other box: (len(chosen),)."""
    start, end = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    meet = (start[chosen, None] < end).all(axis=2) & (end[chosen, None] > start).all(axis=2)
    return meet.sum(axis=1) > 1  # type: ignore[no-any-return]


def _cut(contrast: GrayImage, box: Box, contour: NDArray[np.int32]) -> GrayImage:
    """Blacken what lies outside a mark's outer contour."""
    own = np.zeros_like(contrast)
    cv2.drawContours(own, [contour], 0, (255,), cv2.FILLED, offset=(-box.x, -box.y))
    return cv2.bitwise_and(contrast, own)  # type: ignore[return-value]


def _is_stroke(box: Box, ink: Ink, settings: SegmentSettings) -> bool:
    """Say whether the mark is dark enough and drawn in strokes, not a blob."""
    area = slice(box.y, box.bottom), slice(box.x, box.right)
    if cv2.minMaxLoc(ink.contrast[area])[1] < settings.min_peak_contrast:
        return False
    fill = cv2.countNonZero(ink.mask[area]) / (box.width * box.height)
    return settings.min_fill <= fill and (fill <= settings.max_fill or box.width < box.height / 2)


def _continues(last: Box, box: Box, settings: SegmentSettings) -> bool:
    """Say whether ``box`` may follow ``last`` in a line."""
    low, high = sorted((last.height, box.height))
    overlap = min(last.bottom, box.bottom) - max(last.y, box.y)
    return overlap >= 0.4 * low and box.x - last.right <= settings.max_gap * high


def _without_punctuation(line: list[Candidate], settings: SegmentSettings) -> list[Candidate]:
    floor = settings.min_relative_height * median(c.box.height for c in line)
    return [c for c in line if c.box.height >= floor]


def _in_rows(lines: list[list[Candidate]]) -> list[list[Candidate]]:
    """Sort lines by row, and lines of one row from left to right."""
    rows: list[list[list[Candidate]]] = []
    for line in sorted(lines, key=_line_center):
        height = median(c.box.height for c in line)
        if rows and _line_center(line) - _line_center(rows[-1][0]) < height / 2:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda r: r[0].box.x)]


def _line_center(line: list[Candidate]) -> float:
    return median(c.box.center_y for c in line)
