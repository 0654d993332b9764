"""Claims about where a sheet lies before the camera."""

import numpy as np
import pytest

from digitcam.edge.frame import Box
from digitcam.train.pages.camera import expose, project, random_view
from digitcam.train.pages.fingers import hold
from digitcam.train.pages.light import lit
from digitcam.train.pages.page import Kind
from digitcam.train.pages.plan import Camera, PagePlan, Placement
from digitcam.train.pages.sheet import FIRST_KIND

FRAME = (240, 320)


@pytest.mark.parametrize("placement", Placement)
def test_a_label_is_seen_where_the_sheet_is(placement):
    """A mark's pixels lie where its corners are projected; allows 1.5 px for rounding."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        view = random_view(rng, PagePlan(placement=placement, camera=Camera.HARD), FRAME)
        height, width = view.sheet
        box = Box(width // 2 - 10, height // 2 - 6, 20, 12)
        label = np.zeros(view.sheet, np.uint16)
        label[box.y : box.bottom, box.x : box.right] = 7
        image = np.full((*view.sheet, 3), 200, np.uint8)
        image[label > 0] = 10
        ground = np.full((*FRAME, 3), 90, np.uint8) if placement is Placement.PART else None
        shown, labels = project(image, label, view, ground, 60005)
        rows, columns = np.nonzero(labels == 7)
        corners = view.seen(
            np.array([[box.x, box.y], [box.right, box.y], [box.right, box.bottom],
                      [box.x, box.bottom]], np.float32) - 0.5
        )  # fmt: skip
        assert abs(columns.min() - corners[:, 0].min()) < 1.5
        assert abs(columns.max() - corners[:, 0].max()) < 1.5
        assert abs(rows.min() - corners[:, 1].min()) < 1.5
        assert abs(rows.max() - corners[:, 1].max()) < 1.5
        # Linear and nearest interpolation differ by half a pixel at the mark's edge.
        assert (shown[labels == 7][:, 0] < 105).mean() > 0.9


def test_what_a_view_shows_is_in_the_frame():
    """A box that is said to be shown has all its corners in the frame."""
    for seed in range(30):
        rng = np.random.default_rng(seed)
        view = random_view(rng, PagePlan(camera=Camera.HARD), FRAME)
        area = view.area()
        for _ in range(20):
            x, y = int(rng.integers(area.x, area.right)), int(rng.integers(area.y, area.bottom))
            box = Box(x, y, 15, 10)
            corner = view.seen(np.array([[box.right, box.bottom]], np.float32))[0]
            if view.shows(box):
                assert 0 <= corner[0] <= FRAME[1]
                assert 0 <= corner[1] <= FRAME[0]


def test_a_full_sheet_covers_the_frame():
    """Where the sheet fills the frame, its corners are not seen; allows a few px in perspective."""
    for seed in range(40):
        view = random_view(np.random.default_rng(seed), PagePlan(camera=Camera.PHONE), FRAME)
        inverse = np.linalg.inv(view.matrix)
        for corner in ([0, 0, 1], [FRAME[1], 0, 1], [FRAME[1], FRAME[0], 1], [0, FRAME[0], 1]):
            x, y, w = inverse @ corner
            assert -8 <= x / w <= view.sheet[1] + 8
            assert -8 <= y / w <= view.sheet[0] + 8


def test_light_leaves_the_palest_ink():
    """Nowhere is the light below its floor; allows two grey levels for rounding."""
    white = np.full((*FRAME, 3), 255, np.uint8)
    for seed in range(20):
        assert lit(white, Camera.HARD, 0.4, np.random.default_rng(seed)).min() >= 0.4 * 255 - 2


def test_a_thin_stroke_survives_the_camera():
    """A stroke of 1.2 px keeps a quarter of its contrast through blur and compression."""
    image = np.full((*FRAME, 3), 200, np.uint8)
    image[::20] = 60
    for seed in range(20):
        taken = expose(image, Camera.HARD, 1.2, 140, np.random.default_rng(seed)).astype(float)
        lines = taken[40:200:20, 20:300].mean()
        between = taken[50:200:20, 20:300].mean()
        assert between - lines > 140 / 4, seed


def test_fingers_cover_no_writing():
    """Fingers that hold a page hide none of what is written, and are no paper."""
    image, label = np.full((*FRAME, 3), 220, np.uint8), np.zeros(FRAME, np.uint16)
    label[100:110, 100:200] = 3
    held = 0
    for seed in range(20):
        shown, labels = hold(image, label, np.random.default_rng(seed))
        assert (labels == 3).sum() == (label == 3).sum()
        assert (shown[labels == 0] == 220).mean() > 0.98  # All but the softened outline.
        held += bool((labels == FIRST_KIND + Kind.TEXTURE).any())
    assert held > 10
