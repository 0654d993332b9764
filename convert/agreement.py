"""How far two runtimes give the same logits for the same images."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STEP = 1
"""Quantization steps by which one runtime's logit may differ from the other's, in any network."""
SUMMED_STEPS = 3
"""The same where maps are added, whose scales each runtime brings together in its own way."""
EITHER_SIDE = 2
"""Two that are equally far from a value may stand on either side of it."""


@dataclass(frozen=True)
class Agreement:
    """Two runtimes compared on N images."""

    images: int
    limit: int
    """Quantization steps by which a logit may differ."""
    max_step: int
    """Largest difference of a logit, in quantization steps."""
    differing_logits: int
    """Logits that differ at all."""
    ties: int
    """Images read differently where the two digits are within the limit in both runtimes."""
    disagreements: int
    """Images read differently that are no ties."""

    def failures(self) -> list[str]:
        """Tell, a sentence each, what keeps the runtimes from agreeing."""
        found = []
        if self.max_step > self.limit:
            found.append(
                f"golden images: logits of the two runtimes must agree within {self.limit} "
                f"step{'s' * (self.limit > 1)}, found {self.max_step}; build the network from "
                "plain convolutions"
            )
        if self.disagreements:
            found.append(
                f"golden images: the two runtimes must read the same digit but for ties, "
                f"found {self.disagreements} of {self.images} read differently"
            )
        return found


def step_limit(
    logits: NDArray[np.int8], exact: NDArray[np.float32], scale: float, zero_point: int
) -> int:
    """Return by how many steps another runtime's logits may differ from these.

    Runtimes round the result of an operator each in its own way, and one runtime does so otherwise
    on another processor. What two of them make of it after many layers may differ as two
    quantizations do, each as far from float as this one, and on either side of it.

    Args:
        logits: (N, classes) int8, of the runtime that is measured.
        exact: (N, classes), of the network before quantization.
        scale: Of the logits.
        zero_point: Of the logits.

    """
    steps = np.clip(exact / scale + zero_point, -128, 127)
    worst = float(np.abs(logits - steps).max(initial=0))
    return max(STEP, math.floor(worst * EITHER_SIDE))


def compare(one: NDArray[np.int8], other: NDArray[np.int8], limit: int = STEP) -> Agreement:
    """Compare the (N, classes) int8 logits of two runtimes, which may differ by some steps."""
    a, b = one.astype(np.int32), other.astype(np.int32)
    difference = np.abs(a - b)
    read_a, read_b = a.argmax(axis=1), b.argmax(axis=1)
    differs = read_a != read_b
    tie = differs & _close(a, read_a, read_b, limit) & _close(b, read_a, read_b, limit)
    return Agreement(
        images=len(a),
        limit=limit,
        max_step=int(difference.max(initial=0)),
        differing_logits=int(np.count_nonzero(difference)),
        ties=int(np.count_nonzero(tie)),
        disagreements=int(np.count_nonzero(differs & ~tie)),
    )


def _close(
    logits: NDArray[np.int32], first: NDArray[np.intp], second: NDArray[np.intp], limit: int
) -> NDArray[np.bool_]:
    """Whether the logits of two classes are within the limit, image by image."""
    rows = np.arange(len(logits))
    close: NDArray[np.bool_] = np.abs(logits[rows, first] - logits[rows, second]) <= limit
    return close
