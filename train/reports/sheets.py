"""Sections about the data that show its images, and what the network is shown of them."""

from __future__ import annotations

import numpy as np

from ..augment import augment, plain_images
from ..clutter import random_clutter
from ..errors import DataError
from ..feed import CLUTTER, SCENE_DIGITS, TOUCHING, FeedSettings, scene_samples
from ..paper import CLASSES, REJECT, PaperData
from ..photograph import random_look
from ..scene import Scene, render_scene
from .facts import TEST, TRAINING, Facts, Part
from .page import Section, Table
from .pictures import Drawing, scene_picture, sheet
from .statistics import DIGITS, Images, Labels

DISTORTED = 12
"""Draws shown of each digit that is distorted."""
MARKS = 30
"""Marks looked for in scenes for each that is shown of a class: one in twenty is a 5."""
SCENE_HEIGHT_PX = 40
"""Height of the digits in the scenes that are shown."""
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
        "A training image; what the device's crop makes of it; and, numbered, what an epoch may "
        "show the network instead."
    )
    columns = ["data", "crop", *(str(number + 1) for number in range(DISTORTED))]
    return Section(
        "Distorted digits",
        "A distorted digit should still be the digit that its row says, as another hand, pen and "
        "camera would have made it.",
        pictures=[Drawing(sheet(rows, columns), caption, name="distorted")],
    )


def scenes_section(training: Part, samples: int, rng: np.random.Generator) -> Section:
    """Show rendered scenes, and the marks that the device finds in such."""
    x, y = training.images, training.labels
    scenes = scene_picture([_scene(x, y, rng, hard=False), _scene(x, y, rng, hard=True)])
    drawings = [
        Drawing(
            scenes,
            "A plain scene; and a hard one, in which digits touch and other marks stand between.",
            name="scenes",
        )
    ]
    text = (
        "What the device's own path finds on rendered paper: digits, what is none (reject), and "
        "digits that touch (several)."
    )
    try:
        marks = _draw_by_class(*scene_samples(x, y, MARKS * samples, rng), samples, rng)
    except DataError as error:
        return Section("Scenes", f"The device's path finds too little: {error}.", (), drawings)
    caption = "Marks found in such scenes, as the network is shown them."
    return Section("Scenes", text, (), [*drawings, Drawing(sheet(marks), caption, name="marks")])


def photographs_section(paper: PaperData, samples: int, rng: np.random.Generator) -> Section:
    """Show and count the marks that are cut from photographs."""
    counts = np.bincount(paper.labels, minlength=len(CLASSES))
    rows = _draw_by_class(paper.glyphs, paper.labels, samples, rng)
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


def _scene(x: Images, y: Labels, rng: np.random.Generator, *, hard: bool) -> Scene:
    chosen = rng.integers(len(x), size=SCENE_DIGITS)
    return render_scene(
        list(x[chosen]),
        y[chosen].tolist(),
        rng,
        look=random_look(rng, hard=hard),
        height_px=SCENE_HEIGHT_PX,
        touching=TOUCHING * hard,
        clutter=[random_clutter(rng, SCENE_HEIGHT_PX) for _ in range(CLUTTER * hard)],
    )
