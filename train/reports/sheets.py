"""Sections about the data that show its images, and what the network is shown of them."""

from __future__ import annotations

import numpy as np

from ..augment import augment, plain_images
from ..feed import FeedSettings, page_samples
from ..pages.plan import Addition, Camera, Content, PagePlan, Paper
from ..pages.render import render_page
from ..paper import CLASSES, REJECT, PaperData
from ..writers import Writers
from .facts import TEST, TRAINING, Facts, Part
from .page import Section, Table
from .pictures import Drawing, page_picture, sheet
from .statistics import DIGITS, Images, Labels

DISTORTED = 12
"""Draws shown of each digit that is distorted."""
MARKS = 40
"""Marks looked for on pages for each that is shown of a class: one in thirty is a 5."""
PAGE_SIZE = 480, 640
"""Height and width of the pages that are shown, px."""
PLAIN = PagePlan()
HARD = PagePlan(
    Content.LIST,
    Paper.RULED,
    camera=Camera.HARD,
    additions=frozenset({Addition.PRINT, Addition.DRAWINGS}),
    strong_ruling=True,
)
SHARED_SHOWN = 20
"""Images in both parts that are shown, at most."""


def samples_section(facts: Facts, samples: int, rng: np.random.Generator) -> Section:
    """Show some images of each class, of both parts."""
    drawings = []
    for name in (TRAINING, TEST):
        part = facts.parts[name]
        png = sheet(_draw_by_class(part.images, part.labels, samples, rng))
        caption = f"The {name} part, drawn by lot, a row a class."
        drawings.append(Drawing(png, caption, name=f"samples-{name}"))
    return Section("Samples", "Every row should hold one digit, in many hands.", pictures=drawings)


def unusual_section(facts: Facts) -> Section:
    """Show the images that are least like their class."""
    images = facts.parts[TRAINING].images
    shown = (
        (
            facts.near_another,
            "Closest to the mean of another class, compared with that of their own.",
            "near-another",
        ),
        (facts.far_from_own, "Furthest from the mean of their class.", "far-from-own"),
    )
    return Section(
        "Unusual images",
        "Wrong labels and what can hardly be read are found here first; statistics.json has the "
        "images' indices in the training part.",
        pictures=[
            Drawing(
                sheet({str(digit): images[chosen] for digit, chosen in enumerate(indices)}),
                caption,
                name=name,
            )
            for indices, caption, name in shown
        ],
    )


def duplicates_section(facts: Facts) -> Section:
    """Count the images that are there twice, and show those that are in both parts."""
    found = facts.duplicates
    rows = [
        ("in the training part again", f"{found.training:,}"),
        ("in the test part again", f"{found.test:,}"),
        ("of the test part, in the training part too", f"{len(found.shared):,}"),
        ("there with more than one label", f"{found.contradictions:,}"),
    ]
    drawings = []
    if found.shared:
        training, test = (list(side) for side in zip(*found.shared[:SHARED_SHOWN], strict=True))
        both = {
            TRAINING: facts.parts[TRAINING].images[training],
            TEST: facts.parts[TEST].images[test],
        }
        caption = "Test images that are in the training part, too."
        drawings.append(Drawing(sheet(both), caption, name="duplicates"))
    return Section(
        "Duplicates",
        "A test image that was trained on measures nothing; only images that are the same in every "
        "pixel are counted.",
        [Table(("images", "count"), rows)],
        drawings,
    )


def distorted_section(training: Part, rng: np.random.Generator) -> Section:
    """Show a digit of each class beside what an epoch may show the network instead."""
    how = FeedSettings().augment
    rows = {}
    for name, images in _draw_by_class(training.images, training.labels, 1, rng).items():
        draws = [augment(image, rng, how) for image in images for _ in range(DISTORTED)]
        rows[name] = [*images, *plain_images(images), *draws]
    caption = (
        "A training image; what the device's view makes of it; and, numbered, what an epoch may "
        "show the network instead."
    )
    columns = ["data", "view", *(str(number + 1) for number in range(DISTORTED))]
    return Section(
        "Distorted digits",
        "A distorted digit should still be the digit that its row says, as another hand, pen and "
        "camera would have made it.",
        pictures=[Drawing(sheet(rows, columns), caption, name="distorted")],
    )


def pages_section(training: Part, samples: int, rng: np.random.Generator) -> Section:
    """Show rendered pages, and the marks that the device finds on such."""
    hands = Writers().hands("training", (training.images, training.labels))
    pages = [render_page(rng, hands, plan, PAGE_SIZE) for plan in (PLAIN, HARD)]
    drawings = [
        Drawing(
            page_picture(pages),
            "A plain page; and a hard one, with print, drawings and a strong ruling.",
            name="pages",
        )
    ]
    text = (
        "What the device's own way finds on rendered pages: digits, what is none (reject), and "
        "digits that touch (several)."
    )
    how = FeedSettings().paper_augment
    marks = _draw_by_class(*page_samples(hands, MARKS * samples, rng, how), samples, rng)
    caption = "Marks found on such pages, as the network is shown them."
    return Section("Pages", text, (), [*drawings, Drawing(sheet(marks), caption, name="marks")])


def photographs_section(paper: PaperData, samples: int, rng: np.random.Generator) -> Section:
    """Show and count the marks that are cut from photographs."""
    counts = np.bincount(paper.labels, minlength=len(CLASSES))
    rows = _draw_by_class(paper.images(), paper.labels, samples, rng)
    caption = "Marks of the part that is trained on, drawn by lot, before they are distorted."
    return Section(
        "Photographs",
        f"Marks cut from photographs of real paper, of which {int(counts[:REJECT].sum()):,} are "
        "digits: what a camera gives is fainter and less clean than the digits above.",
        [Table(("class", *CLASSES), [("marks", *(f"{count:,}" for count in counts))])],
        [Drawing(sheet(rows), caption, name="photographs")],
    )


def _draw_by_class(
    images: Images, labels: Labels, count: int, rng: np.random.Generator
) -> dict[str, Images]:
    """Draw some images of each class, without putting them back, by the class's name."""
    drawn = {}
    for label in range(max(DIGITS, int(labels.max()) + 1)):
        own = np.flatnonzero(labels == label)
        drawn[CLASSES[label]] = images[rng.permutation(own)[:count]]
    return drawn
