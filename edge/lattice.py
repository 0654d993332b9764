"""Marks to digits: every way to part and join marks, and the best of them by the scores.

Marks that lie close are a group; wide ones are cut to pieces. A hypothesis is a run of neighbouring
pieces that may be one digit. The path through a group that explains the most ink with the most
certain digits is found by dynamic programming, as readers of cheques do (Casey and Lecolinet 1996).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .frame import Box, GrayImage, enclosing_box
from .parting import find_cuts, piece
from .segment import Candidate, Marks, is_bit_of, union_of

MAX_RUN = 5
"""Most pieces that make one digit."""
MIN_ASPECT, MAX_ASPECT = 0.04, 2.2
"""Width over height of a run that may be a digit."""
MIN_RUN_HEIGHT = 0.25
"""Lower runs, in heights of their group's tallest mark, are no digits."""
STACKED_GAP = 0.15
"""Widest space between parts of a digit that stand above one another, in heights of the higher;
those of a dense grid are not much further apart."""
DIGIT_ASPECT = 0.8
"""Width over height that a digit is expected to have, the space beside it included."""
MAX_HYPOTHESES = 512
"""A frame's groups beyond so many are left as they are."""
DROPPED = float(np.log(0.2))
"""Logarithm of the probability that a piece, weighed by its ink, is no part of a digit."""
A_DIGIT = float(np.log(0.75))
"""What each digit on a path costs, so that a digit is not read as two halves."""
SHARED = float(np.log(0.5))
"""Logarithm of the probability that a piece, weighed by its ink, is part of two digits, as where
the rings of zeros cross."""


@dataclass(frozen=True)
class Hypothesis:
    """A run of pieces that may be a digit."""

    first: int
    """First piece of the group."""
    end: int
    """One behind the last piece."""
    candidate: Candidate


@dataclass(frozen=True)
class Group:
    """Pieces that may have to be joined, from left to right."""

    members: list[int]
    """Indices of the marks that they are of."""
    ink: list[float]
    """Ink of each piece, in digits' worth."""
    hypotheses: list[Hypothesis]


@dataclass(frozen=True)
class Cluster:
    """Marks that may be parts of one digit, or a mark that may be several."""

    digits: list[int]
    """Indices of marks."""
    bits: list[int]
    """Indices of bits."""
    wide: list[int]
    """Those of the marks that may be several digits."""


def find_clusters(
    marks: Marks, is_wide: Callable[[int], bool], is_doubtful: Callable[[int], bool]
) -> list[Cluster]:
    """Return what has to be parted or joined.

    Args:
        marks: What stands on the paper.
        is_wide: Whether the mark of an index may be several digits.
        is_doubtful: Whether it may belong with its neighbours.
    """
    clusters = [
        Cluster(digits, bits, [i for i in digits if is_wide(i)])
        for digits, bits in _connected(marks, is_doubtful)
    ]
    return [each for each in clusters if len(each.digits) + len(each.bits) > 1 or each.wide]


def build_groups(marks: Marks, clusters: Sequence[Cluster]) -> list[Group]:
    """Return the groups whose best path has to be searched.

    Args:
        marks: What stands on the paper.
        clusters: Of them; those of one mark in which there is no place to cut are left out.
    """
    wide = [i for cluster in clusters for i in cluster.wide]
    cuts = dict(zip(wide, find_cuts([marks.digits[i].contrast for i in wide]), strict=True))
    groups: list[Group] = []
    count = 0
    for cluster in clusters:
        digits, bits = cluster.digits, cluster.bits
        if len(digits) + len(bits) == 1 and not cuts.get(digits[0]):
            continue
        pieces = [p for i in digits for p in _pieces(marks.digits[i], cuts.get(i, []))]
        pieces += [marks.bits[i] for i in bits]
        group = _group(digits, pieces)
        count += len(group.hypotheses)
        if count > MAX_HYPOTHESES:
            break
        groups.append(group)
    return groups


def best_path(group: Group, scores: Sequence[float]) -> list[int]:
    """Return the hypotheses, by index, of the best path through a group.

    Args:
        group: The pieces and hypotheses.
        scores: Logarithm of the probability of each hypothesis' likeliest digit.
    """
    size, runs = len(group.ink), group.hypotheses
    ending_at: list[list[int]] = [[] for _ in range(size + 1)]
    for index, run in enumerate(runs):
        ending_at[run.end].append(index)
    # The best path to each place, and to the end of each run: (value, last run of it).
    to_place: list[tuple[float, int | None]] = [(0.0, None)]
    to_run: dict[int, tuple[float, int | None]] = {}
    for end in range(1, size + 1):
        value, last = to_place[end - 1]
        options = [(value + group.ink[end - 1] * DROPPED, last)]
        for index in ending_at[end]:
            first = runs[index].first
            before = [to_place[first]]
            if end - first > 1:
                shared = group.ink[first] * SHARED
                before += [
                    (to_run[other][0] + shared, other)
                    for other in ending_at[first + 1]
                    if runs[other].first < first
                ]
            value, last = max(before, key=lambda option: option[0])
            value += sum(group.ink[first:end]) * scores[index] + A_DIGIT
            to_run[index] = value, last
            options.append((value, index))
        to_place.append(max(options, key=lambda option: option[0]))
    path: list[int] = []
    last = to_place[size][1]
    while last is not None:
        path.append(last)
        last = to_run[last][1]
    return path[::-1]


def _connected(
    marks: Marks, is_doubtful: Callable[[int], bool]
) -> list[tuple[list[int], list[int]]]:
    """Return marks and bits that may belong together: (indices of digits, indices of bits)."""
    boxes = [mark.box for mark in (*marks.digits, *marks.bits)]
    count = len(marks.digits)
    parent = list(range(len(boxes)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    doubtful = [is_doubtful(i) for i in range(count)]
    for i, j in _near(boxes, doubtful):
        parent[root(i)] = root(j)
    together: dict[int, tuple[list[int], list[int]]] = {}
    for i in range(len(boxes)):
        digits, bits = together.setdefault(root(i), ([], []))
        if i < count:
            digits.append(i)
        else:
            bits.append(i - count)
    return [(digits, bits) for digits, bits in together.values() if digits]


def _near(boxes: Sequence[Box], doubtful: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Yield pairs that may be parts of one digit: a mark, and a later mark or a bit.

    Marks come first among the boxes; two of them are no pair if neither is doubtful.
    """
    count = len(doubtful)
    order = sorted(range(len(boxes)), key=lambda i: boxes[i].x)
    open_: list[int] = []
    for i in order:
        box = boxes[i]
        open_ = [j for j in open_ if boxes[j].right + 0.2 * boxes[j].height >= box.x - box.height]
        for j in open_:
            first, second = min(i, j), max(i, j)
            if first >= count:
                continue
            if second >= count:
                if is_bit_of(boxes[second], boxes[first]):
                    yield first, second
            elif (doubtful[first] or doubtful[second]) and _overlap(boxes[first], boxes[second]):
                yield first, second
        open_.append(i)


def _overlap(a: Box, b: Box) -> bool:
    """Say whether two marks of like size share columns, and rows or nearly so."""
    across = min(a.right, b.right) - max(a.x, b.x)
    down = min(a.bottom, b.bottom) - max(a.y, b.y)
    low, high = sorted((a.height, b.height))
    return (
        across >= 0.3 * min(a.width, b.width)
        and down >= -STACKED_GAP * high
        and low >= 0.3 * high
        and max(a.width, b.width) <= 2 * high
    )


def _pieces(mark: Candidate, cuts: list[NDArray[np.int32]]) -> list[Candidate]:
    """Cut a mark, each piece trimmed to its ink."""
    if not cuts:
        return [mark]
    pieces = []
    for left, right in zip([None, *cuts], [*cuts, None], strict=True):
        own = piece(mark.contrast, left, right)
        x, y, width, height = cv2.boundingRect((own >= 0.3 * own.max()).view(np.uint8))
        if width and own.any():
            box = Box(mark.box.x + x, mark.box.y + y, width, height)
            pieces.append(Candidate(box, own[y : y + height, x : x + width]))
    return pieces


def _group(members: list[int], pieces: list[Candidate]) -> Group:
    pieces = sorted(pieces, key=lambda p: p.box.x + p.box.width / 2)
    tallest = max(p.box.height for p in pieces)
    ink = [float(cv2.sumElems(p.contrast)[0]) for p in pieces]
    span = enclosing_box([p.box for p in pieces])
    expected = max(span.width / (DIGIT_ASPECT * tallest), 1.0)
    unit = max(sum(ink), 1.0) / expected
    hypotheses = []
    for first in range(len(pieces)):
        for end in range(first + 1, min(first + MAX_RUN, len(pieces)) + 1):
            run = pieces[first:end]
            box = enclosing_box([p.box for p in run])
            aspect = box.width / box.height
            if box.height >= MIN_RUN_HEIGHT * tallest and MIN_ASPECT <= aspect <= MAX_ASPECT:
                hypotheses.append(Hypothesis(first, end, Candidate(box, _union(run, box))))
    return Group(members, [part / unit for part in ink], hypotheses)


def _union(pieces: Sequence[Candidate], box: Box) -> GrayImage:
    """Lay pieces on one patch."""
    if len(pieces) == 1:
        return pieces[0].contrast
    return union_of(pieces, box)
