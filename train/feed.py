"""What the network sees in an epoch: distorted digits, marks on paper, and rendered scenes.

Train what you run: the digits go through the device's crop, the scenes through its whole path
from luma to model image, pieces of digits and digits that touch among them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from digitcam.edge.crop import IMAGE_SHAPE, fingerprint, model_image
from digitcam.edge.frame import Box, GrayImage
from digitcam.edge.preprocess import find_ink
from digitcam.edge.settings import PreprocessSettings

from .augment import AugmentSettings, augment
from .clutter import random_clutter
from .epochs import Job
from .errors import DataError
from .paper import REJECT, SEVERAL, PaperData, all_hypotheses, labels_of
from .photograph import random_look
from .scene import HEIGHT_PX, render_scene

Samples = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""Model images (N, 28, 28) uint8 and labels (N,) uint8, indices of paper.CLASSES."""

SCENE_DIGITS = 30
"""Digits that a scene is asked to hold."""
MAX_BARREN_SCENES = 20
"""Scenes more than digits found in them after which the images are taken for no digits."""
KINDS = (0.5, 0.35, 0.15)
"""Shares of digits, of what is none, and of several digits among the marks from photographs."""
REJECTS = 0.8
"""Marks of a scene that are no digit, at most, for each that is one or several."""
TOUCHING = 0.3
"""Share of digits that touch the one before, in the scenes where some do."""
CLUTTERED, HARD = 0.5, 0.5
"""Shares of scenes with other marks among the digits, and with patterns, tables and rulings."""
CLUTTER = 24
"""Other marks that a cluttered scene is asked to hold."""
PAPER_SCENES = 0.5
"""Share of chunks of scenes whose digits are cut from photographs, where there are any."""


@dataclass(frozen=True)
class FeedSettings:
    """What an epoch is made of."""

    digits: int = 60_000
    """Distorted digits an epoch."""
    scene_marks: int = 7_000
    """Digits and other marks found in rendered scenes, an epoch."""
    paper_marks: int = 36_000
    """Distorted marks from photographs of paper, half of them digits, an epoch."""
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    """How digits are distorted."""
    paper_augment: AugmentSettings = field(
        default_factory=lambda: AugmentSettings(
            rotation_deg=9,
            shear=0.18,
            elastic_px=1.1,
            blur_px=1.0,
            widen_probability=0.3,
            camera=1.0,
        )
    )
    """How marks from photographs are, which have been through a camera already."""

    distinct_epochs: int = 50
    """Epochs that differ; after them they come again, each time in another order."""

    def samples(self, *, with_paper: bool) -> int:
        """Return how many samples an epoch has."""
        return self.digits + self.scene_marks + (self.paper_marks if with_paper else 0)


@dataclass(frozen=True)
class MarkSource:
    """Makes distorted digits, marks of rendered scenes and marks of photographs.

    Args:
        x: (N, 28, 28) uint8 digits, white on black.
        y: (N,) uint8 labels.
        paper: Marks from photographs, if there are any.
        settings: What an epoch is made of.
    """

    x: NDArray[np.uint8]
    y: NDArray[np.uint8]
    paper: PaperData | None
    settings: FeedSettings

    @property
    def amounts(self) -> Mapping[str, int]:
        """Samples of each kind in an epoch."""
        return {
            "digits": self.settings.digits,
            "scenes": self.settings.scene_marks,
            "paper": self.settings.paper_marks if self.paper else 0,
        }

    def digest(self) -> str:
        """Return a hash of everything that the samples come from."""
        content = hashlib.sha256(json.dumps([asdict(self.settings), fingerprint()]).encode())
        content.update(self.x.tobytes() + self.y.tobytes())
        content.update(self.paper.digest().encode() if self.paper else b"")
        return content.hexdigest()

    def make(self, job: Job) -> Samples:
        """Return the samples of a job."""
        x, y, paper = self.x, self.y, self.paper
        rng = np.random.default_rng(job.seed)
        if job.kind == "scenes":
            if paper and rng.random() < PAPER_SCENES:
                x, y = paper.digits()
            return scene_samples(x, y, job.count, rng)
        how = self.settings.augment
        if job.kind == "paper" and paper:
            how = self.settings.paper_augment
            x, y, chosen = paper.glyphs, paper.labels, _balanced(paper.labels, job.count, rng)
        else:
            chosen = _shuffled_part(job, len(x))
        images = np.stack([augment(x[index], rng, how) for index in chosen])
        return images, y[chosen]


def scene_samples(
    x: NDArray[np.uint8], y: NDArray[np.uint8], count: int, rng: np.random.Generator
) -> Samples:
    """Return exactly ``count`` marks as the device finds them in rendered scenes.

    Raises:
        DataError: Hardly any is found, so that there would be no end to it.
    """
    images = np.zeros((count, *IMAGE_SHAPE), np.uint8)
    labels = np.zeros(count, np.uint8)
    done = scenes = digits = 0
    while done < count:
        if scenes > digits + MAX_BARREN_SCENES:
            raise DataError(
                f"{scenes} rendered scenes gave {digits} digits; expected images of digits, white "
                "ink on black"
            )
        scenes += 1
        for contrast, label in _scene_marks(x, y, rng):
            digits += label < REJECT
            if done < count:
                images[done], labels[done] = model_image(contrast), label
                done += 1
    return images, labels


def _scene_marks(
    x: NDArray[np.uint8], y: NDArray[np.uint8], rng: np.random.Generator
) -> list[tuple[GrayImage, int]]:
    """Render one scene and return the marks found in it that can be told, with their labels."""
    chosen = rng.integers(len(x), size=SCENE_DIGITS)
    cluttered = rng.random() < CLUTTERED
    height = float(np.exp(rng.uniform(*np.log(HEIGHT_PX))))
    scene = render_scene(
        list(x[chosen]),
        y[chosen].tolist(),
        rng,
        look=random_look(rng, hard=rng.random() < HARD),
        height_px=height,
        touching=TOUCHING if rng.random() < 0.5 else 0.0,
        clutter=[random_clutter(rng, height) for _ in range(CLUTTER * cluttered)],
    )
    luma = cv2.cvtColor(scene.image, cv2.COLOR_BGR2GRAY)
    ink = find_ink(luma, PreprocessSettings())  # type: ignore[arg-type]
    digits = [(Box(d.x, d.y, d.width, d.height), d.digit) for d in scene.digits]
    marks = all_hypotheses(ink)
    labels = labels_of([mark.box for mark in marks], digits)
    told = [
        (m.contrast, label) for m, label in zip(marks, labels, strict=True) if label is not None
    ]
    rejects = [sample for sample in told if sample[1] == REJECT]
    others = [sample for sample in told if sample[1] != REJECT]
    most = max(round(REJECTS * len(others)), 1)
    return others + [rejects[i] for i in rng.permutation(len(rejects))[:most]]


def _balanced(labels: NDArray[np.uint8], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw digits, other marks and several digits at once in the shares of KINDS."""
    kind = np.searchsorted([REJECT, SEVERAL], labels, side="right")
    amounts = np.bincount(kind, minlength=len(KINDS))
    weights = (np.array(KINDS) / np.maximum(amounts, 1))[kind]
    return rng.choice(len(labels), count, p=weights / weights.sum())


def _shuffled_part(job: Job, size: int) -> NDArray[np.int64]:
    """Return the chunk's digits: an epoch goes through all of them before one comes again."""
    seed, epoch, _, start = job.seed
    order = np.random.default_rng((seed, epoch, size)).permutation(size)
    part: NDArray[np.int64] = order[np.arange(start, start + job.count) % size]
    return part
