"""The data that flows through the reader, from a decoded frame to a reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

GrayImage = NDArray[np.uint8]
"""(H, W) uint8 image; what black and white mean is said where it is used."""
UNTOLD = "?"
"""Stands in a text for a digit that cannot be told."""


@dataclass(frozen=True)
class Box:
    """An upright rectangle in pixels: left, top, width, height."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """First column to the right of the box."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """First row below the box."""
        return self.y + self.height

    @property
    def center_y(self) -> float:
        """Row of the centre."""
        return self.y + self.height / 2

    @property
    def area(self) -> int:
        """Pixels in the box."""
        return self.width * self.height

    def part_of(self, plane: GrayImage) -> GrayImage:
        """Return what lies in the box: a view of the (H, W) image."""
        return plane[self.y : self.bottom, self.x : self.right]

    def intersection(self, other: Box) -> int:
        """Return how many pixels the boxes share."""
        width = min(self.right, other.right) - max(self.x, other.x)
        height = min(self.bottom, other.bottom) - max(self.y, other.y)
        return max(width, 0) * max(height, 0)

    def shifted(self, right: int, down: int) -> Box:
        """Return this box moved by so many px."""
        return Box(self.x + right, self.y + down, self.width, self.height)

    def scaled(self, factor_x: float, factor_y: float, width: int, height: int) -> Box:
        """Return this box in an image of ``width`` x ``height`` px, enlarged by the factors."""
        left = min(max(round(self.x * factor_x), 0), width - 1)
        top = min(max(round(self.y * factor_y), 0), height - 1)
        right = min(max(round(self.right * factor_x), left + 1), width)
        bottom = min(max(round(self.bottom * factor_y), top + 1), height)
        return Box(left, top, right - left, bottom - top)

    def as_list(self) -> list[int]:
        """Return ``[x, y, width, height]``."""
        return [self.x, self.y, self.width, self.height]


def enclosing_box(boxes: Sequence[Box]) -> Box:
    """Return the smallest box around all of ``boxes`` (at least one)."""
    left, top = min(b.x for b in boxes), min(b.y for b in boxes)
    right, bottom = max(b.right for b in boxes), max(b.bottom for b in boxes)
    return Box(left, top, right - left, bottom - top)


@dataclass(frozen=True)
class Frame:
    """An image at the resolution that the reader works at."""

    luma: GrayImage
    """(H, W) uint8, 0 black, 255 white."""
    width: int
    """Width of the image as given, px."""
    height: int
    """Height of the image as given, px."""


@dataclass(frozen=True)
class Digit:
    """One digit of a number, told or not."""

    digit: int | None
    """0 to 9; None where it cannot be told."""
    confidence: float
    """Probability of the likeliest digit, 0 to 1: that the digit is right, where it is told."""
    box: Box
    """In px of the image as given."""
    likeliest: tuple[tuple[int, float], ...] = ()
    """The two likeliest digits and their confidences; JSON has them where it cannot be told."""

    @property
    def text(self) -> str:
        """The digit, or ``?``."""
        return UNTOLD if self.digit is None else str(self.digit)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        form: dict[str, Any] = {
            "digit": self.digit,
            "confidence": round(self.confidence, 4),
            "box": self.box.as_list(),
        }
        if self.digit is None:
            form["likeliest"] = [
                {"digit": digit, "confidence": round(confidence, 4)}
                for digit, confidence in self.likeliest
            ]
        return form


@dataclass(frozen=True)
class Line:
    """Digits that stand side by side, left to right."""

    digits: tuple[Digit, ...]

    @property
    def text(self) -> str:
        """The digits as a string, ``?`` where one cannot be told."""
        return "".join(d.text for d in self.digits)

    @property
    def is_whole(self) -> bool:
        """Whether every digit can be told."""
        return is_whole(self.text)

    @property
    def told(self) -> tuple[Digit, ...]:
        """The digits that can be told: in what was read, one at least."""
        return tuple(d for d in self.digits if d.digit is not None)

    @property
    def confidence(self) -> float:
        """Confidence of the least certain digit, told or not, 0 to 1."""
        return min(d.confidence for d in self.digits)

    @property
    def told_confidence(self) -> float:
        """Confidence of the least certain digit that can be told, 0 to 1; 0 without one."""
        return min((d.confidence for d in self.told), default=0.0)

    @property
    def box(self) -> Box:
        """Smallest box around the digits."""
        return enclosing_box([d.box for d in self.digits])

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "text": self.text,
            "confidence": round(self.confidence, 4),
            "box": self.box.as_list(),
            "digits": [d.as_dict() for d in self.digits],
        }


def only_ones(text: str) -> bool:
    """Say whether all that is told of a line is ones, which any upright strokes look like."""
    return set(text) - {UNTOLD} == {"1"}


def is_whole(text: str) -> bool:
    """Say whether every digit of a line can be told."""
    return UNTOLD not in text


def fits(text: str, other: str) -> bool:
    """Say whether two lines may be one number: what both tell is the same, digit by digit."""
    return len(text) == len(other) and all(
        a == b or UNTOLD in (a, b) for a, b in zip(text, other, strict=True)
    )


@dataclass(frozen=True)
class Reading:
    """What was read in one image."""

    lines: tuple[Line, ...]
    """In reading order: top to bottom, left to right."""
    rejected: int
    """Marks of a digit's size and shape that belong to no number."""
    width: int
    """Width of the image as given, px."""
    height: int
    """Height of the image as given, px."""
    timing_ms: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds by stage, and their ``total``."""
    model: str = ""
    """``sha256:`` and the hash of the model that read."""

    @property
    def text(self) -> str:
        """The lines' texts, one a line."""
        return "\n".join(line.text for line in self.lines)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form, less the ``source``."""
        return {
            "width": self.width,
            "height": self.height,
            "text": self.text,
            "lines": [line.as_dict() for line in self.lines],
            "rejected": self.rejected,
            "timing_ms": {stage: round(ms, 3) for stage, ms in self.timing_ms.items()},
            "model": self.model,
        }


@dataclass(frozen=True)
class StableReading:
    """A line that read the same in enough frames: what is published."""

    id: str
    """Tells it from every other one: 32 hexadecimal digits."""
    time: datetime
    """When it became stable, with its time zone, UTC."""
    line: Line
    """The line as read last: its digits, told or not, their confidences and boxes, in px of the
    frame."""
    confidence: float
    """Mean over the agreeing frames of the line's confidence, 0 to 1."""
    agreed: tuple[int, int]
    """In how many of how many frames, less those whose ``?`` leaves open whether they agree."""
    value: str | None
    """The accepted digits: the line's, or those accepted last at this place if it is suspect."""
    suspect: str | None
    """Why it is not plausible, in one line, or None."""
    source: str
    """Name of the source of the frames."""
    model: str
    """``sha256:`` and the hash of the model that read."""

    @property
    def text(self) -> str:
        """The digits as read, ``?`` where one cannot be told."""
        return self.line.text

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form: what a line of JSON Lines holds."""
        line = self.line.as_dict()
        return {
            "id": self.id,
            "time": self.time.isoformat(timespec="milliseconds"),
            "text": self.text,
            "value": self.value,
            "suspect": self.suspect,
            "confidence": round(self.confidence, 4),
            "agreed": list(self.agreed),
            "box": line["box"],
            "digits": line["digits"],
            "source": self.source,
            "model": self.model,
        }
