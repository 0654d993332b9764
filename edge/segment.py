"""Ink to candidates: contours of a digit's size and shape, in lines and reading order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .frame import Box, GrayImage
from .preprocess import Ink
from .rulings import remove_rulings, suspects
from .settings import SegmentSettings

MIN_LIKENESS = 0.2
"""Lower marks, in heights of the other, are not of one line with it."""
BAR = 0.4
"""Narrower marks, in their heights, are bars."""
BORDER_STRIP, BORDER_STRIP_PX = 0.12, 14
"""Bars within such a strip along the frame's sides, a part of the short side and at most so wide,
are no digits."""
SLIVER = 0.65
"""On ruled paper and in cells thinner bars, in strokes of the other marks, are pieces of lines."""
EDGE = 0.5
"""In small frames such bars of this part of the height are taken out of the ink: a form's lines,
beside which fainter ink counts."""
CELL_ASPECT = 1.5
"""In small frames of at most this aspect no digit goes from top to bottom at the side."""
BORDER_BAR = 0.18
"""Wider bars that touch a side of a small frame, as a part of its short side, may be digits."""
SMALL_FRAME_PX, LOWEST = 128, 0.16
"""In smaller frames, cut out around digits, one is at least this part of the short side high."""
BIT_HEIGHT, BIT_SIDE, BIT_GAP = 0.5, 0.2, 0.2
"""Highest, shortest and farthest part that is joined to a mark, in heights of the mark."""


@dataclass(frozen=True)
class Candidate:
    """A mark that may be a digit."""

    box: Box
    """In px of the working resolution."""
    contrast: GrayImage
    """(box.height, box.width) uint8: the mark's ink alone, 0 elsewhere."""


@dataclass(frozen=True)
class Marks:
    """What stands on the paper."""

    digits: list[Candidate]
    """Marks of a digit's size and shape, and strings of touching ones, the tallest first."""
    bits: list[Candidate]
    """Lower marks near them, such as the loose bar of a 5."""


def find_marks(ink: Ink, settings: SegmentSettings) -> Marks:
    """Return the marks that have the size, shape and contrast of digits, and the bits near them."""
    as_found = ink
    ink, marks = _without_rulings(ink, _outlines(ink.mask))
    places = marks.places
    lowest = LOWEST * min(ink.mask.shape) if is_cut_out(ink.mask.shape) else 0
    shaped = [
        i
        for i, place in enumerate(places)
        if _has_digit_shape(place[2], place[3], settings)
        and place[3] >= lowest
        and not _is_border_bar(place, ink.mask.shape)
    ]
    shaped.sort(key=lambda i: places[i][3], reverse=True)
    tallest = shaped[: settings.max_candidates]
    overlapping = _overlapping(places) if tallest else set()
    digits = []
    for index in tallest:
        box = Box(*places[index])
        contrast, mask = (box.part_of(plane) for plane in (ink.contrast, ink.mask))
        if not _is_stroke(contrast, mask, settings):
            continue
        if index in overlapping:
            if _is_frame(box, marks.outlines(index), settings):
                continue
            contrast = _cut(contrast, box, marks.outlines(index)[0])
        digits.append(Candidate(box, contrast))
    if ink is not as_found or _is_cell(ink.mask.shape):
        digits = _without_slivers(digits)
    low = [i for i, (*_, w, h) in enumerate(places) if _is_bit(w, h, settings)]
    bits = []
    for which in _beside([places[i] for i in low], [digit.box for digit in digits]):
        box = Box(*places[low[which]])
        contrast = _cut(box.part_of(ink.contrast), box, marks.outlines(low[which])[0])
        bits.append(Candidate(box, contrast))
    return Marks(digits, bits)


@dataclass(frozen=True)
class _Outlines:
    """Contours of marks and of their holes."""

    contours: Sequence[cv2.typing.MatLike]
    parents: list[int]
    """Contour around each contour, -1 for none."""
    outer: list[int]
    """Contours that have none around them: a mark each."""
    places: list[Sequence[int]]
    """Left, top, width, height of each mark."""

    def outlines(self, mark: int) -> list[cv2.typing.MatLike]:
        """Return a mark's outer contour, and those of its holes."""
        around = self.outer[mark]
        holes = [self.contours[i] for i, parent in enumerate(self.parents) if parent == around]
        return [self.contours[around], *holes]


def _outlines(mask: GrayImage) -> _Outlines:
    contours, hierarchy = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    parents = hierarchy[0, :, 3].tolist() if contours else []
    outer = [number for number, parent in enumerate(parents) if parent < 0]
    return _Outlines(contours, parents, outer, [cv2.boundingRect(contours[i]) for i in outer])


def _without_rulings(ink: Ink, marks: _Outlines) -> tuple[Ink, _Outlines]:
    """Take printed lines out of the ink, and look for the marks again if there were any.

    Twice, because thin lines and pencil come to light when strong lines beside them are gone.
    """
    for _ in range(2):
        shape = ink.mask.shape
        bars = []
        if is_cut_out(shape):
            bars = [i for i, place in enumerate(marks.places) if _is_edge(place, shape)]
        ruled = [i for i in suspects(marks.places, shape) if i not in bars]
        if not bars and not ruled:
            break
        mask = ink.mask.copy()
        erased = [remove_rulings(mask, Box(*marks.places[i]), marks.outlines(i)) for i in ruled]
        cv2.drawContours(mask, [marks.contours[marks.outer[i]] for i in bars], -1, (0,), cv2.FILLED)
        if not bars and not any(erased):
            break
        lines: GrayImage = cv2.subtract(ink.mask, mask)  # type: ignore[assignment]
        ink = ink.without(lines)
        marks = _outlines(ink.mask)
    return ink, marks


def _without_slivers(digits: list[Candidate]) -> list[Candidate]:
    """Leave out bars that are much thinner than the strokes beside them: pieces of fine rulings."""
    bars = [digit.box.width < BAR * digit.box.height for digit in digits]
    strokes = [_thickness(d.contrast) for d, bar in zip(digits, bars, strict=True) if not bar]
    if not strokes:
        return digits
    least = SLIVER * _median(strokes)
    return [
        digit
        for digit, bar in zip(digits, bars, strict=True)
        if not bar or _thickness(digit.contrast) >= least
    ]


def _thickness(contrast: GrayImage) -> float:
    """Return the thickness of a mark's thickest stroke, px."""
    peak = cv2.norm(contrast, cv2.NORM_INF)
    ink = cv2.threshold(contrast, 0.4 * peak, 255, cv2.THRESH_BINARY)[1]
    framed = cv2.copyMakeBorder(ink, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(0,))
    return 2 * cv2.norm(cv2.distanceTransform(framed, cv2.DIST_L2, 3), cv2.NORM_INF)


def _is_bit(width: int, height: int, settings: SegmentSettings) -> bool:
    """Say whether a mark is no digit by its size, but may be part of one."""
    longer = max(width, height)
    return longer >= settings.min_height_px / 2 and not _has_digit_shape(width, height, settings)


def is_bit_of(bit: Box, mark: Box) -> bool:
    """Say whether a box is small beside a mark, and as near as a part of it."""
    gap_x = max(mark.x - bit.right, bit.x - mark.right)
    gap_y = max(mark.y - bit.bottom, bit.y - mark.bottom)
    return (
        bit.height <= BIT_HEIGHT * mark.height
        and BIT_SIDE * mark.height <= max(bit.width, bit.height)
        and bit.width <= mark.height
        and max(gap_x, gap_y) <= BIT_GAP * mark.height
    )


def _beside(places: Sequence[Sequence[int]], marks: Sequence[Box]) -> list[int]:
    """Return which places are bits of one of the marks."""
    if not places or not marks:
        return []
    x, y, w, h = np.array(places, np.float32).T[:, :, None]
    left, top, width, height = np.array([mark.as_list() for mark in marks], np.float32).T[:, None]
    gap_x = np.maximum(left - (x + w), x - (left + width))
    gap_y = np.maximum(top - (y + h), y - (top + height))
    longer = np.maximum(w, h)
    small = (h <= BIT_HEIGHT * height) & (longer >= BIT_SIDE * height) & (w <= height)
    near = np.maximum(gap_x, gap_y) <= BIT_GAP * height
    return np.flatnonzero((small & near).any(axis=1)).tolist()  # type: ignore[no-any-return]


def union_of(parts: Sequence[Candidate], box: Box) -> GrayImage:
    """Lay marks on one patch: (box.height, box.width) uint8, 0 where there is no ink."""
    patch = np.zeros((box.height, box.width), np.uint8)
    for part in parts:
        left, top = part.box.x - box.x, part.box.y - box.y
        view = patch[top : top + part.box.height, left : left + part.box.width]
        np.maximum(view, part.contrast, out=view)
    return patch


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


def group_words(candidates: Sequence[Candidate], gap: float) -> list[list[int]]:
    """Put marks, by index, into words: rows of marks of like height with little space between.

    Args:
        candidates: In any order.
        gap: The widest space in a word, in heights.
    """
    words: list[list[int]] = []
    for index in sorted(range(len(candidates)), key=lambda i: candidates[i].box.x):
        box = candidates[index].box
        for word in words:
            if _adjoins(candidates[word[-1]].box, box, gap):
                word.append(index)
                break
        else:
            words.append([index])
    return words


def _adjoins(last: Box, box: Box, gap: float) -> bool:
    """Say whether ``box`` stands next to ``last`` as a letter does in a word."""
    low, high = sorted((last.height, box.height))
    shared = min(last.bottom, box.bottom) - max(last.y, box.y)
    return low >= 0.45 * high and shared >= 0.5 * low and box.x - last.right <= gap * high


def _has_digit_shape(width: int, height: int, settings: SegmentSettings) -> bool:
    """Say whether a digit may fill a box of this size."""
    return (
        height >= settings.min_height_px
        and settings.min_aspect * height <= width <= settings.max_aspect * height
    )


def _is_border_bar(place: Sequence[int], shape: tuple[int, ...]) -> bool:
    """Say whether a mark is an upright bar at the frame's side, such as a form's line cut off."""
    x, y, width, height = place
    strip = min(BORDER_STRIP * min(shape), BORDER_STRIP_PX)
    inside = x + width <= strip or x >= shape[1] - strip
    touching = is_cut_out(shape) and (x <= 1 or x + width >= shape[1] - 1)
    through = _is_cell(shape) and y <= 1 and y + height >= shape[0] - 1
    aside = abs(x + width / 2 - shape[1] / 2) > shape[1] / 4
    return width < BAR * height and (
        inside or (touching and width <= BORDER_BAR * min(shape)) or (through and aside)
    )


def is_cut_out(shape: tuple[int, ...]) -> bool:
    """Say whether a frame is so small that it was cut out around a digit or a number."""
    return min(shape) < SMALL_FRAME_PX


def _is_cell(shape: tuple[int, ...]) -> bool:
    """Say whether a frame is a cell that was cut out of a form, not a strip of digits."""
    return is_cut_out(shape) and max(shape) <= CELL_ASPECT * min(shape)


def _is_edge(place: Sequence[int], shape: tuple[int, ...]) -> bool:
    """Say whether a mark is a bar along most of a frame's side."""
    return place[3] >= EDGE * shape[0] and _is_border_bar(place, shape)


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
    low, high = sorted((last.height, box.height))
    return (
        overlap > 0
        and low >= MIN_LIKENESS * high
        and overlap >= 0.4 * low
        and box.x - last.right <= settings.max_gap * high
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
