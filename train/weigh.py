"""Weighs evidence: fits what a bundle's beliefs are summed by, on pictures of what was left out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.bundle import load_bundle
from digitcam.edge.files import write_whole
from digitcam.edge.reading.beliefs import FEATURES, Beliefs, Seen, as_json, features
from digitcam.edge.reading.neighbours import as_array
from digitcam.edge.reading.recognize import Recognizer

from .evaluation import confidence_gap
from .pages.plan import Camera, Content, PagePlan, Paper, random_plan
from .pages.render import render_page
from .pages.seen import UNSEEN_FACES, UNSEEN_TEXTURES
from .paper import Photograph, load_numbers
from .pens.hand import Hand
from .writers import MNIST, Writers

SAME = 0.4
"""Intersection over union from which a candidate stands where a digit does."""
ALONE = 0.2
"""Share of pages with one digit alone: what people try first, and each tells of one mark only."""
SIMPLE = 0.5
"""Share of pages with more, and nothing beside what is written."""
CONTENTS = (
    Content.LOOSE, Content.LIST, Content.TABLE, Content.CELLS, Content.BOXES, Content.FORM,
    Content.NOTES, Content.WORDS, Content.PRINT,
)  # fmt: skip
PAPERS = Paper.PLAIN, Paper.RULED, Paper.SQUARED, Paper.PATTERNED
CAMERAS = Camera.SCAN, Camera.PHONE
"""What simple pages hold, and how they are taken."""
BREADTH = 0.4
"""Boxes are compared as if they were at least so broad, in heights."""
SILENCE = 3.0
"""A digit that is left out of its number in silence counts as so many ``?`` where none is."""
ROUNDS = 2
"""Times that pages are read."""
SUMS = 2
"""A third brought nothing in cross-validation."""
LOST = 1.5
"""A digit that is not told counts as so many that are invented: these can be seen."""
SEED = 20
"""Of the pages."""
BINS = 15
"""Of the calibration error."""


@dataclass(frozen=True)
class Known:
    """What is known of a page's candidates, and what they are."""

    looks: tuple[Seen, NDArray[np.float64], Seen]
    """What they look like, the (N,) probabilities of a digit by each alone, and what is none."""
    which: NDArray[np.float64]
    """(N,) probability of the likeliest digit, if it is one."""
    is_digit: NDArray[np.bool_]
    """(N,) whether a digit stands there."""
    right: NDArray[np.bool_]
    """(N,) whether it is the likeliest one."""

    @property
    def weight(self) -> NDArray[np.float64]:
        """(N,) how much each counts: many of a page know less of one another than others do."""
        count = len(self.is_digit)
        return np.full(count, max(count, 1) ** -0.5)

    def features(self, beliefs: Beliefs) -> NDArray[np.float64]:
        """Return (N, features) of the next sum after some."""
        digits, likely, others = self.looks
        return features(digits, likely, others, beliefs(digits, likely, others))


@dataclass(frozen=True)
class Evidence:
    """What is known of the candidates of several pages."""

    pages: tuple[Known, ...]
    missed: int
    """Digits that no candidate stands for."""

    def all(self, of: Callable[[Known], NDArray[Any]]) -> NDArray[Any]:
        """Return something of every candidate."""
        return np.concatenate([of(page) for page in self.pages])

    def confidence(self, beliefs: Beliefs) -> NDArray[np.float64]:
        """Return (N,) how certain each is, by some weights."""
        return self.all(lambda page: page.which * beliefs(*page.looks))


@dataclass(frozen=True)
class Weighed:
    """What was fitted."""

    beliefs: Beliefs
    min_confidence: float
    pages: int
    photographs: int
    candidates: int
    calibration_error: float
    lost: float
    """Digits that are not told, a digit."""
    invented: float
    """Digits told that are others or none, a digit."""


def left_out(
    folder: Path, without: Collection[str] = (), *, optional: bool = False
) -> tuple[list[Hand], list[Photograph]]:
    """Return the hands, and the photographs of numbers, that no network learns from.

    Args:
        folder: See pens.hands.load_hands and paper.load_numbers.
        without: Sources to leave out.
        optional: Pass over what the folder lacks.

    Raises:
        DataError: A source is missing or damaged, or no one writes all ten digits.
    """
    without = tuple({*without, MNIST})  # whose pictures do not say who wrote them
    nobody = np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.uint8)
    hands = Writers(folder, without, optional).hands("calibration", nobody)
    return hands, load_numbers(folder, "calibration", without, optional=optional)


def weigh(
    recognizer: Recognizer,
    hands: Sequence[Hand],
    pages: int,
    photographs: Sequence[Photograph] = (),
) -> Weighed:
    """Fit the weights of a recognizer's beliefs, and the threshold from which a digit is told.

    What is believed decides what holds of marks that lie within one another, and what holds is
    what beliefs are fitted on: both are done again with what came of them the first time.

    Args:
        recognizer: Reads the pages; has the weights afterwards.
        hands: Who writes them: none that its networks learnt from.
        pages: How many, a third of them without a digit.
        photographs: Others that its networks did not learn from.
    """
    beliefs = Beliefs()
    for _ in range(ROUNDS):
        recognizer.bundle = replace(recognizer.bundle, beliefs=beliefs)
        found = gather(recognizer, chain(rendered(hands, pages), photographs))
        beliefs = fit(found)
    confidence = found.confidence(beliefs)
    is_digit, right = (found.all(attrgetter(name)) for name in ("is_digit", "right"))
    digits = int(is_digit.sum()) + found.missed
    least = best_threshold(confidence, right, found.all(attrgetter("weight")))
    told = confidence >= least
    return Weighed(
        beliefs,
        least,
        pages,
        len(photographs),
        len(told),
        confidence_gap(confidence, right, BINS),
        (digits - int((is_digit & told).sum())) / digits,
        int((told & ~right).sum()) / digits,
    )


def fit(found: Evidence) -> Beliefs:
    """Fit one sum after the other."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    is_digit, weight = (found.all(attrgetter(name)) for name in ("is_digit", "weight"))
    sums: list[tuple[float, ...]] = []
    for _ in range(SUMS):
        before = Beliefs(tuple(sums))
        rows = found.all(lambda page, before=before: page.features(before))  # type: ignore[misc]
        scale = StandardScaler().fit(rows)
        model = LogisticRegression(max_iter=3000).fit(scale.transform(rows), is_digit, weight)
        weights = model.coef_[0] / scale.scale_
        weights[FEATURES.index("bias")] = model.intercept_[0] - weights @ scale.mean_
        sums.append(tuple(round(float(weight), 4) for weight in weights))
    return Beliefs(tuple(sums))


def best_threshold(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], weight: NDArray[np.float64]
) -> float:
    """Return the threshold at which least digits are lost or invented, LOST times the former.

    Args:
        confidence: (N,) of candidates.
        right: (N,) whether each is told right.
        weight: (N,) how much each counts.
    """
    grid = np.round(np.arange(0.2, 0.96, 0.01), 2)
    lost = [weight[right & (confidence < least)].sum() for least in grid]
    invented = [weight[~right & (confidence >= least)].sum() for least in grid]
    return float(grid[int(np.argmin(LOST * np.array(lost) + invented))])


def rendered(hands: Sequence[Hand], pages: int, seed: int = SEED) -> Iterator[Photograph]:
    """Render pages as people take them, by hands that were not trained on.

    A training sees more of what is hard, and of what is no digit, than a camera does.
    """
    for number in range(pages):
        rng = np.random.default_rng((seed, number))
        page = render_page(
            rng,
            hands,
            _usual_plan(rng),
            without_textures=UNSEEN_TEXTURES,
            without_faces=UNSEEN_FACES,
        )
        digits = [c for c in page.characters if c.label.isdigit() and not c.struck]
        yield Photograph(page.image, tuple((c.box, int(c.label)) for c in digits))


def _usual_plan(rng: np.random.Generator) -> PagePlan:
    """Draw a page as training has it, though none of the hardest, or a simple one."""
    chance = rng.random()
    if chance < ALONE + SIMPLE:
        contents = (Content.DIGIT,) if chance < ALONE else CONTENTS
        content, paper, camera = (
            each[int(rng.integers(len(each)))] for each in (contents, PAPERS, CAMERAS)
        )
        return PagePlan(content, paper, camera=camera)  # type: ignore[arg-type]
    while True:
        plan = random_plan(rng)
        if plan.camera is not Camera.HARD:
            return plan


def gather(recognizer: Recognizer, pages: Iterable[Photograph]) -> Evidence:
    """Read pages, and tell of each candidate what it is."""
    known: list[Known] = []
    missed = 0
    for page in pages:
        frame = recognizer.frame(page.image)
        told = recognizer.tell(frame.luma)
        scale = frame.luma.shape[1] / frame.width
        places = as_array([box for box, _ in page.digits]) * scale
        boxes = told.seen.boxes
        fits = overlap(_broad(boxes), _broad(places))
        missed += int((fits.max(axis=0, initial=0) < SAME).sum())
        best = fits.argmax(axis=1) if page.digits else np.zeros(len(boxes), int)
        is_digit = fits.max(axis=1, initial=0) >= SAME
        which = np.array([each.which for each in told.digits]).reshape(-1, 10)
        labels = np.array([label for _, label in page.digits] or [-1])
        right = is_digit & (which.argmax(axis=1) == labels[best])
        looks = told.seen, told.likely, told.seen_beside
        known.append(Known(looks, which.max(axis=1, initial=0), is_digit, right))
    return Evidence(tuple(known), missed)


def _broad(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Widen narrow boxes about their middle: a pixel more or less is half the width of a 1."""
    x, y, width, height = boxes.T
    broad = np.maximum(width, BREADTH * height)
    return np.stack([x - (broad - width) / 2, y, broad, height], axis=1)


def overlap(boxes: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (N, M) intersection over union."""
    x, y, w, h = boxes.T[:, :, None]
    left, top, width, height = others.T[:, None]
    wide = np.minimum(x + w, left + width) - np.maximum(x, left)
    high = np.minimum(y + h, top + height) - np.maximum(y, top)
    shared = np.maximum(wide, 0) * np.maximum(high, 0)
    return shared / (w * h + width * height - shared)  # type: ignore[no-any-return]


def without_weights(stem: Path, folder: Path) -> Path:
    """Copy a bundle into a folder, less its weights: those of an older version do not load.

    Returns:
        The copy, without suffix; the bundle itself where there is nothing to copy: to load it tells
        what is amiss.
    """
    copy = folder / stem.name
    try:
        sidecar = json.loads(Path(f"{stem}.json").read_text())
        sidecar.pop("beliefs", None)
        Path(f"{copy}.json").write_text(json.dumps(sidecar))
        shutil.copyfile(f"{stem}.tflite", f"{copy}.tflite")
    except (OSError, ValueError, TypeError, AttributeError):
        return stem
    return copy


def write_weights(stem: Path, weighed: Weighed) -> None:
    """Write what was fitted into a bundle's sidecar."""
    path = Path(f"{stem}.json")
    sidecar = json.loads(path.read_text())
    sidecar["beliefs"] = as_json(weighed.beliefs)
    sidecar["thresholds"]["min_confidence"] = weighed.min_confidence
    sidecar["thresholds"]["untold"] = 1 / (1 + SILENCE)
    sidecar["weighed"] = {
        "pages": weighed.pages,
        "photographs": weighed.photographs,
        "seed": SEED,
        "candidates": weighed.candidates,
        "calibration_error": round(weighed.calibration_error, 4),
        "lost": round(weighed.lost, 4),
        "invented": round(weighed.invented, 4),
    }
    write_whole(path, (json.dumps(sidecar, indent=1) + "\n").encode())
    load_bundle(stem)
