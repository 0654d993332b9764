"""Ink to candidates: contours of a digit's size and shape, in lines and reading order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

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
    parents = hierarchy[0, :, 3].tolist()
    outer = [number for number, parent in enumerate(parents) if parent < 0]
    places = [cv2.boundingRect(contours[number]) for number in outer]
    shaped = [i for i, (*_, w, h) in enumerate(places) if _has_digit_shape(w, h, settings)]
    shaped.sort(key=lambda i: places[i][3], reverse=True)
    tallest = shaped[: settings.max_candidates]
    overlapping = _overlapping(places) if tallest else set()
    candidates = []
    for index in tallest:
        x, y, width, height = places[index]
        contrast = ink.contrast[y : y + height, x : x + width]
        if not _is_stroke(contrast, ink.mask[y : y + height, x : x + width], settings):
            continue
        box = Box(x, y, width, height)
        if index in overlapping:
            contour = contours[outer[index]]
            holes = [contours[i] for i, parent in enumerate(parents) if parent == outer[index]]
            if _is_frame(box, [contour, *holes], settings):
                continue
            contrast = _cut(contrast, box, contour)
        candidates.append(Candidate(box, contrast))
    return candidates


def group_lines(
    candidates: Sequence[Candidate], settings: SegmentSettings
) -> list[list[Candidate]]:
    """Put candidates into lines, in the order a person reads: down the rows, left to right.

    Marks much lower than their line (points, commas, dashes) are left out.
    """
    lines: list[list[Candidate]] = []
    for candidate in sorted(candidates, key=lambda c: c.box.x):
        fitting = [line for line in lines if _goes_on(line, candidate.box, settings)]
        if fitting:
            max(fitting, key=lambda line: line[-1].box.right).append(candidate)
        else:
            lines.append([candidate])
    return _in_rows([_without_punctuation(line, settings) for line in lines])


def _has_digit_shape(width: int, height: int, settings: SegmentSettings) -> bool:
    """Say whether a digit may fill a box of this size."""
    return (
        height >= settings.min_height_px
        and settings.min_aspect * height <= width <= settings.max_aspect * height
    )


def _overlapping(places: Sequence[Sequence[int]]) -> set[int]:
    """Return which of the ``(x, y, width, height)`` overlap another, by a sweep to the right."""
    found: set[int] = set()
    open_places: list[tuple[int, int, int, int]] = []
    for index in sorted(range(len(places)), key=lambda i: places[i][0]):
        x, y, width, height = places[index]
        open_places = [place for place in open_places if place[0] > x]
        for _, top, bottom, other in open_places:
            if top < y + height and bottom > y:
                found.update((index, other))
        open_places.append((x + width, y, y + height, index))
    return found


def _cut(contrast: GrayImage, box: Box, contour: cv2.typing.MatLike) -> GrayImage:
    """Blacken what lies outside a mark's outer contour."""
    own = np.zeros_like(contrast)
    cv2.drawContours(own, [contour], 0, (255,), cv2.FILLED, offset=(-box.x, -box.y))
    return cv2.bitwise_and(contrast, own)  # type: ignore[return-value]


def _is_frame(box: Box, outlines: Sequence[cv2.typing.MatLike], settings: SegmentSettings) -> bool:
    """Say whether a mark's own ink, inside its outlines, is too little, and others fill its box."""
    own = np.zeros((box.height, box.width), np.uint8)
    cv2.fillPoly(own, outlines, (255,), offset=(-box.x, -box.y))
    return cv2.countNonZero(own) < settings.min_fill * own.size


def _is_stroke(contrast: GrayImage, mask: GrayImage, settings: SegmentSettings) -> bool:
    """Say whether the mark in a box is dark enough and drawn in strokes, not a blob."""
    if cv2.norm(contrast, cv2.NORM_INF) < settings.min_peak_contrast:
        return False
    height, width = mask.shape
    fill = cv2.countNonZero(mask) / (width * height)
    return settings.min_fill <= fill and (fill <= settings.max_fill or width < height / 2)


def _goes_on(line: list[Candidate], box: Box, settings: SegmentSettings) -> bool:
    """Say whether ``box`` may follow in a line, at whose end may be a comma."""
    last = line[-1].box
    if _continues(last, box, settings):
        return True
    before = line[-2:][0].box
    is_low = last.height < settings.min_relative_height * before.height
    return is_low and _continues(before, box, settings)


def _continues(last: Box, box: Box, settings: SegmentSettings) -> bool:
    """Say whether ``box`` may follow ``last`` in a line."""
    overlap = min(last.bottom, box.bottom) - max(last.y, box.y)
    return (
        overlap > 0
        and overlap >= 0.4 * min(last.height, box.height)
        and box.x - last.right <= settings.max_gap * max(last.height, box.height)
    )


def _without_punctuation(line: list[Candidate], settings: SegmentSettings) -> list[Candidate]:
    floor = settings.min_relative_height * _median([c.box.height for c in line])
    return [c for c in line if c.box.height >= floor]


def _in_rows(lines: list[list[Candidate]]) -> list[list[Candidate]]:
    """Sort lines by row, and lines of one row from left to right."""
    rows: list[list[list[Candidate]]] = []
    row_center = 0.0
    centers = [_median([c.box.center_y for c in line]) for line in lines]
    for index in sorted(range(len(lines)), key=centers.__getitem__):
        line = lines[index]
        height = _median([c.box.height for c in line])
        if rows and centers[index] - row_center < height / 2:
            rows[-1].append(line)
        else:
            rows.append([line])
            row_center = centers[index]
    return [line for row in rows for line in sorted(row, key=lambda r: r[0].box.x)]


def _median(values: list[float]) -> float:
    """Return the median; the standard one takes eight modules and four times as long."""
    values = sorted(values)
    return (values[len(values) // 2] + values[~(len(values) // 2)]) / 2
