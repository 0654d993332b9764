"""The reader: an image in, a reading out; each step once, from top to bottom."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle import SEVERAL_CLASS, load_bundle
from ..classify import Classifier
from ..decode import Decoded, decode_bytes, decode_file, luma_of
from ..frame import Box, Digit, Frame, GrayImage, Line, Reading
from ..memory import keep_freed_memory
from ..settings import Settings
from .beliefs import Seen
from .hypotheses import Candidate, Hypothesis, choose, choose_polarity
from .ink import find_ink, fit_frame
from .level import after, box_back, estimate_tilt, is_inside, turned_by, upright
from .lines import group_numbers
from .marks import Mark, find_marks
from .neighbours import WITHIN, as_array, inside, overlaps
from .rows import part_rows
from .view import model_images
from .words import WordReader

MAX_LEVEL_DEG = 5.0
"""Lines that are turned further are read from a frame that is turned back."""
MS = 1000
"""Milliseconds of a second."""
POSSIBLE = 0.02
"""Marks that are a digit, or several, with less are none."""


@dataclass(frozen=True)
class Told:
    """What stands on a page."""

    digits: list[Candidate]
    """What may be a digit, none within another."""
    others: list[Mark]
    """Marks of a digit's size that are none, none within another."""
    shape: tuple[int, int]
    """Height and width of the frame, px."""
    classify_s: float
    """Time in the networks."""

    @cached_property
    def seen(self) -> Seen:
        """What the digits look like."""
        return _seen(self.digits, self.shape)

    @cached_property
    def likely(self) -> NDArray[np.float64]:
        """(N,) probabilities that they are digits, by themselves alone."""
        return _likely(self.digits)

    @cached_property
    def seen_beside(self) -> Seen:
        """What the other marks look like."""
        boxes = as_array([each.box for each in self.others])
        contrast = np.array([each.peak for each in self.others], np.float64)
        none = np.zeros(len(boxes))
        return Seen(boxes, contrast, np.ones(len(boxes)), none, none)


_OfMark = tuple[int, Hypothesis]
"""Which mark, and what it may be."""


class Recognizer:
    """Reads handwritten digits. Build it once; it holds the model. Not thread-safe.

    Args:
        model: The bundle, with or without suffix; by default the settings' one.
        settings: How to read; see ``default.toml``.

    Raises:
        ModelError: The bundle does not fit.
        RuntimeUnavailableError: No TFLite runtime is usable.
        SettingsError: A setting has an impossible value.
    """

    def __init__(
        self, model: str | os.PathLike[str] | None = None, settings: Settings | None = None
    ) -> None:
        self.settings = settings or Settings()
        self.settings.check()
        keep_freed_memory()
        self.bundle = load_bundle(Path(self.settings.model if model is None else model))
        runtime, threads = self.settings.runtime, self.settings.threads
        self.classifier = Classifier(self.bundle, runtime, threads)
        self.words = self._word_reader()
        classes = self.bundle.classes
        self._several = classes.index(SEVERAL_CLASS) if SEVERAL_CLASS in classes else None
        chosen = self.settings.min_confidence
        self._min_confidence = self.bundle.min_confidence if chosen is None else chosen

    def _word_reader(self) -> WordReader | None:
        """Load the reader of words, for networks that can tell that digits touch."""
        if not self.settings.strings or SEVERAL_CLASS not in self.bundle.classes:
            return None
        bundle = load_bundle(Path(self.settings.strings))
        return WordReader(bundle, self.settings.runtime, self.settings.threads)

    def read(self, image: str | os.PathLike[str] | bytes | NDArray[Any]) -> Reading:
        """Read the digits in an image.

        Args:
            image: A path, the bytes of an image file, or an array: (H, W) or (H, W, 3) uint8,
                BGR as OpenCV gives it.

        Raises:
            ImageError: The image cannot be decoded or has another form.
        """
        start = perf_counter()
        frame = self.frame(image)
        decode_ms = (perf_counter() - start) * MS
        return self.read_frame(frame, decode_ms)

    def frame(self, image: str | os.PathLike[str] | bytes | NDArray[Any]) -> Frame:
        """Bring an image to the working resolution; arguments and errors are those of read."""
        size = self.settings.preprocess.work_size_px
        if isinstance(image, np.ndarray):
            luma = luma_of(image)
            decoded = Decoded(luma, luma.shape[1], luma.shape[0])
        elif isinstance(image, bytes):
            decoded = decode_bytes(image, "image", work_size_px=size)
        else:
            decoded = decode_file(Path(image), work_size_px=size)
        return fit_frame(decoded.luma, decoded.width, decoded.height, size)

    def read_frame(self, frame: Frame, decode_ms: float = 0.0) -> Reading:
        """Read a frame that is at the working resolution already."""
        start = perf_counter()
        luma, back = turned_by(frame.luma, self.settings.preprocess.orientation)
        told = self.tell(luma)
        classify_s = told.classify_s
        tilt = estimate_tilt([each.box for each in told.digits if each.is_digit > 0.5])
        if abs(tilt) > MAX_LEVEL_DEG:
            level, level_back = upright(luma, tilt)
            back = after(level_back, back)
            told = _inside(self.tell(level), frame, back)
            classify_s += told.classify_s
        lines = self._lines(told)
        total_ms = (perf_counter() - start) * MS
        known = sum(len(line.digits) for line in lines)
        return Reading(
            lines=tuple(_in_image(line, frame, back) for line in lines),
            rejected=len(told.digits) + len(told.others) - known,
            width=frame.width,
            height=frame.height,
            timing_ms={
                "decode": decode_ms,
                "segment": total_ms - classify_s * MS,
                "classify": classify_s * MS,
                "total": decode_ms + total_ms,
            },
            model=f"sha256:{self.bundle.sha256}",
        )

    def tell(self, luma: GrayImage) -> Told:
        """Find marks, and tell what each is; nothing is weighed or left out yet.

        Args:
            luma: (H, W) uint8 at the working resolution, 0 black.
        """
        marks = find_marks(find_ink(luma, self.settings.preprocess.polarity))
        images = model_images(marks)
        start = perf_counter()
        probabilities = self.classifier.probabilities(images).astype(np.float64)
        if rows := self._rows(marks, probabilities):
            marks = [*marks, *rows]
            more = self.classifier.probabilities(model_images(rows))
            probabilities = np.concatenate([probabilities, more])
        hypotheses = [*self._singles(marks, probabilities), *self._read_words(marks, probabilities)]
        classify_s = perf_counter() - start
        shape = luma.shape[0], luma.shape[1]
        told = _told(marks, hypotheses, shape, classify_s)
        if len(told.digits) == sum(len(each.digits) for _, each in hypotheses):
            return told  # nothing to choose from
        return _told(marks, self._believed(hypotheses, told), shape, classify_s)

    def _rows(self, marks: Sequence[Mark], probabilities: NDArray[np.float64]) -> list[Mark]:
        """Part marks that may be several digits of several rows."""
        likeliest = probabilities.argmax(axis=1)
        single = np.isin(likeliest, self.classifier.digits)
        if self._several is None or not single.any():
            return []
        height = float(np.median([marks[i].box.height for i in np.flatnonzero(single)]))
        written = np.flatnonzero(likeliest == self._several)
        return [row for i in written for row in part_rows(marks[i], height)]

    def _believed(self, hypotheses: list[_OfMark], told: Told) -> list[_OfMark]:
        """Weigh all that marks may be against what stands around them."""
        beliefs, others = self.bundle.beliefs, told.seen_beside
        believed = beliefs(told.seen, told.likely, others)
        marks = [digit for _, hypothesis in hypotheses for digit in hypothesis.digits]
        found = beliefs.of(_seen(marks, told.shape), _likely(marks), told.seen, believed, others)
        each = iter(found.tolist())
        return [
            (i, replace(h, digits=tuple(replace(d, believed=next(each)) for d in h.digits)))
            for i, h in hypotheses
        ]

    def _singles(self, marks: Sequence[Mark], probabilities: NDArray[np.float64]) -> list[_OfMark]:
        """Return which marks may be one digit each, and how likely it is if they are not more."""
        digit = probabilities[:, self.classifier.digits]
        likely = digit.sum(axis=1)
        one = np.ones(len(marks))
        if self._several is not None:
            one = 1 - probabilities[:, self._several]
        found = []
        for i in np.flatnonzero(likely >= POSSIBLE).tolist():
            candidate = Candidate(marks[i], min(likely[i] / one[i], 1), digit[i] / likely[i])
            found.append((i, Hypothesis((candidate,), one[i])))
        return found

    def _read_words(
        self, marks: Sequence[Mark], probabilities: NDArray[np.float64]
    ) -> list[_OfMark]:
        """Return which marks may be several digits, and which."""
        if self.words is None or self._several is None:
            return []
        several = probabilities[:, self._several]
        chosen = np.flatnonzero(several >= POSSIBLE)
        found = []
        for i, digits in zip(chosen, self.words.read([[marks[i]] for i in chosen]), strict=True):
            if digits:
                told = np.array([each.probabilities for each in digits])[:, 1:-1]
                likely = told.sum(axis=1)
                candidates = tuple(
                    Candidate(_part(marks[i], each.box), p, row / max(p, POSSIBLE), len(digits) > 1)
                    for each, p, row in zip(digits, likely, told, strict=True)
                )
                found.append((int(i), Hypothesis(candidates, several[i])))
        return found

    def _lines(self, told: Told) -> list[Line]:
        """Weigh what stands beside each digit, and put those that are certain enough in order."""
        seen, others = told.seen, told.seen_beside
        is_digit = self.bundle.beliefs(seen, told.likely, others)
        digits = [_digit(*each) for each in zip(told.digits, is_digit, strict=True)]
        sure = np.array([d.confidence >= self._min_confidence for d in digits], bool)
        least = min(self._min_confidence, self.bundle.min_confidence)
        kept = sure | (is_digit >= self.bundle.untold)
        lines = []
        for number in group_numbers(seen.boxes[kept], _signs(seen, kept, others)):
            members = np.flatnonzero(kept)[number].tolist()
            if any(digits[i].confidence >= least for i in members):
                lines.append(
                    Line(
                        tuple(
                            digits[i] if sure[i] else replace(digits[i], digit=None)
                            for i in members
                        )
                    )
                )
        return lines


def _told(
    marks: Sequence[Mark], hypotheses: list[_OfMark], shape: tuple[int, int], classify_s: float
) -> Told:
    """Choose what explains the ink best, and tell what is left of it."""
    sides = [
        [(i, h) for i, h in hypotheses if marks[i].level.light_on_dark == light]
        for light in (False, True)
    ]
    digits, light = choose_polarity(
        *(choose([h for _, h in side], [marks[i].box for i, _ in side]) for side in sides)
    )
    taken = {i for i, _ in hypotheses}
    others = [
        mark
        for i, mark in enumerate(marks)
        if i not in taken and light in (None, mark.level.light_on_dark)
    ]
    return Told(digits, _apart(others, digits), shape, classify_s)


def _signs(seen: Seen, is_digit: NDArray[np.bool_], others: Seen) -> NDArray[np.float64]:
    """Return the (M, 4) places of marks that may part two numbers.

    They are written as strongly as digits are, half as strongly at least, and stand beside them.
    """
    boxes: NDArray[np.float64] = np.concatenate([seen.boxes[~is_digit], others.boxes])
    contrast = np.concatenate([seen.contrast[~is_digit], others.contrast])
    digits = seen.boxes[is_digit]
    if not len(boxes) or not len(digits):
        return boxes
    apart = ~overlaps(boxes, digits).any(axis=1)
    strong = contrast >= 0.5 * np.median(seen.contrast[is_digit])
    return np.asarray(boxes[apart & strong])


def _seen(digits: Sequence[Candidate], shape: tuple[int, int]) -> Seen:
    boxes = as_array([each.box for each in digits])
    (x, y, width, height), (bottom, right) = boxes.T, shape
    reached = x <= 0, y <= 0, x + width >= right, y + height >= bottom
    return Seen(
        boxes,
        np.array([each.mark.peak for each in digits], np.float64),
        np.array([each.mark.slender for each in digits], np.float64),
        np.array([each.joined for each in digits], np.float64),
        np.sum(reached, axis=0, dtype=np.float64),
    )


def _likely(digits: Sequence[Candidate]) -> NDArray[np.float64]:
    return np.array([each.is_digit for each in digits], np.float64)


def _part(mark: Mark, box: Box) -> Mark:
    """Return what of a mark lies in a box."""
    scale = mark.level.scale
    x, y = (box.x - mark.box.x) // scale, (box.y - mark.box.y) // scale
    right, bottom = -(-box.width // scale), -(-box.height // scale)
    return replace(mark, box=box, contrast=mark.contrast[y : y + bottom, x : x + right])


def _digit(candidate: Candidate, is_digit: float) -> Digit:
    """Return the likeliest digit, and the two likeliest beside it."""
    confidence = is_digit * candidate.which
    first, second = candidate.which.argsort()[:-3:-1].tolist()
    likeliest = ((first, float(confidence[first])), (second, float(confidence[second])))
    return Digit(first, float(confidence[first]), candidate.box, likeliest)


def _apart(others: list[Mark], digits: Sequence[Candidate]) -> list[Mark]:
    """Leave out marks that are pieces of digits or of one another, or stand around digits."""
    if not others:
        return []
    boxes = as_array([mark.box for mark in others])
    places = as_array([digit.box for digit in digits])
    piece = (np.hstack([inside(boxes), inside(boxes, places)]) >= WITHIN).any(axis=1)
    around = (inside(places, boxes) >= WITHIN).any(axis=0)
    return [mark for mark, drop in zip(others, piece | around, strict=True) if not drop]


def _inside(told: Told, frame: Frame, back: NDArray[np.float64]) -> Told:
    """Leave out what lies beyond the frame, where a turned frame's border goes on."""
    height, width = frame.luma.shape
    return replace(
        told,
        digits=[d for d in told.digits if is_inside(d.box, back, width, height)],
        others=[mark for mark in told.others if is_inside(mark.box, back, width, height)],
    )


def _in_image(line: Line, frame: Frame, back: NDArray[np.float64]) -> Line:
    """Bring the boxes of the working resolution, turned or not, to the image as given."""
    height, width = frame.luma.shape
    if (width, height) == (frame.width, frame.height) and (back == np.eye(2, 3)).all():
        return line

    def place(box: Box) -> Box:
        box = box_back(box, back, width, height)
        return box.scaled(frame.width / width, frame.height / height, frame.width, frame.height)

    return Line(tuple(replace(digit, box=place(digit.box)) for digit in line.digits))
