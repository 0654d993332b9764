"""What counts as a change of the picture."""

import numpy as np
import pytest

from digitcam.edge.change import changed_cells, is_changed, thumbnail
from digitcam.edge.decode import luma_of
from digitcam.edge.frame import Box
from digitcam.train.scene import Scene

LEAST = 6


@pytest.mark.parametrize(("height", "width"), [(480, 640), (1, 1), (17, 9), (1080, 1920)])
def test_the_size_of_a_thumbnail(height: int, width: int) -> None:
    """There is a cell for every begun 8 px, and it is their mean."""
    small = thumbnail(np.full((height, width), 93, np.uint8))
    assert small.shape == (-(-height // 8), -(-width // 8))
    assert (small == 93).all()


def test_noise_is_no_change(page: Scene) -> None:
    """A sensor's noise of 5 grey levels changes no cell."""
    luma = luma_of(page.image)
    rng = np.random.default_rng(3)
    views = [
        thumbnail(np.clip(luma + rng.normal(0, 5, luma.shape), 0, 255).astype(np.uint8))
        for _ in range(2)
    ]
    assert not changed_cells(views[0], views[1], LEAST).any()


def test_light_that_changes_everywhere_is_no_change() -> None:
    """A lamp that is switched on is not a new page."""
    before = np.random.default_rng(4).integers(40, 200, (60, 80)).astype(np.uint8)
    assert not changed_cells(before, before + np.uint8(30), LEAST).any()


def test_a_pencil_stroke_is_a_change() -> None:
    """A stroke of 2 px and 20 px height at a contrast of 60 is seen, where it is."""
    paper = np.full((480, 640), 190, np.uint8)
    drawn = paper.copy()
    drawn[100:120, 202:204] = 130
    changed = changed_cells(thumbnail(paper), thumbnail(drawn), LEAST)
    assert changed.any()
    assert is_changed(changed, Box(200, 100, 10, 20))
    assert not is_changed(changed, Box(300, 100, 10, 20))


def test_another_size_is_a_change() -> None:
    """Frames of two sizes have nothing in common."""
    small, large = np.zeros((6, 8), np.uint8), np.zeros((12, 16), np.uint8)
    assert changed_cells(small, large, LEAST).all()
    assert changed_cells(small, large, LEAST).shape == large.shape
