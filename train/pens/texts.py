"""Texts as people write them: mostly numbers, with the signs and units that stand beside them."""

from __future__ import annotations

import numpy as np


def random_text(rng: np.random.Generator) -> str:
    """Draw a number, a date, a time, a price, a sum or the like."""
    count = int(rng.integers(1, 11))
    return "".join(map(str, rng.integers(0, 10, count).tolist()))
