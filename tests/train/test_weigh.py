"""Evidence is gathered on pages whose truth is known, weighed, and written into the sidecar."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from operator import attrgetter
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from digitcam.edge.bundle import DIGIT_CLASSES, REJECT_CLASS, load_bundle
from digitcam.edge.errors import ModelError
from digitcam.edge.frame import Box, Frame
from digitcam.edge.reading.beliefs import FEATURES, NEUTRAL, Beliefs, Seen
from digitcam.edge.reading.hypotheses import Candidate
from digitcam.edge.reading.ink import Level
from digitcam.edge.reading.marks import Mark
from digitcam.edge.reading.neighbours import as_array
from digitcam.edge.reading.recognize import Recognizer, Told
from digitcam.edge.reading.view import fingerprint
from digitcam.train import weigh as module
from digitcam.train.pages.page import Page, PageCharacter
from digitcam.train.pages.plan import random_plan
from digitcam.train.paper import Photograph
from digitcam.train.weigh import (
    Evidence,
    Known,
    Weighed,
    best_threshold,
    gather,
    overlap,
    rendered,
    weigh,
    without_weights,
    write_weights,
)

SIZE = (120, 400)
PLACES = [Box(20 + 60 * i, 40, 24, 40) for i in range(6)]


@dataclass(frozen=True)
class OfBeliefs:
    """What weighing knows of a bundle."""

    beliefs: Beliefs


class Reader:
    """Says of each picture what it was told to say, at half the size of the page if wanted."""

    def __init__(self, answers: Sequence[Told], reduced: int = 1) -> None:
        self._answers = cycle(answers)
        self.bundle = OfBeliefs(Beliefs())
        self._reduced = reduced

    def frame(self, image: NDArray[Any]) -> Frame:
        """Reduce a picture."""
        luma = image[:: self._reduced, :: self._reduced, 0]
        return Frame(luma, image.shape[1], image.shape[0])

    def tell(self, luma: NDArray[np.uint8]) -> Told:
        """Return the next answer."""
        assert luma.shape == tuple(side // self._reduced for side in SIZE)
        return next(self._answers)


def reader(*answers: Told, reduced: int = 1) -> Recognizer:
    return cast(Recognizer, Reader(answers, reduced))


def page(*digits: tuple[int, Box]) -> Photograph:
    """Return a blank picture in which digits are said to stand."""
    places = tuple((box, digit) for digit, box in digits)
    return Photograph(np.zeros((*SIZE, 3), np.uint8), places)


def candidate(box: Box, digit: int, which: float = 0.91, is_digit: float = 0.8) -> Candidate:
    told = np.full(10, (1 - which) / 9)
    told[digit] = which
    return Candidate(mark(box), is_digit, told)


def looks(boxes: Sequence[Box]) -> Seen:
    count = len(boxes)
    return Seen(
        as_array(boxes),
        np.full(count, 100.0),
        np.full(count, 0.5),
        np.zeros(count),
        np.zeros(count),
    )


def halved(box: Box) -> Box:
    return Box(box.x // 2, box.y // 2, box.width // 2, box.height // 2)


def mark(box: Box) -> Mark:
    contrast = np.full((box.height, box.width), 100, np.uint8)
    return Mark(box, contrast, 50, Level(contrast, 1, 6, False))


def of(found: Evidence, name: str) -> NDArray[Any]:
    return found.all(attrgetter(name))


# --- what is gathered ------------------------------------------------------------------------


def test_each_candidate_is_told_by_what_stands_there() -> None:
    """Right, another digit, and bare paper, in their order."""
    truth = page((3, PLACES[0]), (5, PLACES[1]), (9, PLACES[5]))
    digits = [candidate(box, 3) for box in PLACES[:3]]
    found = gather(reader(Told(digits, [], SIZE, 0.0)), iter([truth]))
    assert of(found, "is_digit").tolist() == [True, True, False]
    assert of(found, "right").tolist() == [True, False, False]
    assert of(found, "which") == pytest.approx([0.91] * 3)
    assert found.missed == 1  # the 9
    assert found.pages[0].features(Beliefs()).shape == (3, len(FEATURES))


def test_what_is_struck_out_and_what_is_a_letter_are_no_digits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of a page's characters the digits count that stand."""
    written = (("3", 0, False), ("A", 1, False), ("7", 2, True), ("9", 3, False))
    characters = tuple(PageCharacter(sign, PLACES[i], -1, struck) for sign, i, struck in written)
    kind, owner = np.zeros(SIZE, np.uint8), np.zeros(SIZE, np.uint16)
    plan = random_plan(np.random.default_rng(0))
    nothing: frozenset[str] = frozenset()
    image = np.zeros((*SIZE, 3), np.uint8)
    whole = Page(image, kind, owner, characters, (), False, plan, nothing, nothing)
    monkeypatch.setattr(module, "render_page", lambda *_, **__: whole)
    (found,) = rendered([], 1)
    assert found.digits == ((PLACES[0], 3), (PLACES[3], 9))


def test_photographs_count_as_pages_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was left out of training is read beside the pages, and told how many there were."""
    pytest.importorskip("sklearn")
    pages = [page((3, PLACES[0])), page()] * 8
    monkeypatch.setattr(module, "rendered", lambda *_: iter(pages[:6]))
    answers = [Told([candidate(PLACES[0], 3)], [], SIZE, 0.0)]
    weighed = weigh(reader(*answers), [], 6, pages[6:])
    assert (weighed.pages, weighed.photographs, weighed.candidates) == (6, 10, 16)


def test_a_candidate_may_be_a_little_off() -> None:
    """Two boxes are of one digit from an overlap of four tenths on."""
    truth = page((3, PLACES[0]))
    near = [PLACES[0].shifted(6, 0), PLACES[0].shifted(16, 0)]
    for box, fits in zip(near, (True, False), strict=True):
        found = gather(reader(Told([candidate(box, 3)], [], SIZE, 0.0)), iter([truth]))
        assert of(found, "is_digit").tolist() == [fits]
        assert found.missed == (not fits)


def test_pages_are_told_at_the_working_resolution() -> None:
    """Boxes of a page that is read at half its size are compared at that."""
    truth = page(*((3, box) for box in PLACES))
    told = Told([candidate(halved(box), 3) for box in PLACES], [], SIZE, 0.0)
    found = gather(reader(told, reduced=2), iter([truth]))
    assert of(found, "right").all()
    assert found.missed == 0


def test_pages_without_digits_and_readings_without_candidates() -> None:
    """What is told on an empty page is none; what nobody tells is missed."""
    empty, full = page(), page((3, PLACES[0]), (4, PLACES[1]))
    nothing, invented = (
        Told([], [], SIZE, 0.0),
        Told([candidate(PLACES[0], 3)], [mark(PLACES[2])], SIZE, 0.0),
    )
    found = gather(reader(nothing, invented, nothing), iter([empty, empty, full]))
    assert of(found, "is_digit").tolist() == [False]
    assert found.missed == 2


def test_what_stands_beside_a_candidate_is_among_its_features() -> None:
    """Marks that are no digit count as others."""
    truth = page((3, PLACES[0]))
    digits = [candidate(PLACES[0], 3)]
    rows = [
        gather(reader(Told(digits, others, SIZE, 0.0)), iter([truth]))
        .pages[0]
        .features(Beliefs())[0]
        for others in ([], [mark(PLACES[1])])
    ]
    others = FEATURES.index("others")
    assert rows[0][others] == 0
    assert rows[1][others] > 0


@pytest.mark.parametrize(
    ("other", "part"),
    [
        (Box(0, 0, 10, 20), 1),
        (Box(5, 0, 10, 20), 1 / 3),
        (Box(0, 0, 10, 10), 0.5),
        (Box(10, 0, 10, 20), 0),
        (Box(40, 50, 10, 20), 0),
    ],
)
def test_the_overlap_of_boxes(other: Box, part: float) -> None:
    """Intersection over union, in both directions."""
    one, two = as_array([Box(0, 0, 10, 20)]), as_array([other])
    assert overlap(one, two)[0, 0] == pytest.approx(part)
    assert overlap(two, one)[0, 0] == pytest.approx(part)
    assert overlap(one, two[:0]).shape == (1, 0)
    assert overlap(one[:0], two).shape == (0, 1)


# --- what is fitted --------------------------------------------------------------------------


def test_the_threshold_loses_and_invents_least() -> None:
    """It lies between what is right and what is not, where these can be parted."""
    confidence = np.array([0.3, 0.45, 0.5, 0.71, 0.8, 0.99])
    right = [False, False, False, True, True, True]
    assert 0.5 < best_threshold(confidence, np.array(right), np.ones(6)) <= 0.71


def test_a_lost_digit_weighs_more_than_an_invented_one() -> None:
    """Where both cannot be had the lesser sum counts; of equal ones the lowest threshold."""
    likely, unlikely = np.full(3, 0.6), np.full(4, 0.6)
    assert best_threshold(likely, np.array([True, True, False]), np.ones(3)) == 0.2
    assert best_threshold(unlikely, np.array([True, True, False, False]), np.ones(4)) == 0.2
    assert best_threshold(likely, np.array([True, False, False]), np.ones(3)) > 0.6
    confidence = np.array([0.4, 0.4, 0.6, 0.8, 0.8])
    right = np.array([False, False, True, False, True])
    assert 0.4 < best_threshold(confidence, right, np.ones(5)) <= 0.6
    for all_alike in (0.1, 0.99):
        assert best_threshold(np.full(4, all_alike), np.ones(4, bool), np.ones(4)) == 0.2


def test_confidence_is_that_of_a_digit_and_of_which() -> None:
    """The likeliest digit's probability times that of a digit by the weights."""
    known = Known(
        (looks(PLACES[:2]), np.array([0.5, 0.88]), looks([])),
        np.array([0.9, 0.5]),
        np.ones(2, bool),
        np.ones(2, bool),
    )
    found = Evidence((known,), 0)
    expected = [0.9 * 0.5, 0.5 * 0.88]
    assert found.confidence(Beliefs()) == pytest.approx(expected)


def test_pages_with_many_candidates_do_not_count_for_as_many() -> None:
    """Four times as many count twice as much."""
    few, many = (
        Known((None, None, None), np.ones(n), np.ones(n, bool), np.ones(n, bool))  # type: ignore[arg-type]
        for n in (5, 20)
    )
    assert many.weight.sum() == pytest.approx(2 * few.weight.sum())


def test_what_speaks_for_digits_gets_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of marks that are digits as often as they seem to be, the mark's weight is near 1."""
    pytest.importorskip("sklearn")
    rng = np.random.default_rng(3)
    pages, answers = [], []
    for _ in range(400):
        likely = rng.uniform(0.05, 0.95)
        real = rng.random() < likely
        pages.append(page((3, PLACES[0])) if real else page())
        answers.append(Told([candidate(PLACES[0], 3, 0.999, likely)], [], SIZE, 0.0))
    monkeypatch.setattr(module, "rendered", lambda *_: iter(pages))
    weighed = weigh(reader(*answers), [], len(pages))
    assert len(weighed.beliefs.weights) == module.SUMS
    for likely in (0.2, 0.5, 0.8):
        # Allows what 400 marks leave open.
        believed = weighed.beliefs(looks(PLACES[:1]), np.array([likely]), looks([]))
        assert believed == pytest.approx([likely], abs=0.1)
    assert weighed.candidates == 400
    assert weighed.calibration_error < 0.12
    assert 0.35 < weighed.min_confidence < 0.65
    assert 0 < weighed.lost < 0.5
    assert 0 < weighed.invented < 0.5


# --- what is written -------------------------------------------------------------------------


@pytest.fixture
def stem(tmp_path: Path) -> Path:
    """A bundle of nothing that fits; its name without suffix."""
    content = b"no network"
    sidecar = {
        "format": 1,
        "classes": [*DIGIT_CLASSES, REJECT_CLASS],
        "temperature": 1.0,
        "thresholds": {"min_confidence": 0.5, "untold": 0.4},
        "preprocessing": fingerprint(),
        "sha256": hashlib.sha256(content).hexdigest(),
        "training": {"seed": 7},
    }
    (tmp_path / "own.tflite").write_bytes(content)
    (tmp_path / "own.json").write_text(json.dumps(sidecar))
    return tmp_path / "own"


def test_weights_are_written_into_the_sidecar(stem: Path) -> None:
    """A bundle loads with what was fitted, and keeps what else its sidecar holds."""
    beliefs = Beliefs((tuple(0.5 * i for i in range(len(FEATURES))),) * 2)
    write_weights(stem, Weighed(beliefs, 0.63, 600, 90, 12345, 0.01234, 0.0312345, 0.0021))
    bundle = load_bundle(stem)
    assert bundle.beliefs == beliefs
    assert (bundle.min_confidence, bundle.untold) == (0.63, 1 / (1 + module.SILENCE))
    assert bundle.sidecar["training"] == {"seed": 7}
    assert bundle.sidecar["weighed"] == {
        "pages": 600,
        "photographs": 90,
        "seed": module.SEED,
        "candidates": 12345,
        "calibration_error": 0.0123,
        "lost": 0.0312,
        "invented": 0.0021,
    }


def test_weights_that_no_bundle_may_have_are_told(stem: Path) -> None:
    """What was written is loaded, so that nothing is left behind that does not fit."""
    wild = Beliefs(((1e6, *NEUTRAL[0][1:]),))
    with pytest.raises(ModelError, match="bias must be from -100 to 100, found 1000000"):
        write_weights(stem, Weighed(wild, 0.5, 1, 1, 1, 0, 0, 0))


def test_weights_of_an_older_version_are_weighed_anew(stem: Path, tmp_path: Path) -> None:
    """The bundle that they are in loads without them, and is left as it is."""
    sidecar = json.loads(Path(f"{stem}.json").read_text())
    old = Path(f"{stem}.json")
    old.write_text(json.dumps(sidecar | {"beliefs": [{"bias": 1.0}]}))
    with pytest.raises(ModelError, match="weigh the bundle with this version"):
        load_bundle(stem)
    folder = tmp_path / "copy"
    folder.mkdir()
    copy = load_bundle(without_weights(stem, folder))
    assert copy.beliefs == Beliefs()
    assert copy.sidecar["training"] == {"seed": 7}
    assert json.loads(old.read_text())["beliefs"] == [{"bias": 1.0}]


@pytest.mark.parametrize("sidecar", [None, b"", b"[]"])
def test_what_is_no_bundle_stays_for_loading_to_tell(tmp_path: Path, sidecar: bytes | None) -> None:
    """Nothing is copied of what is not there or damaged."""
    if sidecar is not None:
        (tmp_path / "own.json").write_bytes(sidecar)
    folder = tmp_path / "copy"
    folder.mkdir()
    assert without_weights(tmp_path / "own", folder) == tmp_path / "own"
