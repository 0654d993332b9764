"""Claims about whole pages: what is rendered, and what is told of it."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from digitcam.train.pages.page import Kind, Page
from digitcam.train.pages.palette import random_palette
from digitcam.train.pages.plan import (
    Addition,
    Camera,
    Content,
    Medium,
    PagePlan,
    Paper,
    Placement,
    random_plan,
)
from digitcam.train.pages.print_ink import FACES
from digitcam.train.pages.render import render_page
from digitcam.train.pages.texture import TEXTURES
from digitcam.train.pens.drawn import drawn_hand

HANDS = [drawn_hand()]
SIZE = (240, 320)
PLAIN = PagePlan(camera=Camera.PHONE)


def page(seed: int, plan: PagePlan | None = None, **changes) -> Page:
    """Render one small page."""
    rng = np.random.default_rng(seed)
    plan = plan or random_plan(rng)
    return render_page(rng, HANDS, replace(plan, **changes), SIZE)


@pytest.fixture(scope="module")
def pages() -> list[Page]:
    """Render pages of all kinds."""
    return [page(seed) for seed in range(60)]


def test_equal_seeds_render_equal_pages():
    """A page depends on its seed alone, not on what was rendered before it."""
    first = [page(seed) for seed in (3, 4, 5)]
    for seed, before in zip((5, 4, 3), reversed(first), strict=True):
        again = page(seed)
        assert np.array_equal(again.image, before.image)
        assert np.array_equal(again.owner, before.owner)
        assert np.array_equal(again.kind, before.kind)
        assert (again.characters, again.numbers) == (before.characters, before.numbers)


def test_planes_have_the_frame_asked_for(pages):
    """Image, kind and owner have one size, and their own types."""
    for each in pages:
        assert each.image.shape == (*SIZE, 3)
        assert each.kind.shape == each.owner.shape == SIZE
        assert (each.image.dtype, each.kind.dtype, each.owner.dtype) == (
            np.uint8, np.uint8, np.uint16,
        )  # fmt: skip


def test_labels_lie_on_the_ink():
    """Where a digit is said to be, the page differs from what is around it, in the right way."""
    for seed in range(30):
        each = page(seed, PLAIN)
        ink = each.kind == Kind.DIGIT
        near = cv2.dilate(ink.astype(np.uint8), np.ones((9, 9))) > 0
        around = near & ~(cv2.dilate(ink.astype(np.uint8), np.ones((5, 5))) > 0) & (each.kind == 0)
        gray = cv2.cvtColor(each.image, cv2.COLOR_BGR2GRAY)
        # A blurred thin stroke of pale ink keeps a few grey levels of its contrast.
        assert gray[around].mean() - gray[ink].mean() > 4, seed


def test_a_label_moved_aside_fits_worse():
    """Labels are not off by as much as 3 px: moved by that, they lose contrast."""
    for seed in range(12):
        each = page(seed, PLAIN)
        gray = cv2.cvtColor(each.image, cv2.COLOR_BGR2GRAY).astype(float)
        ink = each.kind == Kind.DIGIT
        for axis, step in ((0, 3), (0, -3), (1, 3), (1, -3)):
            moved = np.roll(ink, step, axis)
            assert gray[ink].mean() < gray[moved].mean(), (seed, axis, step)


def test_boxes_are_tight_around_the_owners_pixels(pages):
    """A character's box is the smallest around its pixels, and every character has some."""
    for each in pages:
        for index, character in enumerate(each.characters):
            x, y, width, height = cv2.boundingRect((each.owner == index + 1).astype(np.uint8))
            assert (x, y, width, height) == tuple(character.box.as_list())


def test_owners_are_digits_or_other_writing(pages):
    """What has an owner is of the kind of its character, and print and rulings have none."""
    for each in pages:
        assert int(each.owner.max()) <= len(each.characters)
        for index, character in enumerate(each.characters):
            kinds = np.unique(each.kind[each.owner == index + 1])
            expected = Kind.DIGIT if character.number >= 0 else Kind.WRITING
            assert kinds.tolist() == [expected]
        assert set(np.unique(each.kind[each.owner == 0])).isdisjoint({Kind.DIGIT, Kind.WRITING})


def test_numbers_are_made_of_their_members(pages):
    """A number's text is that of its members, and its box lies around theirs."""
    for each in pages:
        for index, number in enumerate(each.numbers):
            members = [each.characters[k] for k in number.members]
            assert number.text == "".join(member.label for member in members)
            assert number.text.isdigit()
            assert all(member.number == index and not member.struck for member in members)
            assert number.box.x == min(member.box.x for member in members)
            assert number.box.bottom == max(member.box.bottom for member in members)


def test_a_straight_list_is_read_from_the_top():
    """In a scanned list, a number stands below the one before or to its right."""
    for seed in range(12):
        each = page(seed, PLAIN, content=Content.LOOSE, camera=Camera.SCAN)
        for before, after in zip(each.numbers, each.numbers[1:], strict=False):
            assert after.box.y >= before.box.bottom - before.box.height or (
                after.box.x > before.box.x
            )


@pytest.mark.parametrize("content", [c for c in Content if not c.has_digits])
def test_pages_without_digits_have_none(content):
    """Words, print, drawings, textures and bare pages hold no digit and no number."""
    for seed in range(6):
        each = page(seed, PLAIN, content=content, additions=frozenset(Addition))
        assert not each.numbers
        assert not (each.kind == Kind.DIGIT).any()


@pytest.mark.parametrize("content", [c for c in Content if c.has_digits])
def test_pages_with_digits_have_some(content):
    """Every other content writes at least one number."""
    for seed in range(6):
        each = page(seed, PLAIN, content=content)
        assert each.numbers, seed
        assert (each.kind == Kind.DIGIT).any()


def test_a_third_of_the_pages_hold_no_digit():
    """Of pages left to chance, a third have no digit; allows off by a twentieth of them."""
    plans = [random_plan(np.random.default_rng(seed)) for seed in range(2000)]
    share = np.mean([not plan.content.has_digits for plan in plans])
    assert 0.28 < share < 0.38


def test_an_eighth_of_the_pages_are_light_on_dark():
    """Boards, screens and dark paper are 10 to 16 of 100 pages."""
    rng = np.random.default_rng(1)
    dark = []
    for _ in range(2000):
        plan = random_plan(rng)
        palette = random_palette(rng, plan.medium, plan.strong_ruling)
        dark.append(palette.light_on_dark and plan.content is not Content.TEXTURE)
    assert 0.1 < np.mean(dark) < 0.16


def test_numbers_only_on_plain_paper_are_numbers_only():
    """A plan without additions writes digits and nothing else."""
    for paper in (Paper.PLAIN, Paper.RULED, Paper.SQUARED):
        each = page(1, PLAIN, paper=paper)
        allowed = {Kind.BARE, Kind.DIGIT} | ({Kind.RULING} if paper is not Paper.PLAIN else set())
        assert set(np.unique(each.kind)) == allowed
        assert each.plan.paper is paper


def test_a_whole_sheet_lies_on_a_ground():
    """A sheet that fills part of the frame has a texture around it, one that fills it has none."""
    part = page(2, PLAIN, placement=Placement.PART)
    assert (part.kind == Kind.TEXTURE).any()
    assert len(part.textures) == 1
    full = page(2, PLAIN)
    assert not (full.kind == Kind.TEXTURE).any()
    assert not full.textures


def test_a_struck_number_is_no_number():
    """What is crossed out is told, as other writing, and not among the numbers."""
    struck = 0
    for seed in range(8):
        each = page(seed, PLAIN, additions=frozenset({Addition.STRUCK}))
        for index, character in enumerate(each.characters):
            if character.struck:
                struck += 1
                assert character.number == -1
                assert not (each.kind[each.owner == index + 1] == Kind.DIGIT).any()
    assert struck > 5


def test_left_out_textures_are_not_used():
    """A page uses only the textures that are not left out."""
    kept = {"brick", "fur"}
    for seed in range(12):
        rng = np.random.default_rng(seed)
        plan = replace(PLAIN, content=Content.TEXTURE)
        each = render_page(rng, HANDS, plan, SIZE, without_textures=set(TEXTURES) - kept)
        assert each.textures
        assert each.textures <= kept


def test_left_out_faces_are_not_used():
    """A page prints only in typefaces that are not left out."""
    kept = {"serif", "matrix"}
    for seed in range(8):
        rng = np.random.default_rng(seed)
        plan = replace(PLAIN, content=Content.PRINT)
        each = render_page(rng, HANDS, plan, SIZE, without_faces=set(FACES) - kept)
        assert (each.kind == Kind.PRINT).any()
        assert each.faces
        assert each.faces <= kept


def test_nothing_left_to_choose_is_an_error():
    """Leaving out every texture or having no writer of ten digits says so."""
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="left none"):
        render_page(rng, HANDS, replace(PLAIN, content=Content.TEXTURE), without_textures=TEXTURES)
    with pytest.raises(ValueError, match="all ten digits"):
        render_page(rng, [], PLAIN)


def test_a_digit_is_cut_to_its_ink():
    """Without a size, a cut digit's frame has a margin of at most about a third on each side."""
    for seed in range(6):
        each = render_page(np.random.default_rng(seed), HANDS, replace(PLAIN, content=Content.CUT))
        x, y, _, height = cv2.boundingRect((each.owner > 0).astype(np.uint8))
        assert max(x, y) <= 0.36 * height + 1
        assert each.image.shape[0] - y - height <= 0.36 * height + 1


def test_a_screen_is_flat():
    """A drawing program's page has no light, noise or blur: few colours but at strokes' edges."""
    plan = PagePlan(medium=Medium.SCREEN, camera=Camera.SCAN)
    each = page(1, plan)
    ground = each.image[each.kind == Kind.BARE]
    common = np.unique(ground, axis=0, return_counts=True)[1].max()
    assert common > 0.9 * len(ground)
