"""Whatever is drawn is a mark, with its box, wherever and however it is drawn."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitcam.edge.frame import Box
from digitcam.edge.reading import marks as module
from digitcam.edge.reading.ink import find_ink, fit_frame
from digitcam.edge.reading.marks import MAX_ASPECT, MIN_HEIGHT_PX, SAME, Mark, find_marks
from digitcam.edge.reading.neighbours import as_array

Gray = NDArray[np.uint8]
Draw = Callable[..., tuple[Gray, Box]]
WORK_PX = 1600


def marks_in(luma: Gray) -> list[Mark]:
    frame = fit_frame(luma, luma.shape[1], luma.shape[0], WORK_PX)
    return find_marks(find_ink(frame.luma))


def apart(box: Box, other: Box) -> int:
    """Return by how many px one side of a box is off at most."""
    sides = ((each.x, each.y, each.right, each.bottom) for each in (box, other))
    return int(np.abs(np.subtract(*sides)).max())


def nearest(found: list[Mark], box: Box) -> int:
    """Return by how many px the mark is off that fits a box best."""
    return min((apart(mark.box, box) for mark in found), default=10**6)


def tolerance(box: Box) -> float:
    """Allow 2 px, and a pixel of the scale at which a digit above 96 px is seen."""
    return max(2, 0.05 * box.height)


@st.composite
def drawings(draw: st.DrawFn) -> dict[str, Any]:
    """Draw how a digit is drawn, and where: anywhere in the frame, at its corners and sides."""
    height = draw(st.integers(12, 400))
    pen = max(draw(st.floats(1 / 40, 1 / 4)), 1 / height)
    side = max(64, round(1.25 * height) + 4)
    width, tall = draw(st.integers(side, 1280)), draw(st.integers(side, max(side, 800)))
    least = 16 if pen * height >= 2 else 24  # a hairline's soft pixels are paler than its ink
    right, down = (draw(st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0, 1))),) * 2
    return {
        "digit": draw(st.integers(0, 9)),
        "variant": draw(st.integers(0, 4)),
        "on": (width, tall),
        "height": height,
        "pen": pen,
        "at": (2 + right * (width - height - 4), 2 + down * (tall - height - 4)),
        "contrast": draw(st.integers(least, 170)),
        "light": draw(st.booleans()),
    }


@settings(max_examples=20, derandomize=True, deadline=None)
@given(how=drawings())
def test_a_digit_is_a_mark_wherever_and_however_it_is_drawn(
    draw: Draw, how: dict[str, Any]
) -> None:
    """12 to 400 px high, pens of a 40th to a quarter of it, faint or strong, dark or light."""
    luma, box = draw(**how)
    scale = max(96 / max(luma.shape), 1)
    own = box.scaled(scale, scale, 10**4, 10**4)
    assert nearest(marks_in(luma), own) <= tolerance(own)


@pytest.mark.parametrize("light", [False, True])
@pytest.mark.parametrize("corner", ["left", "right", "top", "bottom"])
def test_a_digit_at_the_very_border_is_a_mark(draw: Draw, corner: str, light: bool) -> None:
    """Ink may touch the frame."""
    luma, box = draw(3, on=(400, 300), height=70, at=(150, 100), light=light)
    rows = slice(box.y if corner == "top" else 0, box.bottom if corner == "bottom" else 300)
    columns = slice(box.x if corner == "left" else 0, box.right if corner == "right" else 400)
    cut = np.ascontiguousarray(luma[rows, columns])
    own = box.shifted(-(columns.start), -(rows.start))
    assert nearest(marks_in(cut), own) <= 2


def test_digits_of_all_sizes_on_one_page_are_marks(draw: Draw) -> None:
    """Small and large ones, pale and strong ones, each with its box."""
    luma, boxes = np.full((960, 1280), 200, np.uint8), []
    row = [(12, 20), (24, 300), (48, 560), (96, 860)]
    for height, x in row:
        for y, contrast in ((20, 150), (200, 40)):
            luma, box = draw(5, 1, on=luma, height=height, at=(x, y), contrast=contrast)
            boxes.append(box)
    luma, box = draw(8, on=luma, height=500, pen=0.08, at=(500, 420))
    boxes.append(box)
    found = marks_in(luma)
    for box in boxes:
        assert nearest(found, box) <= tolerance(box)


@pytest.mark.parametrize("thickness", [1, 2, 4])
@pytest.mark.parametrize("room", [6, 12, 30])
@pytest.mark.parametrize("height", [16, 40, 90])
def test_a_digit_in_a_box_of_its_own_is_a_mark_of_its_own(
    draw: Draw, height: int, room: int, thickness: int
) -> None:
    """Cells of a form, however small, are other ink than what stands in them."""
    luma, box = draw(2, on=(320, 240), height=height, pen=0.12, at=(100, 80))
    ends = (box.x - room, box.y - room), (box.right + room, box.bottom + room)
    cv2.rectangle(luma, *ends, (90,), thickness)
    assert nearest(marks_in(luma), box) <= 2


@pytest.mark.parametrize("digit", [0, 3, 8, 9])
def test_a_digit_that_stands_on_an_underline_is_found_without_it(draw: Draw, digit: int) -> None:
    """The line is none of its ink: its mark is no broader and hardly higher."""
    luma, box = draw(digit, on=(320, 240), height=22, pen=0.12, at=(150, 100))
    luma[box.bottom - 1 : box.bottom + 1, 40:290] = 95
    # Allows the stroke that the line covers to be missing.
    assert nearest(marks_in(luma), box) <= 4


@pytest.mark.parametrize("contrast", [20, 40])
def test_a_pale_digit_beside_a_heavy_grid_is_found(draw: Draw, contrast: int) -> None:
    """Strong ink elsewhere hides no pencil."""
    luma, boxes = np.full((480, 640), 210, np.uint8), []
    luma[::80] = luma[1::80] = luma[2::80] = 30
    luma[:, ::80] = luma[:, 1::80] = luma[:, 2::80] = 30
    for digit in range(8):
        luma, box = draw(
            digit, on=luma, height=36, at=(80 * digit + 28, 22 + 80 * (digit % 5)),
            contrast=contrast,
        )  # fmt: skip
        boxes.append(box)
    found = marks_in(luma)
    assert max(nearest(found, box) for box in boxes) <= 2


@pytest.mark.parametrize("light", [False, True])
@pytest.mark.parametrize("height", [20, 60, 200])
def test_the_loose_bar_of_a_five_is_joined_with_it(height: int, light: bool) -> None:
    """One mark holds both strokes, whose ink is in its contrast; the body is one, too."""
    ground, ink = (40, 160) if light else (215, 95)
    luma = np.full((300, 400), ground, np.uint8)
    pen = max(height // 10, 2)
    middle, top = (150, 40 + height * 2 // 3), 40 + height * 2 // 10
    bowl = cv2.ellipse2Poly(middle, (height // 4, height // 3), 0, -130, 130, 5)
    body = np.array([(bowl[0][0], top), *bowl], np.int32)
    cv2.polylines(luma, [body], False, (ink,), pen)
    whole = (luma != ground).astype(np.uint8)
    low = Box(*cv2.boundingRect(whole))
    bar = top - max(height // 10, 3) - pen
    left = int(bowl[0][0])
    cv2.line(luma, (left, bar), (left + height // 3, bar), (ink,), pen)
    both = Box(*cv2.boundingRect((luma != ground).astype(np.uint8)))
    found = marks_in(luma)
    assert nearest(found, low) <= tolerance(both)
    assert nearest(found, both) <= tolerance(both)
    mark = min(found, key=lambda each: apart(each.box, both))
    scale = mark.level.scale
    assert mark.contrast[(bar - mark.box.y) // scale, (left + 3 - mark.box.x) // scale] > 60


def test_the_contrast_of_a_mark_is_its_own_ink_alone(draw: Draw) -> None:
    """A stroke that passes through the mark's box is none of it."""
    luma, box = draw(7, on=(200, 150), height=60, pen=0.08, at=(60, 40))
    stroke = np.zeros_like(luma)
    cv2.line(stroke, (box.right - 4, box.bottom), (box.right + 20, box.bottom - 20), (255,), 4)
    luma[stroke > 0] = 95
    mark = min(marks_in(luma), key=lambda each: apart(each.box, box))
    own = box.part_of(stroke) > 0
    assert own.any()
    assert mark.level.scale == 1
    fits = Box(box.x - mark.box.x, box.y - mark.box.y, box.width, box.height)
    assert fits.part_of(mark.contrast)[own[: mark.contrast.shape[0]]].max(initial=0) == 0


@settings(max_examples=10, derandomize=True, deadline=None)
@given(seed=st.integers(0, 10**6), strength=st.integers(1, 200), blur=st.floats(0.3, 4))
def test_equal_marks_are_found_once(seed: int, strength: int, blur: float) -> None:
    """Whatever a picture shows, no two boxes are the same, and bounds hold."""
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.normal(0, strength, (150, 200)), (0, 0), blur)
    found = marks_in(np.clip(140 + noise, 0, 255).astype(np.uint8))
    for mark in found:
        box = mark.box
        assert box.height >= MIN_HEIGHT_PX
        assert box.width <= MAX_ASPECT * box.height
        assert mark.contrast.shape == (
            box.height // mark.level.scale,
            box.width // mark.level.scale,
        )
        assert mark.contrast.max() >= mark.floor
    x, y, wide, high = as_array([mark.box for mark in found]).T[:, :, None]
    shared = np.maximum(np.minimum(x + wide, (x + wide).T) - np.maximum(x, x.T), 0)
    shared *= np.maximum(np.minimum(y + high, (y + high).T) - np.maximum(y, y.T), 0)
    area = wide * high
    same = shared >= SAME * (area + area.T - shared)
    assert same.sum() == len(found)


@pytest.mark.parametrize("height", [12, 40, 200])
def test_levels_that_are_passed_over_hold_nothing(
    draw: Draw, height: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without looking for bare levels, the same marks are found in the same order."""
    luma, _ = draw(3, on=(400, 300), height=height, at=(80, 40))
    luma[290, 20:380] = 120
    noise = np.random.default_rng(height).normal(0, 2, luma.shape)
    luma = np.clip(luma + noise, 0, 255).astype(np.uint8)
    found = marks_in(luma)
    monkeypatch.setattr(module, "_is_bare", lambda *_: False)
    every = marks_in(luma)
    assert [mark.box for mark in found] == [mark.box for mark in every]
    assert all(np.array_equal(a.contrast, b.contrast) for a, b in zip(found, every, strict=True))


@settings(max_examples=50, derandomize=True, deadline=None)
@given(spans=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9)), max_size=20))
def test_pairs_that_meet_are_found_once_each(spans: list[tuple[int, int]]) -> None:
    """Two meet where the one further right starts at or before the other's end."""
    left, length = np.array(spans, np.int64).reshape(-1, 2).T
    found = np.sort(np.stack(module._meeting(left, left + length), axis=1), axis=1)
    expected = [
        [i, j]
        for j, (one, _) in enumerate(spans)
        for i, (other, _) in enumerate(spans[:j])
        if max(one, other) <= sum(min(spans[i], spans[j]))
    ]
    assert sorted(found.tolist()) == sorted(expected)


def test_marks_are_bounded(draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that stand out most come first, and no more than so many."""
    luma = np.full((480, 640), 210, np.uint8)
    for y in range(20, 440, 60):
        for x in range(20, 600, 50):
            luma, _ = draw(1, on=luma, height=30, at=(x, y), contrast=40 + x // 8 + y // 8)
    every = marks_in(luma)
    peaks = [int(mark.contrast.max()) for mark in every]
    assert peaks == sorted(peaks, reverse=True)
    monkeypatch.setattr(module, "MAX_MARKS", 12)
    assert [mark.box for mark in marks_in(luma)] == [mark.box for mark in every[:12]]


def test_noise_costs_no_more_than_the_bound() -> None:
    """The worst picture holds as many marks as the bound says, not more."""
    noise = np.random.default_rng(3).integers(0, 256, (720, 960), np.uint8)
    assert len(marks_in(cv2.blur(noise, (5, 5)))) <= module.MAX_MARKS  # type: ignore[arg-type]


@pytest.mark.parametrize("level", [0, 128, 255])
def test_bare_ground_holds_no_mark(level: int) -> None:
    """Without ink there is none."""
    assert marks_in(np.full((480, 640), level, np.uint8)) == []
