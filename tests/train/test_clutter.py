"""What is no digit is drawn as asked."""

import numpy as np
import pytest

from digitcam.train.clutter import KINDS, LETTERS, WEIGHTS, Kind, random_clutter
from digitcam.train.paper import LOOK_ALIKE


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_ink_to_its_edges(kind: Kind) -> None:
    """A mark is cut to its ink, in about the size that is asked for."""
    for seed in range(8):
        mark = random_clutter(np.random.default_rng(seed), 40, kind)
        assert mark.dtype == np.uint8
        assert mark.max() >= 64
        assert min(mark.shape) >= 2
        assert max(mark.shape) <= 130


def test_draws_come_from_the_generator() -> None:
    """The same state draws the same mark, the next one another."""
    one, other = (np.random.default_rng(3) for _ in range(2))
    first = random_clutter(one, 30)
    assert np.array_equal(first, random_clutter(other, 30))
    assert not np.array_equal(first, random_clutter(one, 30))


def test_no_letter_is_one_that_digits_are_like() -> None:
    """What is taught as no digit has no letter that a digit may be taken for."""
    assert not set(LETTERS) & LOOK_ALIKE
    assert sum(WEIGHTS) == pytest.approx(1)
