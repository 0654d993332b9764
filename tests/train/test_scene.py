"""What a rendered scene promises: its boxes and labels are the truth about its pixels."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from digitcam.train.handwriting import draw_digit
from digitcam.train.photograph import Look, photograph, random_look
from digitcam.train.scene import (
    GAP,
    INK_LEVEL,
    MIN_GAP_PX,
    PlacedDigit,
    Scene,
    render_rows,
    render_scene,
)

LEGIBLE = Look(noise_sigma=1.0, light_falloff=0.3, shadow_depth=0.3)


def scene(seed: int, *, count: int = 40, look: Look | None = None, **options: float) -> Scene:
    rng = np.random.default_rng(seed)
    labels = [int(digit) for digit in rng.integers(0, 10, count)]
    glyphs = [draw_digit(digit, rng, 28) for digit in labels]
    return render_scene(glyphs, labels, rng, look=look, **options)


def inside(image: np.ndarray, box: PlacedDigit) -> np.ndarray:
    return image[box.y : box.y + box.height, box.x : box.x + box.width]


def gaps(digits: tuple[PlacedDigit, ...]) -> Iterator[int]:
    """Free pixels between each two boxes, along the axis on which they are further apart."""
    for a, b in combinations(digits, 2):
        across = max(b.x - a.x - a.width, a.x - b.x - b.width)
        down = max(b.y - a.y - a.height, a.y - b.y - b.height)
        yield max(across, down)


@pytest.mark.parametrize("size", [(480, 640), (200, 310), (121, 77)])
def test_image_has_the_size_asked_for(size: tuple[int, int]) -> None:
    """The image is (H, W, 3) uint8 of the size asked for, odd sizes too."""
    rng = np.random.default_rng(0)
    image = render_scene([draw_digit(5, rng)], [5], rng, size=size).image
    assert image.shape == (*size, 3)
    assert image.dtype == np.uint8


def test_equal_seeds_render_equal_scenes() -> None:
    """Equal generators render equal scenes to the last bit, and other generators others."""
    assert np.array_equal(scene(3).image, scene(3).image)
    assert scene(3).digits == scene(3).digits
    assert not np.array_equal(scene(3).image, scene(4).image)


@pytest.mark.parametrize("seed", range(10))
def test_boxes_lie_inside_the_image(seed: int) -> None:
    """Every box lies inside the image and is not empty."""
    for box in scene(seed).digits:
        assert box.width >= 1
        assert box.height >= 1
        assert 0 <= box.x <= 640 - box.width
        assert 0 <= box.y <= 480 - box.height


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("height_px", [16, 40, 90])
def test_neighbours_keep_their_distance(seed: int, height_px: int) -> None:
    """Between any two digits lie XX."""
    digits = scene(seed, height_px=height_px).digits
    assert min(gaps(digits)) >= max(MIN_GAP_PX, GAP * height_px)


@pytest.mark.parametrize("height_px", [16, 90])
def test_digits_are_as_tall_as_asked(height_px: int) -> None:
    """Heights stay within 12 % of the base height, and a pixel for rounding and cropping."""
    heights = [box.height for box in scene(1, height_px=height_px).digits]
    assert min(heights) >= 0.88 * height_px - 2
    assert max(heights) <= 1.12 * height_px + 1


@pytest.mark.parametrize("seed", range(10))
def test_placed_digits_keep_the_order_given(seed: int) -> None:
    """The digits placed are some of those given, in their order and with their labels."""
    rng = np.random.default_rng(seed)
    labels = list(range(100, 160))
    placed = render_scene([draw_digit(i % 10, rng) for i in labels], labels, rng).digits
    numbers = [box.digit for box in placed]
    assert numbers == sorted(numbers)
    assert set(numbers) <= set(labels)
    assert numbers


def test_what_does_not_fit_is_left_out() -> None:
    """Far more glyphs than there is room for are no error; those that fit are listed."""
    assert 5 <= len(scene(0, count=200, height_px=90).digits) < 60
    rng = np.random.default_rng(0)
    assert render_scene([draw_digit(8, rng)], [8], rng, size=(20, 20), height_px=40).digits == ()


@pytest.mark.parametrize("light_on_dark", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_every_box_holds_ink_of_the_right_polarity(seed: int, light_on_dark: bool) -> None:
    """Ink is 40 levels or more darker than the paper around its box, on a board lighter."""
    look = replace(LEGIBLE, light_on_dark=light_on_dark)
    if light_on_dark:
        look = replace(look, paper_bgr=(45.0, 50.0, 45.0), ink_bgr=(225.0, 225.0, 225.0))
    rendered = scene(seed, look=look, height_px=30)
    gray = rendered.image.mean(axis=2)
    assert rendered.digits
    for box in rendered.digits:
        # Left and right there are 3 px of bare paper; the blur reaches about 2 of them.
        edge = slice(box.y, box.y + box.height)
        paper = np.median(np.stack([gray[edge, box.x - 3], gray[edge, box.x + box.width + 2]]))
        dark, light = np.percentile(inside(gray, box), [2, 98])
        assert (light - paper if light_on_dark else paper - dark) >= 40


@pytest.mark.parametrize("seed", range(20))
def test_random_looks_leave_the_digits_visible(seed: int) -> None:
    """With any look nine in ten boxes span 4 grey levels or more, even in deep shadow."""
    rendered = scene(seed, look=random_look(np.random.default_rng(seed)), height_px=40)
    stands_out = []
    for box in rendered.digits:
        low, high = np.percentile(inside(rendered.image, box).mean(axis=2), [10, 90])
        stands_out.append(high - low >= 4)
    assert np.mean(stands_out) > 0.9


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


def test_boxes_are_tight_around_a_padded_glyph() -> None:
    """The margin of a 28 x 28 glyph is no part of its box, and its aspect is kept within 1 px."""
    glyph = np.zeros((28, 28), np.uint8)
    glyph[4:24, 9:19] = 255
    rng = np.random.default_rng(0)
    (box,) = render_scene([glyph], [0], rng, look=LEGIBLE, height_px=60).digits
    assert abs(box.width - box.height / 2) <= 1


@pytest.mark.parametrize("height_px", [16, 20, 22, 30, 40, 90])
def test_paper_inside_a_box_stays_bare(height_px: int) -> None:
    """Where a glyph has no ink its box shows the bare paper: no frame gives the box away."""
    even = Look(
        light_on_dark=True, texture=0, light_falloff=0, blur_sigma_px=0, noise_sigma=0,
        paper_bgr=(40.0, 40.0, 40.0), ink_bgr=(200.0, 200.0, 200.0), jpeg_quality=100,
    )  # fmt: skip
    corner = np.zeros((20, 20), np.uint8)
    corner[:, :4] = corner[-4:] = 255
    for threshold in (0.35, 0.6):
        look = replace(even, ink_threshold=threshold)
        rng = np.random.default_rng(0)
        (box,) = (made := render_scene([corner], [1], rng, look=look, height_px=height_px)).digits
        bare = inside(made.image, box)[: box.height // 2, box.width // 2 :]
        # JPEG of this quality moves a level by up to 2.
        assert np.abs(bare.astype(int) - 40).max() <= 2


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


def test_scene_refuses_what_has_no_meaning() -> None:
    """A label too few and a glyph without ink are ValueErrors that say so."""
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="labels: expected"):
        render_scene([draw_digit(1, rng)], [], rng)
    with pytest.raises(ValueError, match=r"glyphs\[0\]: expected ink"):
        render_scene([np.full((28, 28), INK_LEVEL - 1, np.uint8)], [1], rng)


def test_ruling_is_faint() -> None:
    """Ruled squares darken the sheet by no more than their contrast and 3 levels of JPEG."""
    look = Look(
        ruling="squares", ruling_contrast=12, texture=0, light_falloff=0, noise_sigma=0,
        jpeg_quality=100, paper_bgr=(200.0, 200.0, 200.0),
    )  # fmt: skip
    image = photograph(np.zeros((240, 320), np.uint8), look, np.random.default_rng(0))
    assert image.max() <= 203
    assert 185 <= image.min() < 195
