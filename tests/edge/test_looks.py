"""The further looks at marks in doubt."""

from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitcam.edge.bundle import load_bundle
from digitcam.edge.classify import Classifier
from digitcam.edge.crop import model_images
from digitcam.edge.looks import DOUBTFUL, TURNS_DEG, _looks, classify_marks, pooled
from digitcam.edge.settings import Runtime
from digitcam.train.handwriting import draw_digit

Gray = NDArray[np.uint8]


@cache
def marks(count: int = 300) -> tuple[Gray, ...]:
    """Draw digits in all sizes, and scrawl over some, so that a few are in doubt."""
    rng = np.random.default_rng(3)
    drawn = [
        draw_digit(int(rng.integers(10)), rng, int(rng.integers(14, 120))) for _ in range(count)
    ]
    for mark in drawn[::2]:
        height, width = mark.shape
        ends = [(int(rng.integers(width)), int(rng.integers(height))) for _ in range(2)]
        cv2.line(mark, *ends, (255,), max(height // 10, 1))
    return tuple(drawn)


def direction(image: Gray) -> float:
    """Return how far the ink's long side leans to the left from upright, degrees."""
    moments = cv2.moments(image)
    return np.degrees(np.arctan2(2 * moments["mu11"], moments["mu02"] - moments["mu20"])) / 2


class Counted(Classifier):
    """A classifier whose batches are counted."""

    def __init__(self) -> None:
        super().__init__(load_bundle())
        self.batches: list[int] = []

    def probabilities(self, images: Gray) -> NDArray[np.float32]:
        """Return the probabilities, and note how many images there are."""
        self.batches.append(len(images))
        return super().probabilities(images)


def test_marks_beyond_doubt_are_looked_at_once(runtime: Runtime) -> None:
    """They have the classifier's own probabilities; the others have further looks' as well."""
    classifier = Classifier(load_bundle(), runtime)
    plain = classifier.probabilities(model_images(marks()))
    told = classify_marks(classifier, marks())
    digit = plain[:, classifier.digits].max(axis=1)
    doubtful = (digit > DOUBTFUL[0]) & (digit < DOUBTFUL[1])
    assert 5 < doubtful.sum() < 150
    assert np.array_equal(told[~doubtful], plain[~doubtful])
    assert (told[doubtful] != plain[doubtful]).any(axis=1).all()
    assert told.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_which_digit_is_told_by_the_mean_of_the_looks(runtime: Runtime) -> None:
    """All looks at a mark in doubt count alike, the first too."""
    classifier = Classifier(load_bundle(), runtime)
    plain = classifier.probabilities(model_images(marks()))
    told = classify_marks(classifier, marks())
    for i in np.flatnonzero((told != plain).any(axis=1)):
        images = model_images([marks()[i], *_looks(marks()[i])])
        looks = classifier.probabilities(images)[:, :10].astype(np.float64)
        mean = np.prod(np.maximum(looks, 1e-6), axis=0) ** (1 / len(looks))
        assert told[i, :10] / told[i, :10].sum() == pytest.approx(mean / mean.sum(), abs=1e-4)


def test_whether_it_is_a_digit_is_told_by_the_first_look(runtime: Runtime) -> None:
    """The classes for no digit and for several keep their probabilities, all digits their sum."""
    classifier = Classifier(load_bundle(), runtime)
    assert classifier.digits.tolist() == list(range(10))
    plain = classifier.probabilities(model_images(marks()))
    told = classify_marks(classifier, marks())
    assert np.array_equal(told[:, 10:], plain[:, 10:])
    assert told[:, :10].sum(axis=1) == pytest.approx(plain[:, :10].sum(axis=1), abs=1e-6)
    assert (told[:, :10].argmax(axis=1) != plain[:, :10].argmax(axis=1)).any()


def test_a_mark_is_told_alike_in_any_company(runtime: Runtime) -> None:
    """What stands beside a mark changes nothing."""
    classifier = Classifier(load_bundle(), runtime)
    together = classify_marks(classifier, marks(40))
    alone = [classify_marks(classifier, [mark])[0] for mark in marks(40)]
    assert np.array_equal(together, np.stack(alone))


def test_there_are_two_batches_at_most() -> None:
    """All marks, then all looks at those in doubt; marks beyond doubt cost nothing more."""
    counted = Counted()
    plain = counted.probabilities(model_images(marks()))
    doubtful = (classify_marks(counted, marks()) != plain).any(axis=1)
    sure = [mark for mark, doubt in zip(marks(), doubtful, strict=True) if not doubt]
    assert len(classify_marks(counted, sure)) == len(sure)
    assert classify_marks(counted, []).shape == (0, plain.shape[1])
    assert counted.batches == [300, 300, len(TURNS_DEG) * doubtful.sum(), len(sure), 0]


@pytest.mark.parametrize("height", [16, 30, 100, 400])
@pytest.mark.parametrize("margin", [0, 7])
def test_looks_are_turned_either_way_about_the_middle(height: int, margin: int) -> None:
    """An upright bar of any size leans by the turns, is as long, and stays in the middle."""
    bar = np.zeros((height + 2 * margin, height // 4 + 2 * margin), np.uint8)
    bar[margin : margin + height, margin : margin + height // 4] = 255
    found = [direction(look) for look in _looks(bar)]
    assert found == pytest.approx(list(TURNS_DEG), abs=0.5)
    for look in _looks(bar):
        assert look.shape == (52, 52)
        moments = cv2.moments(look)
        middle = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
        assert middle == pytest.approx((25.5, 25.5), abs=0.3)
        assert look.sum() / 255 == pytest.approx(34 * 34 / 4, rel=0.07)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (60, 60)])
@pytest.mark.parametrize("ink", [0, 255])
def test_any_mark_can_be_turned(size: tuple[int, int], ink: int) -> None:
    """A point, a line and a patch without ink make looks as well."""
    looks = _looks(np.full(size, ink, np.uint8))
    assert [(look.shape, look.dtype) for look in looks] == [((52, 52), np.uint8)] * len(TURNS_DEG)
    assert all(look.any() == bool(ink) for look in looks)


def test_opinions_are_pooled_by_their_geometric_mean() -> None:
    """Opposite opinions cancel, equal ones stay, and one that is certain does not decide alone."""
    one, other = np.array([[0.8, 0.2]], np.float32), np.array([[0.2, 0.8]], np.float32)
    assert pooled([one, other]) == pytest.approx(np.array([[0.5, 0.5]]))
    assert pooled([one, one, one]) == pytest.approx(one)
    assert pooled([one, one, other]) == pytest.approx(pooled([other, one, one]))
    certain = np.array([[0.0, 1.0]], np.float32)
    assert pooled([certain, certain, np.array([[1.0, 0.0]], np.float32)])[0, 0] < 0.02
