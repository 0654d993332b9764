"""What a rendered scene promises: its boxes and labels are the truth about its pixels."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest

from digitcam.train.photograph import Look, photograph, random_look
from digitcam.train.scene import MIN_GAP_PX, PlacedDigit, render_rows


def inside(image: np.ndarray, box: PlacedDigit) -> np.ndarray:
    return image[box.y : box.y + box.height, box.x : box.x + box.width]


def gaps(digits: tuple[PlacedDigit, ...]) -> Iterator[int]:
    """Free pixels between each two boxes, along the axis on which they are further apart."""
    for a, b in combinations(digits, 2):
        across = max(b.x - a.x - a.width, a.x - b.x - b.width)
        down = max(b.y - a.y - a.height, a.y - b.y - b.height)
        yield max(across, down)


def test_rows_are_rendered_whole_and_in_order() -> None:
    """All digits of all rows are placed, in reading order, and spaces leave a gap."""
    rows = ["0123456789", "27 18 28", "4"]
    digits = render_rows(rows, np.random.default_rng(0), height_px=32).digits
    assert "".join(str(box.digit) for box in digits) == "".join(rows).replace(" ", "")
    tops = [box.y for box in digits]
    assert tops == sorted(tops)
    assert len(set(tops)) == len(rows)
    for top in set(tops):
        lefts = [box.x for box in digits if box.y == top]
        assert lefts == sorted(lefts)
    assert min(gaps(digits)) >= MIN_GAP_PX
    assert all(box.height == 32 for box in digits)


def test_equal_seeds_render_equal_scenes() -> None:
    """Equal generators render equal scenes to the last bit, and other generators others."""
    one, same, other = (render_rows(["31"], np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert np.array_equal(one.image, same.image)
    assert one.digits == same.digits
    assert not np.array_equal(one.image, other.image)


def test_boxes_of_rows_are_where_the_ink_is() -> None:
    """On the default sheet nothing is dark outside the boxes, but for 3 px of blur and JPEG."""
    rendered = render_rows(["31415", "92653"], np.random.default_rng(1), height_px=50)
    gray = rendered.image.mean(axis=2)
    for box in rendered.digits:
        assert inside(gray, box).min() < 100
        gray[box.y - 3 : box.y + box.height + 3, box.x - 3 : box.x + box.width + 3] = 255
    assert gray.min() > 150


@pytest.mark.parametrize("rows", [["12a"], [], [" "], ["²"], ["1" * 40], ["1"] * 20])
def test_rows_that_cannot_be_rendered_are_refused(rows: list[str]) -> None:
    """Rows with other characters, without a digit or too large for the image are a ValueError."""
    with pytest.raises(ValueError, match="rows: expected"):
        render_rows(rows, np.random.default_rng(0), height_px=40)


def test_random_looks_keep_to_their_ranges() -> None:
    """Looks vary, stay within the ranges their fields document, and are reproducible."""
    looks = [random_look(np.random.default_rng(seed)) for seed in range(300)]
    assert looks[5] == random_look(np.random.default_rng(5))
    for look in looks:
        assert all(0 <= level <= 255 for level in (*look.paper_bgr, *look.ink_bgr))
        assert 0.35 <= look.ink_alpha <= 1
        assert 0 <= look.blur_sigma_px <= 1.5
        assert 0 <= look.noise_sigma <= 6
        assert 40 <= look.jpeg_quality <= 95
        assert (sum(look.paper_bgr) < sum(look.ink_bgr)) == look.light_on_dark
    assert {look.ruling for look in looks} == {"none", "lines", "squares"}
    assert {look.light_on_dark for look in looks} == {False, True}


def test_ruling_is_faint() -> None:
    """Ruled squares darken the sheet by no more than their contrast and 3 levels of JPEG."""
    look = Look(
        ruling="squares", ruling_contrast=12, texture=0, light_falloff=0, noise_sigma=0,
        jpeg_quality=100, paper_bgr=(200.0, 200.0, 200.0),
    )  # fmt: skip
    image = photograph(np.zeros((240, 320), np.uint8), look, np.random.default_rng(0))
    assert image.max() <= 203
    assert 185 <= image.min() < 195
