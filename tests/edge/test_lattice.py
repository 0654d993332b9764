"""Wide marks are cut, near ones joined, and the best combination is taken."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitcam.edge.frame import Box
from digitcam.edge.lattice import (
    MAX_HYPOTHESES,
    Group,
    Hypothesis,
    best_path,
    build_groups,
    find_clusters,
)
from digitcam.edge.parting import find_cuts, piece
from digitcam.edge.preprocess import Ink
from digitcam.edge.segment import Candidate, Marks, find_marks, group_words
from digitcam.edge.settings import SegmentSettings
from digitcam.train.handwriting import draw_digit

Gray = NDArray[np.uint8]


def ink_of(plane: Gray) -> Ink:
    return Ink(plane, (plane >= 20).astype(np.uint8) * np.uint8(255), light_on_dark=False)


def pair(first: int, second: int, seed: int, overlap: int = 3) -> tuple[Gray, int]:
    """Write two digits so that they touch; the column where they meet."""
    rng = np.random.default_rng(seed)
    left, right = draw_digit(first, rng, 50), draw_digit(second, rng, 50)
    plane = np.zeros((60, left.shape[1] + right.shape[1] + 10), np.uint8)
    plane[5 : 5 + left.shape[0], 5 : 5 + left.shape[1]] = left
    start = 5 + left.shape[1] - overlap
    place = plane[5 : 5 + right.shape[0], start : start + right.shape[1]]
    np.maximum(place, right, out=place)
    return plane, start + overlap // 2


@pytest.mark.parametrize("seed", range(5))
def test_some_cut_parts_touching_digits(seed: int) -> None:
    """Among the cuts is one that leaves most of each digit on its side."""
    plane, meeting = pair(3, 8, seed)
    (cuts,) = find_cuts([plane])
    assert cuts
    shares = []
    for cut in cuts:
        left = piece(plane, None, cut)
        truth = np.arange(plane.shape[1]) < meeting
        shares.append((((left > 0) == truth) | (plane == 0)).mean())
    assert max(shares) > 0.97


@pytest.mark.parametrize("slant", [0, 8])
def test_rings_are_parted_along_their_common_wall(slant: int) -> None:
    """A cut runs between two zeros that share a side, though most of it lies on ink there."""
    plane = np.zeros((60, 90), np.uint8)
    for x in (28, 58):
        cv2.ellipse(plane, (x, 30), (16, 24), slant, 0, 360, (200,), 4)
    x, y, width, height = cv2.boundingRect(plane)
    (cuts,) = find_cuts([plane[y : y + height, x : x + width]])
    assert min(abs(x + float(cut.mean()) - 43) for cut in cuts) < 2


def test_pieces_are_the_whole() -> None:
    """No ink is lost between cuts, and none is in two pieces."""
    plane, _ = pair(0, 0, 7)
    (cuts,) = find_cuts([plane])
    edges = [None, *cuts, None]
    pieces = [piece(plane, a, b) for a, b in pairwise(edges)]
    assert np.array_equal(sum(p.astype(int) for p in pieces), plane)


def test_marks_are_cut_alike_in_any_company() -> None:
    """Marks are cut together, each as if it were alone."""
    planes = [pair(2, 5, 1)[0], pair(1, 0, 2)[0][:, 4:], np.pad(pair(6, 6, 3)[0], 3)]
    together = find_cuts(planes)
    for plane, cuts in zip(planes, together, strict=True):
        (alone,) = find_cuts([plane])
        assert np.array_equal(alone, cuts)


def group(ink: list[float], *runs: tuple[int, int]) -> Group:
    candidate = Candidate(Box(0, 0, 1, 1), np.ones((1, 1), np.uint8))
    return Group([0], ink, [Hypothesis(first, end, candidate) for first, end in runs])


def test_the_most_certain_combination_wins() -> None:
    """Two certain digits beat one uncertain one, and one certain digit two doubtful halves."""
    both = group([0.5, 0.5], (0, 2), (0, 1), (1, 2))
    assert best_path(both, list(np.log([0.3, 0.99, 0.98]))) == [1, 2]
    assert best_path(both, list(np.log([0.99, 0.6, 0.5]))) == [0]


def test_junk_is_dropped() -> None:
    """A bit that spoils every digit it is joined with is left out."""
    marks = group([0.45, 0.1, 0.45], (0, 1), (0, 2), (1, 2), (1, 3), (2, 3))
    assert best_path(marks, list(np.log([0.99, 0.2, 0.001, 0.2, 0.99]))) == [0, 4]


def test_rings_that_cross_share_a_piece() -> None:
    """Two chained zeros have the piece between both in common, but no digit has only shared ink."""
    rings = group([0.4, 0.2, 0.4], (0, 1), (0, 2), (1, 2), (1, 3), (2, 3))
    assert best_path(rings, list(np.log([0.3, 0.99, 0.9, 0.99, 0.3]))) == [1, 3]
    assert best_path(rings, list(np.log([0.98, 0.99, 0.9, 0.6, 0.98]))) == [1, 4]


def test_a_loose_bar_is_joined() -> None:
    """The bar of a 5 that does not touch it makes one hypothesis with it."""
    plane = np.zeros((80, 80), np.uint8)
    plane[30:70, 20:25] = plane[65:70, 20:40] = plane[45:70, 36:41] = 200
    plane[19:24, 22:48] = 200
    marks = find_marks(ink_of(plane), SegmentSettings())
    assert (len(marks.digits), len(marks.bits)) == (1, 1)
    clusters = find_clusters(marks, lambda _: False, lambda _: False)
    groups = build_groups(marks, clusters)
    assert [group.members for group in groups] == [[0]]
    assert Box(20, 19, 28, 51) in {h.candidate.box for g in groups for h in g.hypotheses}


@pytest.mark.parametrize(("gap", "doubtful", "joined"), [(2, True, 1), (5, True, 0), (2, False, 0)])
def test_a_broken_stem_stands_above_its_bowl(gap: int, doubtful: bool, joined: int) -> None:
    """Parts above one another with little space between may be one digit, if one is doubted."""
    bowl, stem = (np.full((rows, 14), 200, np.uint8) for rows in (18, 12))
    parts = [Candidate(Box(20, 40, 14, 18), bowl), Candidate(Box(24, 28 - gap, 14, 12), stem)]
    clusters = find_clusters(Marks(parts, []), lambda _: False, lambda i: doubtful and i == 1)
    assert [each.digits for each in clusters] == [[0, 1]] * joined


def test_digits_apart_are_no_group() -> None:
    """A well spaced line costs nothing more, however doubtful its digits."""
    rng = np.random.default_rng(1)
    plane = np.zeros((60, 400), np.uint8)
    for x in range(10, 350, 60):
        digit = draw_digit(int(rng.integers(10)), rng, 40)
        plane[10 : 10 + digit.shape[0], x : x + digit.shape[1]] = digit
    marks = find_marks(ink_of(plane), SegmentSettings())
    assert find_clusters(marks, lambda _: False, lambda _: True) == []


def test_a_wide_mark_without_a_place_to_cut_is_no_group() -> None:
    """It may be several digits, and cannot be parted."""
    marks = Marks([Candidate(Box(0, 0, 60, 40), np.full((40, 60), 200, np.uint8))], [])
    clusters = find_clusters(marks, lambda _: True, lambda _: False)
    assert [cluster.digits for cluster in clusters] == [[0]]
    assert build_groups(marks, clusters) == []


def test_hypotheses_are_bounded() -> None:
    """However many marks are to be cut, the number of runs is bounded."""
    noise = np.random.default_rng(2).integers(0, 256, (60, 600)).astype(np.uint8)
    digits = [Candidate(Box(0, 70 * i, 600, 60), noise) for i in range(40)]
    marks = Marks(digits, [])
    clusters = find_clusters(marks, lambda _: True, lambda _: True)
    groups = build_groups(marks, clusters)
    assert sum(len(g.hypotheses) for g in groups) <= MAX_HYPOTHESES


def test_words_are_marks_with_little_space_between() -> None:
    """Marks of like height side by side are a word; a gap, another line or size ends it."""
    boxes = [
        Box(0, 0, 20, 30), Box(25, 2, 20, 30), Box(100, 0, 20, 30),
        Box(0, 100, 20, 30), Box(30, 90, 20, 90),
    ]  # fmt: skip
    words = group_words([Candidate(box, np.ones((1, 1), np.uint8)) for box in boxes], 0.8)
    assert sorted(map(sorted, words)) == [[0, 1], [2], [3], [4]]


def test_bars_at_the_sides_are_no_digits() -> None:
    """What is left of a form's lines at the frame's sides is no 1; a bar further in is."""
    plane = np.zeros((96, 96), np.uint8)
    plane[10:60, 2:6] = plane[20:80, 50:55] = plane[30:90, 92:95] = 200
    marks = find_marks(ink_of(plane), SegmentSettings())
    assert [mark.box for mark in marks.digits] == [Box(50, 20, 5, 60)]


def test_a_line_along_a_cell_is_no_digit() -> None:
    """A bar from top to bottom beside the digit of a small square frame is its form's line."""
    plane = np.zeros((64, 64), np.uint8)
    plane[16:50, 28:33] = plane[:, 50:55] = 200
    marks = find_marks(ink_of(plane), SegmentSettings())
    assert [mark.box.x for mark in marks.digits] == [28]
    strip = np.zeros((64, 200), np.uint8)
    strip[:, 20:25] = strip[10:60, 100:106] = 200
    marks = find_marks(ink_of(strip), SegmentSettings())
    assert sorted(mark.box.x for mark in marks.digits) == [20, 100]
