"""A reading drawn over its image."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .frame import Digit, Frame, Reading

COLOURS = ((40, 120, 0), (0, 120, 210), (30, 30, 210))
"""BGR from certain to uncertain."""
CERTAIN, LIKELY = 0.9, 0.7
"""Confidences from which the first and the second colour are used."""
UNTOLD_COLOUR = (190, 20, 150)
"""BGR of what cannot be told."""


def draw_reading(frame: Frame, reading: Reading) -> NDArray[np.uint8]:
    """Return the frame in grey with a box around every digit, and over it the digit or ``?``.

    Args:
        frame: The frame that was read.
        reading: Its reading, boxes in px of the image as given.

    Returns:
        (H, W, 3) uint8 BGR, of the frame's size.
    """
    picture = cv2.cvtColor(frame.luma, cv2.COLOR_GRAY2BGR)
    height, width = frame.luma.shape
    to_x, to_y = width / reading.width, height / reading.height
    for line in reading.lines:
        for digit in line.digits:
            box = digit.box.scaled(to_x, to_y, width, height)
            colour = _colour(digit)
            cv2.rectangle(picture, (box.x - 2, box.y - 2), (box.right + 1, box.bottom + 1), colour)
            size = max(box.height / 45, 0.35)
            thickness = max(round(size * 2), 1)
            above = (box.x, max(box.y - 5, round(size * 22)))
            font = cv2.FONT_HERSHEY_SIMPLEX
            cv2.putText(picture, digit.text, above, font, size, colour, thickness, cv2.LINE_AA)
    return picture  # type: ignore[return-value]


def _colour(digit: Digit) -> tuple[int, int, int]:
    if digit.digit is None:
        return UNTOLD_COLOUR
    if digit.confidence >= CERTAIN:
        return COLOURS[0]
    return COLOURS[1] if digit.confidence >= LIKELY else COLOURS[2]
