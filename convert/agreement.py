"""How far two runtimes give the same logits for the same images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STEP = 1
"""Quantization steps by which one runtime's logit may differ from the other's."""


@dataclass(frozen=True)
class Agreement:
    """Two runtimes compared on N images."""

    images: int
    max_step: int
    """Largest difference of a logit, in quantization steps."""
    differing_logits: int
    """Logits that differ at all."""
    ties: int
    """Images read differently where the two digits are within one step in both runtimes."""
    disagreements: int
    """Images read differently that are no ties."""

    def failures(self) -> list[str]:
        """Tell, a sentence each, what keeps the runtimes from agreeing."""
        found = []
        if self.max_step > STEP:
            found.append(
                f"golden images: logits of the two runtimes must agree within {STEP} step, "
                f"found {self.max_step}; build the network from plain convolutions"
            )
        if self.disagreements:
            found.append(
                f"golden images: the two runtimes must read the same digit but for ties, "
                f"found {self.disagreements} of {self.images} read differently"
            )
        return found


def compare(one: NDArray[np.int8], other: NDArray[np.int8]) -> Agreement:
    """Compare the (N, classes) int8 logits of two runtimes."""
    a, b = one.astype(np.int32), other.astype(np.int32)
    difference = np.abs(a - b)
    read_a, read_b = a.argmax(axis=1), b.argmax(axis=1)
    differs = read_a != read_b
    tie = differs & _close(a, read_a, read_b) & _close(b, read_a, read_b)
    return Agreement(
        images=len(a),
        max_step=int(difference.max(initial=0)),
        differing_logits=int(np.count_nonzero(difference)),
        ties=int(np.count_nonzero(tie)),
        disagreements=int(np.count_nonzero(differs & ~tie)),
    )


def _close(
    logits: NDArray[np.int32], first: NDArray[np.intp], second: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Whether the logits of two classes are within one step, image by image."""
    rows = np.arange(len(logits))
    close: NDArray[np.bool_] = np.abs(logits[rows, first] - logits[rows, second]) <= STEP
    return close
