"""Marks of rendered pages: which are taken, and how many."""

import numpy as np
import pytest

from digitcam.edge.frame import Box
from digitcam.edge.reading.marks import Mark
from digitcam.train import found as found_module
from digitcam.train.errors import DataError
from digitcam.train.found import MAX_OF_PAGE, REJECTS, Found, find_on_pages, shown
from digitcam.train.paper import REJECT, SEVERAL
from digitcam.train.pens.drawn import drawn_hand


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def mark(height: int) -> Mark:
    return Mark(Box(0, 0, 10, height), np.zeros((height, 10), np.uint8), 10, None)  # type: ignore[arg-type]


def test_pages_give_digits_and_what_is_none() -> None:
    """Pages are looked at until there are enough; digits come, and not many more that are none."""
    found = find_on_pages([drawn_hand()], rng(), 120)
    marks = found.drawn(120, rng())
    images, labels = shown(marks)
    assert len(images) == len(labels) == 120
    assert (labels < REJECT).sum() > 30
    none = (labels == REJECT).sum()
    assert 20 < none <= REJECTS * (120 - none) + 1


def test_as_many_pages_as_asked_are_looked_at() -> None:
    """Where pages are counted, marks of all of them are taken."""
    assert find_on_pages([drawn_hand()], rng(), pages=7).pages >= 7


def test_no_page_gives_more_than_its_share() -> None:
    """Of a full page some marks are taken; what cannot be told is not."""
    found = Found()
    labels = np.array([3] * 100 + [SEVERAL] * 10 + [REJECT] * 300 + [-1] * 50)
    found.add([mark(30)] * len(labels), labels, rng())
    assert len(found.others) == len(found.rejects) == MAX_OF_PAGE
    assert {label for _, label in found.others} <= {3, SEVERAL}


def test_most_that_is_none_is_as_large_as_digits() -> None:
    """Specks are nine tenths of what is found, and a sixth of what is shown."""
    found = Found([(mark(30), 5)] * 400, [mark(4)] * 900 + [mark(20)] * 500)
    rejects = [each for each, label in found.drawn(800, rng()) if label == REJECT]
    assert len(rejects) == round(800 * REJECTS / (1 + REJECTS))
    assert 0.05 < np.mean([each.box.height == 4 for each in rejects]) < 0.3


def test_pages_without_digits_come_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is ever found there is an error instead of no end."""
    monkeypatch.setattr(found_module, "marks_of", lambda page: ([], np.zeros(0, np.int64)))
    monkeypatch.setattr(found_module, "render_page", lambda *_, **__: None)
    with pytest.raises(DataError, match="rendered pages gave 0 digits"):
        find_on_pages([drawn_hand()], rng(), 1)
