"""Rows that touch are parted where the ink between them is least."""

import cv2
import numpy as np
import pytest

from digitcam.edge.frame import Box, GrayImage
from digitcam.edge.reading.ink import Level
from digitcam.edge.reading.marks import Mark
from digitcam.edge.reading.rows import TALL, part_rows

HEIGHT, PITCH = 40, 44


def rings(*rows: int, lean: int = 0) -> GrayImage:
    """Draw rows of rings that touch beside one another, and at one place those below them."""
    image = np.zeros((PITCH * len(rows) + 40, 34 * max(rows) + 10), np.uint8)
    for row, count in enumerate(rows):
        for k in range(count):
            x, y = 20 + 32 * k, 24 + row * PITCH + k * lean
            cv2.ellipse(image, (x, y), (15, HEIGHT // 2 - 2), 0, 0, 360, (200,), 4)
            if row and k == 1:
                cv2.line(image, (x, y - PITCH // 2 - 4), (x, y - PITCH // 2 + 4), (200,), 4)
    x, y, wide, high = cv2.boundingRect(image)
    return image[y : y + high, x : x + wide]  # type: ignore[return-value]


def mark(contrast: GrayImage, scale: int = 1) -> Mark:
    height, width = contrast.shape
    box = Box(8, 16, width * scale, height * scale)
    return Mark(box, contrast, 50, Level(contrast, scale, 6, False))


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("lean", [0, 3])
def test_two_rows_become_two_marks(scale: int, lean: int) -> None:
    """Level or askew, at any scale; each about as high as its digits are."""
    upper, lower = part_rows(mark(rings(3, 3, lean=lean), scale), HEIGHT * scale)
    for row in (upper, lower):
        assert row.box.height == pytest.approx((HEIGHT + 2 * lean) * scale, abs=9 * scale)
        assert row.contrast.shape == (row.box.height // scale, row.box.width // scale)
    assert upper.box.y == 16
    assert upper.box.y < lower.box.y < upper.box.bottom + 4 * scale


def test_three_rows_become_three() -> None:
    """A row that is still too high is parted again."""
    rows = part_rows(mark(rings(2, 3, 2)), HEIGHT)
    assert [round(row.box.width / 32) for row in rows] == [2, 3, 2]


def test_all_ink_is_of_one_row() -> None:
    """Nothing is lost, and nothing is twice."""
    whole = mark(rings(3, 2, lean=2))
    laid = np.zeros_like(whole.contrast, np.int64)
    for row in part_rows(whole, HEIGHT):
        x, y = row.box.x - whole.box.x, row.box.y - whole.box.y
        laid[y : y + row.box.height, x : x + row.box.width] += row.contrast
    assert np.array_equal(laid, whole.contrast)


@pytest.mark.parametrize("rows", [(1,), (4,)])
def test_one_row_stays_whole(rows: tuple[int, ...]) -> None:
    """Marks that are not nearly twice as high as digits are have one."""
    assert part_rows(mark(rings(*rows)), HEIGHT) == []
    assert part_rows(mark(rings(*rows)), mark(rings(*rows)).box.height / TALL + 1) == []
